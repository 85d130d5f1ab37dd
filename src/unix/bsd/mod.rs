//! macOS and FreeBSD: kqueue, and what the C library says of a socket's peer. Needs std, which nix does.

#[cfg(not(target_pointer_width = "64"))]
compile_error!(
    "the feature `unix` of ipc-server needs a system of 64 bits here: kqueue carries a pointer's width with each event"
);

pub(crate) mod alarm;
pub(super) mod file;
#[cfg(target_os = "freebsd")]
mod freebsd;
#[cfg(target_os = "macos")]
mod macos;
mod queue;
pub(crate) mod readiness;
pub(super) mod socket;
pub(super) mod user;
pub(super) mod waker;

#[cfg(target_os = "freebsd")]
use self::freebsd as kind;
#[cfg(target_os = "macos")]
use self::macos as kind;
