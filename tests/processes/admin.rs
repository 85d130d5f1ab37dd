//! The admin example as an operator and a script use it: every command, every exit status.

use crate::example;
use std::fs;
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::process::Output;
use std::thread;

use crate::example::Background;
use rustix::process::geteuid;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A daemon in a directory of its own.
struct Daemon {
    directory: TempDir,
    process: Background,
}

impl Daemon {
    fn start(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), arguments)
    }

    fn start_in(directory: TempDir, arguments: &[&str]) -> Self {
        let socket = directory.path().join("admin.sock");
        let mut serve = example::command("admin");
        let process = Background::start(serve.current_dir(directory.path()).arg("serve").args(arguments));
        Self { process: process.until_listening(socket.to_str().unwrap()), directory }
    }

    fn admin(&self, arguments: &[&str]) -> Output {
        example::command("admin").current_dir(self.directory.path()).args(arguments).output().unwrap()
    }

    /// What a command that must succeed prints.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.admin(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.as_str()), (Some(0), ""), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.done(&[arguments, &["--json"]].concat());
        assert_eq!(printed.lines().count(), 1, "{printed}");
        serde_json::from_str(&printed).unwrap()
    }

    /// The reason that a command is refused for.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.admin(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        error.strip_prefix("admin: refused: ").expect(&error).trim_end().to_owned()
    }
}

#[test]
fn the_log_level_is_printed_and_set() {
    let mut daemon = Daemon::start(&[]);
    assert_eq!(daemon.done(&["level"]), "info\n");
    assert_eq!(daemon.done(&["level", "debug"]), "");
    assert_eq!(daemon.json(&["level"]), json!({ "level": "debug" }));
    assert_eq!(daemon.json(&["level", "info"]), json!({ "done": true }));
    daemon.done(&["stop"]);
    assert_eq!(daemon.process.status().code(), Some(0));
    let log = daemon.process.printed();
    let line = format!("DEBUG counter: Level {{ level: None }} from user {}, process ", geteuid().as_raw());
    assert_eq!(log.matches(&line).count(), 1, "one `level` while debug was on:\n{log}");
    assert!(log.starts_with("INFO  counter: started\n") && log.ends_with("INFO  counter: stopped\n"), "{log}");
}

#[test]
fn settings_are_listed_and_set() {
    let daemon = Daemon::start(&[]);
    assert_eq!(daemon.done(&["settings"]), "step      1\ninterval  1000 ms\nlabel     counter\npaused    false\n");
    assert_eq!(daemon.done(&["set", "step", "5"]), "");
    assert_eq!(daemon.done(&["set", "interval", "250"]), "");
    assert_eq!(daemon.done(&["set", "label", "two words"]), "");
    assert_eq!(daemon.json(&["set", "paused", "true"]), json!({ "done": true }));
    assert_eq!(
        daemon.json(&["settings"]),
        json!({ "step": 5, "interval_ms": 250, "label": "two words", "paused": true })
    );
}

#[test]
fn the_daemon_refuses_what_is_out_of_range() {
    let daemon = Daemon::start(&[]);
    assert_eq!(daemon.refused(&["set", "step", "0"]), "step must be at least 1");
    assert_eq!(daemon.refused(&["set", "interval", "9"]), "interval must be 10 to 60000 milliseconds");
    for label in ["", "two\nlines", &"x".repeat(65)] {
        assert_eq!(daemon.refused(&["set", "label", label]), "label must be 1 to 64 bytes without control characters");
    }
    assert_eq!(daemon.refused(&["reload"]), "the daemon was started without --config");
    assert_eq!(daemon.json(&["settings"])["step"], 1);
}

#[test]
fn stats_count_what_was_done() {
    let daemon = Daemon::start(&[]);
    daemon.done(&["set", "step", "3"]);
    daemon.done(&["set", "interval", "10"]);
    let stats = loop {
        let stats = daemon.json(&["stats"]);
        let (count, ticks) = (stats["count"].as_u64().unwrap(), stats["ticks"].as_u64().unwrap());
        assert!((ticks..=3 * ticks).contains(&count), "{stats}");
        // Two ticks by three; an earlier one may have been by one.
        if count >= ticks + 4 {
            break stats;
        }
    };
    assert!(stats["served"].as_u64() >= Some(2), "{stats}");
    assert_eq!((&stats["rejected"], &stats["refused"], &stats["expired"]), (&json!(0), &json!(0), &json!(0)));

    let printed = daemon.done(&["stats"]);
    let names = ["uptime", "count", "ticks", "commands served", "clients rejected", "clients refused"];
    for (line, name) in printed.lines().zip(names) {
        let (first, value) = line.split_at(18);
        assert_eq!(first, format!("{name:18}"), "{printed}");
        assert!(value.starts_with(|start: char| start.is_ascii_digit()), "{printed}");
    }
    assert_eq!(printed.lines().count(), 8);
}

