//! Cost of sessions, computed exactly in integers from prices that you provide.
//!
//! ```
//! use realtime_core::cost::Prices;
//! use realtime_core::types::{CachedTokenDetails, InputTokenDetails, OutputTokenDetails, Usage};
//!
//! // Dollars per million tokens. Example values: look up the current prices of your model.
//! let prices = Prices::default()
//!     .text_in("4.00".parse()?)
//!     .text_in_cached("0.40".parse()?)
//!     .text_out("16.00".parse()?);
//! let cached = CachedTokenDetails::default().text_tokens(64);
//! let input = InputTokenDetails::default().text_tokens(119).cached_tokens(64).cached_tokens_details(cached);
//! let usage = Usage::default()
//!     .input_tokens(119)
//!     .input_token_details(input)
//!     .output_tokens(30)
//!     .output_token_details(OutputTokenDetails::default().text_tokens(30));
//! let cost = prices.response(&usage);
//! // 55 tokens at 4.00, 64 cached ones at 0.40, 30 at 16.00: in millionths of a dollar.
//! assert_eq!(cost.total().to_string(), "725.6");
//! assert_eq!(cost.total().microdollars(), 726);
//! assert_eq!(cost.text_in_cached.to_string(), "25.6");
//! assert_eq!(cost.unpriced_tokens, 0);
//! # Ok::<_, realtime_core::cost::PriceError>(())
//! ```
//!
//! Cached tokens are part of the input tokens and are charged once, at their own price. Usage that cannot be priced,
//! because its kind is not reported or has no price, is counted in [`Cost::unpriced_tokens`] and
//! [`Cost::unpriced_time`], and never estimated.

mod amount;
mod prices;
mod tokens;

pub use amount::{Amount, Price, PriceError};
pub use prices::{Bill, Cost, Prices, SessionPrices};
