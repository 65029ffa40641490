use std::{error::Error, fmt, ops::Deref};

use serde::{Serialize, Serializer, ser::Impossible};

/// Output of a function: any serializable type, or a `Result` of one.
///
/// A string is sent to the model as is, `()` as an empty string, and anything else as JSON, exactly as written by
/// serde_json. An `Err` reports the failure to the model and the application: a string as is, an error by its `Display`
/// output. [`Silent`] and [`Later`] change what follows; either may be in a `Result` too.
///
/// `M` selects the implementation and is inferred. Inference fails if an error type both serializes and implements
/// [`std::error::Error`]; in that case use `map_err(|error| error.to_string())`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be given to the model",
    note = "a function gives anything that implements `serde::Serialize`, or a `Result` of it whose error is a text, \
            implements `std::error::Error`, or is a boxed one (`Box<dyn Error>`, `anyhow::Error`)"
)]
pub trait ToolOutput<M> {
    /// Converts the output to the text for the model.
    ///
    /// # Errors
    /// The function's own error message.
    fn into_output(self) -> Result<String, String>;

    /// Converts the output to the text for the model and what follows it. The default requests a response.
    ///
    /// # Errors
    /// The function's own error message.
    fn into_reply(self) -> Result<ToolReply, String>
    where
        Self: Sized,
    {
        self.into_output().map(ToolReply::Output)
    }
}

/// Output that no response follows: the model learns of it, and says nothing because of it.
///
/// If other calls of the same response have an output of another kind, a response is requested because of those.
///
/// ```
/// # use realtime_core::{tools::{Silent, Tools}, Json};
/// # let (schema, save) = (Json::parse("{}")?, |_: &str| Ok::<_, std::io::Error>(()));
/// let tools = Tools::new().add_raw("remember", "Remembers a fact.", schema, async move |fact: String| {
///     save(&fact)?;
///     Ok::<_, std::io::Error>(Silent("remembered"))
/// });
/// # drop(tools);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Silent<T>(pub T);

/// No output yet: the application answers the call with [`Connection::answer_call`](crate::Connection::answer_call), also
/// after the response, and also after the conversation was resumed in another process.
///
/// The conversation goes on meanwhile. A response is requested once the other calls of the batch are answered, and another
/// one after the late answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Later;

/// Output of a function, and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolReply {
    /// The text for the model. A response is requested once all calls of the batch are answered.
    Output(String),
    /// The text for the model. No response is requested because of it.
    Silent(String),
    /// The application answers later.
    Later,
}

impl ToolReply {
    fn into_text(self) -> String {
        match self {
            Self::Output(text) | Self::Silent(text) => text,
            Self::Later => String::new(),
        }
    }
}

/// Names by which [`Top`] recognizes what is more than a value. No other type serializes under them.
const SILENT: &str = "$realtime::Silent";
const LATER: &str = "$realtime::Later";

/// As the value that it contains.
impl<T: Serialize> Serialize for Silent<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(SILENT, &self.0)
    }
}

/// As `null`. It has its meaning only where a function returns it, and not within another value.
impl Serialize for Later {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit_struct(LATER)
    }
}

/// Markers that select the implementation of [`ToolOutput`]. They are inferred.
///
/// # Examples
/// ```
/// use realtime_core::tools::ToolOutput;
///
/// // `M` is one of these, chosen by the type of the function's output.
/// fn text<M>(output: impl ToolOutput<M>) -> String {
///     output.into_output().unwrap_or_else(|error| error)
/// }
/// assert_eq!(text("sunny"), "sunny");
/// assert_eq!(text(Err::<(), _>("no such city")), "no such city");
/// ```
pub mod marker {
    /// A serializable value.
    #[derive(Debug)]
    pub enum Value {}

    /// A `Result` whose error implements [`std::error::Error`].
    #[derive(Debug)]
    pub enum Failing {}

    /// A `Result` whose error is a boxed error, or a type like `anyhow::Error`.
    #[derive(Debug)]
    pub enum FailingBoxed {}

    /// A `Result` whose error is a boxed error that is not `Send`.
    #[derive(Debug)]
    pub enum FailingLocal {}
}

impl<T: Serialize> ToolOutput<marker::Value> for T {
    fn into_output(self) -> Result<String, String> {
        self.into_reply().map(ToolReply::into_text)
    }

