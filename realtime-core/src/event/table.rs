/// One direction's events: wire name => struct, those in the second list boxed, for they are large.
///
/// A second name behind `|` is an older one that still arrives.
macro_rules! events {
    (
        $(#[$meta:meta])* pub enum $table:ident, else $unknown:ident;
        $($kind:literal $(| $legacy:literal)* => $event:ident,)*
        boxed { $($big_kind:literal $(| $big_legacy:literal)* => $big:ident,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $table {
            $(#[doc = concat!("`", $kind, "`")] $event($event),)*
            $(#[doc = concat!("`", $big_kind, "`")] $big(Box<$big>),)*
            /// An event that the table does not name.
            $unknown($unknown),
            /// An event of the table that does not fit it.
            Malformed(Box<$crate::event::Malformed>),
            /// No event at all.
            Invalid(Box<$crate::event::Invalid>),
        }

        impl $table {
            /// Reads an event whose type is known; none if the table does not name it.
            fn parse(kind: &str, raw: &[u8]) -> Option<Result<Self, serde_json::Error>> {
                Some(match kind {
                    $($kind $(| $legacy)* => serde_json::from_slice(raw).map(Self::$event),)*
                    $($big_kind $(| $big_legacy)* => serde_json::from_slice(raw).map(Self::$big),)*
                    _ => return None,
                })
            }

            fn decode_anywhere(raw: &[u8]) -> Self {
                use $crate::event::{Invalid, Malformed, Unknown, head::Head, odd};

                let head = match Head::scan(raw) {
                    Ok(head) => head,
                    Err(reason) => return Self::Invalid(Box::new(Invalid::new(raw, reason))),
                };
                match Self::parse(&head.kind, raw) {
                    Some(Ok(event)) => event,
                    Some(Err(error)) => Self::Malformed(Box::new(Malformed::new(head, raw, odd::reason(&error)))),
                    None => Self::$unknown(Unknown::new(head, raw).into()),
                }
            }
        }

        impl $crate::event::Event for $table {
            const KINDS: &'static [&'static str] = &[$($kind,)* $($big_kind,)*];

            fn decode(raw: &[u8]) -> Self {
                $crate::event::head::leading_kind(raw)
                    .and_then(|kind| Self::parse(kind, raw)?.ok())
                    .unwrap_or_else(|| Self::decode_anywhere(raw))
            }

            fn binary(raw: &[u8]) -> Self {
                Self::Invalid(Box::new($crate::event::Invalid::new(raw, "a binary message".into())))
            }

            fn encode(&self) -> $crate::transport::Text {
                match self {
                    $(Self::$event(event) => $crate::event::encode_tagged($kind, event),)*
                    $(Self::$big(event) => $crate::event::encode_tagged($big_kind, &**event),)*
                    Self::$unknown(unknown) => unknown.raw_text(),
                    Self::Malformed(malformed) => String::from(&*malformed.raw).into(),
                    Self::Invalid(invalid) => String::from_utf8_lossy(&invalid.raw).into_owned().into(),
                }
            }

            fn kind(&self) -> &str {
                match self {
                    $(Self::$event(_) => $kind,)*
                    $(Self::$big(_) => $big_kind,)*
                    Self::$unknown(unknown) => unknown.kind(),
                    Self::Malformed(malformed) => &malformed.kind,
                    Self::Invalid(_) => "",
                }
            }

            fn event_id(&self) -> Option<&$crate::wire::Id> {
                match self {
                    $(Self::$event(event) => event.event_id.as_ref(),)*
                    $(Self::$big(event) => event.event_id.as_ref(),)*
                    Self::$unknown(unknown) => unknown.event_id(),
                    Self::Malformed(malformed) => malformed.event_id.as_ref(),
                    Self::Invalid(_) => None,
                }
            }

            fn set_event_id(&mut self, id: $crate::wire::Id) {
                match self {
                    $(Self::$event(event) => event.event_id = Some(id),)*
                    $(Self::$big(event) => event.event_id = Some(id),)*
                    _ => {}
                }
            }

            fn recognition(&self) -> $crate::event::Recognition<'_> {
                use $crate::event::Recognition;

                match self {
                    Self::$unknown(_) => Recognition::Unknown,
                    Self::Malformed(malformed) => Recognition::Malformed(&malformed.reason),
                    Self::Invalid(invalid) => Recognition::Invalid(&invalid.reason),
                    _ => Recognition::Known,
                }
            }
        }

        impl serde::Serialize for $table {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$event(event) => $crate::wire::write_tagged(serializer, $kind, event),)*
                    $(Self::$big(event) => $crate::wire::write_tagged(serializer, $big_kind, &**event),)*
                    odd => $crate::event::write_raw(serializer, &$crate::event::Event::encode(odd)),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $table {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
                Ok($crate::event::Event::decode(raw.get().as_bytes()))
            }
        }

        $(events!(@of $table, $kind, $event, |event| event, |event| event);)*
        $(events!(@of $table, $big_kind, $big, |event| Box::new(event), |event: Box<$big>| *event);)*
    };

    (@of $table:ident, $kind:literal, $event:ident, $wrap:expr, $unwrap:expr) => {
        impl From<$event> for $table {
            fn from(event: $event) -> Self {
                let wrap = $wrap;
                Self::$event(wrap(event))
            }
        }

        impl $crate::event::EventOf<$table> for $event {
            const KIND: &'static str = $kind;

            fn get(event: &$table) -> Option<&Self> {
                match event {
                    $table::$event(event) => Some(event),
                    _ => None,
                }
            }

            fn take(event: $table) -> Result<Self, $table> {
                let unwrap = $unwrap;
                match event {
                    $table::$event(event) => Ok(unwrap(event)),
                    other => Err(other),
                }
            }
        }
    };
}
