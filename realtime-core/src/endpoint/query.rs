use std::{borrow::Cow, fmt};

use form_urlencoded::{byte_serialize, parse};

use crate::transport::show_query;

/// Query parameters in order. Those of a URL keep their encoding.
#[derive(Clone, Default)]
pub(super) struct Query(Vec<Pair>);

#[derive(Clone)]
struct Pair {
    name: String,
    /// Name and value in encoded form.
    text: String,
}

impl Query {
    pub(super) fn of_url(query: &str) -> Self {
        let pair = |text: &str| {
            let name = parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default();
            Pair { name, text: text.into() }
        };
        Self(query.split('&').filter(|text| !text.is_empty()).map(pair).collect())
    }

    /// Adds another value of a parameter.
    pub(super) fn append(&mut self, name: &str, value: &str) {
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        self.0.push(Pair { name: name.into(), text: format!("{}={}", encode(name), encode(value)) });
    }

    /// Sets the only value of a parameter.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.append(name, value);
    }

    /// Adds parameters that replace all earlier ones of the same name.
    pub(super) fn replace_with(&mut self, later: &Self) {
        self.0.retain(|pair| !later.has(&pair.name));
        self.0.extend_from_slice(&later.0);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|pair| pair.name != name);
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|pair| pair.name == name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All values of a parameter, decoded.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        let pairs = self.0.iter().filter(move |pair| pair.name == name);
        pairs.map(|pair| parse(pair.text.as_bytes()).next().map(|(_, value)| value).unwrap_or_default())
    }

    /// The encoded query, without a question mark.
    pub(super) fn encoded(&self) -> String {
        self.0.iter().map(|pair| &*pair.text).collect::<Vec<_>>().join("&")
    }
}

/// Hides values that may be secret.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_query(f, self.0.iter().map(|pair| (&pair.name, &*pair.text)))
    }
}
