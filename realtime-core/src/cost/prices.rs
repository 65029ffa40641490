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
        /// The prices of one model, in dollars: tokens per million, time per minute. What is not given is not priced.
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
    /// Text that is read.
    text_in,
    /// Text that is read from the cache: at the price of other text, if this is not given. So are the others.
    text_in_cached,
    /// Audio that is read.
    audio_in,
    /// Audio that is read from the cache.
    audio_in_cached,
    /// Images that are read.
    image_in,
    /// Images that are read from the cache.
    image_in_cached,
    /// Text that is written.
    text_out,
    /// Audio that is written.
    audio_out,
    /// A minute of audio, or of a session that is billed by time.
    per_minute,
    /// A minute of a session that is paused: at the price of other minutes, if this is not given.
    paused_per_minute,
}

macro_rules! costs {
    ($($(#[$meta:meta])* $name:ident,)+) => {
        /// What something cost, by modality.
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct Cost {
            $($(#[$meta])* pub $name: Amount,)+
            /// Tokens without a price, or of no known kind: they are in no amount.
            pub unpriced_tokens: u64,
            /// Whether there was time without a price: it is in no amount.
            pub unpriced_time: bool,
        }

        impl Cost {
            /// All of it together.
            pub fn total(&self) -> Amount {
                [$(self.$name),+].into_iter().sum()
            }

            /// Without what was added before.
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
    /// Text that was read.
    text_in,
    /// Text that was read from the cache.
    text_in_cached,
    /// Audio that was read.
    audio_in,
    /// Audio that was read from the cache.
    audio_in_cached,
    /// Images that were read.
    image_in,
    /// Images that were read from the cache.
    image_in_cached,
    /// Text that was written.
    text_out,
    /// Audio that was written.
    audio_out,
    /// What is billed by time.
    time,
    /// Time of a paused session, at a price of its own.
    paused_time,
}

impl Prices {
    /// What one response, or the sum of several, cost.
    pub fn response(&self, usage: &Usage) -> Cost {
        let input = Input::new(usage.input_tokens, usage.input_token_details.as_ref());
        let output = Output::new(usage.output_tokens, usage.output_token_details.as_ref());
        self.tokens(&input, &output)
    }

    /// What one transcription cost: by tokens or by the length of the audio, as the service counted it.
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

    /// What so many seconds cost, of which so many were paused.
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

    /// What a Live session cost, by the last usage that it reported: its numbers are running totals and are not to be
    /// added up.
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
        // Whatever they are, they came from the cache; the details place them nowhere.
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

/// The prices of a session: of the model that answers, and of the one that transcribes the user.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SessionPrices {
    /// Of the model that answers.
    pub responses: Prices,
    /// Of the model that transcribes the user.
    pub transcription: Prices,
}

impl SessionPrices {
    /// The prices of the model that answers and of the one that transcribes.
    pub fn new(responses: Prices, transcription: Prices) -> Self {
        Self { responses, transcription }
    }
}

impl Totals {
    /// What the session has cost so far.
    ///
    /// Exact where every response said which of its cached tokens were of which kind. Where one did not, its cached
    /// tokens are placed among all that the session read.
    pub fn cost(&self, prices: &SessionPrices) -> Cost {
        let mut cost = self.responses.as_ref().map_or_else(Cost::default, |usage| prices.responses.response(usage));
        if let Some(tokens) = &self.transcription_tokens {
            cost += &prices.transcription.transcription(&TranscriptionUsage::Tokens(tokens.clone()));
        }
        cost += &prices.transcription.time(self.transcription_seconds, None);
        cost
    }
}

/// Adds up what several models and sessions cost. A response that is seen again counts once.
#[derive(Clone, Debug, Default)]
pub struct Bill {
    total: Cost,
    /// The latest responses by their ids, for they may be seen again.
    recent: VecDeque<(Id, Cost)>,
}

/// How many responses a bill recognises when they are seen again.
const MOST_RECENT: usize = 256;

impl Bill {
    /// Adds a response. If one of the latest 256 had this id, its cost is replaced.
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

    /// Adds anything else: a transcription, a session.
    pub fn add(&mut self, cost: &Cost) {
        self.total += cost;
    }

    /// All of it together.
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
