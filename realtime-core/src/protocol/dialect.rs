//! The words of servers that speak an older form of the protocol.
//!
//! What arrives is read in either form. What is sent is said in the form that the server takes, by one pure function:
//! [`Dialect::encode`]. Applications are written in the current form, whatever the server.
//!
//! ```
//! use realtime_core::{dialect::Dialect, event::SessionUpdate, types::{AudioFormat, RealtimeSessionConfig}};
//!
//! let config = RealtimeSessionConfig::default().instructions("Be brief.").voice("alloy");
//! let update = SessionUpdate::new(config).into();
//! let text = Dialect::Flat.encode(&update)?;
//! let flat = r#"{"type":"session.update","session":{"instructions":"Be brief.","voice":"alloy"}}"#;
//! assert_eq!(text.to_str(), Ok(flat));
//! # Ok::<_, realtime_core::dialect::DialectError>(())
//! ```

use std::{error, fmt};

/// The form of the protocol that a server takes. See [`Endpoint::dialect`](crate::endpoint::Endpoint::dialect).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// The form that is generally available: the session's audio in `audio.input` and `audio.output`, formats as
    /// objects, content parts named `output_text` and `output_audio`.
    #[default]
    Current,
    /// The form of the beta, which Azure's preview endpoint takes: everything at the top of the session, formats as
    /// words (`pcm16`, `g711_ulaw`, `g711_alaw`), `modalities`, content parts named `text` and `audio`.
    Flat,
}

/// Something that the server's dialect cannot say. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialectError {
    pub(crate) member: &'static str,
}

impl DialectError {
    /// What cannot be said: the path of a member, such as `session.reasoning`.
    pub fn member(self) -> &'static str {
        self.member
    }
}

impl fmt::Display for DialectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server's older form of the protocol has no `{}`: leave it out", self.member)
    }
}

impl error::Error for DialectError {}
