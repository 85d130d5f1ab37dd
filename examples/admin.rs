//! A daemon whose run-time settings are managed over its control socket, and the command that an operator uses for it.
//!
//! ```text
//! admin serve [--config FILE] [--operator UID] [--systemd]   the daemon: it counts, and logs to its standard error
//! admin level [LEVEL]                                        prints or sets the log level
//! admin settings                                             lists the settings
//! admin set step 5 | interval 250 | label NAME | paused true changes one setting
//! admin stats                                                what the daemon has done so far
//! admin reload                                               reads the settings from its file again
//! admin stop                                                 ends the daemon; for the operator only
//! admin completions SHELL                                    a completion script for bash, zsh, fish, ...
//! ```
//!
//! `--socket PATH` chooses another socket than `admin.sock` in the current directory, `--timeout MILLISECONDS` how long
//! to wait for the daemon, `--json` prints JSON for scripts.
//!
//! | exit status | meaning |
//! |---|---|
//! | 0 | done; for `serve`: stopped by `admin stop` |
//! | 1 | the daemon refused, or did not give an answer that makes sense; for `serve`: it could not start or go on |
//! | 2 | the command line is wrong |
//! | 3 | there is no daemon, or none that this user may talk to |
//! | 4 | the daemon did not answer in time; it may have executed the command |

use std::error::Error;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::time::{Duration, Instant};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use ipc_server::{CallError, Client, Handled, IpcServer, IpcServerCommand, PeerCredentials};
use log::{LevelFilter, debug, info};
use serde::{Deserialize, Serialize};

#[derive(Parser)]
#[command(name = "admin", about = "A daemon that counts, and the command that manages it")]
#[command(after_help = "Exit status: 0 done, 1 refused by the daemon, 2 usage, 3 no daemon, 4 timed out")]
struct Arguments {
    /// The daemon's socket.
    #[arg(long, global = true, default_value = "admin.sock", value_name = "PATH")]
    socket: PathBuf,
    /// How long to wait for the daemon's answer.
    #[arg(long, global = true, default_value = "5000", value_name = "MILLISECONDS")]
    timeout: u64,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Run the daemon.
    Serve(Serve),
    /// Print a completion script.
    Completions { shell: clap_complete::Shell },
    #[command(flatten)]
    Command(Command),
}

#[derive(clap::Args)]
struct Serve {
    /// A file of settings, each on a line of its own: `step = 5`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The user who may stop the daemon. Default: the one who runs it.
    #[arg(long, value_name = "UID")]
    operator: Option<u32>,
    /// Take the socket that a supervisor passes, as systemd does.
    #[arg(long)]
    systemd: bool,
}

/// What an operator can ask for: the command line and the message on the wire.
#[derive(Subcommand, Serialize, Deserialize, Debug)]
enum Command {
    /// Print the log level, or set it.
    Level { level: Option<Level> },
    /// List the settings.
    Settings,
    /// Change a setting.
    Set {
        #[command(subcommand)]
        setting: Setting,
    },
    /// Print what the daemon has done so far.
    Stats,
    /// Read the settings from the daemon's file again.
    Reload,
    /// End the daemon. For its operator only.
    Stop,
}

/// One setting with its value, and thereby its type.
#[derive(Subcommand, Serialize, Deserialize, Debug)]
enum Setting {
    /// What is added at each tick; not 0.
    Step { step: u32 },
    /// The time between two ticks: 10 to 60000.
    Interval { milliseconds: u64 },
    /// The daemon's name in its log: 1 to 64 bytes without control characters.
    Label { label: String },
    /// Whether counting is paused.
    Paused {
        #[arg(action = clap::ArgAction::Set)]
        paused: bool,
    },
}

#[derive(ValueEnum, Serialize, Deserialize, Debug, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Serialize, Deserialize, Debug, Clone)]
struct Settings {
    step: u32,
    interval_ms: u64,
    label: String,
    paused: bool,
}

