//! Another user of the machine at the socket's path, before, while and after the server starts. Needs root, which alone can
//! play another user; without it the tests say that they are skipped.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command as Program;
use std::time::Duration;

use crate::process::{Process, patience, say, socket, told};
use crate::support::{Command, Response, Scratch, connect_and_send, response, serve_while};
use ipc_server::unix::BindError;
use ipc_server::{CallError, IpcServer, call};
use rustix::fs::{Mode, XattrFlags, setxattr};

const FOREIGN: u32 = 65534;
const ADD: Command = Command::Add { a: 2, b: 3 };
const SUM: Response = Response::Add { c: 5 };

fn is_root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        // Past the test program, which would keep it for itself.
        let _ = writeln!(std::io::stderr(), "{test}: SKIPPED, it needs root to act as another user");
    }
    root
}

/// A directory with the permissions `mode` and a copy of this program in it, since another user may not reach this one.
fn stage(scratch: &Scratch, mode: u32) -> PathBuf {
    fs::set_permissions(scratch.path(""), fs::Permissions::from_mode(mode)).unwrap();
    let program = PathBuf::from(scratch.path("program"));
    // By a process of its own: a file that a fork of this one has open for writing can't be started.
    let mut install = Program::new("install");
    install.args(["-m", "755"]).arg(std::env::current_exe().unwrap()).arg(&program);
    assert!(install.status().unwrap().success());
    program
}

/// Starts a part as the foreign user, in the group `group` and no other.
fn start_foreign(program: &std::path::Path, part: impl Fn(), socket: &str, group: u32) -> Process {
    Process::spawn(Process::command(program, part, socket).uid(FOREIGN).gid(group).current_dir("/"))
}

#[test]
#[ignore = "a part, in a process of its own"]
fn part_caller() {
    say(format_args!("{:?}", call(&ADD, socket())));
}

#[test]
fn a_foreign_user_is_kept_out_by_the_mode_or_refused_by_policy() {
    if !is_root("a_foreign_user_is_kept_out_by_the_mode_or_refused_by_policy") {
        return;
    }
    let scratch = Scratch::new();
    let program = stage(&scratch, 0o755);
    // The mode, the foreign user's group, what the user is told, and whether the server learns of it.
    let closed = "Err(Closed { received: 0 })";
    let denied = "Err(PermissionDenied)";
    for (mode, group, expected, refused) in
        [(0o600, 0, denied, 0), (0o660, FOREIGN, denied, 0), (0o660, 0, closed, 1), (0o666, FOREIGN, closed, 1)]
    {
        let path = scratch.path("s");
        let mut server = IpcServer::<Command>::builder().mode(mode).bind(&path).unwrap();
        let handled = serve_while(&mut server, &mut Vec::new(), || {
            assert_eq!(start_foreign(&program, part_caller, &path, group).hear(), expected, "{mode:o}");
            assert_eq!(call(&ADD, path.as_str()), Ok(SUM));
        });
        assert_eq!((handled.served, handled.refused), (1, refused), "{mode:o}");
    }
}

#[test]
fn a_foreign_user_is_heard_where_the_daemon_says_so_and_hears_root() {
    if !is_root("a_foreign_user_is_heard_where_the_daemon_says_so_and_hears_root") {
        return;
    }
    let scratch = Scratch::new();
    let program = stage(&scratch, 0o755);
    let path = scratch.path("s");
    let builder = IpcServer::<Command>::builder().mode(0o666).authorize(|peer| peer.uid == FOREIGN);
    let mut server = builder.bind(&path).unwrap();
    let handled = serve_while(&mut server, &mut Vec::new(), || {
        assert_eq!(start_foreign(&program, part_caller, &path, FOREIGN).hear(), "Ok(Add { c: 5 })");
    });
    assert_eq!(handled.served, 1);
}

/// Owns the path before anybody else, open to all, and says how much each client sent.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_daemon() {
    let mut server = IpcServer::<Command>::builder().mode(0o666).bind(socket()).unwrap();
    say("ready");
    let mut stack = Vec::new();
    let waits = patience();
    while waits() {
        server.wait(Some(Duration::from_millis(100))).unwrap();
        server.handle_new_messages(&mut stack).unwrap();
    }
}

