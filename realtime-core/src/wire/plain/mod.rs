//! Decoding of JSON in its plain form, which is how services write it.
//!
//! serde calls a visitor for every name and value, checks each for every form that JSON allows, and moves each struct out of
//! the function that reads it. Here, a struct takes its members directly from the text. What is not in the plain form (an
//! escape in a name, a number with a fraction where an integer belongs, a member that does not fit or stands twice) gives
//! `None`, and serde decides: it is the specification, and a test verifies that both give the same result.

use serde::de::DeserializeOwned;

/// Types without a plain form of their own.
macro_rules! decoded_by_serde {
    ($($name:ident $(<$of:ident>)?),+ $(,)?) => {$(
        impl $(<$of: serde::de::DeserializeOwned>)? $crate::wire::FromPlain for $name $(<$of>)? {
            fn from_plain(text: &mut $crate::wire::Plain<'_>) -> Option<Self> {
                text.by_serde()
            }
        }
    )+};
}

mod members;
mod scan;
mod values;

pub(crate) use scan::{short_id, stop};
pub(crate) use values::plain_union;

/// Decoding of a type from its plain form.
///
/// The result is `None`, or the one of serde.
pub(crate) trait FromPlain: Sized {
    /// Decodes the next value of a text.
    fn from_plain(text: &mut Plain<'_>) -> Option<Self>;

    /// Decodes the next value into its place.
    #[inline]
    fn fill(slot: &mut Option<Self>, text: &mut Plain<'_>) -> Option<()> {
        *slot = Some(Self::from_plain(text)?);
        Some(())
    }
}

/// Decodes a whole text.
pub(crate) fn read<T: FromPlain>(text: &str) -> Option<T> {
    let mut text = Plain { text, at: 0 };
    let value = T::from_plain(&mut text)?;
    text.rest().is_empty().then_some(value)
}

/// Text that is decoded from its front.
#[derive(Clone)]
pub(crate) struct Plain<'a> {
    text: &'a str,
    /// Position of the next byte. What was taken before it ended with an ASCII character.
    at: usize,
}

impl<'a> Plain<'a> {
    /// What was not taken yet.
    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Skips white space and returns the next byte.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.text.as_bytes().get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Takes a word, if it is next.
    #[inline]
    pub(crate) fn word(&mut self, word: &str) -> bool {
        let is_next = self.rest().starts_with(word.as_bytes());
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    /// Takes null, if it is next.
    #[inline]
    pub(crate) fn null(&mut self) -> Option<bool> {
        match self.peek()? {
            b'n' => self.word("null").then_some(true),
            _ => Some(false),
        }
    }

    /// Begins an object or a list that ends with this bracket. Returns whether there is a member or an element.
    #[inline]
    fn begin(&mut self, bracket: u8, end: u8) -> Option<bool> {
        if self.peek()? != bracket {
            return None;
        }
        self.at += 1;
        let is_empty = self.peek()? == end;
        self.at += usize::from(is_empty);
        Some(!is_empty)
    }

    /// Takes what follows a member or an element: a comma, or the end. Returns whether there is another.
    #[inline]
    fn more(&mut self, end: u8) -> Option<bool> {
        let byte = self.peek()?;
        let is_over = byte == end;
        if !is_over && byte != b',' {
            return None;
        }
        self.at += 1;
        if !is_over {
            // A name is compared where it begins.
            self.peek()?;
        }
        Some(!is_over)
    }

    /// The name of the next member. The colon follows at once, as after each name that [`word`](Self::word) compares.
    fn name(&mut self) -> Option<&'a str> {
        let name = self.string()?;
        self.word(":").then_some(name)
    }

    /// A string without escapes. If it is none, nothing is taken.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<&'a str> {
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at + 1;
        let end = start + stop(&self.rest()[1..])?;
        let text = self.text.get(start..end)?;
        (self.text.as_bytes()[end] == b'"').then(|| {
            self.at = end + 1;
            text
        })
    }

    /// Decodes the next value by serde.
    #[inline(never)]
    pub(crate) fn by_serde<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_str(self.text.get(self.at..)?).into_iter();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }

    /// The `type` of the object that follows, if only strings precede it. Nothing is taken.
    pub(crate) fn tag(&self) -> Option<&'a str> {
        let mut text = self.clone();
        let mut more = text.begin(b'{', b'}')?;
        while more {
            let name = text.name()?;
            let value = text.string()?;
            if name == "type" {
                return Some(value);
            }
            more = text.more(b'}')?;
        }
        None
    }
}
