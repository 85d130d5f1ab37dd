//! How a server ends, and how another takes over its socket.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Command, Response, Scratch, connect_and_send, handle_until, response, until_closed};
use ipc_server::unix::BindError;
use ipc_server::{CallError, Client, IpcServer};
use rustix::fd::OwnedFd;

/// Longer than any of it takes.
const LIMIT: Duration = Duration::from_secs(10);

fn assert_serves(server: &mut IpcServer<Command>, path: &str) {
    let mut client = connect_and_send(path, &Command::Push { x: 1 }.bytes());
    assert_eq!(server.handle_new_messages(&mut Vec::new()).unwrap().served, 1);
    assert_eq!(response(&mut client), Response::Push { x: 1 });
}

/// However little the server does in one call.
#[test]
fn shutdown_serves_the_whole_backlog() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let server = IpcServer::<Command>::builder().work_per_call(2).bind(&path).unwrap();
    let mut clients: Vec<_> = (0..25).map(|x| connect_and_send(&path, &Command::Push { x }.bytes())).collect();
    let start = Instant::now();
    let handled = server.shutdown(&mut Vec::new(), LIMIT).unwrap();
    assert_eq!((handled.served, handled.pending), (25, 0));
    assert!(start.elapsed() < LIMIT / 2, "it ends when all are done");
    for (client, x) in clients.iter_mut().zip(0..) {
        assert_eq!(response(client), Response::Push { x });
    }
    assert!(!fs::exists(&path).unwrap());
}

/// Another process that has the listening socket may shut it down (man 2 shutdown).
#[test]
fn a_listener_that_was_shut_down_is_an_error_once_the_backlog_is_served() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let listener = UnixListener::bind(&path).unwrap();
    let other = listener.try_clone().unwrap();
    let mut server = IpcServer::<Command>::builder().adopt(OwnedFd::from(listener)).unwrap();
    let bytes = Command::Push { x: 1 }.bytes();
    let mut stack = Vec::new();
    let mut half = connect_and_send(&path, &bytes[..5]);
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().pending, 1);

    half.write_all(&bytes[5..]).unwrap();
    let mut in_backlog = connect_and_send(&path, &bytes);
    rustix::net::shutdown(&other, rustix::net::Shutdown::Both).unwrap();
    assert!(server.wait(None).unwrap());
    server.handle_new_messages(&mut stack).unwrap_err();
    assert_eq!((server.totals().served, server.totals().pending), (2, 0));
    assert_eq!([response(&mut half), response(&mut in_backlog)], [Response::Push { x: 1 }, Response::Push { x: 1 }]);
    server.handle_new_messages(&mut stack).unwrap_err();
}

#[test]
fn a_listener_that_was_handed_over_is_the_successors_to_shut_down() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 1 }.bytes();
    let mut kept = connect_and_send(&path, &bytes);
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().pending, 1);

    let successor = server.hand_over().unwrap();
    rustix::net::shutdown(&successor, rustix::net::Shutdown::Both).unwrap();
    assert!(!server.wait(Some(Duration::from_millis(20))).unwrap(), "it has nothing to do");
    kept.write_all(&bytes).unwrap();
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
    assert_eq!(server.shutdown(&mut stack, LIMIT).unwrap().closed, 1);
}

#[test]
fn shutdown_finishes_what_it_holds_and_closes_what_is_idle() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 1 }.bytes();
    let mut idle = connect_and_send(&path, &bytes);
    let mut half = connect_and_send(&path, &bytes[..5]);
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().pending, 2);
    let ending = thread::spawn(move || server.shutdown(&mut Vec::new(), LIMIT).unwrap());
    // Closed while the other is still waited for.
    assert_eq!(until_closed(&mut idle).len(), 12);
    half.write_all(&bytes[5..]).unwrap();
    assert_eq!(response(&mut half), Response::Push { x: 1 });
    let handled = ending.join().unwrap();
    assert_eq!((handled.served, handled.closed, handled.pending), (1, 1, 0));
}

#[test]
fn shutdown_ends_at_its_limit_and_says_what_it_dropped() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let server = IpcServer::<Command>::new(&path).unwrap();
    let mut half = connect_and_send(&path, b"\x02");
    let mut whole = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    let handled = server.shutdown(&mut Vec::new(), Duration::from_millis(50)).unwrap();
    assert_eq!((handled.served, handled.pending), (1, 1));
    assert_eq!(until_closed(&mut half), b"");
    assert_eq!(response(&mut whole), Response::Push { x: 1 });
}

#[test]
fn a_successor_serves_the_backlog_and_the_path_stays() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut old = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 1 }.bytes();
    let mut held = connect_and_send(&path, &bytes[..5]);
    assert_eq!(old.handle_new_messages(&mut stack).unwrap().pending, 1);

    let mut new = IpcServer::<Command>::builder().adopt(old.hand_over().unwrap()).unwrap();
    let mut waiting = connect_and_send(&path, &bytes);
    assert_eq!(old.handle_new_messages(&mut stack).unwrap().served, 0);
    held.write_all(&bytes[5..]).unwrap();
    let handled = old.shutdown(&mut stack, LIMIT).unwrap();
    assert_eq!((handled.served, handled.pending), (1, 0));
    assert_eq!(response(&mut held), Response::Push { x: 1 });

    assert_eq!(new.handle_new_messages(&mut stack).unwrap().served, 1);
    assert_eq!(response(&mut waiting), Response::Push { x: 1 });
    assert_serves(&mut new, &path);
    assert_eq!(IpcServer::<Command>::new(&path).unwrap_err(), BindError::InUse);
    drop(new);
    assert!(fs::exists(&path).unwrap(), "an adopted socket's file is not ours to remove");
    assert_serves(&mut IpcServer::<Command>::new(&path).unwrap(), &path);
}