#[test]
fn a_daemon_that_is_not_root_hears_its_own_user_and_root() {
    if !is_root("a_daemon_that_is_not_root_hears_its_own_user_and_root") {
        return;
    }
    let scratch = Scratch::new();
    let program = stage(&scratch, 0o777);
    let path = scratch.path("s");
    let daemon = start_foreign(&program, part_daemon, &path, FOREIGN);
    assert_eq!(daemon.hear(), "ready");
    assert_eq!(start_foreign(&program, part_caller, &path, FOREIGN).hear(), format!("Ok({SUM:?})"));
    let mut root = connect_and_send(&path, &ADD.bytes());
    assert_eq!(response(&mut root), SUM);
    let third = Process::spawn(Process::command(&program, part_caller, &path).uid(FOREIGN - 1).current_dir("/"));
    assert_eq!(third.hear(), format!("Err(Untrusted {{ uid: {FOREIGN} }})"));
}

/// A user namespace without any mapping: all users have the overflow user ID there.
const UNMAPPED: [&str; 2] = ["unshare", "--user"];

/// A user without a name.
const OTHER: u32 = 4242;

fn overflow_uid() -> u32 {
    fs::read_to_string("/proc/sys/kernel/overflowuid").unwrap().trim().parse().unwrap()
}

#[test]
fn a_daemon_that_is_the_overflow_user_does_not_take_strangers_for_itself() {
    let test = "a_daemon_that_is_the_overflow_user_does_not_take_strangers_for_itself";
    if !is_root(test) || !Process::can_start_under(&UNMAPPED, test) {
        return;
    }
    let scratch = Scratch::new();
    let program = stage(&scratch, 0o755);
    let path = scratch.path("s");
    let daemon = Process::spawn(&mut Process::command_under(&UNMAPPED, &program, part_daemon, &path));
    assert_eq!(daemon.hear(), "ready");
    let stranger =
        Process::spawn(Process::command(&program, part_caller, &path).uid(OTHER).gid(OTHER).current_dir("/"));
    // It trusts the daemon, which is root outside of the namespace.
    assert_eq!(stranger.hear(), "Err(Closed { received: 0 })");
}

#[test]
fn a_client_that_is_the_overflow_user_does_not_take_a_strangers_server_for_its_own() {
    let test = "a_client_that_is_the_overflow_user_does_not_take_a_strangers_server_for_its_own";
    if !is_root(test) || !Process::can_start_under(&UNMAPPED, test) {
        return;
    }
    let scratch = Scratch::new();
    let program = stage(&scratch, 0o777);
    let path = scratch.path("s");
    let daemon = Process::spawn(Process::command(&program, part_daemon, &path).uid(OTHER).gid(OTHER).current_dir("/"));
    assert_eq!(daemon.hear(), "ready");
    let client = Process::spawn(&mut Process::command_under(&UNMAPPED, &program, part_caller, &path));
    assert_eq!(client.hear(), format!("Err(Untrusted {{ uid: {} }})", overflow_uid()));
}

/// Where its own user is mapped, a daemon knows it from strangers.
#[test]
fn a_daemon_whose_user_is_mapped_hears_itself() {
    let test = "a_daemon_whose_user_is_mapped_hears_itself";
    let mapped = ["unshare", "--user", "--map-user=1234", "--map-group=1234"];
    if !is_root(test) || !Process::can_start_under(&mapped, test) {
        return;
    }
    let scratch = Scratch::new();
    let program = stage(&scratch, 0o755);
    let path = scratch.path("s");
    let daemon = Process::spawn(&mut Process::command_under(&mapped, &program, part_daemon, &path));
    assert_eq!(daemon.hear(), "ready");
    assert_eq!(call(&ADD, path.as_str()), Ok(SUM));
    let same = Process::spawn(&mut Process::command_under(&mapped, &program, part_caller, &path));
    assert_eq!(same.hear(), format!("Ok({SUM:?})"));
    let stranger =
        Process::spawn(Process::command(&program, part_caller, &path).uid(OTHER).gid(OTHER).current_dir("/"));
    assert_eq!(stranger.hear(), "Err(Closed { received: 0 })");
}

