//! Servers and clients in processes of their own, which are killed, stopped, raced, forked and interrupted.

use std::fs;
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command as Program, Stdio, exit};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{Process, patience, say, socket, told};
use crate::support::{Command, Response, Scratch, connect_and_send, handle_until, response, serve_while, until_closed};
use ipc_server::unix::BindError;
use ipc_server::{CallError, Client, IpcServer, call, client_send};
use rustix::process::Signal;

const ADD: Command = Command::Add { a: 2, b: 3 };
const SUM: Response = Response::Add { c: 5 };

#[test]
#[ignore = "a part, in a process of its own"]
fn part_server() {
    let mut server = IpcServer::<Command>::new(&socket()).unwrap();
    let mut stack = Vec::new();
    say("ready");
    let go_on = patience();
    while go_on() {
        server.wait(Some(Duration::from_secs(1))).unwrap();
        server.handle_new_messages(&mut stack).unwrap();
    }
}

#[test]
fn a_server_that_was_killed_is_replaced() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    for _ in 0..5 {
        let server = Process::start(part_server, &path);
        assert_eq!(server.hear(), "ready");
        let mut waiting = connect_and_send(&path, &ADD.bytes()[..7]);
        assert_eq!(call(&ADD, path.as_str()), Ok(SUM));
        server.signal(Signal::KILL);
        server.end();
        assert_eq!(until_closed(&mut waiting), b"");
        assert!(fs::exists(&path).unwrap(), "it had no time to remove it");
        assert_eq!(call(&ADD, path.as_str()), Err(CallError::Refused));
    }
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut client = connect_and_send(&path, &ADD.bytes());
    server.handle_new_messages(&mut Vec::new()).unwrap();
    assert_eq!(response(&mut client), SUM);
}

#[test]
fn a_stopped_server_times_out_and_serves_again_when_it_continues() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let server = Process::start(part_server, &path);
    assert_eq!(server.hear(), "ready");
    server.stop();
    let start = Instant::now();
    let limit = Duration::from_millis(100);
    let mut client = Client::builder().deadline(limit).connect(path.as_str()).unwrap();
    assert_eq!(client.call(&ADD), Err(CallError::TimedOut));
    assert!(start.elapsed() >= limit);

    let mut patient = connect_and_send(&path, &ADD.bytes());
    server.signal(Signal::CONT);
    assert_eq!(response(&mut patient), SUM);
    assert_eq!(call(&ADD, path.as_str()), Ok(SUM));
}

#[test]
fn a_client_that_is_stopped_in_its_command_delays_nobody() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut calls = 0;
    let handled = serve_while(&mut server, &mut Vec::new(), || {
        let mut caller = Process::start(part_caller, &path);
        assert_eq!(caller.hear(), "calling");
        for _ in 0..20 {
            caller.stop();
            assert_eq!(call(&ADD, path.as_str()), Ok(SUM));
            caller.signal(Signal::CONT);
            assert_eq!(call(&ADD, path.as_str()), Ok(SUM));
        }
        caller.tell("enough");
        calls = caller.hear().parse().unwrap();
    });
    assert_eq!(handled.served, calls + 40, "{handled:?}");
}

#[test]
#[ignore = "a part, in a process of its own"]
fn part_caller() {
    let path = socket();
    say("calling");
    let enough = thread::spawn(told);
    let mut calls = 0;
    while !enough.is_finished() {
        assert_eq!(call(&ADD, path.as_str()), Ok(SUM));
        calls += 1;
    }
    say(calls);
}

/// Answers each "bind" with who has the path, and whoever has it serves one client before it gives it up.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_starter() {
    let path = socket();
    while told() == "bind" {
        match IpcServer::<Command>::new(&path) {
            Ok(mut server) => {
                say("mine");
                handle_until(&mut server, &mut Vec::new(), |sum| sum.served == 1);
                assert_eq!(told(), "drop");
                drop(server);
            }
            Err(BindError::InUse) => {
                say("in use");
                assert_eq!(told(), "drop");
            }
            Err(error) => say(format_args!("{error:?}")),
        }
        say("done");
    }
}

