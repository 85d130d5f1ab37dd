//! A directory for sockets.

use tempfile::TempDir;

use crate::Outcome;

pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Outcome<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_string_lossy().into_owned()
    }
}
