//! The examples as programs, as `cargo test` has built them.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests; each file uses a part")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything that must happen may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where cargo has put an example.
pub(crate) fn path(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is not built: run `cargo test`, or `cargo build --examples` first", path.display());
    path
}

/// An example as a program.
pub(crate) fn command(name: &str) -> Command {
    Command::new(path(name))
}

/// Whether `program` can be run here. If not, says that the test is skipped.
pub(crate) fn is_installed(program: &str) -> bool {
    let runs = Command::new(program).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !runs {
        // Not `eprintln!`, which the test harness keeps to itself.
        let line = format!("SKIPPED, since {program} is not installed: {}\n", test_name());
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    runs
}

fn test_name() -> String {
    thread::current().name().unwrap_or("a test").to_owned()
}

/// A program in the background, killed when the test ends.
pub(crate) struct Background {
    child: Child,
    name: String,
}

impl Background {
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect(&name);
        Self { child, name }
    }

    /// Waits until the program listens at `path`.
    pub(crate) fn until_listening(mut self, path: &str) -> Self {
        let start = Instant::now();
        while UnixStream::connect(path).is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                let printed = self.printed();
                panic!("{} ended with {status}:\n{printed}", self.name);
            }
            assert!(start.elapsed() < PATIENCE, "{} does not listen", self.name);
            thread::sleep(Duration::from_millis(2));
        }
        self
    }

    /// Waits until the program ends by itself.
    pub(crate) fn status(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "{} does not end", self.name);
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// What it has printed to its standard error, once it has ended.
    pub(crate) fn printed(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