#[test]
fn of_six_racing_starters_exactly_one_owns_the_path() {
    const TRIALS: usize = 200;
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut starters: Vec<_> = (0..6).map(|_| Process::start(part_starter, &path)).collect();
    for trial in 0..TRIALS {
        if trial % 2 == 1 {
            // One to replace, which is where probing and unlinking without a lock goes wrong.
            drop(UnixListener::bind(&path).unwrap());
        }
        starters.iter_mut().for_each(|starter| starter.tell("bind"));
        let mut answers: Vec<_> = starters.iter().map(Process::hear).collect();
        answers.sort_unstable();
        assert_eq!(answers, ["in use", "in use", "in use", "in use", "in use", "mine"], "trial {trial}");
        assert_eq!(call(&ADD, path.as_str()), Ok(SUM), "trial {trial}");
        starters.iter_mut().for_each(|starter| starter.tell("drop"));
        assert!(starters.iter().all(|starter| starter.hear() == "done"));
        assert!(!fs::exists(&path).unwrap());
    }
}

/// Forks, and waits until the child has done `what` and ended.
fn in_a_fork(what: impl FnOnce()) {
    // SAFETY: the child calls nothing but `what`, which makes system calls only, and `_exit`.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0);
        if child == 0 {
            what();
            libc::_exit(0);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        assert_eq!(status, 0);
    }
}

#[test]
fn a_fork_that_drops_the_server_or_exits_leaves_it_to_its_parent() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let mut parked = connect_and_send(&path, &ADD.bytes()[..3]);
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().pending, 1);

    let copy = &raw const server;
    // SAFETY: the copy is read in the child's own memory, where nothing else uses the original any more.
    in_a_fork(|| drop(unsafe { copy.read() }));
    in_a_fork(|| ());

    let lock = fs::File::open(format!("{path}.lock")).unwrap();
    let locked = rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive);
    assert_eq!(locked, Err(rustix::io::Errno::WOULDBLOCK), "the lock is still the parent's");
    assert_eq!(IpcServer::<Command>::new(&path).unwrap_err(), BindError::InUse);
    parked.write_all(&ADD.bytes()[3..]).unwrap();
    let mut client = connect_and_send(&path, &ADD.bytes());
    handle_until(&mut server, &mut stack, |sum| sum.served == 2);
    assert_eq!(response(&mut parked), SUM);
    assert_eq!(response(&mut client), SUM);
    drop(server);
    assert!(!fs::exists(&path).unwrap());
}

/// The first process of a PID namespace. So is its fork, of another one, and both have the process ID 1.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_first_process() {
    let server = IpcServer::<Command>::new(&socket()).unwrap();
    assert_eq!(std::process::id(), 1);
    // SAFETY: it has no preconditions.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWPID) }, 0);
    let copy = &raw const server;
    in_a_fork(|| {
        // SAFETY: as above.
        if unsafe { libc::getpid() } != 1 {
            // SAFETY: it has no preconditions.
            unsafe { libc::_exit(1) };
        }
        // SAFETY: the copy is read in the child's own memory, where nothing else uses the original any more.
        drop(unsafe { copy.read() });
    });
    say(format_args!("{:?}", IpcServer::<Command>::new(&socket()).map(drop)));
    drop(server);
    say(fs::exists(socket()).unwrap());
}

#[test]
fn a_fork_with_its_parents_process_id_leaves_the_server_to_its_parent() {
    let tool = ["unshare", "--pid", "--fork", "--kill-child"];
    if !Process::can_start_under(&tool, "a_fork_with_its_parents_process_id_leaves_the_server_to_its_parent") {
        return;
    }
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let program = std::env::current_exe().unwrap();
    let part = Process::spawn(&mut Process::command_under(&tool, &program, part_first_process, &path));
    assert_eq!(part.hear(), "Err(InUse)", "file and lock are still the parent's");
    assert_eq!(part.hear(), "false", "the parent's file goes with the parent's server");
    assert!(part.end().success());
}

