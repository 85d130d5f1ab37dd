//! What macOS and FreeBSD do otherwise than Linux. `.ci/kqueue` puts this beside the other tests, and says which of the two it is.

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process;
use std::thread;
use std::time::Duration;

use ipc_server::unix::{BindError, Listener};
use ipc_server::{CallError, Caller, Client, IpcServer, Request};
use serde::{Deserialize, Serialize};

type Outcome = Result<(), Box<dyn Error>>;

#[derive(Serialize, Deserialize, Debug)]
enum Command {
    Ping,
}

impl Request for Command {
    type Response = u8;
}

#[test]
fn a_path_has_at_most_103_bytes() -> Outcome {
    let directory = tempfile::tempdir()?;
    let start = directory.path().to_str().ok_or("UTF-8")?;
    let path = |length: usize| format!("{start}/{}", "x".repeat(length - start.len() - 1));
    drop(Listener::bind(path(103))?);
    assert_eq!(Listener::bind(path(104)).unwrap_err(), BindError::PathTooLong);
    assert_eq!(ipc_server::call(&Command::Ping, path(104)), Err(CallError::PathTooLong));
    assert_eq!(CallError::PathTooLong.to_string(), "the socket's path is longer than 103 bytes: choose a shorter one");
    Ok(())
}

#[test]
fn there_are_no_abstract_addresses() {
    let server = IpcServer::<Command>::builder().bind_abstract(b"a name");
    assert_eq!(server.unwrap_err(), BindError::NoAbstractAddresses);
    let client = Client::builder().connect_abstract(b"a name");
    assert_eq!(client.unwrap_err(), CallError::NoAbstractAddresses);
}

#[test]
fn the_process_of_a_client_is_known_on_macos_only() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("s");
    let mut server = IpcServer::<Command>::builder().bind(&path)?;
    let client = thread::spawn(move || ipc_server::call(&Command::Ping, &path));
    let mut peer = None;
    while !client.is_finished() {
        server.wait(Some(Duration::from_millis(10)))?;
        server.serve(&mut |_: Command, caller: Caller| {
            peer = caller.peer();
            7
        })?;
    }
    assert_eq!(client.join().unwrap(), Ok(7));
    let peer = peer.ok_or("it was called")?;
    assert_eq!(peer.uid, rustix::process::geteuid().as_raw());
    assert_eq!(peer.pid, (env!("SYSTEM") == "macos").then(process::id));
    Ok(())
}

#[test]
fn the_file_has_its_mode_before_anybody_can_connect() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("s");
    for mode in [0o600, 0o660, 0o666] {
        let _server = IpcServer::<Command>::builder().mode(mode).bind(&path)?;
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, mode);
    }
    Ok(())
}

/// There is no way to stop it without losing what it has sent.
#[test]
fn a_client_that_never_pauses_is_dropped_at_the_limit_of_shutdown() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("s");
    let mut server = IpcServer::<Command>::builder().bare().keep_open(true).bind(&path)?;
    let client = UnixStream::connect(&path)?;
    let mut receiver = client.try_clone()?;
    let mut sender = client;
    thread::scope(|scope| {
        scope.spawn(move || std::io::copy(&mut std::io::repeat(0), &mut sender));
        scope.spawn(move || std::io::copy(&mut receiver, &mut std::io::sink()));
        let mut ping = |_: Command, _: Caller| 7;
        while server.serve(&mut ping)?.served == 0 {
            server.wait(Some(Duration::from_secs(10)))?;
        }
        let last = server.shutdown_with(&mut ping, Duration::from_millis(300))?;
        assert!(last.served > 0);
        assert_eq!(last.pending, 1);
        Ok(())
    })
}
