//! Lists and calls the commands of any daemon that is built on `ipc-server`, without its source.

mod complete;
mod daemon;
mod describe;
mod diff;
mod failure;
mod json;
mod list;
mod scalar;
mod user;
mod value;
mod wanted;
mod words;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;

use ipc_server::layout::{Description, Kind};
use ipc_server::wire::session::Reason;
use ipc_server::{CallError, Received};

use crate::daemon::Daemon;
use crate::describe::Style;
use crate::failure::{FAILED, Failure, USAGE};
use crate::value::{Json, Shown, Value};
use crate::wanted::COMMAND;
use crate::words::Options;

/// Lists and calls the commands of any daemon that is built on ipc-server, without its source.
///
/// `ipcctl SOCKET` lists what the daemon understands. `ipcctl SOCKET COMMAND ARGUMENTS` calls it. `ipcctl list [DIRECTORY]..` finds
/// daemons. `ipcctl diff OLD NEW` compares what `ipcctl --json SOCKET` printed of two versions, or two texts of layouts. `ipcctl
/// completions bash|zsh|fish` prints a script that completes commands and fields from the running daemon.
#[derive(Parser)]
#[command(version, about, after_help = HELP)]
struct Arguments {
    /// The daemon's socket; `./list` if it has the name of a verb.
    socket: PathBuf,
    /// The command and its arguments, or one JSON value.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    words: Vec<OsString>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print a command's responses, one on a line, until it ends them.
    #[arg(long)]
    follow: bool,
    /// How long to wait for the daemon. A stream has no limit.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
}

const HELP: &str = "\
Arguments are words in the order of the fields, or --field value. Variants are words: Set Step 5.
An option is none, or its value. A list takes the words that remain, a map key=value.
Any of these may be JSON; `-` alone reads it from the standard input. Text goes behind -- if it begins with --.
Options may stand behind the command too, unless it has a field of that name.

Exit status: 0 answered, 1 refused or failed, or the answer is an Err, 2 usage, 3 no daemon, 4 timed out";

/// A duration, from the command line.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
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
    let Arguments { socket, words, json, follow, timeout } = arguments;
    let words: Result<Vec<String>, OsString> = words.into_iter().map(OsString::into_string).collect();
    let words = words.map_err(|word| Failure::usage(format!("{} is not UTF-8", word.display())))?;
    match (socket.to_str(), words.as_slice()) {
        (Some("list"), words) => return without_daemon(words, json, list::list),
        (Some("complete"), words) => return complete::complete(words),
        (Some("completions"), words) => return without_daemon(words, json, |words, _| complete::script(words)),
        (Some("diff"), words) => return without_daemon(words, json, diff::diff),
        _ => {}
    }
    let mut daemon = daemon::connect(&socket, timeout)?;
    let options = Options { json, follow, ..Options::default() };
    let (value, options) = match words.as_slice() {
        [] => return describe(&daemon, json),
        [verb, rest @ ..] if verb == "describe" && !has_command(daemon.commands(), verb) => {
            return match rest {
                [] => describe(&daemon, json),
                [option] if option == "--json" => describe(&daemon, true),
                [word, ..] => Err(Failure::usage(format!("there is a word too many: {word}"))),
            };
        }
        words => command(daemon.commands(), words, options)?,
    };
    let Some(value) = value else {
        help(daemon.commands(), &words)?;
        return Ok(0);
    };
    let limit = if options.follow { Duration::MAX } else { options.timeout.unwrap_or(timeout) };
    daemon.set_deadline(limit);
    call(&mut daemon, &value, options)
}

/// A verb in place of a socket.
fn without_daemon(
    words: &[String],
    json: bool,
    verb: impl FnOnce(&[String], bool) -> Result<u8, Failure>,
) -> Result<u8, Failure> {
    let (options, words): (Vec<_>, Vec<_>) = words.iter().cloned().partition(|word| word.starts_with("--"));
    match options.iter().find(|option| *option != "--json") {
        Some(option) => Err(Failure::usage(format!("there is no option {option} here"))),
        None => verb(&words, json || !options.is_empty()),
    }
}

