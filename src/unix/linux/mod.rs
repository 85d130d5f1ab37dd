//! Linux: epoll, timerfd, eventfd, and credentials that the kernel keeps for each socket. Needs neither std nor libc.

pub(crate) mod alarm;
pub(super) mod file;
pub(crate) mod readiness;
pub(super) mod socket;
pub(super) mod user;
pub(super) mod waker;
