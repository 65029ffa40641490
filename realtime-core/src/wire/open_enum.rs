/// Defines a string enum that stays open: an unknown value is kept in `Other`.
///
/// A second string after `|` is an older one that is read and never written.
macro_rules! open_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal $(| $older:literal)*),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* #[doc = concat!("\n\n`\"", $text, "\"` on the wire.")] $variant,)*
            /// An unknown value, as received.
            Other(Box<str>),
        }

        impl $name {
            /// The value as a string, as on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text $(| $older)* => Self::$variant,)*
                    _ => Self::Other(text.into()),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                text.as_str().into()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = $crate::wire::text::Borrowed::deserialize(deserializer)?;
                if text.0.len() > $crate::wire::text::MOST_WORD {
                    return Err(serde::de::Error::custom("a word is too long"));
                }
                Ok((&*text.0).into())
            }
        }

        impl $crate::wire::FromPlain for $name {
            fn from_plain(text: &mut $crate::wire::Plain<'_>) -> Option<Self> {
                text.string().filter(|text| text.len() <= $crate::wire::text::MOST_WORD).map(Self::from)
            }
        }

        impl $crate::wire::Lenient for $name {
            const EXPECTED: &'static str = "a word";

            fn read(value: &serde_json::value::RawValue, _: &mut $crate::wire::Notes) -> Option<Self> {
                let text = $crate::wire::lenient_text(value)?;
                (text.len() <= $crate::wire::text::MOST_WORD).then(|| text.into())
            }

            /// A missing value.
            fn unsaid() -> Option<Self> {
                Some("".into())
            }
        }
    };
}
