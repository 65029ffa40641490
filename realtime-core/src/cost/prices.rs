use std::{collections::VecDeque, ops::AddAssign};

use super::{
    Amount, Price,
    amount::billionths,
    tokens::{Input, Output, TokenCount},
};
use crate::{
    live::types::{Number, ReportedUsage},
    session::realtime::Totals,
    types::{TranscriptionUsage, Usage},
    wire::Id,
};

macro_rules! prices {
    ($($(#[$meta:meta])* $name:ident,)+) => {
        /// Prices of a model in dollars: per million tokens, per minute. Anything not set is not priced.
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct Prices {
            $($(#[$meta])* pub $name: Option<Price>,)+
        }

        impl Prices {
            $(
                #[doc = concat!("Sets [`", stringify!($name), "`](Self#structfield.", stringify!($name), ").")]
                #[must_use]
                pub fn $name(mut self, price: Price) -> Self {
                    self.$name = Some(price);
                    self
                }
            )+
        }
    };
}

prices! {
    /// Text input.
    text_in,
    /// Cached text input. Defaults to the price of other text input; the other cached prices behave alike.
    text_in_cached,
    /// Audio input.
    audio_in,
    /// Cached audio input.
    audio_in_cached,
    /// Image input.
    image_in,
    /// Cached image input.
    image_in_cached,
    /// Text output.
    text_out,
    /// Audio output.
    audio_out,
    /// A minute of audio, or of a session billed by time.
    per_minute,
    /// A minute of a paused session. Defaults to the price of other minutes.
    paused_per_minute,
}

macro_rules! costs {
    ($($(#[$meta:meta])* $name:ident,)+) => {
        /// A cost, broken down by modality.
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct Cost {
            $($(#[$meta])* pub $name: Amount,)+
            /// Tokens without a price or of unknown kind. Not included in any amount.
            pub unpriced_tokens: u64,
            /// Whether there was time without a price. Not included in any amount.
            pub unpriced_time: bool,
        }

        impl Cost {
            /// The total amount.
            pub fn total(&self) -> Amount {
                [$(self.$name),+].into_iter().sum()
            }

            /// Subtracts another cost.
            fn subtract(&mut self, other: &Self) {
                $(self.$name = self.$name.less(other.$name);)+
                self.unpriced_tokens = self.unpriced_tokens.saturating_sub(other.unpriced_tokens);
            }
        }

        impl AddAssign<&Self> for Cost {
            fn add_assign(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
                self.unpriced_tokens = self.unpriced_tokens.saturating_add(other.unpriced_tokens);
                self.unpriced_time |= other.unpriced_time;
            }
        }
    };
}

costs! {
    /// Text input.
    text_in,
    /// Cached text input.
    text_in_cached,
    /// Audio input.
    audio_in,
    /// Cached audio input.
    audio_in_cached,
    /// Image input.
    image_in,
    /// Cached image input.
    image_in_cached,
    /// Text output.
    text_out,
    /// Audio output.
    audio_out,
    /// Time.
    time,
    /// Time of a paused session.
    paused_time,
}

impl Prices {
    /// Cost of a response, or of the total usage of several.
    pub fn response(&self, usage: &Usage) -> Cost {
        let input = Input::new(usage.input_tokens, usage.input_token_details.as_ref());
        let output = Output::new(usage.output_tokens, usage.output_token_details.as_ref());
        self.tokens(&input, &output)
    }

    /// Cost of a transcription, billed by tokens or by duration as the service reports it.
    pub fn transcription(&self, usage: &TranscriptionUsage) -> Cost {
        match usage {
            TranscriptionUsage::Tokens(tokens) => {
                let input = Input::new(Some(tokens.input_tokens), tokens.input_token_details.as_ref());
                self.tokens(&input, &Output::new(Some(tokens.output_tokens), None))
            }
            TranscriptionUsage::Duration(duration) => self.time(duration.seconds, None),
            TranscriptionUsage::Other(_) => Cost::default(),
        }
    }

    /// Cost of a duration in seconds, part of which may be paused.
    pub fn time(&self, seconds: f64, paused_seconds: Option<f64>) -> Cost {
        let all = billionths(seconds);
        let paused = match self.paused_per_minute {
            Some(_) => paused_seconds.map_or(0, billionths).min(all),
            None => 0,
        };
        let amount =
            |time, price: Option<Price>| price.map_or_else(Amount::default, |price| Amount::of_time(time, price));
        Cost {
            time: amount(all - paused, self.per_minute),
            paused_time: amount(paused, self.paused_per_minute),
            unpriced_time: all > paused && self.per_minute.is_none(),
            ..Cost::default()
        }
    }

    /// Cost of a Live session, from the last usage that it reported. The reported numbers are running totals and must
    /// not be added up.
    pub fn live(&self, usage: &ReportedUsage) -> Cost {
        let seconds = usage.seconds.get();
        let paused = usage.paused_seconds.or_else(|| Some((seconds - usage.active_seconds?.get()).into()));
        self.time(seconds, paused.map(Number::get))
    }

    fn tokens(&self, input: &Input, output: &Output) -> Cost {
        let mut unpriced = input.other;
        let mut amount = |tokens: u64, price: Option<Price>| match price {
            Some(price) => Amount::of_tokens(tokens, price),
            None => {
                unpriced = unpriced.saturating_add(tokens);
                Amount::default()
            }
        };
        let mut kind = |kind: TokenCount, plain: Option<Price>, cached: Option<Price>| {
            (amount(kind.plain, plain), amount(kind.cached, cached.or(plain)))
        };
        let (text_in, mut text_in_cached) = kind(input.text, self.text_in, self.text_in_cached);
        let (audio_in, audio_in_cached) = kind(input.audio, self.audio_in, self.audio_in_cached);
        let (image_in, image_in_cached) = kind(input.image, self.image_in, self.image_in_cached);
        let (text_out, audio_out) = (amount(output.text, self.text_out), amount(output.audio, self.audio_out));
        // Cached tokens of unknown kind.
        text_in_cached += amount(input.other_cached, self.text_in_cached.or(self.text_in));
        amount(output.other, None);
        Cost {
            text_in,
            text_in_cached,
            audio_in,
            audio_in_cached,
            image_in,
            image_in_cached,
            text_out,
            audio_out,
            unpriced_tokens: unpriced,
            ..Cost::default()
        }
    }
}

/// Prices for a session: of the conversing model and of the transcription model.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SessionPrices {
    /// Prices of the conversing model.
    pub responses: Prices,
    /// Prices of the transcription model.
    pub transcription: Prices,
}

impl SessionPrices {
    /// Combines the prices of the conversing model and of the transcription model.
    pub fn new(responses: Prices, transcription: Prices) -> Self {
        Self { responses, transcription }
    }
}

impl Totals {
    /// Cost of the session so far.
    ///
    /// Exact if every response reported its cached tokens by kind. Otherwise they are attributed to the total input of
    /// the session.
    pub fn cost(&self, prices: &SessionPrices) -> Cost {
        let mut cost = self.responses.as_ref().map_or_else(Cost::default, |usage| prices.responses.response(usage));
        if let Some(tokens) = &self.transcription_tokens {
            cost += &prices.transcription.transcription(&TranscriptionUsage::Tokens(tokens.clone()));
        }
        cost += &prices.transcription.time(self.transcription_seconds, None);
        cost
    }
}

/// Sum of the costs of several models and sessions. Responses reported repeatedly are counted once.
#[derive(Clone, Debug, Default)]
pub struct Bill {
    total: Cost,
    /// Recent responses by id, to detect repetitions.
    recent: VecDeque<(Id, Cost)>,
}

/// Number of recent responses whose repetition is detected.
const MOST_RECENT: usize = 256;

impl Bill {
    /// Adds a response, or replaces its cost if it is among the latest 256.
    pub fn response(&mut self, id: &str, cost: &Cost) {
        if let Some((_, seen)) = self.recent.iter_mut().find(|(seen, _)| *seen == id) {
            self.total.subtract(seen);
            *seen = cost.clone();
        } else {
            if self.recent.len() == MOST_RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back((Id::new(id), cost.clone()));
        }
        self.total += cost;
    }

    /// Adds any other cost: a transcription, a session.
    pub fn add(&mut self, cost: &Cost) {
        self.total += cost;
    }

    /// The total cost.
    pub fn total(&self) -> &Cost {
        &self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{InputTokenDetails, OutputTokenDetails, TranscriptionDuration};

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn what_has_no_price_is_counted_and_not_guessed() {
        let prices = Prices::default().text_in(price("4"));
        let details = InputTokenDetails::default().text_tokens(10).image_tokens(7).cached_tokens(4);
        let usage = Usage::default().input_tokens(20).input_token_details(details).output_tokens(5);
        let cost = prices.response(&usage);
        // Without a price of its own, what is cached costs what text costs.
        assert_eq!((cost.text_in.microdollars(), cost.text_in_cached.microdollars()), (24, 16));
        assert_eq!(cost.unpriced_tokens, 7 + 3 + 5);
        let cost = prices.transcription(&TranscriptionUsage::Duration(TranscriptionDuration::new(3.0)));
        assert_eq!((cost.total(), cost.unpriced_time), (Amount::default(), true));
    }

    #[test]
    fn a_sessions_totals_cost_what_its_parts_cost() {
        let mut totals = Totals::default();
        let responses = Prices::default().audio_in(price("32")).audio_out(price("64"));
        let transcription = Prices::default().per_minute(price("0.006"));
        let mut bill = Bill::default();
        for (number, tokens) in [3, 5, 8].into_iter().enumerate() {
            let usage = Usage::default()
                .input_tokens(tokens)
                .input_token_details(InputTokenDetails::default().audio_tokens(tokens))
                .output_tokens(tokens)
                .output_token_details(OutputTokenDetails::default().audio_tokens(tokens));
            totals.add_response(&usage);
            // Seen twice, it counts once.
            bill.response(&format!("resp_{number}"), &responses.response(&usage));
            bill.response(&format!("resp_{number}"), &responses.response(&usage));
            let usage = TranscriptionUsage::Duration(TranscriptionDuration::new(0.1));
            totals.add_transcription(&usage);
            bill.add(&transcription.transcription(&usage));
        }
        let cost = totals.cost(&SessionPrices::new(responses, transcription));
        assert_eq!(&cost, bill.total());
        assert_eq!((&*cost.total().to_string(), cost.unpriced_tokens), ("1566", 0));
    }
}
