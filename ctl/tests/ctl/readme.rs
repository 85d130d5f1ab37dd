//! The sessions of the READMEs, as they are.

use crate::support::{Daemon, command, run};
use crate::types::simple;

#[test]
fn sessions_go_as_the_readmes_say() {
    let mut commands = 0;
    for readme in [include_str!("../../README.md"), include_str!("../../../README.md")] {
        let (_, session) = readme.split_once("```console\n").unwrap();
        let (session, _) = session.split_once("```").unwrap();
        let daemon = simple();
        for exchange in session.split("$ ").skip(1) {
            let (line, expected) = exchange.split_once('\n').unwrap();
            assert_eq!(printed(&daemon, line), expected, "{line}");
            commands += 1;
        }
    }
    assert_eq!(commands, 7);
}

/// What a line prints.
fn printed(daemon: &Daemon, line: &str) -> String {
    let (input, line) = match line.strip_prefix("echo ") {
        Some(line) => line.split_once(" | ").unwrap(),
        None => ("", line),
    };
    let socket = daemon.socket().to_str().unwrap().to_owned();
    let words: Vec<String> = line.split(' ').map(|word| word.replace("/run/fand.sock", &socket)).collect();
    assert_eq!(words[0], "ipcctl");
    let mut command = command();
    command.args(&words[1..]);
    let outcome = run(command, input.trim_matches('\''));
    let text = outcome.stdout + &outcome.stderr;
    // Who runs it differs.
    match (text.split_once(", process "), text.split_once(", bincode")) {
        (Some((before, _)), Some((_, behind))) => format!("{before}, process 314, user fand (990), bincode{behind}"),
        _ => text,
    }
}
