//! Whether an event of the client has the shape that the service asks for.

use serde_json::{Map, Value};

use super::Fault;

/// The shape of one JSON value.
pub(in crate::simulator) enum Shape {
    Any,
    Text,
    /// Text of at most so many characters.
    TextTo(usize),
    Flag,
    /// A whole number from here to there.
    Whole(i64, i64),
    /// A number from here to there.
    Number(f64, f64),
    /// One of these words.
    Word(&'static [&'static str]),
    List(&'static Self),
    Object(&'static [Member]),
    /// An object that says by this member which of the shapes it has.
    Tagged(&'static str, &'static [(&'static str, &'static [Member])]),
    /// Any names, at most so many, with values of one shape.
    Map(usize, &'static Self),
    /// The first one that matches the kind of the value.
    Either(&'static [Self]),
}

/// A member of an object: its name, its shape, whether it must be there.
pub(in crate::simulator) struct Member(
    pub(in crate::simulator) &'static str,
    pub(in crate::simulator) Shape,
    pub(in crate::simulator) bool,
);

pub(in crate::simulator) const fn opt(name: &'static str, shape: Shape) -> Member {
    Member(name, shape, false)
}

pub(in crate::simulator) const fn req(name: &'static str, shape: Shape) -> Member {
    Member(name, shape, true)
}

impl Shape {
    /// Checks a value that is found at this path. Null stands for a value that is not there.
    pub(in crate::simulator) fn check(&self, value: &Value, path: &str) -> Result<(), Fault> {
        match (self, value) {
            (Self::Any, _) | (Self::Text, Value::String(_)) | (Self::Flag, Value::Bool(_)) => Ok(()),
            (Self::TextTo(most), Value::String(text)) => {
                let length = text.chars().count();
                if length <= *most {
                    return Ok(());
                }
                let message = format!(
                    "Invalid '{path}': string too long. Expected a string with maximum length {most}, but got a \
                     string with length {length} instead."
                );
                Err(Fault::new("string_above_max_length", message).at(path))
            }
            (Self::Whole(least, most), Value::Number(number)) => match whole(number) {
                Some(number) => range(path, "integer", number, *least, *most),
                None => Err(self.mismatch(value, path)),
            },
            (Self::Number(least, most), Value::Number(number)) => {
                range(path, "decimal", number.as_f64().unwrap_or_default(), *least, *most)
            }
            (Self::Word(words), Value::String(word)) if words.contains(&word.as_str()) => Ok(()),
            (Self::Word(words), Value::String(word)) => Err(Fault::value(path, word, words)),
            (Self::List(shape), Value::Array(list)) => {
                list.iter().enumerate().try_for_each(|(index, value)| shape.check(value, &format!("{path}[{index}]")))
            }
            (Self::Object(members), Value::Object(object)) => check_object(members, None, object, path),
            (Self::Tagged(tag, shapes), Value::Object(object)) => {
                let param = join(path, tag);
                let names: Vec<_> = shapes.iter().map(|(name, _)| *name).collect();
                match object.get(*tag) {
                    None | Some(Value::Null) => Err(Fault::missing(&param)),
                    Some(Value::String(name)) => match shapes.iter().find(|(known, _)| known == name) {
                        Some((_, members)) => check_object(members, Some(tag), object, path),
                        None => Err(Fault::value(&param, name, &names)),
                    },
                    Some(other) => Err(Self::Text.mismatch(other, &param)),
                }
            }
            (Self::Map(most, shape), Value::Object(object)) => {
                let count = object.len();
                if count > *most {
                    let message = format!(
                        "Invalid '{path}': too many properties. Expected an object with at most {most} properties, \
                         but got an object with {count} properties instead."
                    );
                    return Err(Fault::new("object_above_max_properties", message).at(path));
                }
                object.iter().try_for_each(|(name, value)| shape.check(value, &join(path, name)))
            }
            (Self::Either(shapes), value) => match shapes.iter().find(|shape| shape.fits(value)) {
                Some(shape) => shape.check(value, path),
                None => Err(self.mismatch(value, path)),
            },
            (shape, value) => Err(shape.mismatch(value, path)),
        }
    }

    /// Whether the value is of the kind that this shape is about.
    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text | Self::TextTo(_) | Self::Word(_) => value.is_string(),
            Self::Flag => value.is_boolean(),
            Self::Whole(..) | Self::Number(..) => value.is_number(),
            Self::List(_) => value.is_array(),
            Self::Object(_) | Self::Tagged(..) | Self::Map(..) => value.is_object(),
            Self::Either(shapes) => shapes.iter().any(|shape| shape.fits(value)),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Any => "a value".into(),
            Self::Text | Self::TextTo(_) => "a string".into(),
            Self::Word(words) => format!("one of '{}'", words.join("' or '")),
            Self::Flag => "a boolean".into(),
            Self::Whole(..) => "an integer".into(),
            Self::Number(..) => "a decimal".into(),
            Self::List(_) => "an array".into(),
            Self::Object(_) | Self::Tagged(..) | Self::Map(..) => "an object".into(),
            Self::Either(shapes) => {
                format!("one of {}", shapes.iter().map(Self::name).collect::<Vec<_>>().join(" or "))
            }
        }
    }

    fn mismatch(&self, value: &Value, path: &str) -> Fault {
        let given = match value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(number) if whole(number).is_none() => "a decimal number",
            Value::Number(_) => "an integer",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        let expected = self.name();
        let message = format!("Invalid type for '{path}': expected {expected}, but got {given} instead.");
        Fault::new("invalid_type", message).at(path)
    }
}

/// Checks the members of an object; the one that said which shape it has is known already.
fn check_object(members: &[Member], tag: Option<&str>, object: &Map<String, Value>, path: &str) -> Result<(), Fault> {
    for (name, value) in object {
        if tag == Some(name) {
            continue;
        }
        let param = join(path, name);
        match members.iter().find(|Member(known, ..)| known == name) {
            None => return Err(Fault::unknown(&param)),
            Some(_) if value.is_null() => {}
            Some(Member(_, shape, _)) => shape.check(value, &param)?,
        }
    }
    let missing = |Member(name, _, required): &&Member| *required && object.get(*name).is_none_or(Value::is_null);
    match members.iter().find(missing) {
        Some(Member(name, ..)) => Err(Fault::missing(&join(path, name))),
        None => Ok(()),
    }
}

/// Checks the members of an event, its type and id apart.
pub(in crate::simulator) fn check_event(members: &[Member], event: &Map<String, Value>) -> Result<(), Fault> {
    check_object(members, Some("type"), event, "")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}

/// A whole number, also one that is written as 12.0.
pub(in crate::simulator) fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64)
    })
}

fn range<T: PartialOrd + std::fmt::Display>(path: &str, kind: &str, given: T, least: T, most: T) -> Result<(), Fault> {
    let (code, what, sign, limit) = match kind {
        _ if given >= least && given <= most => return Ok(()),
        "integer" if given < least => ("integer_below_min_value", "below minimum", ">=", least),
        "integer" => ("integer_above_max_value", "above maximum", "<=", most),
        _ if given < least => ("decimal_below_min_value", "below minimum", ">=", least),
        _ => ("decimal_above_max_value", "above maximum", "<=", most),
    };
    let message =
        format!("Invalid '{path}': {kind} {what} value. Expected a value {sign} {limit}, but got {given} instead.");
    Err(Fault::new(code, message).at(path))
}