    fn into_reply(self) -> Result<ToolReply, String> {
        // A `Result` is serializable too, and is recognized by how it serializes.
        self.serialize(Top).unwrap_or_else(|fmt::Error| write(&self).map(ToolReply::Output))
    }
}

impl<T: Serialize, E: Error> ToolOutput<marker::Failing> for Result<T, E> {
    fn into_output(self) -> Result<String, String> {
        self.into_reply().map(ToolReply::into_text)
    }

    fn into_reply(self) -> Result<ToolReply, String> {
        self.map_err(|error| error.to_string())?.into_reply()
    }
}

impl<T, E> ToolOutput<marker::FailingBoxed> for Result<T, E>
where
    T: Serialize,
    E: Deref<Target = dyn Error + Send + Sync> + fmt::Display,
{
    fn into_output(self) -> Result<String, String> {
        self.into_reply().map(ToolReply::into_text)
    }

    fn into_reply(self) -> Result<ToolReply, String> {
        self.map_err(|error| error.to_string())?.into_reply()
    }
}

impl<T, E> ToolOutput<marker::FailingLocal> for Result<T, E>
where
    T: Serialize,
    E: Deref<Target = dyn Error> + fmt::Display,
{
    fn into_output(self) -> Result<String, String> {
        self.into_reply().map(ToolReply::into_text)
    }

    fn into_reply(self) -> Result<ToolReply, String> {
        self.map_err(|error| error.to_string())?.into_reply()
    }
}

/// Writes a string as is, and anything else as JSON.
fn write<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    let json = serde_json::to_string(value).map_err(|error| error.to_string())?;
    if json.starts_with('"') { serde_json::from_str(&json).map_err(|error| error.to_string()) } else { Ok(json) }
}

/// Accepts a serialized `Result`, [`Silent`] or [`Later`], and fails for everything else.
struct Top;

macro_rules! not_a_result {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        fn $method(self, _: $type) -> Result<Self::Ok, fmt::Error> {
            Err(fmt::Error)
        }
    )*};
}

impl Serializer for Top {
    type Ok = Result<ToolReply, String>;
    type Error = fmt::Error;
    type SerializeSeq = Impossible<Self::Ok, fmt::Error>;
    type SerializeTuple = Impossible<Self::Ok, fmt::Error>;
    type SerializeTupleStruct = Impossible<Self::Ok, fmt::Error>;
    type SerializeTupleVariant = Impossible<Self::Ok, fmt::Error>;
    type SerializeMap = Impossible<Self::Ok, fmt::Error>;
    type SerializeStruct = Impossible<Self::Ok, fmt::Error>;
    type SerializeStructVariant = Impossible<Self::Ok, fmt::Error>;

    not_a_result! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
        serialize_f64: f64, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Self::Ok, fmt::Error> {
        match (name, variant) {
            ("Result", "Ok") => {
                Ok(value.serialize(Self).unwrap_or_else(|fmt::Error| write(value).map(ToolReply::Output)))
            }
            ("Result", "Err") => Ok(Err(write(value).unwrap_or_else(|unwritable| unwritable))),
            _ => Err(fmt::Error),
        }
    }

