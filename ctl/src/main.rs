//! Lists and calls the commands of any daemon that is built on `ipc-server`, without its source.

mod daemon;
mod describe;
mod failure;
mod user;
mod value;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;

use crate::describe::Style;
use crate::failure::{FAILED, Failure};

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// The daemon's socket.
    socket: PathBuf,
    /// The command and its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    rest: Vec<OsString>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// How long to wait for the daemon.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds is wanted, such as 2.5".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("a number of seconds above 0 is wanted".to_owned()),
    }
}

fn main() -> ExitCode {
    // The client has its buffers within itself, and is moved a few times.
    let run = thread::Builder::new().stack_size(64 << 20).spawn(|| run(Arguments::parse()));
    match run.map(thread::JoinHandle::join) {
        Ok(Ok(Ok(status))) => ExitCode::from(status),
        Ok(Ok(Err(Failure { status, message }))) => {
            // Nobody is left to be told.
            let _ = writeln!(io::stderr(), "ipcctl: {message}");
            ExitCode::from(status)
        }
        _ => ExitCode::from(FAILED),
    }
}

fn run(arguments: Arguments) -> Result<u8, Failure> {
    let daemon = daemon::connect(&arguments.socket, arguments.timeout)?;
    if arguments.json {
        print(&format!("{}\n", describe::as_json(&daemon)))?;
    } else {
        print(&describe::text(&daemon, style()))?;
    }
    Ok(0)
}

/// Colours only where a person looks.
fn style() -> Style {
    let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if is_wanted && io::stdout().is_terminal() { Style::COLOURED } else { Style::PLAIN }
}

fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
