//! Lenient decoding of values other than the objects of the protocol.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Lenient, Notes, is_null, is_number,
    members::{Tag, elements, members, tag},
    notes::Step,
    number, text, whole,
};
use crate::wire::{Audio, Id, Json, Secret, TextDelta};

impl Lenient for String {
    const EXPECTED: &'static str = "a text";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        // A code or name may be a number.
        text(value).or_else(|| is_number(value).then(|| value.get().into()))
    }

    fn unsaid() -> Option<Self> {
        Some(Self::new())
    }
}

impl Lenient for TextDelta {
    const EXPECTED: &'static str = "a text";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        <String as Lenient>::read(value, notes).map(Into::into)
    }

    fn unsaid() -> Option<Self> {
        Some(Self::default())
    }
}

impl Lenient for Secret {
    const EXPECTED: &'static str = "a text";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        <String as Lenient>::read(value, notes).map(Into::into)
    }
}

impl Lenient for Id {
    const EXPECTED: &'static str = "an id";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        let text = match text(value) {
            Some(text) => text,
            None => match whole(value) {
                // Its decimal text, even if written as `7.0`.
                Some(number) if number.to_string() == value.get().trim_end_matches(".0") => number.to_string(),
                _ if is_number(value) => value.get().into(),
                _ => return None,
            },
        };
        (text.len() <= Self::MOST).then(|| text.into())
    }
}

impl Lenient for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        match value.get() {
            "true" | r#""true""# => Some(true),
            "false" | r#""false""# => Some(false),
            _ => None,
        }
    }

    fn unsaid() -> Option<Self> {
        Some(false)
    }
}

impl Lenient for f64 {
    const EXPECTED: &'static str = "a number";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        number(value)?.as_f64()
    }
}

macro_rules! lenient_int {
    ($($int:ty),*) => {$(
        impl Lenient for $int {
            const EXPECTED: &'static str = "a whole number";

            /// Truncates a fraction, and saturates at the limits.
            fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
                Self::try_from(whole(value)?.max(i128::from(Self::MIN))).ok()
            }

            fn unsaid() -> Option<Self> {
                Some(0)
            }
        }
    )*};
}

lenient_int!(u8, u32, u64, i64);

impl Lenient for Json {
    const EXPECTED: &'static str = "a value";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        Some(value.to_owned().into())
    }

    fn unsaid() -> Option<Self> {
        Some(RawValue::NULL.to_owned().into())
    }
}

impl Lenient for Audio {
    const EXPECTED: &'static str = "audio in base64";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        Self::deserialize(&mut serde_json::Deserializer::from_str(value.get())).ok()
    }

    fn unsaid() -> Option<Self> {
        Some(Self::default())
    }
}

impl<T: Lenient> Lenient for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        T::read(value, notes).map(Self::new)
    }

    fn unsaid() -> Option<Self> {
        T::unsaid().map(Self::new)
    }
}

/// A member that is always written and may be null.
impl<T: Lenient> Lenient for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        T::read(value, notes).map(Some)
    }

    fn unsaid() -> Option<Self> {
        Some(None)
    }
}

impl<T: Lenient> Lenient for Vec<T> {
    const EXPECTED: &'static str = "a list";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        if !value.get().starts_with('[') {
            // What says what it is stands for a list of one.
            let typed = |notes: &mut Notes| match tag(value) {
                Some(Tag::Text(_)) => T::read(value, notes),
                _ => None,
            };
            return T::in_place_of_list(value, notes).or_else(|| typed(notes)).map(|one| vec![one]);
        }
        let mut list = Self::new();
        let mut crowded = 0;
        elements(value, |at, value| {
            if !notes.take_room::<T>() {
                crowded += 1;
            } else if T::is_none(value) {
                list.extend(T::placeholder());
            } else if let Some(element) = notes.read_at(Step::At(at), value).or_else(T::placeholder) {
                list.push(element);
            }
        })?;
        if crowded > 0 {
            notes.leave_out(format_args!("the last {crowded} of its elements, because one message has too many"));
        }
        Some(list)
    }

    fn unsaid() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Lenient> Lenient for BTreeMap<String, T> {
    const EXPECTED: &'static str = "an object";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        let mut map = Self::new();
        let mut at = 0;
        members(value, |key, value| {
            // Names come from the server and do not belong in a path.
            let step = Step::At(at);
            at += 1;
            if !is_null(value)
                && notes.take_room::<(String, T, [usize; 8])>()
                && let Some(value) = notes.read_at(step, value)
            {
                map.insert(key.into(), value);
            }
        })?;
        Some(map)
    }
}
