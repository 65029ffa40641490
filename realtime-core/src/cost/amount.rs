use std::{fmt, iter::Sum, ops::AddAssign, str::FromStr};

/// Exact decimals of a price, and of a duration in seconds.
pub(super) const DECIMALS: u32 = 9;
const SCALE: u128 = 10u128.pow(DECIMALS);
/// Fraction of a micro-dollar in which amounts are counted: exact for a price per minute with nine decimals times
/// seconds with nine decimals. 128 bits hold five trillion dollars.
const UNIT: u128 = 60 * SCALE * SCALE;

/// A price in dollars with up to nine decimals: `"0.0333".parse()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(
    /// Billionths of a dollar.
    u64,
);

/// A string that is not a price: digits with up to nine decimals after a point, below ten billion dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PriceError;

impl fmt::Display for PriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a price is written as 12 or 12.345: digits, a point, and up to nine decimals")
    }
}

impl std::error::Error for PriceError {}

impl FromStr for Price {
    type Err = PriceError;

    fn from_str(text: &str) -> Result<Self, PriceError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS as usize || whole.len() > 10 {
            return Err(PriceError);
        }
        let number = format!("{whole}{fraction:0<width$}", width = DECIMALS as usize);
        number.parse().map(Self).map_err(|_| PriceError)
    }
}

/// An exact amount of money.
///
/// Displayed in micro-dollars, exactly: as a decimal (`7402.77`), or as a fraction (`17000/3`) if it has no finite
/// decimal form, such as a price per minute for an odd number of seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(u128);

impl Amount {
    /// The amount in micro-dollars (millionths of a dollar), rounded half up.
    pub fn microdollars(self) -> u64 {
        let rounded = self.0 / UNIT + u128::from(self.0 % UNIT >= UNIT / 2);
        u64::try_from(rounded).unwrap_or(u64::MAX)
    }

    /// Cost of tokens at a price per million.
    pub(super) fn of_tokens(tokens: u64, price: Price) -> Self {
        // Dollars per million tokens are micro-dollars per token.
        let billionths = u128::from(tokens) * u128::from(price.0);
        Self(billionths.saturating_mul(UNIT / SCALE))
    }

    /// Cost of a time in billionths of a second at a price per minute.
    pub(super) fn of_time(billionths: u128, price: Price) -> Self {
        // A dollar is a million micro-dollars; the unit includes the division by 60 seconds.
        Self(billionths.saturating_mul(u128::from(price.0)).saturating_mul(1_000_000))
    }

    pub(super) fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Converts JSON seconds to billionths, rounded to nearest, so that sums are exact in decimal.
pub(super) fn billionths(seconds: f64) -> u128 {
    if !seconds.is_finite() || seconds <= 0.0 {
        return 0;
    }
    // The number was sent as its shortest decimal text, not as its binary value.
    let text = format!("{seconds:.width$}", width = DECIMALS as usize);
    text.replacen('.', "", 1).parse().unwrap_or(u128::MAX)
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        let mut sum = Self::default();
        amounts.for_each(|amount| sum += amount);
        sum
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divisor = greatest_common_divisor(self.0, UNIT);
        let (numerator, denominator) = (self.0 / divisor, UNIT / divisor);
        if denominator.is_multiple_of(3) {
            return write!(f, "{numerator}/{denominator}");
        }
        let (whole, mut rest) = (numerator / denominator, numerator % denominator);
        write!(f, "{whole}")?;
        if rest > 0 {
            f.write_str(".")?;
        }
        // Only factors 2 and 5 remain in the denominator, so this terminates.
        while rest > 0 {
            rest *= 10;
            write!(f, "{}", rest / denominator)?;
            rest %= denominator;
        }
        Ok(())
    }
}

fn greatest_common_divisor(mut one: u128, mut other: u128) -> u128 {
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_are_exact_and_say_so() {
        for (amount, shown, rounded) in [
            (Amount::default(), "0", 0),
            (Amount::of_tokens(111, price("0.0333")), "3.6963", 4),
            (Amount::of_tokens(1, price("0.5")), "0.5", 1),
            (Amount::of_tokens(1, price("0.499999999")), "0.499999999", 0),
            (Amount::of_time(billionths(12.34), price("0.006")), "1234", 1234),
            (Amount::of_time(billionths(10.0), price("0.034")), "17000/3", 5667),
            (Amount::of_time(billionths(0.1 + 0.2), price("0.06")), "300", 300),
        ] {
            assert_eq!((&*amount.to_string(), amount.microdollars()), (shown, rounded));
        }
    }

    #[test]
    fn an_absurd_usage_costs_the_most_there_is_and_does_not_wrap_around() {
        let most = Amount(u128::MAX).microdollars();
        assert_eq!(Amount::of_tokens(u64::MAX, price("9999999999.999999999")).microdollars(), most);
        assert_eq!(Amount::of_time(billionths(1e300), price("9999999999")).microdollars(), most);
    }

    #[test]
    fn a_price_is_decimal_text_and_nothing_else() {
        assert_eq!(price("4.00"), price("4"));
        assert_eq!(price("0.000000001"), Price(1));
        for wrong in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "1.0000000001", "99999999999", "NaN", "١"] {
            assert_eq!(wrong.parse::<Price>(), Err(PriceError), "{wrong}");
        }
    }

    #[test]
    fn seconds_are_read_as_their_decimal_text() {
        for (seconds, expected) in [
            (12.34, 12_340_000_000),
            (0.0, 0),
            (-1.0, 0),
            (f64::NAN, 0),
            (46.5, 46_500_000_000),
            (12.340000000000002, 12_340_000_000),
            (1e-9, 1),
        ] {
            assert_eq!(billionths(seconds), expected, "{seconds}");
        }
    }
}
