//! Where a message begins and ends.

pub(crate) mod bare;
