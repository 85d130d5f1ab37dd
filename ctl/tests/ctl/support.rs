//! Daemons in threads, and the tool as a process.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ipc_server::wire::ServerWire;
use ipc_server::{Caller, IpcServer, Request};
use tempfile::TempDir;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon that serves until it is dropped.
pub(crate) struct Daemon {
    directory: TempDir,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    /// One whose server `bind` makes, and whose answers are `answer`'s.
    pub(crate) fn start<R, K, const N: usize, const M: usize>(
        bind: impl FnOnce(&Path) -> IpcServer<R, K, N, M> + Send + 'static,
        mut answer: impl FnMut(R, Caller) -> R::Response + Send + 'static,
    ) -> Self
    where
        R: Request + 'static,
        K: ServerWire + 'static,
    {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("s");
        let is_over = Arc::new(AtomicBool::new(false));
        let (is_bound, bound) = std::sync::mpsc::channel();
        let is_over_too = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let mut server = bind(&path);
            is_bound.send(()).unwrap();
            while !is_over_too.load(Ordering::Relaxed) {
                server.wait(Some(Duration::from_millis(10))).unwrap();
                server.serve(&mut answer).unwrap();
            }
        });
        bound.recv_timeout(PATIENCE).unwrap();
        Self { directory, is_over, thread: Some(thread) }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    /// Runs `ipcctl SOCKET WORDS`.
    #[track_caller]
    pub(crate) fn ctl(&self, words: &[&str]) -> Outcome {
        self.ctl_with_input(words, "")
    }

    #[track_caller]
    pub(crate) fn ctl_with_input(&self, words: &[&str], input: &str) -> Outcome {
        let mut command = command();
        command.arg(self.socket()).args(words);
        run(command, input)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipcctl"));
    command.env_remove("NO_COLOR");
    command
}

/// What a run has printed, and its exit status.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// It has printed this line and nothing else.
    #[track_caller]
    pub(crate) fn prints(&self, line: &str) {
        assert_eq!((self.status, &*self.stdout, &*self.stderr), (Some(0), &*format!("{line}\n"), ""));
    }

    /// It has printed nothing but this message.
    #[track_caller]
    pub(crate) fn fails(&self, status: i32, message: &str) {
        assert_eq!((self.status, &*self.stdout, &*self.stderr), (Some(status), "", &*format!("ipcctl: {message}\n")));
    }
}

/// Runs to the end, which must come.
#[track_caller]
pub(crate) fn run(mut command: Command, input: &str) -> Outcome {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let end = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("it has no end: {:?}", child.wait_with_output());
        }
        thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().unwrap();
    Outcome {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs on a terminal with nobody at its keyboard, and returns what it shows.
pub(crate) fn run_on_terminal(mut command: Command) -> String {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let open = || OwnedFd::from(std::fs::File::options().read(true).write(true).open(&name).unwrap());
    let mut child = command.stdin(open()).stdout(open()).stderr(open()).spawn().unwrap();
    drop(command);
    let reader = thread::spawn(move || {
        let (mut shown, mut part) = (Vec::new(), [0; 4096]);
        // The terminal's end is an error.
        while let Ok(read @ 1..) = rustix::io::read(&terminal, &mut part) {
            shown.extend_from_slice(&part[..read]);
        }
        shown
    });
    child.wait().unwrap();
    String::from_utf8(reader.join().unwrap()).unwrap()
}