#[derive(Serialize, Deserialize, Debug)]
struct Stats {
    uptime_ms: u64,
    count: u64,
    ticks: u64,
    served: u64,
    rejected: u64,
    refused: u64,
    expired: u64,
    evicted: u64,
}

#[derive(Serialize, Deserialize, Debug)]
enum Answer {
    Done,
    Level(Level),
    Settings(Settings),
    Stats(Stats),
}

/// Why the daemon does not do what it was asked to.
#[derive(Serialize, Deserialize, Debug)]
enum Refusal {
    NotTheOperator { uid: u32 },
    OutOfRange { setting: String, allowed: String },
    NoConfig,
    Config { reason: String },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTheOperator { uid } => write!(f, "user {uid} is not the operator"),
            Self::OutOfRange { setting, allowed } => write!(f, "{setting} must be {allowed}"),
            Self::NoConfig => f.write_str("the daemon was started without --config"),
            Self::Config { reason } => write!(f, "nothing was changed: {reason}"),
        }
    }
}

impl IpcServerCommand for Command {
    type Response = Result<Answer, Refusal>;
    type Context<'a> = &'a mut Daemon;

    fn process(self, daemon: &mut Self::Context<'_>) -> Self::Response {
        match self {
            Self::Level { level: None } => Ok(Answer::Level(daemon.level)),
            Self::Level { level: Some(level) } => {
                daemon.set_level(level);
                Ok(Answer::Done)
            }
            Self::Settings => Ok(Answer::Settings(daemon.settings.clone())),
            Self::Set { setting } => daemon.settings.set(setting).map(|()| Answer::Done),
            Self::Stats => Ok(Answer::Stats(daemon.stats())),
            Self::Reload => daemon.reload().map(|()| Answer::Done),
            Self::Stop => {
                daemon.stopping = true;
                Ok(Answer::Done)
            }
        }
    }

    /// Whoever gets this far may open the socket and is the daemon's user or root. Stopping takes more.
    fn process_from(self, peer: &PeerCredentials, daemon: &mut Self::Context<'_>) -> Self::Response {
        let process = peer.pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
        debug!("{}: {self:?} from user {}, process {process}", daemon.settings.label, peer.uid);
        if matches!(self, Self::Stop) && peer.uid != daemon.operator {
            return Err(Refusal::NotTheOperator { uid: peer.uid });
        }
        self.process(daemon)
    }
}

impl Settings {
    /// The command line has checked the type, and for its own client only: what is in range is decided here.
    fn set(&mut self, setting: Setting) -> Result<(), Refusal> {
        let out_of_range = |setting: &str, allowed: &str| {
            Err(Refusal::OutOfRange { setting: setting.to_owned(), allowed: allowed.to_owned() })
        };
        match setting {
            Setting::Step { step: 0 } => return out_of_range("step", "at least 1"),
            Setting::Step { step } => self.step = step,
            Setting::Interval { milliseconds: milliseconds @ 10..=60_000 } => self.interval_ms = milliseconds,
            Setting::Interval { .. } => return out_of_range("interval", "10 to 60000 milliseconds"),
            // It is printed to terminals and logs.
            Setting::Label { label } if !(1..=64).contains(&label.len()) || label.contains(char::is_control) => {
                return out_of_range("label", "1 to 64 bytes without control characters");
            }
            Setting::Label { label } => self.label = label,
            Setting::Paused { paused } => self.paused = paused,
        }
        Ok(())
    }

    /// The settings with what the lines of `text` say.
    fn with_lines(&self, text: &str) -> Result<Self, String> {
        let mut settings = self.clone();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            // Only the start of a line is quoted: the answer must fit the capacity.
            let unknown = || format!("line {number}: not a setting: {:.40}", line.trim());
            let (name, value) = line.split_once('=').ok_or_else(unknown)?;
            let value = value.trim();
            let setting = match name.trim() {
                "step" => value.parse().ok().map(|step| Setting::Step { step }),
                "interval" => value.parse().ok().map(|milliseconds| Setting::Interval { milliseconds }),
                "label" => Some(Setting::Label { label: value.to_owned() }),
                "paused" => value.parse().ok().map(|paused| Setting::Paused { paused }),
                _ => None,
            };
            settings.set(setting.ok_or_else(unknown)?).map_err(|refusal| format!("line {number}: {refusal}"))?;
        }
        Ok(settings)
    }
}