#[test]
fn reload_takes_all_of_the_file_or_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("settings");
    fs::write(&file, "step = 7\n\nlabel = from the file\n").unwrap();
    let daemon = Daemon::start_in(directory, &["--config", "settings"]);
    assert_eq!(daemon.json(&["settings"])["step"], 7);

    fs::write(&file, "step = 8\ninterval = 20\npaused = true\n").unwrap();
    assert_eq!(daemon.done(&["reload"]), "");
    let settings = json!({ "step": 8, "interval_ms": 20, "label": "from the file", "paused": true });
    assert_eq!(daemon.json(&["settings"]), settings);

    for (text, reason) in [
        ("step = 9\ncolour = red\n", "nothing was changed: line 2: not a setting: colour = red"),
        ("step = nine\n", "nothing was changed: line 1: not a setting: step = nine"),
        ("paused = false\nstep = 0\n", "nothing was changed: line 2: step must be at least 1"),
    ] {
        fs::write(&file, text).unwrap();
        assert_eq!(daemon.refused(&["reload"]), reason);
    }
    fs::remove_file(&file).unwrap();
    assert!(daemon.refused(&["reload"]).starts_with("nothing was changed: No such file"));
    assert_eq!(daemon.json(&["settings"]), settings);
}

#[test]
fn stop_ends_the_daemon_and_removes_its_socket() {
    let mut daemon = Daemon::start(&[]);
    assert_eq!(daemon.json(&["stop"]), json!({ "done": true }));
    assert_eq!(daemon.process.status().code(), Some(0));
    assert!(!daemon.directory.path().join("admin.sock").exists());
    assert_eq!(daemon.admin(&["stop"]).status.code(), Some(3));
}

#[test]
fn stop_is_for_the_operator_only() {
    let uid = geteuid().as_raw();
    let daemon = Daemon::start(&["--operator", &(uid + 1).to_string()]);
    assert_eq!(daemon.refused(&["stop"]), format!("user {uid} is not the operator"));
    assert_eq!(daemon.done(&["level"]), "info\n", "it goes on, and the other commands are allowed");
}

#[test]
fn a_wrong_command_line_is_2() {
    let daemon = Daemon::start(&[]);
    let long = "x".repeat(2000);
    for arguments in [
        &[][..],
        &["begin"],
        &["set", "step", "five"],
        &["set", "paused", "perhaps"],
        &["set", "interval"],
        &["level", "loud"],
        &["stats", "--timeout", "soon"],
        &["completions", "tcl"],
        &["stats", "--socket", &long],
        &["set", "label", &long],
    ] {
        let output = daemon.admin(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn no_daemon_is_3() {
    let directory = tempfile::tempdir().unwrap();
    let admin = |arguments: &[&str]| {
        let output = example::command("admin").current_dir(directory.path()).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let missing = "admin: admin.sock: no socket is at the path: start the server, or correct the path\n";
    assert_eq!(admin(&["stats"]), (Some(3), missing.to_owned()));
    drop(UnixListener::bind(directory.path().join("left.sock")).unwrap());
    let stale = "admin: left.sock: nobody is listening at the socket: start the server\n";
    assert_eq!(admin(&["--socket", "left.sock", "stats", "--json"]), (Some(3), stale.to_owned()));
}

#[test]
fn a_daemon_that_does_not_answer_is_4() {
    let directory = tempfile::tempdir().unwrap();
    let _silent = UnixListener::bind(directory.path().join("admin.sock")).unwrap();
    let output = example::command("admin").current_dir(directory.path()).args(["stats", "--timeout", "30"]).output();
    assert_eq!(output.unwrap().status.code(), Some(4));
}

#[test]
fn an_answer_that_makes_no_sense_is_1() {
    let directory = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(directory.path().join("admin.sock")).unwrap();
    let closing = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        assert!(client.read(&mut [0; 1024]).unwrap() > 4);
    });
    let output = example::command("admin").current_dir(directory.path()).arg("stats").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    closing.join().unwrap();
}

#[test]
fn a_second_daemon_does_not_start() {
    let daemon = Daemon::start(&[]);
    let output = daemon.admin(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    let error = "admin: admin.sock: another server is listening at the socket's path: stop it first\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), error);
}

#[test]
fn completions_and_help_need_no_daemon() {
    for (shell, mark) in [("bash", "complete -F _admin"), ("zsh", "#compdef admin"), ("fish", "complete -c admin")] {
        let output = example::command("admin").args(["completions", shell]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains(mark) && script.contains("interval"), "{shell}");
    }
    let output = example::command("admin").arg("--help").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("3 no daemon, 4 timed out"));
}
