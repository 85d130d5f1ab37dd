//! Every descriptor is close-on-exec and non-blocking, and none is left behind.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;

use crate::support::{Command, Scratch, connect, handle_until};
use ipc_server::{Client, IpcServer};
use rustix::fs::OFlags;

fn descriptors() -> BTreeSet<u32> {
    // The listing's own descriptor is gone when the entry is looked at.
    let listed: Vec<_> = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let numbers = listed.iter().map(|name| name.to_str().unwrap().parse().unwrap());
    numbers.filter(|number| fs::exists(format!("/proc/self/fdinfo/{number}")).unwrap()).collect()
}

/// The flags of an open descriptor (man 5 proc_pid_fdinfo), and what it is.
fn flags(descriptor: u32) -> (OFlags, String) {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
    let target = fs::read_link(format!("/proc/self/fd/{descriptor}")).unwrap();
    (OFlags::from_bits_retain(u32::from_str_radix(flags, 8).unwrap()), target.to_str().unwrap().to_owned())
}

#[test]
fn descriptors_are_close_on_exec_non_blocking_and_closed_in_the_end() {
    let _alone = crate::alone();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let before = descriptors();

    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(&path).unwrap();
    let mut stack = Vec::new();
    let client = Client::connect(path.as_str()).unwrap();
    handle_until(&mut server, &mut stack, |sum| sum.pending == 1);
    let new: Vec<u32> = descriptors().difference(&before).copied().collect();
    // The listening socket, its lock, epoll, the alarm, the client's socket and the server's side of it.
    assert_eq!(new.len(), 6);
    for descriptor in new {
        let (flags, target) = flags(descriptor);
        assert!(flags.contains(OFlags::CLOEXEC), "{target}");
        let is_socket = target.starts_with("socket:");
        assert!(!is_socket || flags.contains(OFlags::NONBLOCK), "{target}");
    }

    // Clients of every kind come and go.
    for piece in [&b""[..], b"\0", &[0xff; 10], &Command::Push { x: 1 }.bytes(), &[0; 1024]] {
        let mut client = connect(&path);
        client.write_all(piece).unwrap();
        server.handle_new_messages(&mut stack).unwrap();
        drop(client);
        server.handle_new_messages(&mut stack).unwrap();
    }
    drop(client);
    handle_until(&mut server, &mut stack, |sum| sum.pending == 0);
    drop(server);
    assert_eq!(descriptors(), before);
}
