//! Against the published crate, 0.3.2: its client with our server, our client with its server, both sides running freely.

use std::process::{self, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::process::name;
use crate::support::{Command, Response, Scratch, handle_until};
use ipc_server::{CallError, Client, IpcServer};

const EXCHANGES: u64 = 2000;

/// All three commands in turn, with the response that each must get.
fn exchange(number: u64) -> (Command, Response) {
    match number % 3 {
        0 => (Command::Print { payload: format!("text {number}") }, Response::PrintAck),
        1 => (Command::Add { a: number, b: 1 }, Response::Add { c: number + 1 }),
        _ => (Command::Push { x: number }, Response::Push { x: number }),
    }
}

/// The client process of the next test. The published client only prints what it gets, so its output is the evidence.
#[test]
#[ignore = "started by its_clients_lose_nothing_with_our_server"]
fn published_client_process() {
    let path = std::env::var("SOCKET").expect("the test that starts this one sets it");
    for number in 0..EXCHANGES {
        upstream::client_send(&exchange(number).0, &path);
    }
}

#[test]
fn its_clients_lose_nothing_with_our_server() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();

    let client = process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name(&published_client_process), "--ignored", "--nocapture"])
        .env("SOCKET", &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = thread::spawn(move || client.wait_with_output().unwrap());

    // A loop that never sleeps, as a busy daemon's.
    let mut served = 0;
    while served < EXCHANGES as usize {
        let handled = server.handle_new_messages(&mut stack).unwrap();
        assert_eq!(handled.rejected + handled.expired + handled.evicted + handled.failed, 0);
        served += handled.served;
        assert!(!output.is_finished() || served == EXCHANGES as usize, "the client ended after {served} replies");
    }
    let output = output.join().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    let received: Vec<_> = printed.lines().filter_map(|line| line.strip_prefix("received response: ")).collect();
    let expected: Vec<_> = (0..EXCHANGES).map(|number| format!("{:?}", exchange(number).1)).collect();
    assert_eq!(received, expected);
    assert_eq!(stack, (0..EXCHANGES).filter(|number| number % 3 == 2).collect::<Vec<_>>());
    println!("published client, our server: {EXCHANGES} exchanges, 0 lost");
}

#[test]
fn our_client_gets_every_reply_that_its_server_gives() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = upstream::IpcServer::<Command>::new(&path).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            let mut dropped = 0;
            for number in 0..EXCHANGES {
                let (command, expected) = exchange(number);
                loop {
                    // One connection for each attempt. A request that the server strands in its backlog is found again
                    // when the next client comes, so the wait is short.
                    let builder = Client::builder().bare().deadline(Duration::from_millis(200));
                    match builder.connect(path.as_str()).unwrap().call(&command) {
                        Ok(response) => break assert_eq!(response, expected),
                        // The server dropped the client, or forgot it.
                        Err(CallError::Closed { received: 0 } | CallError::TimedOut) => dropped += 1,
                        Err(error) => panic!("exchange {number}: {error}"),
                    }
                }
            }
            done.store(true, Ordering::Release);
            dropped
        });
        let mut stack = Vec::new();
        while !done.load(Ordering::Acquire) {
            assert!(!client.is_finished() || done.load(Ordering::Acquire), "the client panicked");
            // It fails whenever a client was dropped; that is what the client counts.
            let _ = server.handle_new_messages(&mut stack);
        }
        let dropped = client.join().unwrap();
        println!(
            "our client, published server: {EXCHANGES} exchanges answered, {dropped} requests dropped by it and retried"
        );
    });
}

#[test]
fn its_client_waits_for_a_server_that_is_busy() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let client = thread::spawn({
        let path = path.clone();
        move || upstream::client_send(&Command::Print { payload: "x".repeat(1012) }, &path)
    });
    handle_until(&mut server, &mut Vec::new(), |sum| sum.served == 1);
    client.join().unwrap();
}