/// The daemon's state. It adds `step` to `count` every `interval_ms`.
struct Daemon {
    settings: Settings,
    level: Level,
    config: Option<PathBuf>,
    operator: u32,
    start: Instant,
    count: u64,
    ticks: u64,
    /// What the server had done before this call.
    handled: Handled,
    stopping: bool,
}

impl Daemon {
    fn tick(&mut self) {
        if !self.settings.paused {
            self.count = self.count.wrapping_add(self.settings.step.into());
            self.ticks += 1;
            debug!("{}: counted to {}", self.settings.label, self.count);
        }
    }

    fn set_level(&mut self, level: Level) {
        self.level = level;
        log::set_max_level(match level {
            Level::Off => LevelFilter::Off,
            Level::Error => LevelFilter::Error,
            Level::Warn => LevelFilter::Warn,
            Level::Info => LevelFilter::Info,
            Level::Debug => LevelFilter::Debug,
        });
    }

    fn stats(&self) -> Stats {
        let handled = &self.handled;
        Stats {
            uptime_ms: self.start.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
            count: self.count,
            ticks: self.ticks,
            served: handled.served as u64,
            rejected: handled.rejected as u64,
            refused: handled.refused as u64,
            expired: handled.expired as u64,
            evicted: handled.evicted as u64,
        }
    }

    /// All of the file or nothing.
    fn reload(&mut self) -> Result<(), Refusal> {
        let file = self.config.as_ref().ok_or(Refusal::NoConfig)?;
        let text = fs::read_to_string(file).map_err(|error| Refusal::Config { reason: error.to_string() })?;
        self.settings = self.settings.with_lines(&text).map_err(|reason| Refusal::Config { reason })?;
        info!("{}: settings reloaded", self.settings.label);
        Ok(())
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.action {
        Action::Serve(ref options) => match serve(&arguments.socket, options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("admin: {}: {error}", arguments.socket.display());
                ExitCode::FAILURE
            }
        },
        Action::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "admin", &mut io::stdout());
            ExitCode::SUCCESS
        }
        Action::Command(ref command) => manage(command, &arguments),
    }
}

/// The daemon.
fn serve(socket: &PathBuf, options: &Serve) -> Result<(), Box<dyn Error>> {
    log::set_logger(&StandardError)?;
    let builder = IpcServer::<Command>::builder();
    let mut server = if options.systemd { builder.adopt(passed_socket()?)? } else { builder.bind(socket)? };
    let mut daemon = Daemon {
        settings: Settings { step: 1, interval_ms: 1000, label: "counter".to_owned(), paused: false },
        level: Level::Info,
        config: options.config.clone(),
        operator: options.operator.unwrap_or_else(|| rustix::process::geteuid().as_raw()),
        start: Instant::now(),
        count: 0,
        ticks: 0,
        handled: Handled::default(),
        stopping: false,
    };
    daemon.set_level(Level::Info);
    if daemon.config.is_some() {
        daemon.reload().map_err(|refusal| refusal.to_string())?;
    }
    info!("{}: started", daemon.settings.label);
    let mut last = Instant::now();
    while !daemon.stopping {
        // The interval may have been changed since the last turn.
        let interval = Duration::from_millis(daemon.settings.interval_ms);
        server.wait(Some(interval.saturating_sub(last.elapsed())))?;
        daemon.handled = *server.totals();
        server.handle_new_messages(&mut daemon)?;
        if last.elapsed() >= interval {
            daemon.tick();
            last = Instant::now();
        }
    }
    // Whoever has connected is still answered.
    server.shutdown(&mut daemon, Duration::from_secs(1))?;
    info!("{}: stopped", daemon.settings.label);
    Ok(())
}

