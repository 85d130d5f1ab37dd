//! Why there is no answer, and the exit status that says so.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ipc_server::CallError;
use ipc_server::wire::session::Reason;

use crate::user::user;

/// The daemon refused, failed, or is none that this program understands.
pub(crate) const FAILED: u8 = 1;
/// The command line is wrong. Nothing was sent.
pub(crate) const USAGE: u8 = 2;
/// There is no daemon, or none that this user may talk to.
pub(crate) const NO_DAEMON: u8 = 3;
/// The daemon did not answer in time. It may have executed the command.
pub(crate) const TIMED_OUT: u8 = 4;

/// What is told on the standard error, and the exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u8,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: u8, message: impl fmt::Display) -> Self {
        Self { status, message: message.to_string() }
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(USAGE, message)
    }

    /// No connection to the daemon at `socket`, which has said nothing of itself yet.
    pub(crate) fn connecting(socket: &Path, error: CallError) -> Self {
        let message = match &error {
            CallError::NotASession | CallError::Closed { received: 1.. } => {
                "what listens there speaks neither wire of ipc-server: see which program it is".to_owned()
            }
            CallError::Closed { .. } => "the daemon ended the connection without a word: it speaks the bare wire only, and \
                                         can't describe its commands, or it serves other users; use the program that came \
                                         with it"
                .to_owned(),
            CallError::TimedOut => "the daemon did not describe its commands in time: it is busy or stopped, or speaks the \
                                    bare wire only; see what it does, or raise --timeout"
                .to_owned(),
            CallError::Refused => "nobody is listening at the socket: start the daemon".to_owned(),
            CallError::NoServer => "no socket is there: start the daemon, or correct the path".to_owned(),
            CallError::PermissionDenied => match socket.symlink_metadata() {
                Ok(file) => format!("no permission: the socket belongs to {0}, run this as {0}", user(file.uid())),
                Err(_) => "no permission to look into the directory: run this as the daemon's user".to_owned(),
            },
            CallError::Untrusted { uid } => format!(
                "the daemon belongs to {}, neither you nor root, and was told nothing: run this as that user",
                user(*uid)
            ),
            CallError::OtherCodec => "the daemon has another codec than bincode and postcard".to_owned(),
            CallError::DescriptionTooLong { .. } => "the daemon's description of its types has no end".to_owned(),
            CallError::Refusal(refusal) if refusal.reason() == Reason::Version => {
                "the daemon speaks another version of the protocol: use another version of ipcctl".to_owned()
            }
            error => error.to_string(),
        };
        Self::new(status(&error), format!("{}: {message}", socket.display()))
    }

    /// The command was not answered.
    pub(crate) fn calling(error: CallError) -> Self {
        let message = match &error {
            CallError::TimedOut => {
                "the daemon did not answer in time, and may have executed the command: see what it does, or raise --timeout"
                    .to_owned()
            }
            CallError::Closed { .. } => {
                "the daemon ended the connection without an answer, and may have executed the command".to_owned()
            }
            CallError::CommandTooLarge { capacity } => {
                format!("the command is longer than the {capacity} bytes that the daemon takes; nothing was sent")
            }
            CallError::Unreadable(error) => {
                format!("the command was executed, and its response can't be read: {error}")
            }
            error => error.to_string(),
        };
        Self::new(status(&error), message)
    }
}

fn status(error: &CallError) -> u8 {
    match error {
        CallError::PathTooLong
        | CallError::InvalidPath
        | CallError::CommandTooLarge { .. }
        | CallError::Encode(_)
        | CallError::NotCarried { .. } => USAGE,
        CallError::NoServer | CallError::Refused | CallError::PermissionDenied | CallError::Untrusted { .. } => {
            NO_DAEMON
        }
        CallError::TimedOut => TIMED_OUT,
        _ => FAILED,
    }
}

impl From<io::Error> for Failure {
    /// The standard output does not take the answer.
    fn from(error: io::Error) -> Self {
        Self::new(FAILED, format!("the answer can't be printed: {error}"))
    }
}
