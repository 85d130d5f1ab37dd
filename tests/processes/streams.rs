//! The examples of callers that wait, in processes of their own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::example::{self, Background};

fn start(name: &str, directory: &Path) -> Background {
    let socket = directory.join(format!("{name}.sock"));
    let mut serve = example::command(name);
    Background::start(serve.current_dir(directory).arg("serve")).until_listening(socket.to_str().unwrap())
}

fn run(name: &str, directory: &Path, arguments: &[&str]) -> Output {
    example::command(name).current_dir(directory).args(arguments).output().unwrap()
}

fn printed(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A client whose lines are read as they come.
fn following(name: &str, directory: &Path, arguments: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut command = example::command(name);
    let command = command.current_dir(directory).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

fn line(lines: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn each_subscriber_gets_the_state_first_then_the_changes_and_then_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let mut daemon = start("watch", directory.path());
    let mut subscribers: Vec<_> = (0..3).map(|_| following("watch", directory.path(), &["watch"])).collect();
    for (_, lines) in &mut subscribers {
        assert_eq!(line(lines), "3");
    }
    for level in ["5", "7"] {
        assert_eq!(printed(run("watch", directory.path(), &["set", level])).trim(), level);
        for (_, lines) in &mut subscribers {
            assert_eq!(line(lines), level);
        }
    }
    // One that leaves does not disturb the others.
    let (mut gone, _) = subscribers.pop().unwrap();
    gone.kill().unwrap();
    gone.wait().unwrap();
    printed(run("watch", directory.path(), &["set", "9"]));
    // One that comes again gets the state first.
    subscribers.push(following("watch", directory.path(), &["watch"]));
    for (_, lines) in &mut subscribers {
        assert_eq!(line(lines), "9");
    }
    printed(run("watch", directory.path(), &["stop"]));
    for (child, mut lines) in subscribers {
        assert_eq!(line(&mut lines), "");
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b"the daemon stops\n"[..]));
    }
    assert!(daemon.status().success());
}

#[test]
fn a_job_shows_how_far_it_is_and_ends_when_its_client_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let mut daemon = start("jobs", directory.path());
    let expected: String = (1..=5).map(|step| format!("step {step}\n")).collect();
    assert_eq!(printed(run("jobs", directory.path(), &["run", "5"])), expected + "done after 5 steps\n");

    // An ordinary client is served while four jobs run, and a fifth is declined.
    let mut jobs: Vec<_> = (0..4).map(|_| following("jobs", directory.path(), &["run", "100000"])).collect();
    for (_, lines) in &mut jobs {
        assert_eq!(line(lines), "step 1");
    }
    assert_eq!(printed(run("jobs", directory.path(), &["running"])), "4 running\n");
    let declined = run("jobs", directory.path(), &["run", "1"]);
    assert!(!declined.status.success());
    let error = String::from_utf8(declined.stderr).unwrap();
    assert!(error.contains("four jobs are running"), "{error}");

    for (child, _) in &mut jobs[..3] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    while printed(run("jobs", directory.path(), &["running"])) != "1 running\n" {
        assert!(Instant::now() < deadline, "jobs run on without their clients");
        thread::sleep(Duration::from_millis(5));
    }
    printed(run("jobs", directory.path(), &["stop"]));
    let (last, _) = jobs.pop().unwrap();
    let output = last.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(daemon.status().success());
}
