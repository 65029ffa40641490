//! Where to connect.

/// What a transport connects with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Handshake {}

#[derive(Debug)]
/// x
pub struct EndpointError;
impl std::fmt::Display for EndpointError { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) } }
impl std::error::Error for EndpointError {}
