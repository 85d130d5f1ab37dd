//! What a daemon understands, as text and as JSON.

use std::fmt::Write;

use ipc_server::layout::{Description, Kind, Names, Node, Variant};
use serde_json::{Map, Value as JsonValue, json};

use crate::daemon::Daemon;
use crate::user;
use crate::value::Clean;

/// Colours for a terminal, or none.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) name: &'static str,
    pub(crate) head: &'static str,
    pub(crate) end: &'static str,
}

impl Style {
    pub(crate) const PLAIN: Self = Self { name: "", head: "", end: "" };
    pub(crate) const COLOURED: Self = Self { name: "\x1b[36m", head: "\x1b[1m", end: "\x1b[0m" };
}

/// All that is known of a daemon, over several lines.
pub(crate) fn text(daemon: &Daemon, style: Style) -> String {
    let (server, peer) = (daemon.server(), daemon.peer());
    let program = if server.program().is_empty() { "a daemon without a name" } else { server.program() };
    let mut text = format!("{}{}{}", style.head, Clean(program), style.end);
    if let Some(pid) = peer.pid {
        let _ = write!(text, ", process {pid}");
    }
    let _ = write!(text, ", {}, {}", user::user(peer.uid), daemon.codec());
    let _ = writeln!(text, ", commands of at most {} bytes", daemon.capacity());
    section(&mut text, "command", daemon.commands(), style);
    section(&mut text, "response", daemon.responses(), style);
    let mut types: Vec<String> = definitions(daemon.commands());
    for definition in definitions(daemon.responses()) {
        if !types.contains(&definition) {
            types.push(definition);
        }
    }
    if !types.is_empty() {
        let _ = writeln!(text, "\n{}types{}", style.head, style.end);
        for definition in types {
            let _ = writeln!(text, "  {}", Clean(&definition));
        }
    }
    text
}

/// What a command carries, on one line.
pub(crate) fn usage(variant: Variant<'_>) -> String {
    match variant.content() {
        Kind::Unit => String::new(),
        Kind::Struct(fields) => {
            let fields: Vec<String> =
                fields.map(|(names, field)| format!("{}: {}", name(names), Clean(&format!("{field:?}")))).collect();
            fields.join(", ")
        }
        Kind::Tuple(elements) if !format!("{:?}", variant.form()).starts_with('[') => {
            let elements: Vec<String> = elements.map(|element| Clean(&format!("{element:?}")).to_string()).collect();
            elements.join(", ")
        }
        _ => Clean(&format!("{:?}", variant.form())).to_string(),
    }
}

/// The variants of one of the two types, or the type itself if it is no enum.
fn section(text: &mut String, what: &str, description: Description<'_>, style: Style) {
    let Style { name: colour, head, end } = style;
    match description.root().kind() {
        Kind::Enum(variants) => {
            let _ = writeln!(text, "\n{head}{what}s{end}");
            let width = variants.map(|variant| name(variant.names()).chars().count()).max().unwrap_or(0);
            for variant in variants {
                let (name, usage) = (name(variant.names()), usage(variant));
                let padding = if usage.is_empty() { 0 } else { 2 + width - name.chars().count() };
                let _ = writeln!(text, "  {colour}{name}{end}{:padding$}{usage}", "");
            }
        }
        Kind::Struct(fields) => {
            let _ = writeln!(text, "\n{head}{what}{end}");
            let width = fields.map(|(names, _)| name(names).chars().count()).max().unwrap_or(0);
            for (names, field) in fields {
                let name = name(names);
                let padding = 2 + width - name.chars().count();
                let _ = writeln!(text, "  {colour}{name}{end}{:padding$}{}", "", Clean(&format!("{field:?}")));
            }
        }
        _ => {
            let _ = writeln!(text, "\n{head}{what}{end}\n  {}", Clean(&format!("{:?}", description.root())));
        }
    }
}

