//! What the README says of a forwarded socket, with socat where it is installed.

use crate::example;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::process::{self, Command};
use std::thread;
use std::time::{Duration, Instant};

use crate::example::Background;
use ipc_server::{CallError, Client, IpcServer, IpcServerCommand, PeerCredentials, call};
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

/// Who is it that asks?
#[derive(Serialize, Deserialize, Debug)]
enum WhoAmI {
    WhoAmI,
}

/// What the daemon sees: user, process, and that process's name.
type Seen = (u32, u32, String);

impl IpcServerCommand for WhoAmI {
    type Response = Seen;
    type Context<'a> = ();

    fn process(self, (): &mut ()) -> Seen {
        (u32::MAX, 0, String::new())
    }

    fn process_from(self, peer: &PeerCredentials, (): &mut ()) -> Seen {
        let pid = peer.pid.unwrap();
        (peer.uid, pid, fs::read_to_string(format!("/proc/{pid}/comm")).unwrap())
    }
}

/// socat makes its socket, gives it the mode, and then listens.
fn wait_for_socket(path: &Path) {
    let start = Instant::now();
    while !fs::metadata(path).is_ok_and(|file| file.file_type().is_socket() && file.mode() & 0o777 == 0o600) {
        assert!(start.elapsed() < Duration::from_secs(20), "socat makes no socket of mode 0600");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn each_side_of_a_forwarded_socket_sees_the_forwarder() {
    if !example::is_installed("socat") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let remote = directory.path().join("remote.sock");
    let local = directory.path().join("local.sock");
    let mut server = IpcServer::<WhoAmI>::builder().bind(&remote).unwrap();

    let mut socat = Command::new("socat");
    socat.arg(format!("UNIX-LISTEN:{},fork,mode=0600", local.display()));
    let forwarder = Background::start(socat.arg(format!("UNIX-CONNECT:{}", remote.display())));
    wait_for_socket(&local);

    let client = thread::spawn({
        let (local, remote) = (local.clone(), remote.clone());
        move || {
            let direct = call(&WhoAmI::WhoAmI, &remote).unwrap();
            // It may not listen yet.
            let forwarded = loop {
                match call(&WhoAmI::WhoAmI, &local) {
                    Err(CallError::Refused) => {}
                    answer => break answer.unwrap(),
                }
            };
            // The client's check is met by the forwarder, which listens: this one trusts nobody else.
            let trusting = Client::builder().trust(|peer| peer.pid != Some(process::id()));
            let trusting = trusting.connect(&local).unwrap().call(&WhoAmI::WhoAmI).unwrap();
            (direct, forwarded, trusting)
        }
    });
    while !client.is_finished() {
        server.wait(Some(Duration::from_millis(10))).unwrap();
        server.handle_new_messages(()).unwrap();
    }
    let (direct, forwarded, trusting) = client.join().unwrap();

    let uid = geteuid().as_raw();
    assert_eq!((direct.0, direct.1), (uid, process::id()));
    assert_eq!((forwarded.0, forwarded.2.as_str()), (uid, "socat\n"));
    assert_ne!(forwarded.1, process::id());
    assert_eq!(trusting.2, "socat\n");
    drop(forwarder);
}
