//! Other ways to write what is in a file, and its members one by one.

use serde_json::{Value, json};

/// Objects whose members anyone may choose.
const FREE_FORM: [&str; 6] = ["parameters", "input_schema", "annotations", "metadata", "headers", "variables"];

/// A way to write JSON.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    pub(crate) spaces: bool,
    /// The type of each object after all its other members, in place of before them.
    pub(crate) type_last: bool,
    /// Whole numbers as `12.0`.
    pub(crate) floats: bool,
    /// Members that nobody has heard of, in every object.
    pub(crate) unknown: bool,
    /// Every member twice.
    pub(crate) twice: bool,
    /// Keys and types with characters escaped that need not be.
    pub(crate) escapes: bool,
}

impl Style {
    pub(crate) fn write(self, value: &Value) -> String {
        let mut text = String::new();
        self.append(value, &mut text);
        text
    }

    fn append(self, value: &Value, text: &mut String) {
        let space = if self.spaces { " \n\t" } else { "" };
        match value {
            Value::Number(number) if self.floats && !number.is_f64() => text.push_str(&format!("{number}.0")),
            Value::Array(list) => {
                text.push('[');
                for (index, value) in list.iter().enumerate() {
                    text.push_str(if index == 0 { space } else { "," });
                    self.append(value, text);
                }
                text.push_str(space);
                text.push(']');
            }
            Value::Object(object) => {
                let mut members: Vec<_> = object.iter().collect();
                members.sort_by_key(|(key, _)| (*key == "type") == self.type_last);
                let times = if self.twice { 2 } else { 1 };
                let mut comma = "";
                text.push('{');
                if self.unknown {
                    text.push_str(r#""unknown_member":{"a":[1e400,{"type":null}],"b":"x"}"#);
                    comma = ",";
                }
                for (key, value) in members.into_iter().flat_map(|member| std::iter::repeat_n(member, times)) {
                    text.push_str(comma);
                    text.push_str(space);
                    text.push_str(&self.quote(key));
                    text.push_str(space);
                    text.push(':');
                    text.push_str(space);
                    match FREE_FORM.contains(&&**key) {
                        true => text.push_str(&value.to_string()),
                        false => self.append(value, text),
                    }
                    comma = ",";
                }
                text.push_str(space);
                text.push('}');
            }
            Value::String(string) => text.push_str(&self.quote(string)),
            other => text.push_str(&other.to_string()),
        }
    }

    fn quote(self, text: &str) -> String {
        match text.chars().next() {
            Some(first) if self.escapes && first.is_ascii() => {
                let rest = json!(&text[1..]).to_string();
                format!("\"\\u{:04x}{}", u32::from(first), &rest[1..])
            }
            _ => json!(text).to_string(),
        }
    }
}

/// A member of an object, anywhere in a value.
pub(crate) struct Member {
    /// Where it is, as the specification would say: `item<message>.content[].text`.
    pub(crate) path: String,
    object: String,
    key: String,
}

impl Member {
    pub(crate) fn value<'a>(&self, value: &'a Value) -> &'a Value {
        &value.pointer(&self.object).unwrap()[&self.key]
    }

    pub(crate) fn removed(&self, value: &Value) -> Value {
        let mut value = value.clone();
        value.pointer_mut(&self.object).unwrap().as_object_mut().unwrap().remove(&self.key);
        value
    }

    pub(crate) fn replaced(&self, value: &Value, by: Value) -> Value {
        let mut value = value.clone();
        value.pointer_mut(&self.object).unwrap()[&self.key] = by;
        value
    }
}

/// All members of all objects, without those that anyone may choose. A type is shown in the path if it is among
/// `tags`.
pub(crate) fn members(value: &Value, tags: &Value) -> Vec<Member> {
    let mut members = Vec::new();
    walk(value, tags, "", "", &mut members);
    members
}

fn walk(value: &Value, tags: &Value, path: &str, pointer: &str, members: &mut Vec<Member>) {
    match value {
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                walk(value, tags, &format!("{path}[]"), &format!("{pointer}/{index}"), members);
            }
        }
        Value::Object(object) => {
            let tag = object.get("type").filter(|tag| tags.as_array().is_some_and(|tags| tags.contains(tag)));
            let here = match tag.and_then(Value::as_str) {
                Some(tag) if !path.is_empty() => format!("{path}<{tag}>."),
                _ if path.is_empty() => String::new(),
                _ => format!("{path}."),
            };
            for (key, value) in object {
                let path = format!("{here}{key}");
                members.push(Member { path: path.clone(), object: pointer.to_owned(), key: key.clone() });
                if !FREE_FORM.contains(&&**key) {
                    walk(value, tags, &path, &format!("{pointer}/{key}"), members);
                }
            }
        }
        _ => {}
    }
}

/// Takes away the members that are null, and writes all numbers alike.
pub(crate) fn without_nulls(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(without_nulls);
        }
        Value::Number(number) => *value = json!(number.as_f64().unwrap()),
        _ => {}
    }
}
