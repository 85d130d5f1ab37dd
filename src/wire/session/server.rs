//! The program at the other end.

use core::fmt;

use heapless::String;

use super::LONGEST_PROGRAM;

/// The program at the other end of a [`Link`](super::Link).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    pub(super) program: String<LONGEST_PROGRAM, u8>,
    pub(super) pid: Option<u32>,
}

impl Server {
    /// Its name and version, as it says. Empty if it says nothing.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Its process, if the transport knows it.
    #[must_use]
    pub const fn pid(&self) -> Option<u32> {
        self.pid
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the daemon")?;
        match (self.program(), self.pid) {
            ("", None) => Ok(()),
            ("", Some(pid)) => write!(f, " (process {pid})"),
            (program, None) => write!(f, " ({program})"),
            (program, Some(pid)) => write!(f, " ({program}, process {pid})"),
        }
    }
}
