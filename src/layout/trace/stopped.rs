//! How a run ends early.

/// The error of every request of a run that has ended.
#[derive(Debug)]
pub(super) struct Stopped;

impl core::fmt::Display for Stopped {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the tracer has seen enough")
    }
}

impl core::error::Error for Stopped {}

impl serde::de::Error for Stopped {
    #[cold]
    fn custom<T: core::fmt::Display>(_: T) -> Self {
        Self
    }
}