#[test]
fn only_a_unix_stream_socket_that_listens_is_adopted() {
    let scratch = Scratch::new();
    let adopt = |socket: OwnedFd| IpcServer::<Command>::builder().adopt(socket);
    let tcp: OwnedFd = TcpListener::bind("127.0.0.1:0").unwrap().into();
    let datagram: OwnedFd = UnixDatagram::bind(scratch.path("datagram")).unwrap().into();
    let connected: OwnedFd = UnixStream::pair().unwrap().0.into();
    let file: OwnedFd = fs::File::create(scratch.path("file")).unwrap().into();
    let pipe: OwnedFd = std::io::pipe().unwrap().0.into();
    for other in [tcp, datagram, connected, file, pipe] {
        assert_eq!(adopt(other).unwrap_err(), BindError::NotAListener);
    }
    // As systemd passes it: blocking, and inherited.
    let path = scratch.path("s");
    let listener = UnixListener::bind(&path).unwrap();
    let mut server = adopt(listener.try_clone().unwrap().into()).unwrap();
    assert_eq!(server.handle_new_messages(&mut Vec::new()).unwrap().served, 0);
    assert_serves(&mut server, &path);
    // Its owner goes on listening, and gets those who come later.
    server.shutdown(&mut Vec::new(), LIMIT).unwrap();
    let client = connect_and_send(&path, b"x");
    listener.set_nonblocking(false).unwrap();
    drop((listener.accept().unwrap(), client));
}

#[test]
fn shutdown_leaves_the_backlog_of_an_adopted_socket_to_others() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let socket: OwnedFd = UnixListener::bind(&path).unwrap().into();
    let adopt = || IpcServer::<Command>::builder().adopt(socket.try_clone().unwrap()).unwrap();
    let mut client = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    assert_eq!(adopt().shutdown(&mut Vec::new(), LIMIT).unwrap().served, 0);
    assert_eq!(adopt().handle_new_messages(&mut Vec::new()).unwrap().served, 1);
    assert_eq!(response(&mut client), Response::Push { x: 1 });
}

#[test]
fn an_adopted_socket_is_made_non_blocking_and_close_on_exec() {
    use rustix::fd::AsFd;
    use rustix::fs::{OFlags, fcntl_getfl};
    use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

    let scratch = Scratch::new();
    let socket: OwnedFd = UnixListener::bind(scratch.path("s")).unwrap().into();
    fcntl_setfd(&socket, FdFlags::empty()).unwrap();
    let before = fcntl_getfl(&socket).unwrap();
    assert!(!before.contains(OFlags::NONBLOCK));
    let listener = ipc_server::unix::Listener::adopt(socket).unwrap();
    assert_eq!(fcntl_getfd(listener.as_fd()).unwrap(), FdFlags::CLOEXEC);
    assert_eq!(fcntl_getfl(listener.as_fd()).unwrap(), before | OFlags::NONBLOCK);
    // Also one that is both already.
    let again = listener.as_fd().try_clone_to_owned().unwrap();
    let listener = ipc_server::unix::Listener::adopt(again).unwrap();
    assert_eq!(fcntl_getfl(listener.as_fd()).unwrap(), before | OFlags::NONBLOCK);
}

#[test]
fn an_abstract_address_has_one_owner_and_no_file() {
    let scratch = Scratch::new();
    let name = scratch.path("abstract").into_bytes();
    let bind = || IpcServer::<Command>::builder().bind_abstract(&name);
    let mut server = bind().unwrap();
    assert_eq!(bind().unwrap_err(), BindError::InUse);
    assert!(!fs::exists(scratch.path("abstract")).unwrap());
    let caller = thread::spawn({
        let name = name.clone();
        move || Client::builder().connect_abstract(&name).unwrap().call(&Command::Push { x: 1 }).unwrap()
    });
    handle_until(&mut server, &mut Vec::new(), |sum| sum.served == 1);
    assert_eq!(caller.join().unwrap(), Response::Push { x: 1 });
    drop(server);
    drop(bind().unwrap());
    for (name, error) in [(&[][..], BindError::InvalidPath), (&[b'x'; 108], BindError::PathTooLong)] {
        assert_eq!(IpcServer::<Command>::builder().bind_abstract(name).unwrap_err(), error);
    }
    drop(IpcServer::<Command>::builder().bind_abstract(&[b'x'; 107]).unwrap());
}

#[test]
fn an_abstract_address_hears_only_whom_it_authorizes() {
    let scratch = Scratch::new();
    let name = scratch.path("abstract").into_bytes();
    let mut server = IpcServer::<Command>::builder().authorize(|_| false).bind_abstract(&name).unwrap();
    let caller = thread::spawn(move || Client::builder().connect_abstract(&name)?.call(&Command::Push { x: 1 }));
    let mut stack = Vec::new();
    // A client whose connection was closed before it called connects once more.
    handle_until(&mut server, &mut stack, |sum| sum.refused > 0 && caller.is_finished());
    assert_eq!(caller.join().unwrap(), Err(CallError::Closed { received: 0 }));
    assert!(stack.is_empty());
}
