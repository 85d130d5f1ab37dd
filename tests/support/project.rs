//! Projects that depend on this crate, built by cargo in a temporary directory as a user's would be.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "tests; each file uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The line that nearly all need.
pub(crate) const SERDE: &str = "serde = { version = \"1\", features = [\"derive\"] }";

/// A package whose only path dependency is this crate.
pub(crate) struct Project {
    directory: TempDir,
    target: PathBuf,
}

impl Project {
    /// `name` is the package's; `dependencies` are lines of TOML. What is built of dependencies is shared with the tests
    /// themselves, so the names of programs must differ.
    pub(crate) fn new(name: &str, dependencies: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = env!("CARGO_MANIFEST_DIR");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2021\"\n\n[workspace]\n\n[dependencies]\n\
             ipc-server = {{ path = {root:?} }}\n{dependencies}\n\n{}",
            profiles()
        );
        fs::write(directory.path().join("Cargo.toml"), manifest).unwrap();
        // The same versions, so that nothing has to be fetched.
        fs::copy(Path::new(root).join("Cargo.lock"), directory.path().join("Cargo.lock")).unwrap();
        fs::create_dir_all(directory.path().join("src/bin")).unwrap();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned();
        Self { directory, target }
    }

    /// Adds a program.
    pub(crate) fn program(&self, name: &str, source: &str) {
        fs::write(self.directory.path().join("src/bin").join(name).with_extension("rs"), source).unwrap();
    }

    /// `cargo` in the project.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(self.directory.path()).env("CARGO_TARGET_DIR", &self.target).env_remove("RUSTFLAGS");
        cargo
    }

    /// A program that was built.
    pub(crate) fn built(&self, name: &str) -> Command {
        let mut program = Command::new(self.target.join("debug").join(name));
        program.current_dir(self.directory.path());
        program
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// How this crate's dependencies were built for the tests.
fn profiles() -> String {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let sections = manifest.split("\n[").filter(|section| section.starts_with("profile."));
    sections.map(|section| format!("[{section}\n")).collect()
}