/// Starts twice under a umask that takes everything away.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_narrow_starter() {
    rustix::process::umask(Mode::from_raw_mode(0o777));
    for _ in 0..2 {
        say(format_args!("{:?}", IpcServer::<Command>::new(&socket()).map(drop)));
    }
    let server = IpcServer::<Command>::builder().mode(0o640).bind(socket());
    let file = fs::metadata(socket()).unwrap();
    say(format_args!("{:?} {:o}", server.map(drop), file.permissions().mode() & 0o777));
}

#[test]
fn no_umask_keeps_the_next_server_from_its_lock() {
    let scratch = Scratch::new();
    let program = stage(&scratch, 0o777);
    let path = scratch.path("s");
    // Root could open it all the same.
    let starter = if rustix::process::geteuid().is_root() {
        start_foreign(&program, part_narrow_starter, &path, FOREIGN)
    } else {
        Process::start(part_narrow_starter, &path)
    };
    assert_eq!([starter.hear(), starter.hear()], ["Ok(())", "Ok(())"]);
    assert_eq!(starter.hear(), "Ok(()) 640");
    let lock = fs::metadata(format!("{path}.lock")).unwrap();
    assert_eq!(lock.permissions().mode() & 0o777, 0o600);
}

#[test]
#[ignore = "a part, in a process of its own"]
fn part_squatter() {
    let listener = UnixListener::bind(socket()).unwrap();
    fs::set_permissions(socket(), fs::Permissions::from_mode(0o666)).unwrap();
    say("ready");
    for client in listener.incoming() {
        let mut bytes = Vec::new();
        client.unwrap().read_to_end(&mut bytes).unwrap();
        say(bytes.len());
    }
}

#[test]
fn a_squatted_path_gets_no_command_and_stays_untouched() {
    if !is_root("a_squatted_path_gets_no_command_and_stays_untouched") {
        return;
    }
    let scratch = Scratch::new();
    let program = stage(&scratch, 0o1777);
    let path = scratch.path("s");
    let squatter = start_foreign(&program, part_squatter, &path, FOREIGN);
    assert_eq!(squatter.hear(), "ready");
    assert_eq!(call(&ADD, path.as_str()), Err(CallError::Untrusted { uid: FOREIGN }));
    assert_eq!(squatter.hear(), "0", "bytes that the squatter got");
    let inode = fs::metadata(&path).unwrap().ino();
    assert_eq!(IpcServer::<Command>::new(&path).unwrap_err(), BindError::NotOurs { uid: FOREIGN });

    // Dead or alive.
    drop(squatter);
    assert_eq!(IpcServer::<Command>::new(&path).unwrap_err(), BindError::NotOurs { uid: FOREIGN });
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    fs::remove_file(&path).unwrap();
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut client = connect_and_send(&path, &ADD.bytes());
    server.handle_new_messages(&mut Vec::new()).unwrap();
    assert_eq!(response(&mut client), SUM);
}

/// Makes the lock file, so that no server of another user gets it.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_lock_squatter() {
    fs::write(format!("{}.lock", socket()), "mine").unwrap();
    say("ready");
    told();
}

#[test]
fn a_squatted_lock_file_is_not_used() {
    if !is_root("a_squatted_lock_file_is_not_used") {
        return;
    }
    let scratch = Scratch::new();
    let program = stage(&scratch, 0o1777);
    let path = scratch.path("s");
    let squatter = start_foreign(&program, part_lock_squatter, &path, FOREIGN);
    assert_eq!(squatter.hear(), "ready");
    let error = IpcServer::<Command>::new(&path).unwrap_err();
    // The latter where `fs.protected_regular` is set.
    assert!(matches!(error, BindError::BadLockFile | BindError::PermissionDenied), "{error:?}");
    assert_eq!(fs::read_to_string(format!("{path}.lock")).unwrap(), "mine");
    assert!(!fs::exists(&path).unwrap());
}

/// Starts servers one after another, with a umask that takes nothing away.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_starter() {
    rustix::process::umask(Mode::empty());
    for _ in 0..300 {
        let mut server = IpcServer::<Command>::new(&socket()).unwrap();
        let handled = serve_while(&mut server, &mut Vec::new(), || {
            assert_eq!(call(&ADD, socket()), Ok(SUM));
        });
        assert_eq!((handled.served, handled.refused), (1, 0));
    }
    say("done");
}

