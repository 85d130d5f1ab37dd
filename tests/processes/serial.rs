//! The example of a line that is no socket: slow, in small pieces, and never closed.

use crate::example;
use std::process::Output;
use std::time::{Duration, Instant};

fn run(arguments: &[&str]) -> Output {
    example::command("serial").args(arguments).output().unwrap()
}

/// The number of pieces that a line of the client names.
fn pieces(line: &str) -> u32 {
    let (before, _) = line.split_once(" pieces").unwrap();
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn daemon_and_client_talk_over_a_slow_line_after_noise_on_it() {
    let begin = Instant::now();
    let output = run(&[]);
    let (printed, complaints) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}{complaints}");

    let note = "Relay 4 sticks in the cold. ".repeat(8);
    let note = note.trim_end();
    let lines: Vec<_> = printed.lines().collect();
    let expected = [
        "daemon: the peer sent what is not a command: an enum has no variant of index 4294967295".to_owned(),
        format!("daemon: Note({note:?})"),
        "client: Noted { number: 0 }, in ".to_owned(),
        "daemon: Read { number: 0 }".to_owned(),
        format!("client: Text(Some({note:?})), in "),
        "daemon: Read { number: 1 }".to_owned(),
        "client: Text(None), in ".to_owned(),
        "daemon: Stop".to_owned(),
        "client: Stopping, in ".to_owned(),
    ];
    assert_eq!(lines.len(), expected.len(), "{printed}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
    // The note is there and back in a FIFO of 16 bytes, at 11.52 bytes in a millisecond.
    let length = u32::try_from(note.len()).unwrap();
    assert!(pieces(lines[4]) >= length / 16, "{}", lines[4]);
    assert!(begin.elapsed() > Duration::from_micros(86) * (2 * length - 32), "faster than the line");
}

#[test]
fn what_is_no_line_is_an_error() {
    for arguments in [&["daemon", "/dev/null"][..], &["client", "/no-such-line"], &["daemon"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