#[test]
#[ignore = "a part, in a process of its own"]
fn part_host_of_any_age() {
    let mut server = IpcServer::<Command>::builder().deadline(Duration::from_millis(50)).bind(socket()).unwrap();
    let mut stack = Vec::new();
    say(server.wait(Some(Duration::from_millis(20))).unwrap());
    say(format_args!("{:?}", server.next_deadline()));
    let mut half = connect_and_send(&socket(), &ADD.bytes()[..3]);
    let begun = Instant::now();
    let handled = server.handle_new_messages(&mut stack).unwrap();
    let remaining = server.next_deadline().unwrap();
    say((handled.pending, remaining <= Duration::from_millis(50), remaining > Duration::ZERO) == (1, true, true));
    let (mut wakes, mut expired) = (0, 0);
    let go_on = patience();
    while expired == 0 && go_on() {
        wakes += usize::from(server.wait(None).unwrap());
        expired += server.handle_new_messages(&mut stack).unwrap().expired;
    }
    say((wakes, expired) == (1, 1) && begun.elapsed() >= Duration::from_millis(50));
    assert_eq!(until_closed(&mut half), b"");
    say(server.wait(Some(Duration::from_millis(20))).unwrap());
}

#[test]
fn a_clock_that_shows_any_age_wakes_nobody_and_expires_in_time() {
    // 32, 63 and 127 years; the last is near the most that the kernel sets.
    for age in ["0", "1000000000", "2000000000", "4000000000"] {
        if cfg!(target_pointer_width = "32") && age > "2147483647" {
            // Where its seconds have 32 bits, the standard library panics.
            continue;
        }
        let tool = ["unshare", "--time", "--monotonic", age];
        if !Process::can_start_under(&tool, "a_clock_that_shows_any_age_wakes_nobody_and_expires_in_time") {
            return;
        }
        let scratch = Scratch::new();
        let path = scratch.path("s");
        let program = std::env::current_exe().unwrap();
        let part = Process::spawn(&mut Process::command_under(&tool, &program, part_host_of_any_age, &path));
        for (expected, what) in [
            ("false", "something to do without a client"),
            ("None", "a deadline without a client"),
            ("true", "half a command has a deadline"),
            ("true", "one wake-up, for the deadline"),
            ("false", "something to do without a client, again"),
        ] {
            assert_eq!(part.hear(), expected, "{what}, at the age of {age} s");
        }
        assert!(part.end().success());
    }
}

/// As it happens for a moment whenever another thread starts a program.
#[test]
fn a_fork_that_lives_on_does_not_keep_the_path() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let server = IpcServer::<Command>::new(&path).unwrap();
    // SAFETY: the child calls nothing but `pause`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        loop {
            // SAFETY: it has no preconditions.
            unsafe { libc::pause() };
        }
    }
    drop(server);
    let restarted = IpcServer::<Command>::new(&path);
    // SAFETY: the child is ours and not waited for yet.
    unsafe {
        assert_eq!(libc::kill(child, libc::SIGKILL), 0);
        assert_eq!(libc::waitpid(child, null_mut(), 0), child);
    }
    let mut client = connect_and_send(&path, &ADD.bytes());
    assert_eq!(restarted.unwrap().handle_new_messages(&mut Vec::new()).unwrap().served, 1);
    assert_eq!(response(&mut client), SUM);
}

#[test]
fn a_server_without_standard_streams_serves() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let inner = Process::command(&std::env::current_exe().unwrap(), part_server, &path);
    let mut outer = Program::new("sh");
    outer.args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"]).arg(inner.get_program()).args(inner.get_args());
    let server = Process::spawn(outer.env("SOCKET", &path).stdin(Stdio::piped()).stdout(Stdio::piped()));
    let end = Instant::now() + Duration::from_secs(20);
    while let Err(error) = call(&ADD, path.as_str()) {
        assert!(matches!(error, CallError::NoServer | CallError::Refused), "{error:?}");
        assert!(Instant::now() < end, "the server does not start");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(call(&ADD, path.as_str()), Ok(SUM));
    drop(server);
}

/// Prints to a pipe that nobody reads.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_printing_client() {
    assert_eq!(told(), "the pipes are closed");
    client_send(&ADD, &socket());
    client_send(&ADD, &format!("{}-missing", socket()));
    exit(7);
}

