//! Commands that are answered several times, by a server that is no more than bytes.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use ipc_server::layout;

use crate::support::{Outcome, command, run};
use crate::types::Simple;

fn frame(kind: u8, id: u32, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&length[..3], &[kind], &id.to_le_bytes(), content].concat()
}

/// The description of one of the two types, in one frame.
fn description<T: serde::Deserialize<'static>>(which: u8) -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    let length = layout::describe::<T>(0, &mut bytes).unwrap();
    frame(0x84, 0, &[&[which, 1, 0, 0], &bytes[..length]].concat())
}

/// Greets a client, describes `Simple`, and reads the command `GetLevel`.
fn greet(client: &mut UnixStream) {
    let fingerprints = [layout::fingerprint::<Simple>("bincode"), layout::fingerprint::<u8>("bincode")];
    let fingerprints = fingerprints.map(|fingerprint| fingerprint.unwrap().to_u64().to_le_bytes());
    let hello = [&[1, 0, 0, 0, 0, 4, 0, 0][..], fingerprints.as_flattened(), b"fand"].concat();
    let refusal = frame(0x83, 1, &[1, 0, 0, 0, 0, 0, 0, 0]);
    client.read_exact(&mut [0; 32 + "ipcctl 0.1.0".len() + 24]).unwrap();
    let described = [description::<Simple>(0), description::<u8>(1)].concat();
    client.write_all(&[frame(0x80, 0, &hello), described, refusal].concat()).unwrap();
    let mut asked = [0; 24 + 12];
    client.read_exact(&mut asked).unwrap();
    assert_eq!(asked[..24], frame(0x04, 2, fingerprints.as_flattened()));
    assert_eq!(asked[24..], frame(0x01, 2, &[0, 0, 0, 0]));
}

/// What the tool makes of these frames in answer to its command.
fn answered(options: &[&str], answer: &[u8]) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            let (mut client, _) = listener.accept().unwrap();
            greet(&mut client);
            client.write_all(answer).unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = client.read_to_end(&mut Vec::new());
        });
        let mut command = command();
        command.arg(&socket).arg("GetLevel").args(options);
        let outcome = run(command, "");
        server.join().unwrap();
        outcome
    })
}

#[test]
fn a_stream_is_printed_to_its_end() {
    let stream = [frame(0x82, 2, &[1]), frame(0x82, 1, &[9]), frame(0x82, 2, &[2]), frame(0x81, 2, &[3])].concat();
    answered(&["--follow"], &stream).prints("1\n2\n3");
    answered(&[], &stream).fails(1, "this command answers several times, and was executed: call it with --follow");
}

#[test]
fn the_reason_of_a_streams_end_is_told_apart_from_its_items() {
    let stream = [frame(0x82, 2, &[1]), frame(0x83, 2, &[10, 0, 0, 0, 0, 0, 0, 0])].concat();
    let outcome = answered(&["--follow"], &stream);
    assert_eq!((outcome.status, &*outcome.stdout), (Some(1), "1\n"));
    let process = std::process::id();
    assert_eq!(
        outcome.stderr,
        format!(
            "ipcctl: the daemon (fand, process {process}) refuses: the server ends; the command was not executed\n"
        )
    );
    // One that is no error.
    let ended = [&[14, 1, 0, 0, 0, 0, 0, 0][..], b"the fan is off"].concat();
    let outcome = answered(&["--follow"], &[frame(0x82, 2, &[1]), frame(0x83, 2, &ended)].concat());
    assert_eq!((outcome.status, &*outcome.stdout), (Some(0), "1\n"));
    assert_eq!(outcome.stderr, "ipcctl: the daemon has ended the stream: the fan is off\n");
    let outcome = answered(&["--follow"], &frame(0x82, 2, &[1]));
    assert_eq!((outcome.status, &*outcome.stdout), (Some(1), "1\n"));
    assert_eq!(
        outcome.stderr,
        "ipcctl: the daemon ended the connection without an answer, and may have executed the command\n"
    );
}

#[test]
fn a_response_that_is_none_is_told_as_such() {
    answered(&[], &frame(0x81, 2, &[])).fails(
        1,
        "the command was executed, and its response can't be read: the bytes are not what the description says",
    );
}