/// Tries to get in at every instant, and says how often it did not and how often it did.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_racer() {
    let path = socket();
    let (mut absent, mut denied, mut other) = (0, 0, 0);
    say("ready");
    let go_on = patience();
    while go_on() && !fs::exists(format!("{path}.stop")).unwrap() {
        for _ in 0..100 {
            match UnixStream::connect(&path).map_err(|error| error.kind()) {
                Err(ErrorKind::NotFound) => absent += 1,
                Err(ErrorKind::PermissionDenied) => denied += 1,
                // Not refused either: permissions are looked at before whether anybody listens.
                _ => other += 1,
            }
        }
    }
    say(absent > 0 && denied > 0);
    say(other);
}

/// With a default ACL on the directory or without (man 5 acl).
fn race_a_foreign_user(with_acl: bool) {
    let scratch = Scratch::new();
    let program = stage(&scratch, 0o755);
    if with_acl {
        // In the order that the kernel wants: owner, the foreign user, group, mask, others; all of them may do everything.
        let entries = [(1, u32::MAX), (2, FOREIGN), (4, u32::MAX), (0x10, u32::MAX), (0x20, u32::MAX)];
        let entry = |(tag, id): (u16, u32)| [&tag.to_le_bytes()[..], &7_u16.to_le_bytes(), &id.to_le_bytes()].concat();
        let acl = [2_u32.to_le_bytes().to_vec(), entries.map(entry).concat()].concat();
        if let Err(errno) = setxattr(scratch.path(""), "system.posix_acl_default", &acl, XattrFlags::empty()) {
            let _ = writeln!(std::io::stderr(), "a default ACL: SKIPPED, the file system has none: {errno}");
            return;
        }
    }
    let path = scratch.path("s");
    let racer = start_foreign(&program, part_racer, &path, FOREIGN);
    assert_eq!(racer.hear(), "ready");
    let starter = Process::start(part_starter, &path);
    assert_eq!(starter.hear(), "done");
    fs::write(format!("{path}.stop"), "").unwrap();
    assert_eq!(racer.hear(), "true", "the race was one");
    assert_eq!(racer.hear(), "0", "times the foreign user got past the permissions");
    let lock = fs::metadata(format!("{path}.lock")).unwrap();
    assert_eq!(lock.permissions().mode() & 0o077, 0);
}

#[test]
fn no_umask_opens_the_socket_to_a_foreign_user_at_any_instant() {
    if is_root("no_umask_opens_the_socket_to_a_foreign_user_at_any_instant") {
        race_a_foreign_user(false);
    }
}

#[test]
fn no_default_acl_opens_the_socket_to_a_foreign_user_at_any_instant() {
    if is_root("no_default_acl_opens_the_socket_to_a_foreign_user_at_any_instant") {
        race_a_foreign_user(true);
    }
}

#[test]
fn the_file_is_never_wider_than_its_mode() {
    let scratch = Scratch::new();
    for mode in [0o600, 0o660, 0o666, 0o000] {
        let path = scratch.path("s");
        let _server = IpcServer::<Command>::builder().mode(mode).deadline(Duration::MAX).bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
    }
}

/// Begins a command and does not finish it.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_half() {
    let _half = connect_and_send(&socket(), &ADD.bytes()[..7]);
    say("begun");
    told();
}

/// With one connection each: what all hold together counts, where no process holds more than another.
#[test]
fn many_processes_of_a_foreign_user_cost_no_other_user_a_command() {
    if !is_root("many_processes_of_a_foreign_user_cost_no_other_user_a_command") {
        return;
    }
    let scratch = Scratch::new();
    let program = stage(&scratch, 0o755);
    let path = scratch.path("s");
    let builder = IpcServer::<Command>::builder().connections::<4>().mode(0o666).authorize(|_| true);
    let mut server = builder.bind(&path).unwrap();
    let mut honest = connect_and_send(&path, &ADD.bytes()[..7]);
    let handled = serve_while(&mut server, &mut Vec::new(), || {
        let foreign: Vec<_> = (0..8).map(|_| start_foreign(&program, part_half, &path, FOREIGN)).collect();
        for process in &foreign {
            assert_eq!(process.hear(), "begun");
        }
        // One after another the newcomers have taken each other's slots, not that of the oldest.
        honest.write_all(&ADD.bytes()[7..]).unwrap();
        assert_eq!(response(&mut honest), SUM);
    });
    assert_eq!((handled.served, handled.evicted >= 4), (1, true), "{handled:?}");
}
