//! Whether the server learns why a bare message is malformed. Only the log tells anyone.

/// The wire `K`, with reasons.
#[cfg(feature = "log")]
pub(super) type Reasoned<K> = K;

/// The wire `K`, without reasons where no peer is told of them.
#[cfg(not(feature = "log"))]
pub(super) type Reasoned<K> = <K as crate::wire::ServerProtocol>::Unexplained;
