//! Schemas, and the validation of client events against them.

use serde_json::{Map, Value};

use super::Fault;

/// Schema of a JSON value.
pub(in crate::simulator) enum Shape {
    Any,
    Text,
    /// A string of at most this many characters.
    TextTo(usize),
    Flag,
    /// An integer in this range.
    Whole(i64, i64),
    /// A number in this range.
    Number(f64, f64),
    /// One of these strings.
    Word(&'static [&'static str]),
    List(&'static Self),
    Object(&'static [Member]),
    /// An object whose schema is selected by this member.
    Tagged(&'static str, &'static [(&'static str, &'static [Member])]),
    /// An object with at most this many arbitrary names, whose values have one schema.
    Map(usize, &'static Self),
    /// The first schema that matches the type of the value.
    Either(&'static [Self]),
}

/// A member of an object: its name, its schema, and whether it is required.
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
    /// Validates the value at this path. Null stands for a missing value.
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

    /// Whether the value has the type of this schema.
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

/// Validates the members of an object, except the one that selected the schema.
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

/// Validates the members of an event, except its type and id.
pub(in crate::simulator) fn check_event(members: &[Member], event: &Map<String, Value>) -> Result<(), Fault> {
    check_object(members, Some("type"), event, "")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}

/// An integer, also if written as 12.0.
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
