use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The greatest whole number below which every whole number has an `f64` of its own: 2^53 - 1.
const MAX_WHOLE: f64 = 9_007_199_254_740_991.0;

/// A number of the wire: a time on the session's timeline in milliseconds, or a count of seconds.
///
/// The service writes whole numbers, and fractional ones have been seen, so both are read. A whole number is written
/// without a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Number(f64);

impl Number {
    /// The value.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The value, if it is a whole number from 0 to 2^53 - 1.
    pub fn whole(self) -> Option<u64> {
        let whole = self.0.fract() == 0.0 && (0.0..=MAX_WHOLE).contains(&self.0);
        // In the range of a u64, and whole.
        whole.then_some(self.0 as u64)
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self(number)
    }
}

impl From<u32> for Number {
    fn from(number: u32) -> Self {
        Self(number.into())
    }
}

impl From<i32> for Number {
    fn from(number: i32) -> Self {
        Self(number.into())
    }
}

/// Exact up to 2^53.
impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self(number as f64)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() <= MAX_WHOLE {
            return serializer.serialize_i64(self.0 as i64);
        }
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_alone_and_writes_whole_ones_without_a_fraction() {
        for (text, whole, written) in [
            ("0", Some(0), "0"),
            ("1.0", Some(1), "1"),
            ("-0.0", Some(0), "0"),
            ("1800.5", None, "1800.5"),
            ("-200", None, "-200"),
            ("9007199254740991", Some(9_007_199_254_740_991), "9007199254740991"),
            ("9007199254740992", None, "9007199254740992.0"),
        ] {
            let number: Number = serde_json::from_str(text).unwrap();
            assert_eq!(number.whole(), whole, "{text}");
            assert_eq!(serde_json::to_string(&number).unwrap(), written, "{text}");
        }
        for text in ["true", r#""1""#, "null", "[1]"] {
            assert!(serde_json::from_str::<Number>(text).is_err(), "{text}");
        }
    }
}
