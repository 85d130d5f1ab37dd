//! `Replied` to `Accepted`, for the next command. The other way out is [`Connection::close`].

use super::{Accepted, Connection, Replied, Transport};
use crate::wire::Wire;

impl<'b, T: Transport, K: Wire, const N: usize> Connection<'b, Replied, T, K, N> {
    /// Waits for the peer's next command. Bytes of it that have already arrived are kept.
    #[inline]
    pub fn next(self) -> Connection<'b, Accepted, T, K, N> {
        self.into_state(Accepted)
    }
}
