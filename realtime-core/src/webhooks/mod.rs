//! Webhooks: verified signatures, typed payloads (feature `webhooks`).
//!
//! The service notifies your server of incoming calls with an HTTP POST. [`Webhooks`] holds the signing secrets, and
//! verifies and parses a delivery from the headers and raw body that any HTTP server provides. The current time is an
//! argument.
//!
//! ```
//! use std::time::SystemTime;
//!
//! use http::HeaderMap;
//! use realtime_core::webhooks::{WebhookData, WebhookError, Webhooks};
//!
//! fn on_post(webhooks: &Webhooks, headers: &HeaderMap, body: &[u8]) -> Result<(), WebhookError> {
//!     let event = webhooks.receive(headers, body, SystemTime::now())?;
//!     match &event.data {
//!         WebhookData::CallIncoming(call) => println!("{} from {:?}", call.call_id, call.sip_headers.get("From")),
//!         other => println!("{}: {other:?}", event.kind),
//!     }
//!     Ok(())
//! }
//!
//! let webhooks = Webhooks::new("whsec_a2l0LXNlY3JldC1vZi10aGlydHktdHdvLWJ5dGVzISE=")?;
//! assert!(matches!(on_post(&webhooks, &HeaderMap::new(), b"{}"), Err(WebhookError::MissingHeader(_))));
//! # Ok::<_, WebhookError>(())
//! ```
//!
//! The scheme is Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`. Verify the raw bytes: a body that was
//! parsed and serialized again has another signature.

mod error;
mod event;
mod verify;

pub use error::WebhookError;
pub use event::{IncomingCall, LiveTransport, SipHeader, SipHeaders, WebhookData, WebhookEvent};
pub use verify::{DEFAULT_TOLERANCE, Webhooks};