#[test]
fn client_send_does_not_mind_closed_outputs() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let handled = serve_while(&mut server, &mut Vec::new(), || {
        let program = std::env::current_exe().unwrap();
        let mut client =
            Process::command(&program, part_printing_client, &path).stderr(Stdio::piped()).spawn().unwrap();
        // What the test program prints first must get out. It ends with the name of the part.
        let mut stdout = client.stdout.take().unwrap();
        let mut printed = Vec::new();
        while !printed.ends_with(b" ... ") {
            let mut byte = [0];
            std::io::Read::read_exact(&mut stdout, &mut byte).unwrap();
            printed.extend(byte);
        }
        drop((stdout, client.stderr.take()));
        writeln!(client.stdin.as_ref().unwrap(), "the pipes are closed").unwrap();
        assert_eq!(client.wait().unwrap().code(), Some(7));
        assert_eq!(call(&ADD, path.as_str()), Ok(SUM));
    });
    assert_eq!(handled.served, 2);
}

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count_signal(_: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// Interrupts whatever this process does, and goes on doing so.
fn start_signal_storm() {
    let every = libc::timeval { tv_sec: 0, tv_usec: 100 };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: an all-zero `sigaction` is a valid one, with neither flags (so that calls are not restarted) nor a mask; the
    // handler only adds to an atomic.
    unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = count_signal as *const () as usize;
        assert_eq!(libc::sigaction(libc::SIGALRM, &raw const action, null_mut()), 0);
        assert_eq!(libc::setitimer(libc::ITIMER_REAL, &raw const timer, null_mut()), 0);
    }
}

/// A server and its clients in one process, each as likely to be interrupted as the other.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_in_the_storm() {
    start_signal_storm();
    let path = socket();
    for _ in 0..20 {
        let mut server = IpcServer::<Command>::new(&path).unwrap();
        let handled = serve_while(&mut server, &mut Vec::new(), || {
            for _ in 0..50 {
                assert_eq!(call(&ADD, path.as_str()), Ok(SUM));
                let mut slow = connect_and_send(&path, &ADD.bytes()[..9]);
                assert_eq!(call(&ADD, path.as_str()), Ok(SUM));
                slow.write_all(&ADD.bytes()[9..]).unwrap();
                assert_eq!(response(&mut slow), SUM);
            }
        });
        assert_eq!(handled.served, 150, "{handled:?}");
        let mut stack = Vec::new();
        let waiting = connect_and_send(&path, b"\0");
        let limit = Duration::from_millis(20);
        let start = Instant::now();
        let handled = server.shutdown(&mut stack, limit).unwrap();
        assert_eq!(handled.pending, 1);
        assert!(start.elapsed() >= limit);
        drop(waiting);
    }
    say(SIGNALS.load(Ordering::Relaxed));
}

#[test]
fn a_storm_of_signals_interrupts_no_exchange() {
    let scratch = Scratch::new();
    let storm = Process::start(part_in_the_storm, &scratch.path("s"));
    let signals: usize = storm.hear().parse().unwrap();
    assert!(signals > 100, "only {signals} signals");
    assert!(storm.end().success());
}

/// Begins commands and finishes none, as fast as it can, and keeps as many connections as it may.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_flood() {
    let path = socket();
    let mut kept = std::collections::VecDeque::new();
    let mut connections = 0_usize;
    let enough = thread::spawn(told);
    while !enough.is_finished() {
        let Ok(mut client) = UnixStream::connect(&path) else { continue };
        // The server may have closed it already.
        let _ = client.write_all(&ADD.bytes()[..3]);
        kept.push_back(client);
        if kept.len() > 100 {
            kept.pop_front();
        }
        connections += 1;
        if connections == 100 {
            say("flooding");
        }
    }
    say(connections);
}

/// Sends each command in two pieces, and waits between them; says how many were answered.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_in_two_pieces() {
    let path = socket();
    let mut answered = 0;
    for _ in 0..100 {
        let mut client = connect_and_send(&path, &ADD.bytes()[..7]);
        thread::sleep(Duration::from_millis(2));
        if client.write_all(&ADD.bytes()[7..]).is_ok() && until_closed(&mut client).len() == 12 {
            answered += 1;
        }
    }
    say(answered);
}

#[test]
fn a_flood_from_one_process_costs_no_other_process_its_command() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let handled = serve_while(&mut server, &mut Vec::new(), || {
        let mut flood = Process::start(part_flood, &path);
        assert_eq!(flood.hear(), "flooding");
        let honest: Vec<_> = (0..3).map(|_| Process::start(part_in_two_pieces, &path)).collect();
        for process in honest {
            assert_eq!(process.hear(), "100");
        }
        flood.tell("enough");
        flood.hear();
    });
    assert_eq!(handled.served, 300, "{handled:?}");
    // Which side closes first is the scheduler's to say.
    assert!(handled.evicted + handled.rejected > 0, "{handled:?}");
}
