//! How a server comes to own its path and gives it up, and what it leaves alone.

use std::fs;
use std::hint::spin_loop;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Command, Response, Scratch, connect_and_send, response};
use ipc_server::IpcServer;
use ipc_server::unix::BindError;
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// How often a race is run. On one processor most of them are none.
const TRIALS: u32 = 2000;

fn bind(path: &str) -> Result<IpcServer<Command>, BindError> {
    IpcServer::<Command>::new(path)
}

#[test]
fn the_file_is_removed_on_drop_and_the_lock_stays() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let server = bind(&path).unwrap();
    assert!(fs::metadata(&path).unwrap().file_type().is_socket());
    drop(server);
    assert!(!fs::exists(&path).unwrap());
    assert!(fs::exists(format!("{path}.lock")).unwrap());
    bind(&path).unwrap();
}

#[test]
fn a_live_server_is_left_alone_and_goes_on_serving() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = bind(&path).unwrap();
    for _ in 0..3 {
        assert_eq!(bind(&path).unwrap_err(), BindError::InUse);
    }
    let mut client = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    assert_eq!(server.handle_new_messages(&mut Vec::new()).unwrap().served, 1);
    assert_eq!(response(&mut client), Response::Push { x: 1 });
}

#[test]
fn a_live_server_without_our_lock_is_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let _published = upstream::IpcServer::<Command>::new(&path).unwrap();
    assert_eq!(bind(&path).unwrap_err(), BindError::InUse);
    let datagram = scratch.path("datagram");
    let _datagram = UnixDatagram::bind(&datagram).unwrap();
    assert_eq!(bind(&datagram).unwrap_err(), BindError::InUse);
}

#[test]
fn a_stale_socket_is_replaced() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    drop(UnixListener::bind(&path).unwrap());
    let mut server = bind(&path).unwrap();
    let mut client = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    server.handle_new_messages(&mut Vec::new()).unwrap();
    assert_eq!(response(&mut client), Response::Push { x: 1 });
}

#[test]
fn what_is_not_a_socket_is_left_alone() {
    let scratch = Scratch::new();
    let file = scratch.path("file");
    fs::write(&file, "precious").unwrap();
    let directory = scratch.path("directory");
    fs::create_dir(&directory).unwrap();
    let link = scratch.path("link");
    symlink(&file, &link).unwrap();
    let dangling = scratch.path("dangling");
    symlink(scratch.path("nowhere"), &dangling).unwrap();
    let fifo = scratch.path("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
    for path in [&file, &directory, &link, &dangling, &fifo] {
        assert_eq!(bind(path).unwrap_err(), BindError::NotASocket, "{path}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(fs::metadata(&directory).unwrap().is_dir());
    assert_eq!(fs::read_link(&link).unwrap().to_str().unwrap(), file);
    assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink());
    assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
}

#[test]
fn a_lock_file_that_is_not_ours_is_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let target = scratch.path("target");
    fs::write(&target, "precious").unwrap();
    symlink(&target, format!("{path}.lock")).unwrap();
    assert_eq!(bind(&path).unwrap_err(), BindError::BadLockFile);
    fs::remove_file(format!("{path}.lock")).unwrap();
    fs::create_dir(format!("{path}.lock")).unwrap();
    assert_eq!(bind(&path).unwrap_err(), BindError::BadLockFile);
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert!(!fs::exists(&path).unwrap());
}

#[test]
fn impossible_paths_are_errors() {
    let scratch = Scratch::new();
    let longest = |length: usize| {
        let directory = scratch.path("");
        format!("{directory}{}", "x".repeat(length - directory.len()))
    };
    assert_eq!(longest(107).len(), 107);
    drop(bind(&longest(107)).unwrap());
    assert_eq!(bind(&longest(108)).unwrap_err(), BindError::PathTooLong);
    assert_eq!(bind(&longest(109)).unwrap_err(), BindError::PathTooLong);
    assert_eq!(bind(&longest(5000)).unwrap_err(), BindError::PathTooLong);
    assert_eq!(bind("").unwrap_err(), BindError::InvalidPath);
    assert_eq!(bind("a\0b").unwrap_err(), BindError::InvalidPath);
    assert_eq!(bind(&scratch.path("missing/s")).unwrap_err(), BindError::NoDirectory);
    fs::write(scratch.path("file"), "").unwrap();
    assert_eq!(bind(&scratch.path("file/s")).unwrap_err(), BindError::NoDirectory);
}

#[test]
fn a_file_that_has_taken_the_place_of_ours_is_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let server = bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let _newcomer = UnixListener::bind(&path).unwrap();
    drop(server);
    assert!(fs::metadata(&path).unwrap().file_type().is_socket());
}

