//! A supervisor opens the socket and passes it on: a parent as descriptor 3, and systemd's own tool where it is installed.

use crate::example;
use std::fs::{self, File};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::example::Background;
use tempfile::TempDir;

/// `admin serve --systemd`, which gets `descriptor` as number 3 and the number of descriptors that is claimed.
fn serve(directory: &TempDir, descriptor: impl Into<Stdio>, variables: &str) -> Background {
    // A shell knows the number of the process that its `exec` becomes.
    let script = format!("{variables} exec \"$0\" serve --systemd 3<&0 </dev/null");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).arg(example::path("admin")).current_dir(directory).stdin(descriptor);
    shell.env_remove("LISTEN_PID").env_remove("LISTEN_FDS");
    Background::start(&mut shell)
}

const PASSED: &str = "LISTEN_PID=$$ LISTEN_FDS=1";

fn admin(directory: &TempDir, arguments: &[&str]) -> Output {
    example::command("admin").current_dir(directory).args(arguments).output().unwrap()
}

fn done(directory: &TempDir, arguments: &[&str]) -> String {
    let output = admin(directory, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_passed_socket_is_served_and_its_file_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("admin.sock");
    let listener = UnixListener::bind(&path).unwrap();
    for _ in 0..2 {
        thread::scope(|scope| {
            // The first client connects before the daemon runs, and waits.
            let early = scope.spawn(|| done(&directory, &["level"]));
            let mut daemon = serve(&directory, std::os::fd::OwnedFd::from(listener.try_clone().unwrap()), PASSED);
            assert_eq!(early.join().unwrap(), "info\n");
            assert_eq!(done(&directory, &["settings"]).lines().count(), 4);
            done(&directory, &["stop"]);
            assert!(daemon.status().success());
        });
        assert!(path.exists(), "the supervisor's file stays, for the next start");
    }
    assert!(!directory.path().join("admin.sock.lock").exists(), "nothing was bound, so nothing is locked");
}

#[test]
fn what_was_not_passed_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(directory.path().join("admin.sock")).unwrap();
    let socket = || std::os::fd::OwnedFd::from(listener.try_clone().unwrap());
    for (variables, reason) in [
        ("", "LISTEN_PID is not set: is there a supervisor?"),
        ("LISTEN_PID=1 LISTEN_FDS=1", "LISTEN_PID is another process"),
        ("LISTEN_PID=$$", "LISTEN_FDS is not set: is there a supervisor?"),
        ("LISTEN_PID=$$ LISTEN_FDS=2", "LISTEN_FDS is not 1"),
    ] {
        let mut daemon = serve(&directory, socket(), variables);
        assert_eq!(daemon.status().code(), Some(1));
        assert_eq!(daemon.printed(), format!("admin: admin.sock: {reason}\n"));
    }
    let mut daemon = serve(&directory, File::open("/dev/null").unwrap(), PASSED);
    assert_eq!(daemon.status().code(), Some(1));
    let reason = "the descriptor is not a Unix stream socket that listens: pass another";
    assert_eq!(daemon.printed(), format!("admin: admin.sock: {reason}\n"));
}

#[test]
fn systemd_starts_the_daemon_for_its_first_client() {
    if !example::is_installed("systemd-socket-activate") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("admin.sock");
    let mut activate = Command::new("systemd-socket-activate");
    activate.arg("--listen").arg(&path).arg(example::path("admin")).args(["serve", "--systemd"]);
    let mut daemon = Background::start(&mut activate);
    let start = Instant::now();
    while admin(&directory, &["level"]).status.code() == Some(3) {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not listen");
    }
    assert_eq!(done(&directory, &["level"]), "info\n");
    done(&directory, &["stop"]);
    assert!(daemon.status().success());
}

#[test]
fn systemd_accepts_the_unit_files() {
    if !example::is_installed("systemd-analyze") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/systemd");
    for name in ["admin.socket", "admin.service"] {
        let unit = fs::read_to_string(units.join(name)).unwrap();
        // The program and the user have to be there.
        let here = example::path("admin");
        let unit = unit.replace("/usr/local/bin/admin", here.to_str().unwrap()).replace("=counter", "=root");
        fs::write(directory.path().join(name), unit).unwrap();
    }
    let mut verify = Command::new("systemd-analyze");
    let output = verify.arg("verify").args(["admin.socket", "admin.service"]).current_dir(&directory).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}");
    // What it says of the machine's own units is not about ours.
    assert!(!printed.lines().any(|line| line.contains("admin.")), "{printed}");
}
