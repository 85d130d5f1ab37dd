//! A daemon with a stack of numbers, and its client.
//!
//! ```text
//! cargo run --example simple                          both in one process, as a demonstration
//! cargo run --example simple -- server                the daemon, until it is interrupted
//! cargo run --example simple -- client print "hello"  prints a text on the daemon's side
//! cargo run --example simple -- client add 5 3        adds two numbers there
//! cargo run --example simple -- client push 69        pushes a number onto the daemon's stack
//! ```
//!
//! `--socket PATH` chooses another socket than `ipc-server.sock` in the current directory. Built with
//! `--features postcard`, `--codec postcard` speaks that format in place of bincode; both sides must speak the same.

use std::error::Error;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use ipc_server::codec::Bincode;
#[cfg(feature = "postcard")]
use ipc_server::codec::Postcard;
use ipc_server::described;
use ipc_server::wire::ClientWire;
use ipc_server::{CallError, Client, ClientBuilder, IpcServer, IpcServerCommand};
use serde::{Deserialize, Serialize};

#[derive(Parser)]
#[command(about = "A daemon with a stack of numbers, and its client; without arguments both, as a demonstration")]
struct Arguments {
    /// The daemon's socket.
    #[arg(long, global = true, default_value = "ipc-server.sock", value_name = "PATH")]
    socket: String,
    /// What client and daemon speak.
    #[arg(long, global = true, value_enum, default_value = "bincode")]
    codec: Format,
    #[command(subcommand)]
    mode: Option<Mode>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// As the published crate does.
    Bincode,
    /// Fewer bytes.
    #[cfg(feature = "postcard")]
    Postcard,
}

#[derive(Subcommand)]
enum Mode {
    /// Serves commands until interrupted.
    Server,
    /// Sends one command and prints the response. Fails if there is none.
    Client {
        /// Speaks the published wire, for a daemon that serves nothing else.
        #[arg(long)]
        bare: bool,
        #[command(subcommand)]
        command: ClientCommand,
    },
}

/// One enum is the command line of the client and the message on the wire.
#[derive(Subcommand, Serialize, Deserialize, Debug)]
enum ClientCommand {
    /// Prints a text on the daemon's side.
    Print { payload: String },
    /// Adds two numbers.
    Add { a: u64, b: u64 },
    /// Pushes a number onto the daemon's stack.
    Push { x: u64 },
}

#[derive(Serialize, Deserialize, Debug)]
enum ClientResponse {
    /// A simple acknowledgement.
    PrintAck,
    /// The sum.
    Add { c: u64 },
    /// The number that was pushed.
    Push { x: u64 },
}

impl IpcServerCommand for ClientCommand {
    type Response = ClientResponse;
    type Context<'a> = &'a mut Vec<u64>;

    fn process(self, stack: &mut Self::Context<'_>) -> ClientResponse {
        match self {
            Self::Print { payload } => {
                println!("Print command received: {payload}");
                ClientResponse::PrintAck
            }
            Self::Add { a, b } => {
                // A client must not be able to stop the daemon with a sum that overflows.
                let c = a.wrapping_add(b);
                println!("Add command received: {a} + {b} = {c}");
                ClientResponse::Add { c }
            }
            Self::Push { x } => {
                println!("Push command received: {x}");
                stack.push(x);
                ClientResponse::Push { x }
            }
        }
    }
}

fn main() -> ExitCode {
    let Arguments { socket, codec, mode } = Arguments::parse();
    let outcome = match codec {
        Format::Bincode => run::<Bincode>(mode, &socket),
        #[cfg(feature = "postcard")]
        Format::Postcard => run::<Postcard>(mode, &socket),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simple: {socket}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run<K: described::Format>(mode: Option<Mode>, socket: &str) -> Result<(), Box<dyn Error>> {
    match mode {
        Some(Mode::Server) => serve::<K>(socket),
        Some(Mode::Client { command, bare: false }) => Ok(send(Client::builder().codec::<K>(), &command, socket)?),
        Some(Mode::Client { command, bare: true }) => {
            Ok(send(Client::builder().bare().codec::<K>(), &command, socket)?)
        }
        None => demonstrate::<K>(),
    }
}

/// The daemon.
fn serve<K: described::Format>(socket: &str) -> Result<(), Box<dyn Error>> {
    // With the default settings this is `IpcServer::<ClientCommand>::new(socket)`.
    let mut server = IpcServer::<ClientCommand>::builder().codec::<K>().bind(socket)?;
    let mut stack = Vec::new();
    loop {
        server.handle_new_messages(&mut stack)?;
        // The daemon's other work goes here. This one has none and sleeps until a client comes.
        server.wait(Some(Duration::from_secs(1)))?;
    }
}

/// The client.
fn send<W: ClientWire>(builder: ClientBuilder<W>, command: &ClientCommand, socket: &str) -> Result<(), CallError> {
    // With the default settings this is `ipc_server::call(command, socket)`.
    let response = builder.connect(socket)?.call(command)?;
    println!("sent command: {command:?}");
    println!("received response: {response:?}");
    Ok(())
}

/// Daemon and client in one process.
fn demonstrate<K: described::Format>() -> Result<(), Box<dyn Error>> {
    let commands = [
        ClientCommand::Print { payload: "hello".to_owned() },
        ClientCommand::Add { a: 5, b: 3 },
        ClientCommand::Push { x: 69 },
    ];
    let directory = tempfile::tempdir()?;
    let socket = directory.path().join("demonstration.sock");
    let socket = socket.to_str().ok_or("the temporary directory's path is not UTF-8")?;

    let mut server = IpcServer::<ClientCommand>::builder().codec::<K>().bind(socket)?;
    let mut stack = Vec::new();
    thread::scope(|scope| {
        let client = scope
            .spawn(|| commands.iter().try_for_each(|command| send(Client::builder().codec::<K>(), command, socket)));
        while !client.is_finished() {
            server.wait(Some(Duration::from_millis(10)))?;
            server.handle_new_messages(&mut stack)?;
        }
        client.join().map_err(|_| "the client panicked")??;
        println!("the daemon's stack: {stack:?}");
        Ok(())
    })
}