fn has_command(commands: Description<'_>, name: &str) -> bool {
    matches!(commands.root().kind(), Kind::Enum(variants) if variants.variant(name).is_some())
}

fn describe(daemon: &Daemon, json: bool) -> Result<u8, Failure> {
    if json {
        print(&format!("{}\n", describe::as_json(daemon)))?;
    } else {
        print(&describe::text(daemon, style()))?;
    }
    Ok(0)
}

/// The command that the words say. Nothing if help is wanted.
fn command(commands: Description<'_>, words: &[String], options: Options) -> Result<(Option<Value>, Options), Failure> {
    let form = commands.root();
    match (words, form.kind()) {
        ([word], _) if word == "-" => {
            let json = json::parse("the standard input", &stdin()?)?;
            Ok((Some(json::value(COMMAND, form, &json)?), options))
        }
        ([name, word], Kind::Enum(variants)) if word == "-" => {
            let variant = wanted::variant(COMMAND, variants, name)?;
            let json = json::parse("the standard input", &stdin()?)?;
            Ok((Some(json::content(COMMAND, name, variant, &json)?), options))
        }
        _ => words::read(form, words, options),
    }
}

fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    match io::stdin().read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::usage(format!("the standard input can't be read: {error}"))),
    }
}

/// What a command carries.
fn help(commands: Description<'_>, words: &[String]) -> Result<(), Failure> {
    let name = words.iter().find(|word| !word.starts_with('-'));
    let variant = match (commands.root().kind(), name) {
        (Kind::Enum(variants), Some(name)) => wanted::variant(COMMAND, variants, name)?,
        _ => return Err(Failure::new(USAGE, "--help is for one command: ipcctl SOCKET COMMAND --help")),
    };
    let text = format!("{} {}", describe::name(variant.names()), describe::usage(variant));
    print(&format!("{}\n", text.trim_end()))?;
    Ok(())
}

/// Sends the command and prints what answers it.
fn call(daemon: &mut Daemon, command: &Value, options: Options) -> Result<u8, Failure> {
    daemon.send(command).map_err(|error| match error {
        CallError::NotCarried { refusal, .. } => Failure::usage(refusal.with(daemon.commands().root())),
        error => Failure::calling(error),
    })?;
    loop {
        let received = match daemon.receive::<Value>() {
            Ok(received) => received,
            // The daemon has no more to say, and perhaps says why.
            Err(CallError::Refusal(refusal)) if refusal.reason() == Reason::Ended => {
                if !refusal.text().is_empty() {
                    eprintln!("ipcctl: the daemon has ended the stream: {}", refusal.text());
                }
                return Ok(0);
            }
            Err(error) => return Err(Failure::calling(error)),
        };
        let (Received::Item(value) | Received::Response(value)) = &received;
        if matches!(received, Received::Item(_)) && !options.follow {
            return Err(Failure::new(
                FAILED,
                "this command answers several times, and was executed: call it with --follow",
            ));
        }
        let kind = daemon.responses().root().kind();
        let text = if options.json {
            serde_json::to_string(&Json(value)).map_err(|error| Failure::new(FAILED, error))?
        } else {
            match value {
                // By itself it needs no quotes.
                Value::Text(text) if matches!(kind, Kind::String) => value::Clean(text).to_string(),
                value => Shown(value, kind).to_string(),
            }
        };
        print(&format!("{text}\n"))?;
        if let Received::Response(value) = &received {
            return Ok(if is_err(value, kind) { FAILED } else { 0 });
        }
    }
}

/// Whether it is the `Err` of a `Result`.
fn is_err(value: &Value, kind: Kind<'_>) -> bool {
    let Kind::Enum(variants) = kind else { return false };
    let is_result = variants.name() == "Result" && variants.variant("Ok").is_some();
    let name = match value {
        Value::Text(name) => Some(name),
        Value::Map(entries) => {
            entries.first().and_then(|(key, _)| if let Value::Text(name) = key { Some(name) } else { None })
        }
        _ => None,
    };
    is_result && name.is_some_and(|name| name == "Err")
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
