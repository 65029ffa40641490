//! The examples that serve something, with somebody who uses them: a caller, a browser, the service's webhooks.

mod browser;
mod phone;
mod sip;
