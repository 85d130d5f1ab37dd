//! What ends a server's sleep from elsewhere.

use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;

use super::system::waker::Flag;

/// Ends a server's sleep from another thread or from a signal handler.
///
/// A wake-up is kept until the server has noticed it, so one that comes before the sleep ends it too. Several that come
/// before the server notices are one. It stays valid when the server is gone; then nobody notices it.
///
/// It is a descriptor of an eventfd (man 2 eventfd), and two of a pipe on macOS and FreeBSD. A fork of the process has the same
/// one, and a program that the process executes has none.
#[derive(Debug)]
pub struct Waker {
    flag: Flag,
}

impl Waker {
    pub(crate) fn new() -> Result<Self, Errno> {
        Flag::new().map(|flag| Self { flag })
    }

    /// Wakes the server up, or lets its next sleep end at once.
    ///
    /// It is one `write`, which never blocks and cannot fail in a way that matters: a signal handler may call it (man 7
    /// signal-safety).
    pub fn wake(&self) {
        self.flag.set();
    }

    /// Another descriptor for the same server's sleep, close-on-exec, for a thread or a signal handler of its own.
    ///
    /// # Errors
    ///
    /// The operating system's, if the process has no descriptor left ([`Errno::MFILE`]).
    pub fn try_clone(&self) -> Result<Self, Errno> {
        self.flag.try_clone().map(|flag| Self { flag })
    }

    /// Takes notice of all wake-ups so far: the descriptor is no longer readable.
    pub(crate) fn reset(&self) {
        self.flag.clear();
    }
}

/// Readable from a [`wake`](Waker::wake) until the server takes notice. Don't read from it.
impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.flag.as_fd()
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use core::time::Duration;

    use rustix::io::Errno;

    use super::super::readiness::{has_input, wait_for_input};
    use super::Waker;

    #[test]
    fn wake_ups_of_a_clone_last_until_they_are_noticed_and_are_one() -> Result<(), Errno> {
        let waker = Waker::new()?;
        let clone = waker.try_clone()?;
        assert!(!has_input(&waker)?);
        clone.wake();
        clone.wake();
        drop(clone);
        assert!(has_input(&waker)?);
        waker.reset();
        assert!(!has_input(&waker)?);
        waker.reset();
        waker.wake();
        assert!(has_input(&waker)?);
        Ok(())
    }

    #[test]
    fn another_thread_ends_a_sleep() -> Result<(), Errno> {
        let waker = Waker::new()?;
        let clone = waker.try_clone()?;
        std::thread::scope(|threads| {
            threads.spawn(move || clone.wake());
            assert_eq!(wait_for_input(&waker, Duration::from_secs(10)), Ok(true));
        });
        Ok(())
    }
}
