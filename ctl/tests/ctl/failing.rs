//! What goes wrong, and what is said of it.

use std::fs;
use std::os::unix::net::UnixListener;
use std::time::Instant;

use ipc_server::{Caller, IpcServer};

use crate::support::{Daemon, command, run};
use crate::types::{Simple, echo};

/// These words are refused before anything is sent.
#[track_caller]
fn is_refused(daemon: &Daemon, words: &[&str], message: &str) {
    daemon.ctl(words).fails(2, message);
}

#[test]
fn what_does_not_fit_says_what_is_wanted() {
    let daemon = echo();
    is_refused(&daemon, &["SetLevel", "300"], "SetLevel: u8, 0 to 255, is wanted, not 300");
    is_refused(&daemon, &["SetLevel", "-1"], "SetLevel: u8, 0 to 255, is wanted, not -1");
    is_refused(&daemon, &["SetLevel", "x"], "SetLevel: u8, 0 to 255, is wanted, not x");
    is_refused(&daemon, &["SetLevel"], "SetLevel is missing: u8, 0 to 255, is wanted");
    is_refused(&daemon, &["SetLevel", "1", "2"], "there is a word too many: 2");
    is_refused(&daemon, &["GetLevel", "1"], "there is a word too many: 1");
    is_refused(&daemon, &[r#"{"SetLevel":300}"#], "SetLevel: u8, 0 to 255, is wanted, not 300");
    is_refused(&daemon, &[r#"{"SetLevel":1.5}"#], "SetLevel: u8, 0 to 255, is wanted, not 1.5");
    is_refused(&daemon, &["Set", "Range", "1"], "Set.Range.to is missing: i16, -32768 to 32767, is wanted");
    is_refused(&daemon, &["Set"], "Set is missing: one of Step, Label, Range, Off is wanted");
    is_refused(&daemon, &["Set", "step"], "Set: there is no step: did you mean Step?");
    is_refused(&daemon, &["Set", "volume"], "Set: there is no volume: it has Step, Label, Range, Off");
    is_refused(&daemon, &["Limit", "1"], "Limit.name is missing: text is wanted");
    is_refused(&daemon, &["Limit", "--rat", "1"], "Limit: there is no field rat: did you mean rate?");
    is_refused(&daemon, &["Limit", "1", "x", "n"], "Limit.burst: u64, 0 to 18446744073709551615, is wanted, not x");
    is_refused(&daemon, &["Limit", "--rate=1", "--rate=2"], "Limit.rate: it is given twice");
    is_refused(&daemon, &["Limit", r#"{"rate":1}"#], "Limit.name is missing: text is wanted");
    is_refused(
        &daemon,
        &["Limit", r#"{"rate":1,"size":2}"#],
        "Limit: there is no field size: it has rate, burst, name",
    );
    is_refused(&daemon, &["Pair", "1", "xy"], "Pair[1]: one character is wanted, not xy");
    is_refused(&daemon, &["Numbers"], "Numbers is missing: a list of i64, as words or JSON, is wanted");
    is_refused(
        &daemon,
        &["Numbers", "1", "x"],
        "Numbers[1]: i64, -9223372036854775808 to 9223372036854775807, is wanted, not x",
    );
    is_refused(&daemon, &["Ports", "99999=Off"], "Ports: u16, 0 to 65535, is wanted, not 99999");
    is_refused(&daemon, &["Table", "a"], "Table: a map of String to f32, as key=value or JSON, is wanted, not a");
    is_refused(&daemon, &["Table", "a=x"], "Table.a: f32, a number such as 0.5, is wanted, not x");
    is_refused(&daemon, &["Float", "1e999"], "Float: f64, a number such as 0.5, is wanted, not 1e999");
    is_refused(&daemon, &["SetLvel", "1"], "the daemon has no command SetLvel: did you mean SetLevel?");
    is_refused(
        &daemon,
        &["Explode"],
        "the daemon has no command Explode: it has GetLevel, SetLevel, Set, Limit, Paused, Pair, Numbers, Bytes, Table, \
         Ports, Tagged, Wide, Float, Tree, Fail",
    );
    is_refused(&daemon, &["GetLevel", "--volume"], "there is no option --volume: text like this goes behind --");
}

#[test]
fn a_command_that_is_too_long_is_not_sent() {
    echo()
        .ctl(&["Fail", &"x".repeat(2000)])
        .fails(2, "the command is longer than the 1016 bytes that the daemon takes; nothing was sent");
}

#[test]
fn nothing_is_executed_of_what_is_refused() {
    let daemon = Daemon::start(
        |path| IpcServer::<Simple>::builder().bind(path).unwrap(),
        |command, _: Caller| panic!("{command:?} was executed"),
    );
    is_refused(&daemon, &["SetLevel", "300"], "SetLevel: u8, 0 to 255, is wanted, not 300");
    assert_eq!(daemon.ctl(&[]).status, Some(0));
}

#[test]
fn no_daemon_is_told_from_one_that_has_ended() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("s");
    let at = |message: &str| format!("{}: {message}", socket.display());
    let run = || {
        let mut command = command();
        command.arg(&socket).arg("GetLevel");
        run(command, "")
    };
    run().fails(3, &at("no socket is there: start the daemon, or correct the path"));
    drop(UnixListener::bind(&socket).unwrap());
    run().fails(3, &at("nobody is listening at the socket: start the daemon"));
    fs::remove_file(&socket).unwrap();
    fs::write(&socket, "").unwrap();
    run().fails(3, &at("nobody is listening at the socket: start the daemon"));
}

#[test]
fn a_daemon_on_the_bare_wire_is_told_as_such() {
    let daemon = Daemon::start(
        |path| IpcServer::<Simple>::builder().bare().bind(path).unwrap(),
        |command, _: Caller| panic!("{command:?} was executed"),
    );
    let message = "the daemon ended the connection without a word: it speaks the bare wire only, and can't describe its \
                   commands, or it serves other users; use the program that came with it";
    daemon.ctl(&["GetLevel"]).fails(1, &format!("{}: {message}", daemon.socket().display()));
}

#[test]
fn a_daemon_that_hangs_is_waited_for_as_long_as_was_said() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("s");
    let _listener = UnixListener::bind(&socket).unwrap();
    let mut command = command();
    command.args(["--timeout", "0.2"]).arg(&socket);
    let before = Instant::now();
    run(command, "").fails(
        4,
        &format!(
            "{}: the daemon did not describe its commands in time: it is busy or stopped, or speaks the bare wire only; see \
             what it does, or raise --timeout",
            socket.display()
        ),
    );
    assert!(before.elapsed().as_millis() >= 200);
}

#[test]
fn the_command_line_is_checked_before_the_daemon_is_asked() {
    let mut without = command();
    without.args(["--timeout", "soon", "s"]);
    let outcome = run(without, "");
    assert_eq!((outcome.status, &*outcome.stdout), (Some(2), ""));
    assert!(outcome.stderr.contains("a number of seconds is wanted"), "{}", outcome.stderr);
    // No argument waits for the standard input.
    assert_eq!(run(command(), "").status, Some(2));
}