    fn serialize_unit(self) -> Result<Self::Ok, fmt::Error> {
        Ok(Ok(ToolReply::Output(String::new())))
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Self::Ok, fmt::Error> {
        if name == LATER { Ok(Ok(ToolReply::Later)) } else { Err(fmt::Error) }
    }

    fn serialize_none(self) -> Result<Self::Ok, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Self::Ok, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<Self::Ok, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Self::Ok, fmt::Error> {
        if name != SILENT {
            return Err(fmt::Error);
        }
        // Of what is silent twice, or silent and unfinished, the innermost counts.
        let reply = value.serialize(Self).unwrap_or_else(|fmt::Error| write(value).map(ToolReply::Output));
        Ok(reply.map(|reply| match reply {
            ToolReply::Output(text) => ToolReply::Silent(text),
            other => other,
        }))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, fmt::Error> {
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use serde_json::{Value, value::RawValue};

    use super::*;
    use crate::wire::Json;

    fn told<M>(output: impl ToolOutput<M>) -> Result<String, String> {
        output.into_output()
    }

    #[derive(Serialize)]
    struct Weather {
        wind: f32,
        city: &'static str,
        all: u128,
    }

    const WEATHER: Weather = Weather { wind: 0.1, city: "Lisbon", all: u128::MAX };
    const WRITTEN: &str = r#"{"wind":0.1,"city":"Lisbon","all":340282366920938463463374607431768211455}"#;

    #[test]
    fn json_goes_out_byte_for_byte_as_it_is_written() {
        for answer in [
            told(WEATHER),
            told(Ok::<_, io::Error>(WEATHER)),
            told(Ok::<_, &str>(WEATHER)),
            told(Ok::<_, Box<dyn Error>>(WEATHER)),
            told(Ok::<_, Box<dyn Error + Send + Sync>>(WEATHER)),
        ] {
            assert_eq!(answer.as_deref(), Ok(WRITTEN));
        }
        let raw = r#"{ "b": 1.50, "a": 1e400 }"#;
        assert_eq!(told(Json::parse(raw)).as_deref(), Ok(raw));
        assert_eq!(told(RawValue::from_string(raw.into())).as_deref(), Ok(raw));
        assert_eq!(told([Some(1), None]).as_deref(), Ok("[1,null]"));
        assert_eq!(told((0.1_f32, 'x')).as_deref(), Ok(r#"[0.1,"x"]"#));
    }

    #[test]
    fn a_text_goes_out_as_it_is_and_nothing_as_an_empty_one() {
        for answer in [
            told("24 \"degrees\"\n"),
            told("24 \"degrees\"\n".to_owned()),
            told(Some("24 \"degrees\"\n")),
            told(Value::from("24 \"degrees\"\n")),
            told(Ok::<_, String>("24 \"degrees\"\n")),
        ] {
            assert_eq!(answer.as_deref(), Ok("24 \"degrees\"\n"));
        }
        assert_eq!((told(()).as_deref(), told(Ok::<_, io::Error>(())).as_deref()), (Ok(""), Ok("")));
        assert_eq!((told(Ok::<_, &str>(())).as_deref(), told(None::<u32>).as_deref()), (Ok(""), Ok("null")));
    }

    #[test]
    fn what_follows_an_output_is_told_by_its_type_also_within_a_result() {
        fn reply<M>(output: impl ToolOutput<M>) -> Result<ToolReply, String> {
            output.into_reply()
        }
        let boxed: Result<Silent<Weather>, Box<dyn Error + Send + Sync>> = Ok(Silent(WEATHER));
        for answer in [reply(Silent(WEATHER)), reply(Ok::<_, &str>(Silent(WEATHER))), reply(boxed)] {
            assert_eq!(answer, Ok(ToolReply::Silent(WRITTEN.into())));
        }
        for answer in
            [reply(Silent("noted")), reply(Ok::<_, io::Error>(Silent("noted"))), reply(Silent(Silent("noted")))]
        {
            assert_eq!(answer, Ok(ToolReply::Silent("noted".into())));
        }
        assert_eq!(reply(Silent(())), Ok(ToolReply::Silent(String::new())));
        for answer in
            [reply(Later), reply(Ok::<_, &str>(Later)), reply(Ok::<_, io::Error>(Later)), reply(Silent(Later))]
        {
            assert_eq!(answer, Ok(ToolReply::Later));
        }
        assert_eq!(reply(Err::<Silent<()>, _>("no")), Err("no".into()));
        // Within another value they mean nothing.
        #[derive(Serialize)]
        struct Unit;
        #[derive(Serialize)]
        struct Wrapped(u8);
        assert_eq!(told([Silent(1)]).as_deref(), Ok("[1]"));
        assert_eq!(told([Later]).as_deref(), Ok("[null]"));
        assert_eq!(reply(Unit), Ok(ToolReply::Output("null".into())));
        assert_eq!(reply(Wrapped(1)), Ok(ToolReply::Output("1".into())));
    }

    #[test]
    fn an_error_is_told_in_its_own_words() {
        let boxed = || -> Result<(), Box<dyn Error + Send + Sync>> { Err("no such city".into()) };
        let local = || -> Result<(), Box<dyn Error>> { Err("no such city".into()) };
        for answer in [
            told(Err::<(), _>("no such city")),
            told(Err::<Weather, _>("no such city".to_owned())),
            told(Err::<(), _>(io::Error::other("no such city"))),
            told(boxed()),
            told(local()),
        ] {
            assert_eq!(answer, Err("no such city".into()));
        }
    }
}
