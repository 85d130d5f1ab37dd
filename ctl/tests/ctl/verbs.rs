//! What needs no socket on the command line.

use std::fs;
use std::os::unix::net::UnixListener;

use ipc_server::{Caller, IpcServer, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{Daemon, Outcome, command, run};
use crate::types::{echo, simple};

fn ctl(words: &[&str]) -> Outcome {
    let mut command = command();
    command.args(words);
    run(command, "")
}

#[test]
fn daemons_are_found_and_nobody_else_is_spoken_to() {
    let daemon = simple();
    let directory = daemon.socket().parent().unwrap().to_owned();
    let stranger = UnixListener::bind(directory.join("stranger")).unwrap();
    stranger.set_nonblocking(true).unwrap();
    drop(UnixListener::bind(directory.join("t")).unwrap());
    fs::write(directory.join("t.lock"), "").unwrap();
    let directory = directory.to_str().unwrap();
    let process = std::process::id();
    ctl(&["list", directory]).prints(&format!(
        "{directory}/s  fand 1.1.0, process {process}\n\
         {directory}/t  no answer: nobody is listening at the socket: start the daemon"
    ));
    assert!(stranger.accept().is_err(), "it was connected to");
    let outcome = ctl(&["list", directory, "--json"]);
    let first: Value = serde_json::from_str(outcome.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first, json!({"socket": format!("{directory}/s"), "program": "fand 1.1.0", "process": process}));
    let empty = tempfile::tempdir().unwrap();
    let outcome = ctl(&["list", empty.path().to_str().unwrap()]);
    assert_eq!((outcome.status, &*outcome.stdout, &*outcome.stderr), (Some(3), "", ""));
}

/// The next version of `Simple`.
#[derive(Serialize, Deserialize, Debug)]
enum Next {
    Stop,
    GetLevel,
    SetLevel(u16),
}

impl Request for Next {
    type Response = i8;
}

#[test]
fn two_versions_are_compared_by_what_becomes_of_old_programs() {
    let directory = tempfile::tempdir().unwrap();
    let save = |name: &str, daemon: &Daemon| {
        let path = directory.path().join(name);
        fs::write(&path, daemon.ctl(&["--json"]).stdout).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let old = save("old", &simple());
    let next = Daemon::start(|path| IpcServer::<Next>::builder().bind(path).unwrap(), |_: Next, _: Caller| 1);
    let new = save("new", &next);
    let outcome = ctl(&["diff", &old, &new]);
    assert_eq!((outcome.status, &*outcome.stderr), (Some(1), ""));
    assert_eq!(
        outcome.stdout,
        "Next::SetLevel: the number got wider. Old programs' commands: understood\n\
         Next::Stop: the variant is new. Old programs' commands: understood\n\
         Next: variants have other indices. Old programs' commands: understood\n\
         the type itself: the integer got a sign. Responses to old programs: some values are refused\n"
    );
    let outcome = ctl(&["diff", &old, &old]);
    assert_eq!((outcome.status, &*outcome.stdout), (Some(0), ""));
    let text = directory.path().join("text");
    fs::write(&text, "enum Simple { SetLevel(u8) }\n").unwrap();
    let text = text.to_str().unwrap();
    assert_eq!(ctl(&["diff", text, text]).status, Some(0));
    ctl(&["diff", text, &old]).fails(2, "one file is a daemon's description and the other the text of one type");
    ctl(&["diff", text]).fails(2, "two files are wanted: ipcctl diff OLD NEW");
}

/// What bash offers for the last word of a line.
fn offered(daemon: &Daemon, line: &[&str]) -> Vec<String> {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_ipcctl"));
    let script = "source <(ipcctl completions bash); COMP_WORDS=(ipcctl \"$@\"); COMP_CWORD=$#; _ipcctl
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut command = std::process::Command::new("bash");
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).args(["-c", script, "bash"]).arg(daemon.socket()).args(line);
    let outcome = run(command, "");
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    outcome.stdout.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn commands_and_fields_are_completed_from_the_running_daemon() {
    let daemon = echo();
    assert_eq!(offered(&daemon, &["Se"]), ["SetLevel", "Set"]);
    assert_eq!(offered(&daemon, &[""]).len(), 15);
    assert_eq!(offered(&daemon, &["Set", ""]), ["Step", "Label", "Range", "Off"]);
    assert_eq!(offered(&daemon, &["Set", "Range", "--t"]), ["--to"]);
    assert_eq!(offered(&daemon, &["Limit", "1", ""]), ["none", "--burst", "--name"]);
    assert_eq!(offered(&daemon, &["Limit", "--name", "n", "--"]), ["--rate", "--burst"]);
    assert_eq!(offered(&daemon, &["Paused", "--paused", "t"]), ["true"]);
    assert_eq!(offered(&daemon, &["Tree", "Node", "Leaf", "N"]), ["Node"]);
    assert_eq!(offered(&daemon, &["SetLevel", "x", ""]), [""; 0]);
    ctl(&["completions", "tcsh"]).fails(2, "a shell is wanted: ipcctl completions bash, zsh or fish");
}
