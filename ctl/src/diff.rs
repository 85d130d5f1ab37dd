//! What changed between two versions of a daemon, and what becomes of programs that have the old one.

use std::fs;

use ipc_server::layout::{Description, Effect, changes};
use serde_json::{Value, json};

use crate::failure::{FAILED, Failure};
use crate::print;
use crate::value::Clean;

/// Whose type it is.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Command,
    Response,
    /// A text does not say it.
    Either,
}

/// Compares two files: what `ipcctl --json SOCKET` printed, or texts of layouts.
pub(crate) fn diff(words: &[String], json: bool) -> Result<u8, Failure> {
    let [old, new] = words else { return Err(Failure::usage("two files are wanted: ipcctl diff OLD NEW")) };
    let (old, new) = (read(old)?, read(new)?);
    if old.len() != new.len() {
        return Err(Failure::usage("one file is a daemon's description and the other the text of one type"));
    }
    let mut breaks = false;
    for ((of, old), (_, new)) in old.iter().zip(&new) {
        let (mut old_bytes, mut new_bytes) = (vec![0; usize::from(u16::MAX)], vec![0; usize::from(u16::MAX)]);
        let parsed = (Description::parse(old, &mut old_bytes), Description::parse(new, &mut new_bytes));
        let (Some(old), Some(new)) = parsed else {
            return Err(Failure::usage("a file has no layout in it"));
        };
        let mut lines = String::new();
        changes(old, new, &mut |change| {
            let effect = match of {
                Of::Command => change.command,
                Of::Response => change.response,
                Of::Either => change.command.max(change.response),
            };
            breaks |= effect > Effect::Fine;
            let mut place = change.of.to_owned();
            for (separator, part) in [("::", change.variant), (".", change.field)] {
                if !part.is_empty() {
                    place.push_str(separator);
                    place.push_str(part);
                }
            }
            if place.is_empty() {
                place.push_str("the type itself");
            }
            let (what, effects) = (change.what, [change.command.to_string(), change.response.to_string()]);
            let [command, response] = &effects;
            let line = match (json, of) {
                (true, Of::Command) => json!({ "in": "command", "at": place, "what": what, "commands": command }),
                (true, Of::Response) => json!({ "in": "response", "at": place, "what": what, "responses": response }),
                (true, Of::Either) => json!({ "at": place, "what": what, "commands": command, "responses": response }),
                (false, Of::Command) => Value::from(format!("{place}: {what}. Old programs' commands: {command}")),
                (false, Of::Response) => Value::from(format!("{place}: {what}. Responses to old programs: {response}")),
                (false, Of::Either) => Value::from(change.to_string()),
            };
            match line.as_str() {
                Some(text) => lines.push_str(&Clean(text).to_string()),
                None => lines.push_str(&line.to_string()),
            }
            lines.push('\n');
        });
        print(&lines)?;
    }
    Ok(if breaks { FAILED } else { 0 })
}

/// The texts of the types in a file.
fn read(path: &str) -> Result<Vec<(Of, String)>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::usage(format!("{path}: {error}")))?;
    let Ok(json) = serde_json::from_str::<Value>(&text) else { return Ok(vec![(Of::Either, text)]) };
    let of = |of, name: &str| {
        let text = json.get(name).and_then(|description| description.get("text")).and_then(Value::as_str);
        text.map(|text| (of, text.to_owned()))
    };
    match (of(Of::Command, "command"), of(Of::Response, "response")) {
        (Some(command), Some(response)) => Ok(vec![command, response]),
        _ => Err(Failure::usage(format!(
            "{path}: it is neither a description, as --json prints it, nor a layout's text"
        ))),
    }
}
