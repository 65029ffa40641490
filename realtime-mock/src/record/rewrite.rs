//! JSON, copied member by member, with some of its texts replaced. The order and the writing of numbers stay.

use std::fmt::{self, Write};

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess},
};
use serde_json::Value;

/// What is replaced.
pub(super) trait Rewrite {
    /// Whether everything under this key is to be hidden.
    fn hides(&self, key: &str) -> bool {
        let _ = key;
        false
    }

    /// What stands in a text's place, under a key. None leaves it.
    fn replace(&self, key: &str, text: &str) -> Option<String>;
}

/// The JSON on one line, rewritten, and whether anything was replaced. `None` if it is not JSON, or nested too deeply.
pub(super) fn rewrite(json: &str, rules: &impl Rewrite) -> Option<(String, bool)> {
    let mut output = Output { text: String::with_capacity(json.len()), changed: false };
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let copy = Copy { output: &mut output, rules, key: "", hidden: false };
    copy.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some((output.text, output.changed))
}

struct Output {
    text: String,
    changed: bool,
}

impl Output {
    fn quote(&mut self, text: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.text, "{}", Value::from(text));
    }
}

struct Copy<'a, R> {
    output: &'a mut Output,
    rules: &'a R,
    key: &'a str,
    hidden: bool,
}

impl<R: Rewrite> Copy<'_, R> {
    /// A value other than a string. If hidden, it becomes 0.
    fn plain<E>(self, value: Value) -> Result<(), E> {
        // A number may be a secret, too.
        let hidden = self.hidden || value.is_number() && self.rules.replace(self.key, &value.to_string()).is_some();
        let value = if hidden { Value::from(0) } else { value };
        self.output.changed |= hidden;
        let _ = write!(self.output.text, "{value}");
        Ok(())
    }

    fn within<'b>(&'b mut self, key: &'b str) -> Copy<'b, R> {
        let hidden = self.hidden || self.rules.hides(key);
        Copy { output: self.output, rules: self.rules, key, hidden }
    }
}

impl<'de, R: Rewrite> DeserializeSeed<'de> for Copy<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rewrite> de::Visitor<'de> for Copy<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.output.text.push_str("null");
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.plain(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.plain(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.plain(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.plain(value.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let replaced = if self.hidden { Some("***".into()) } else { self.rules.replace(self.key, text) };
        self.output.changed |= replaced.is_some();
        self.output.quote(replaced.as_deref().unwrap_or(text));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let key = self.key;
        let mut before = '[';
        loop {
            let length = self.output.text.len();
            self.output.text.push(before);
            if list.next_element_seed(self.within(key))?.is_none() {
                self.output.text.truncate(length);
                break;
            }
            before = ',';
        }
        self.output.text.push_str(if before == '[' { "[]" } else { "]" });
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut before = '{';
        while let Some(key) = map.next_key::<String>()? {
            self.output.text.push(before);
            before = ',';
            let shown = self.rules.replace("", &key);
            self.output.changed |= shown.is_some();
            self.output.quote(shown.as_deref().unwrap_or(&key));
            self.output.text.push(':');
            map.next_value_seed(self.within(&key))?;
        }
        self.output.text.push_str(if before == '{' { "{}" } else { "}" });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Rules;

    impl Rewrite for Rules {
        fn hides(&self, key: &str) -> bool {
            key == "hidden"
        }

        fn replace(&self, key: &str, text: &str) -> Option<String> {
            (text == "old").then(|| format!("new under {key}"))
        }
    }

    fn rewritten(json: &str) -> Option<(String, bool)> {
        rewrite(json, &Rules)
    }

    #[test]
    fn what_is_not_replaced_stays() {
        let json = r#"{"z":[1,-2,1.5,1e300,true,null,"é\n\"",[],{},[[]],{"a":{}}],"a":18446744073709551615}"#;
        assert_eq!(rewritten(json), Some((json.replace("1e300", "1e+300"), false)));
        assert_eq!(rewritten(" { \"b\" : 1 ,\n \"a\" : 2 } "), Some((r#"{"b":1,"a":2}"#.into(), false)));
    }

    #[test]
    fn texts_are_replaced_and_hidden_ones_gone() {
        let json = r#"{"a":["old",{"b":"old"}],"hidden":{"x":["y",7,true,null]},"old":1}"#;
        let expected = r#"{"a":["new under a",{"b":"new under b"}],"hidden":{"x":["***",0,0,null]},"new under ":1}"#;
        assert_eq!(rewritten(json), Some((expected.into(), true)));
    }

    #[test]
    fn what_is_no_json_is_not_rewritten() {
        for text in ["", "{", "{} x", "{\"a\":01}", &"[".repeat(100_000)] {
            assert_eq!(rewritten(text), None);
        }
    }
}
