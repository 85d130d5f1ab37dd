//! A job that takes its time, on a thread of the daemon's: its progress is a stream, and a client that leaves cancels it.
//!
//! ```text
//! cargo run --example jobs -- serve           the daemon, until it is told to stop
//! cargo run --example jobs -- run 20          runs a job of twenty steps, and prints how far it is
//! cargo run --example jobs -- running         prints how many jobs are running
//! cargo run --example jobs -- stop            stops the daemon
//! ```
//!
//! `--socket PATH` chooses another socket than `jobs.sock` in the current directory.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use clap::{Parser, Subcommand};
use ipc_server::unix::Waker;
use ipc_server::{Answer, Caller, Client, IpcServer, Request, Ticket, TicketHandler};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum Command {
    Run { steps: u32 },
    Running,
    Stop,
}

#[derive(Serialize, Deserialize)]
enum Response {
    Step(u32),
    Done { steps: u32 },
    Running(u32),
    Stopping,
}

impl Request for Command {
    type Response = Response;
}

struct Daemon {
    waker: Waker,
    to_daemon: Sender<(Ticket, Response)>,
    jobs: Vec<(Ticket, Arc<AtomicBool>)>,
    stopping: bool,
}

impl Daemon {
    /// Works on a thread, which sends what it has to say to the daemon and ends the daemon's sleep.
    fn start(&mut self, ticket: Ticket, steps: u32) -> Answer<Response> {
        const MOST: usize = 4;

        if self.jobs.len() >= MOST {
            return Answer::Declined("four jobs are running");
        }
        let Ok(waker) = self.waker.try_clone() else { return Answer::Declined("no descriptor is left") };
        let is_cancelled = Arc::new(AtomicBool::new(false));
        self.jobs.push((ticket, is_cancelled.clone()));
        let to_daemon = self.to_daemon.clone();
        thread::spawn(move || {
            for step in 1..=steps {
                thread::sleep(Duration::from_millis(20));
                if is_cancelled.load(Ordering::Relaxed) || to_daemon.send((ticket, Response::Step(step))).is_err() {
                    return;
                }
                waker.wake();
            }
            // An error says that the daemon has ended.
            let _ = to_daemon.send((ticket, Response::Done { steps }));
            waker.wake();
        });
        Answer::Later
    }
}

impl TicketHandler<Command> for Daemon {
    fn handle(&mut self, command: Command, _: Caller, ticket: Ticket) -> Answer<Response> {
        match command {
            Command::Run { steps } => self.start(ticket, steps),
            Command::Running => Answer::Now(Response::Running(u32::try_from(self.jobs.len()).unwrap_or(u32::MAX))),
            Command::Stop => {
                self.stopping = true;
                Answer::Now(Response::Stopping)
            }
        }
    }

    fn departed(&mut self, ticket: Ticket) {
        self.jobs.retain(|(job, is_cancelled)| {
            if *job == ticket {
                is_cancelled.store(true, Ordering::Relaxed);
            }
            *job != ticket
        });
    }
}

fn serve(socket: &str) -> Result<(), Box<dyn Error>> {
    let mut server = IpcServer::<Command>::builder().program("jobd 1.0").bind(socket)?;
    let (to_daemon, from_jobs): (_, Receiver<(Ticket, Response)>) = mpsc::channel();
    let mut daemon = Daemon { waker: server.waker()?, to_daemon, jobs: Vec::new(), stopping: false };
    while !daemon.stopping {
        server.wait(None)?;
        server.serve_with_tickets(&mut daemon)?;
        while let Ok((ticket, response)) = from_jobs.try_recv() {
            let is_over = match response {
                Response::Done { .. } => {
                    // If the client has left, nobody needs it.
                    let _ = server.reply(ticket, &response);
                    true
                }
                // A step that finds no room is left out.
                step => server.send(ticket, &step).is_err() && !server.is_waiting(ticket),
            };
            if is_over {
                daemon.departed(ticket);
            }
        }
    }
    server.shutdown_with_tickets(&mut daemon, Duration::from_secs(1))?;
    Ok(())
}

#[derive(Parser)]
#[command(about = "Jobs that take their time, and how far they are")]
struct Arguments {
    /// The daemon's socket.
    #[arg(long, global = true, default_value = "jobs.sock", value_name = "PATH")]
    socket: String,
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Serves until it is told to stop.
    Serve,
    /// Runs a job, and prints how far it is.
    Run { steps: u32 },
    /// Prints how many jobs are running.
    Running,
    /// Stops the daemon.
    Stop,
}

fn show(response: &Response) {
    match response {
        Response::Step(step) => println!("step {step}"),
        Response::Done { steps } => println!("done after {steps} steps"),
        Response::Running(jobs) => println!("{jobs} running"),
        Response::Stopping => println!("stopping"),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { socket, mode } = Arguments::parse();
    match mode {
        Mode::Serve => serve(&socket)?,
        Mode::Run { steps } => {
            let mut client = Client::connect(socket.as_str())?;
            for response in client.stream(&Command::Run { steps })? {
                show(&response?);
            }
        }
        Mode::Running => show(&ipc_server::call(&Command::Running, socket.as_str())?),
        Mode::Stop => show(&ipc_server::call(&Command::Stop, socket.as_str())?),
    }
    Ok(())
}
