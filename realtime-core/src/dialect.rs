//! Encoding for servers that speak an older form of the protocol.
//!
//! Incoming events are accepted in both forms. Outgoing events are encoded in the form that the server expects, by one
//! pure function: [`Dialect::encode`]. Applications always use the current form.
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

/// The form of the protocol that a server expects. See [`Endpoint::dialect`](crate::endpoint::Endpoint::dialect).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// The generally available form: audio settings in `audio.input` and `audio.output`, formats as objects, content
    /// parts named `output_text` and `output_audio`.
    #[default]
    Current,
    /// The beta form, used by Azure's preview endpoint: all settings at the top level of the session, formats as
    /// strings (`pcm16`, `g711_ulaw`, `g711_alaw`), `modalities`, content parts named `text` and `audio`.
    Flat,
}

/// A member that the server's dialect cannot express. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialectError {
    pub(crate) member: &'static str,
}

impl DialectError {
    /// Path of the member, such as `session.reasoning`.
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