/// The listening socket that the supervisor has opened (man 3 sd_listen_fds).
fn passed_socket() -> Result<OwnedFd, String> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set: is there a supervisor?"));
    if variable("LISTEN_PID")? != process::id().to_string() {
        return Err("LISTEN_PID is another process".to_owned());
    }
    if variable("LISTEN_FDS")? != "1" {
        return Err("LISTEN_FDS is not 1".to_owned());
    }
    // SAFETY: LISTEN_PID says that descriptor 3 was passed to this process, and nothing here has used or closed it.
    Ok(unsafe { OwnedFd::from_raw_fd(3) })
}

/// Writes lines to the standard error, where a supervisor collects them.
struct StandardError;

impl log::Log for StandardError {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            // A log that can't be written is no reason to stop.
            let _ = writeln!(io::stderr(), "{:5} {}", record.level(), record.args());
        }
    }

    fn flush(&self) {}
}

/// The client.
fn manage(command: &Command, arguments: &Arguments) -> ExitCode {
    let builder = Client::builder().deadline(Duration::from_millis(arguments.timeout));
    let status = match builder.connect(&arguments.socket).and_then(|mut client| client.call(command)) {
        Ok(Ok(answer)) => return print(&answer, arguments.json),
        Ok(Err(refusal)) => {
            eprintln!("admin: refused: {refusal}");
            return ExitCode::from(1);
        }
        Err(ref error) => {
            eprintln!("admin: {}: {error}", arguments.socket.display());
            status(error)
        }
    };
    ExitCode::from(status)
}

fn status(error: &CallError) -> u8 {
    match error {
        CallError::PathTooLong
        | CallError::InvalidPath
        | CallError::CommandTooLarge { .. }
        | CallError::Encode(_)
        | CallError::EmptyCommand => 2,
        CallError::NoServer | CallError::Refused | CallError::PermissionDenied | CallError::Untrusted { .. } => 3,
        CallError::TimedOut => 4,
        _ => 1,
    }
}

fn print(answer: &Answer, json: bool) -> ExitCode {
    let text = if json { as_json(answer) } else { Ok(as_text(answer)) };
    let written = text.map_err(Into::into).and_then(|text| io::stdout().write_all(text.as_bytes()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("admin: done, but the answer can't be printed: {error}");
            ExitCode::SUCCESS
        }
    }
}

fn as_json(answer: &Answer) -> serde_json::Result<String> {
    let json = match answer {
        Answer::Done => serde_json::json!({ "done": true }),
        Answer::Level(level) => serde_json::json!({ "level": level }),
        Answer::Settings(settings) => serde_json::to_value(settings)?,
        Answer::Stats(stats) => serde_json::to_value(stats)?,
    };
    Ok(format!("{json}\n"))
}

fn as_text(answer: &Answer) -> String {
    match answer {
        Answer::Done => String::new(),
        Answer::Level(level) => format!("{level:?}\n").to_lowercase(),
        Answer::Settings(Settings { step, interval_ms, label, paused }) => aligned(&[
            ("step", step.to_string()),
            ("interval", format!("{interval_ms} ms")),
            ("label", label.clone()),
            ("paused", paused.to_string()),
        ]),
        Answer::Stats(stats) => aligned(&[
            ("uptime", format!("{}.{:03} s", stats.uptime_ms / 1000, stats.uptime_ms % 1000)),
            ("count", stats.count.to_string()),
            ("ticks", stats.ticks.to_string()),
            ("commands served", stats.served.to_string()),
            ("clients rejected", stats.rejected.to_string()),
            ("clients refused", stats.refused.to_string()),
            ("clients expired", stats.expired.to_string()),
            ("clients evicted", stats.evicted.to_string()),
        ]),
    }
}

/// One line for each, the values below one another.
fn aligned(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    lines.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}
