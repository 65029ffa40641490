//! Where to connect.

/// What a transport connects with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Handshake {}
