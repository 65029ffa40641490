use std::time::Duration;

use super::options::Keepalive;

/// Limits and timeouts of an [`OpenLink`](super::OpenLink). The defaults suit a server's end of a spoken conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LinkOptions {
    /// Timeout for writing one message. 30 s by default.
    pub write_timeout: Duration,
    /// Timeout for writing what is queued before a close frame. 30 s by default.
    pub finish_timeout: Duration,
    /// Timeout for the close handshake. 5 s by default.
    pub close_timeout: Duration,
    /// Detection of half-open links. On by default.
    pub keepalive: Option<Keepalive>,
    /// Capacity of the outbox in bytes. 4 MiB by default. A message of any legal size is accepted while the outbox is
    /// empty or below this size.
    pub queue_bytes: usize,
    /// Maximum size of received messages in bytes. 24 MiB by default: enough for an append of 15 MiB of audio.
    pub max_inbound: usize,
    /// Maximum size of sent messages in bytes. 24 MiB by default.
    pub max_outbound: usize,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self {
            write_timeout: Duration::from_secs(30),
            finish_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            keepalive: Some(Keepalive::default()),
            queue_bytes: 4 << 20,
            max_inbound: 24 << 20,
            max_outbound: 24 << 20,
        }
    }
}

setters! { LinkOptions:
    write_timeout: Duration,
    finish_timeout: Duration,
    close_timeout: Duration,
    keepalive: impl Into<Option<Keepalive>>,
    queue_bytes: usize,
    max_inbound: usize,
    max_outbound: usize,
}
