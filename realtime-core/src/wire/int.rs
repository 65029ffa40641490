//! Integers, which servers may write as `12.0` or `1.5e3`.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use super::Patch;

/// Reads an integer, or an optional one that may be null or absent.
pub(crate) fn read<'de, D: Deserializer<'de>, T: FromInt>(deserializer: D) -> Result<T, D::Error> {
    T::from_int(Option::<Int>::deserialize(deserializer)?.map(|int| int.0))
}

/// Reads an optional list of bytes.
pub(crate) fn read_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let Some(numbers) = Option::<Vec<Int>>::deserialize(deserializer)? else { return Ok(None) };
    let bytes = numbers.into_iter().map(|Int(number)| u8::try_from(number));
    bytes.collect::<Result<_, _>>().map(Some).map_err(|_| de::Error::custom("a byte is out of range"))
}

pub(crate) trait FromInt: Sized {
    fn from_int<E: de::Error>(number: Option<i64>) -> Result<Self, E>;
}

macro_rules! from_int {
    ($($int:ty),*) => {$(
        impl FromInt for $int {
            fn from_int<E: de::Error>(number: Option<i64>) -> Result<Self, E> {
                let number = number.ok_or_else(|| E::custom("a number was expected, and there is null"))?;
                Self::try_from(number).map_err(|_| E::custom(format_args!("{number} is out of range")))
            }
        }
    )*};
}

from_int!(u32, u64, i64);

impl<T: FromInt> FromInt for Option<T> {
    fn from_int<E: de::Error>(number: Option<i64>) -> Result<Self, E> {
        number.map(|number| T::from_int(Some(number))).transpose()
    }
}

impl<T: FromInt> FromInt for Patch<T> {
    fn from_int<E: de::Error>(number: Option<i64>) -> Result<Self, E> {
        Ok(Option::<T>::from_int(number)?.map_or(Self::Clear, Self::Set))
    }
}

struct Int(i64);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Int;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Int, E> {
                Ok(Int(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Int, E> {
                i64::try_from(number).map(Int).map_err(|_| E::custom(format_args!("{number} is out of range")))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Int, E> {
                // Every integer up to 2^53 has an exact f64.
                let whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
                whole.then_some(Int(number as i64)).ok_or_else(|| E::custom(format_args!("{number} is not whole")))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number<T: FromInt>(text: &str) -> Option<T> {
        read(&mut serde_json::Deserializer::from_str(text)).ok()
    }

    #[test]
    fn reads_whole_numbers_in_any_form() {
        for (text, value) in [("12", Some(12)), ("12.0", Some(12)), ("1.5e3", Some(1500)), ("1.5", None), ("-1", None)]
        {
            assert_eq!(number::<u32>(text), value, "{text}");
        }
        assert_eq!(number::<u32>("4294967296"), None);
        assert_eq!(number::<i64>("-7.0"), Some(-7));
        assert_eq!(number::<u64>("18446744073709551615"), None);
        assert_eq!(number::<u64>("1e300"), None);
        assert_eq!((number::<Option<u32>>("null"), number::<u32>("null")), (Some(None), None));
        assert_eq!(number::<Patch<u32>>("null"), Some(Patch::Clear));
        let bytes = |text| read_bytes(&mut serde_json::Deserializer::from_str(text)).ok();
        assert_eq!(bytes("[0, 255.0]"), Some(Some(vec![0, 255])));
        assert_eq!((bytes("null"), bytes("[256]"), bytes("[-1]")), (Some(None), None, None));
    }
}