/// Lets `intruder` act at ever other moments while `owner` does. What the owner returns is dropped after both.
fn race<T>(trial: u32, intruder: impl FnOnce() + Send, owner: impl FnOnce() -> T) -> T {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            barrier.wait();
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_nanos(u64::from(trial % 200) * 500) {
                spin_loop();
            }
            intruder();
        });
        barrier.wait();
        owner()
    })
}

/// Puts a file with something precious in it at `path`, in place of what is there.
fn intrude(scratch: &Scratch, path: &str) -> impl FnOnce() + Send {
    let prepared = scratch.path("prepared");
    fs::write(&prepared, "precious").unwrap();
    let path = path.to_owned();
    move || fs::rename(prepared, path).unwrap()
}

#[test]
fn a_file_that_comes_while_a_stale_socket_is_judged_is_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    for trial in 0..TRIALS {
        drop(UnixListener::bind(&path).unwrap());
        let started = race(trial, intrude(&scratch, &path), || bind(&path));
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "precious", "trial {trial}");
        drop(started);
        assert_eq!(fs::read_to_string(&path).expect("it is still there"), "precious", "trial {trial}");
        assert!(!fs::exists(format!("{path}.gone")).unwrap());
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_file_that_comes_while_ours_is_removed_is_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    for trial in 0..TRIALS {
        let server = bind(&path).unwrap();
        race(trial, intrude(&scratch, &path), || drop(server));
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "precious", "trial {trial}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_symlink_that_takes_the_place_of_our_file_is_not_followed() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let target = scratch.path("target");
    fs::write(&target, "precious").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
    for trial in 0..TRIALS {
        let link = scratch.path("link");
        symlink(&target, &link).unwrap();
        let intruder = || fs::rename(&link, &path).unwrap();
        let started = race(trial, intruder, || IpcServer::<Command>::builder().mode(0o666).bind(&path));
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600, "trial {trial}");
        drop(started);
        assert_eq!(fs::read_link(&path).unwrap().to_str().unwrap(), target);
        fs::remove_file(&path).unwrap();
    }
}

/// What an earlier server left where the file goes before it is removed is no obstacle, and stays.
#[test]
fn the_name_aside_may_be_taken() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    fs::write(format!("{path}.gone"), "precious").unwrap();
    drop(UnixListener::bind(&path).unwrap());
    drop(bind(&path).unwrap());
    assert!(!fs::exists(&path).unwrap());
    assert_eq!(fs::read_to_string(format!("{path}.gone")).unwrap(), "precious");
}

#[test]
fn an_unfinished_start_leaves_no_file_behind() {
    if rustix::process::geteuid().is_root() {
        // Root may write everywhere; a directory that is being removed refuses it all the same.
        let scratch = Scratch::new();
        let directory = scratch.path("gone");
        fs::create_dir(&directory).unwrap();
        let path = format!("{directory}/s");
        fs::remove_dir(&directory).unwrap();
        assert_eq!(bind(&path).unwrap_err(), BindError::NoDirectory);
        return;
    }
    let scratch = Scratch::new();
    let directory = scratch.path("read-only");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o500)).unwrap();
    assert_eq!(bind(&format!("{directory}/s")).unwrap_err(), BindError::PermissionDenied);
}

#[test]
fn errors_become_io_errors_of_the_fitting_kind() {
    use std::io::ErrorKind;
    let scratch = Scratch::new();
    let start = |path: &str| -> std::io::Result<IpcServer<Command>> { Ok(IpcServer::<Command>::new(path)?) };
    let path = scratch.path("s");
    let _server = start(&path).unwrap();
    assert_eq!(start(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    assert_eq!(start("").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(start(&scratch.path("missing/s")).unwrap_err().kind(), ErrorKind::NotFound);
}
