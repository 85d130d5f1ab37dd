//! Processes that play a part in a test. Each is this test program again, started for one ignored test.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "tests; each file uses a part")]

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write, stdin};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Stands before each line that a part says, among what the test program prints by itself.
const MARK: char = '\u{1}';

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A part in play. It is killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Receiver<String>,
}

impl Process {
    /// Starts the ignored test `part` with `socket` as [`socket`].
    pub(crate) fn start(part: impl Fn(), socket: &str) -> Self {
        Self::spawn(&mut Self::command(&std::env::current_exe().unwrap(), part, socket))
    }

    /// The same, before it is started: `program` is this one or a copy.
    pub(crate) fn command(program: &Path, part: impl Fn(), socket: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["--exact", name(&part), "--ignored", "--nocapture", "--test-threads=1"]).env("SOCKET", socket);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    /// A part as [`command`](Self::command) has it, started by a tool such as unshare or strace with its options.
    pub(crate) fn command_under(tool: &[&str], program: &Path, part: impl Fn(), socket: &str) -> Command {
        let inner = Self::command(program, part, socket);
        let mut command = Command::new(tool[0]);
        command.args(&tool[1..]).arg(inner.get_program()).args(inner.get_args()).env("SOCKET", socket);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    /// Whether the tool with its options starts programs here. If not, `test` says that it is skipped.
    pub(crate) fn can_start_under(tool: &[&str], test: &str) -> bool {
        let tried = Command::new(tool[0]).args(&tool[1..]).arg("true").stderr(Stdio::null()).status();
        let can = tried.is_ok_and(|status| status.success());
        if !can {
            // Past the test program, which would keep it for itself.
            let _ = writeln!(std::io::stderr(), "{test}: SKIPPED, it needs `{}`", tool.join(" "));
        }
        can
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (say, said) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, line)) = line.split_once(MARK) {
                    if say.send(line.to_owned()).is_err() {
                        return;
                    }
                }
            }
        });
        Self { stdin: child.stdin.take(), child, said }
    }

    /// What it says next.
    pub(crate) fn hear(&self) -> String {
        self.said.recv_timeout(PATIENCE).expect("the part says something")
    }

    pub(crate) fn tell(&mut self, line: impl Display) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Stops it, and returns when it has stopped.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
        let status = format!("/proc/{}/status", self.child.id());
        let end = Instant::now() + PATIENCE;
        while !std::fs::read_to_string(&status).unwrap().contains("State:\tT") {
            assert!(Instant::now() < end, "the part does not stop");
            thread::yield_now();
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "the part does not end");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A test's name is its path without the name of the program.
pub(crate) fn name<F: Fn()>(_: &F) -> &'static str {
    std::any::type_name::<F>().split_once("::").unwrap().1
}

/// The path that a part was given.
pub(crate) fn socket() -> String {
    std::env::var("SOCKET").expect("the test that starts this one sets it")
}

/// Says a line to the test that started this part.
pub(crate) fn say(line: impl Display) {
    println!("{MARK}{line}");
}

/// What the test that started this part tells it next; nothing if it has ended.
pub(crate) fn told() -> String {
    let mut line = String::new();
    stdin().read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// For loops in parts, so that none outlives a test that was killed.
pub(crate) fn patience() -> impl Fn() -> bool {
    let end = Instant::now() + PATIENCE;
    move || Instant::now() < end
}