/// A line for each struct and enum but the type itself, which has a section of its own.
fn definitions(description: Description<'_>) -> Vec<String> {
    description.to_string().lines().skip(1).map(str::to_owned).collect()
}

/// All names of a field or variant.
pub(crate) fn name(names: Names<'_>) -> String {
    let names: Vec<String> = names.map(|name| Clean(name).to_string()).collect();
    names.join("|")
}

/// All that is known of a daemon, for programs.
pub(crate) fn as_json(daemon: &Daemon) -> JsonValue {
    let peer = daemon.peer();
    json!({
        "program": daemon.server().program(),
        "process": peer.pid,
        "uid": peer.uid,
        "user": user::name(peer.uid),
        "codec": daemon.codec(),
        "capacity": daemon.capacity(),
        "command": description(daemon.commands()),
        "response": description(daemon.responses()),
    })
}

/// One of the two types: its form, the structs and enums that it is made of, and its text.
fn description(description: Description<'_>) -> JsonValue {
    let mut types = Map::new();
    let form = node(description.root(), &mut types);
    json!({ "form": form, "types": types, "text": description.to_string() })
}

/// The form of a value. Structs and enums are in `types`, by their names.
fn node(form: Node<'_>, types: &mut Map<String, JsonValue>) -> JsonValue {
    let kind = form.kind();
    // No two have one name. The fields of a struct variant have none.
    let name = format!("{form:?}");
    match kind {
        Kind::Struct(fields) if fields.name().is_empty() && name.starts_with('{') => contents(kind, types),
        Kind::Struct(_) | Kind::Enum(_) => {
            if !types.contains_key(&name) {
                // It may contain itself.
                types.insert(name.clone(), JsonValue::Null);
                let described = contents(kind, types);
                types.insert(name.clone(), described);
            }
            json!({ "type": "named", "name": name })
        }
        _ => contents(kind, types),
    }
}

/// What a value is made of.
fn contents(form: Kind<'_>, types: &mut Map<String, JsonValue>) -> JsonValue {
    match form {
        Kind::Unit => json!({ "type": "unit" }),
        Kind::Bool => json!({ "type": "bool" }),
        Kind::Signed(bits) => json!({ "type": format!("i{bits}") }),
        Kind::Unsigned(bits) => json!({ "type": format!("u{bits}") }),
        Kind::Float(bits) => json!({ "type": format!("f{bits}") }),
        Kind::Char => json!({ "type": "char" }),
        Kind::String => json!({ "type": "string" }),
        Kind::Option(inner) => json!({ "type": "option", "of": node(inner, types) }),
        Kind::Sequence(element) => json!({ "type": "list", "of": node(element, types) }),
        Kind::Map(key, value) => json!({ "type": "map", "key": node(key, types), "value": node(value, types) }),
        Kind::Tuple(mut elements) => {
            let count = elements.count();
            // Where all are alike, they are told once.
            match elements.next() {
                Some(first) if elements.all(|element| element == first) => {
                    json!({ "type": "array", "of": node(first, types), "length": count })
                }
                _ => {
                    let Kind::Tuple(elements) = form else { return JsonValue::Null };
                    let elements: Vec<JsonValue> = elements.map(|element| node(element, types)).collect();
                    json!({ "type": "tuple", "elements": elements })
                }
            }
        }
        Kind::Struct(fields) => {
            let fields: Vec<JsonValue> = fields.map(|(names, field)| named(names, node(field, types))).collect();
            json!({ "type": "struct", "fields": fields })
        }
        Kind::Enum(variants) => {
            let variants: Vec<JsonValue> =
                variants.map(|variant| named(variant.names(), node(variant.form(), types))).collect();
            json!({ "type": "enum", "variants": variants })
        }
        _ => json!({ "type": "opaque" }),
    }
}

/// A field or variant: its name, other names that it has, and its form.
fn named(names: Names<'_>, form: JsonValue) -> JsonValue {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [name] => json!({ "name": name, "form": form }),
        names => json!({ "name": names.first(), "names": names, "form": form }),
    }
}
