/// Structs of client events, made by [`wire!`], each with an optional id.
macro_rules! client_events {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })+) => {
        wire! {$(
            $(#[$meta])*
            pub struct $name {
                /// Id chosen by the client, up to 512 characters. An `error` caused by the event refers to it.
                opt event_id: crate::wire::Id,
                $($body)*
            }
        )+}
    };
}

/// Structs of server events, made by [`wire!`], each with an optional id.
macro_rules! server_events {
    ($($(#[$meta:meta])* pub struct $name:ident $(mended by $mend:ident)? { $($body:tt)* })+) => {
        wire! {$(
            $(#[$meta])*
            pub struct $name $(mended by $mend)? {
                /// Id assigned by the server.
                opt event_id: crate::wire::Id,
                $($body)*
            }
        )+}
    };
}

/// The events of one direction: type string => variant. Variants in the second list are boxed because they are large.
///
/// A variant holds the struct of its own name, or the one named in brackets. A second type string after `|` is an older
/// name that servers still use; the decoded event has the current one. The `first` function, if given, is tried before
/// everything else: it returns either `None` or exactly what the general path would return, and that only if the text is
/// UTF-8. The `untyped` function, if given, is tried for a message without a `type`. If the table is `lenient`, an event
/// that does not fit is read a second time, member by member.
macro_rules! events {
    (
        $(#[$meta:meta])* pub enum $table:ident, else $unknown:ident $(, lenient $lenient:ident)? $(, first $first:path)?
            $(, untyped $untyped:path)?;
        $($kind:literal $(| $legacy:literal)* => $event:ident $(($inner:ident))?,)*
        boxed { $($big_kind:literal $(| $big_legacy:literal)* => $big:ident $(($big_inner:ident))?,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $table {
            $(#[doc = concat!("`", $kind, "`")] $event(events!(@struct $event $($inner)?)),)*
            $(#[doc = concat!("`", $big_kind, "`")] $big(Box<events!(@struct $big $($big_inner)?)>),)*
            /// An event of an unknown type.
            $unknown($unknown),
            /// An event of a known type whose members do not fit.
            Malformed(Box<$crate::protocol::event::Malformed>),
            /// A message that is not an event.
            Invalid(Box<$crate::protocol::event::Invalid>),
        }

        impl $table {
            /// Decodes an event of a known type strictly and returns its current name, or `None` if the type is
            /// unknown.
            fn parse(kind: &str, raw: &str) -> Option<(&'static str, Result<Self, serde_json::Error>)> {
                Some(match kind {
                    $($kind $(| $legacy)* => ($kind, Self::parse_as(raw).map(Self::$event)),)*
                    $($big_kind $(| $big_legacy)* => ($big_kind, Self::parse_as(raw).map(Self::$big)),)*
                    _ => return None,
                })
            }

            /// Decodes an event of this type, without serde if it is in the plain form. In a lenient table this fails if a
            /// second `type` follows, because the last one counts.
            fn parse_as<T: serde::de::DeserializeOwned + $crate::wire::FromPlain>(
                raw: &str,
            ) -> Result<T, serde_json::Error> {
                if let Some(event) = $crate::wire::read_plain(raw) {
                    Ok(event)
                } else if events!(@is_lenient $($lenient)?) {
                    $crate::protocol::event::once::read(raw)
                } else {
                    serde_json::from_str(raw)
                }
            }

            /// Decodes an event of a known type member by member.
            fn parse_leniently(
                kind: &str,
                raw: &serde_json::value::RawValue,
                notes: &mut $crate::wire::Notes,
            ) -> Option<Self> {
                use $crate::wire::Lenient;

                match kind {
                    $($kind $(| $legacy)* => Lenient::read(raw, notes).map(Self::$event),)*
                    $($big_kind $(| $big_legacy)* => Lenient::read(raw, notes).map(Self::$big),)*
                    _ => None,
                }
            }

            /// Decodes any message by the general path.
            pub(crate) fn general(raw: &str, reading: &mut $crate::protocol::event::Reading) -> Self {
                let mut error = None;
                if let Some(kind) = $crate::protocol::event::head::leading_kind(raw)
                    // A delta has no lists that could grow.
                    && (kind.ends_with(".delta") || reading.has_room(raw))
                    && let Some((current, event)) = Self::parse(kind, raw)
                {
                    match event {
                        Ok(event) => {
                            reading.older_name = kind != current;
                            return event;
                        }
                        Err(why) => error = Some(why),
                    }
                }
                Self::decode_anywhere(raw, error, reading)
            }

            /// `error` is the reason why strict decoding failed, if it was attempted.
            #[cold]
            fn decode_anywhere(
                raw: &str,
                error: Option<serde_json::Error>,
                reading: &mut $crate::protocol::event::Reading,
            ) -> Self {
                use $crate::protocol::event::{Invalid, Malformed, Unknown, head::{Head, without_mark}};

                let text = without_mark(raw);
                let head = match Head::scan(text) {
                    Ok(head) => head,
                    Err(reason) => {
                        $(if let Some(event) = $untyped(text, reading) {
                            return event.into();
                        })?
                        if events!(@is_lenient $($lenient)?)
                            && let Some(json) = $crate::wire::mended(text)
                        {
                            let event = Self::decode_anywhere(&json, None, reading);
                            if !matches!(event, Self::Invalid(_)) {
                                reading.mended();
                                return event;
                            }
                        }
                        return Self::Invalid(Box::new(Invalid::new(raw.as_bytes(), reason)));
                    }
                };
                let Some(current) = Self::current(&head.kind) else {
                    return Self::$unknown(Unknown::new(head, text).into());
                };
                reading.older_name = head.kind != current;
                let error = match error {
                    Some(error) => error,
                    None if !reading.has_room(text) && events!(@is_lenient $($lenient)?) => {
                        serde::de::Error::custom("too many values in one message")
                    }
                    None => match Self::parse(&head.kind, text) {
                        Some((_, Ok(event))) => return event,
                        Some((_, Err(error))) => error,
                        None => serde::de::Error::custom("not in the table"),
                    },
                };
                if events!(@is_lenient $($lenient)?) {
                    let read = reading.leniently(text, |raw, notes| Self::parse_leniently(&head.kind, raw, notes));
                    match read {
                        Ok(event) => return event,
                        Err(Some(missing)) => {
                            let error = serde::de::Error::custom(format_args!("missing field `{missing}`"));
                            return Self::Malformed(Box::new(Malformed::new(current, head, text, &error)));
                        }
                        Err(None) => {}
                    }
                }
                Self::Malformed(Box::new(Malformed::new(current, head, text, &error)))
            }

            /// The current name of a type.
            fn current(kind: &str) -> Option<&'static str> {
                match kind {
                    $($kind $(| $legacy)* => Some($kind),)*
                    $($big_kind $(| $big_legacy)* => Some($big_kind),)*
                    _ => None,
                }
            }
        }

        impl $crate::protocol::event::Event for $table {
            const KINDS: &'static [&'static str] = &[$($kind,)* $($big_kind,)*];

            fn decode(raw: &[u8]) -> Self {
                Self::read(raw, &mut $crate::protocol::event::Reading::default())
            }

            fn read(raw: &[u8], reading: &mut $crate::protocol::event::Reading) -> Self {
                Self::read_text(raw, reading).unwrap_or_else(|| {
                    Self::Invalid(Box::new($crate::protocol::event::Invalid::not_utf8(raw)))
                })
            }

            fn read_text(raw: &[u8], reading: &mut $crate::protocol::event::Reading) -> Option<Self> {
                $(if let Some(event) = $first(raw, reading) {
                    return Some(event);
                })?
                $crate::wire::text::utf8(raw).map(|text| Self::general(text, reading))
            }

            fn binary(raw: bytes::Bytes) -> Self {
                Self::read_binary(raw, &mut $crate::protocol::event::Reading::default())
            }

            fn read_binary(raw: bytes::Bytes, reading: &mut $crate::protocol::event::Reading) -> Self {
                if $crate::protocol::event::head::may_be_text(&raw) {
                    match Self::read(&raw, reading) {
                        Self::Invalid(_) => {}
                        event => return event,
                    }
                }
                Self::Invalid(Box::new($crate::protocol::event::Invalid::binary(raw)))
            }

            fn encode(&self) -> $crate::transport::Text {
                match self {
                    $(Self::$event(event) => $crate::protocol::event::encode_tagged($kind, event),)*
                    $(Self::$big(event) => $crate::protocol::event::encode_tagged($big_kind, &**event),)*
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
                    Self::Malformed(malformed) => malformed.kind,
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

            #[inline]
            fn recognition(&self) -> $crate::protocol::event::Recognition<'_> {
                use $crate::protocol::event::Recognition;

                match self {
                    Self::$unknown(_) => Recognition::Unknown,
                    Self::Malformed(malformed) => Recognition::Malformed(&malformed.reason),
                    Self::Invalid(invalid) => Recognition::Invalid(&invalid.reason),
                    _ => Recognition::Known,
                }
            }
        }

        impl From<$unknown> for $table {
            fn from(event: $unknown) -> Self {
                Self::$unknown(event)
            }
        }

        impl serde::Serialize for $table {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$event(event) => $crate::wire::write_tagged(serializer, $kind, event),)*
                    $(Self::$big(event) => $crate::wire::write_tagged(serializer, $big_kind, &**event),)*
                    odd => $crate::protocol::event::write_raw(serializer, &$crate::protocol::event::Event::encode(odd)),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $table {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
                Ok($crate::protocol::event::Event::decode(raw.get().as_bytes()))
            }
        }

        $(events!(@of $table, $kind, $event, events!(@struct $event $($inner)?), std::convert::identity, |event| event);)*
        $(events!(@of $table, $big_kind, $big, events!(@struct $big $($big_inner)?), Box::new, |event: Box<_>| *event);)*
    };

    (@is_lenient) => { false };
    (@is_lenient $lenient:ident) => { true };

    (@struct $event:ident) => { $event };
    (@struct $event:ident $inner:ident) => { $inner };

    (@of $table:ident, $kind:literal, $event:ident, $inner:ty, $wrap:expr, $unwrap:expr) => {
        impl From<$inner> for $table {
            fn from(event: $inner) -> Self {
                Self::$event($wrap(event))
            }
        }

        impl $crate::protocol::event::EventOf<$table> for $inner {
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
