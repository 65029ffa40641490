use std::fmt;

use http::HeaderName;

use super::query::Query;
use crate::{transport::show_header, wire::Secret};

/// Query parameters and headers beyond those of the target and the credential: the defaults of an
/// [`Endpoint`](super::Endpoint), or what one connection has in addition.
///
/// Names and values are checked when the handshake is made.
#[derive(Clone, Default)]
pub struct Extras {
    pub(super) query: Query,
    /// In order; None removes.
    pub(super) headers: Vec<(String, Option<Secret>)>,
}

impl Extras {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// These, and then others.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.query.replace_with(&others.query);
        self.headers.extend(others.headers);
        self
    }

    /// Sets a query parameter, in place of all earlier values of that name.
    pub fn query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.query.set(name.as_ref(), value.as_ref());
        self
    }

    /// Adds a further value of a query parameter, for a server that reads lists.
    pub fn append_query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.query.append(name.as_ref(), value.as_ref());
        self
    }

    /// Sets a header, in place of earlier ones of that name, whatever their case. `Authorization` replaces that of
    /// the credential.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), Some(value.into())));
        self
    }

    /// Removes a header that was set earlier, also one made from the credential or by default.
    pub fn without_header(mut self, name: impl Into<String>) -> Self {
        self.headers.push((name.into(), None));
        self
    }

    /// The organisation that is charged, by its id: `OpenAI-Organization`.
    pub fn organization(self, id: impl Into<Secret>) -> Self {
        self.header("OpenAI-Organization", id)
    }

    /// The project that is charged, by its id: `OpenAI-Project`.
    pub fn project(self, id: impl Into<Secret>) -> Self {
        self.header("OpenAI-Project", id)
    }

    /// A stable name for the end user, best a hash, by which the service traces misuse to one of your users rather
    /// than to you: `OpenAI-Safety-Identifier`.
    pub fn safety_identifier(self, id: impl Into<Secret>) -> Self {
        self.header("OpenAI-Safety-Identifier", id)
    }

    /// What the client calls itself: `User-Agent`. By default this crate's name and version.
    pub fn user_agent(self, name: impl Into<Secret>) -> Self {
        self.header("User-Agent", name)
    }
}

/// Without the values that may be secret.
impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.headers.iter().map(|(name, value)| {
            let value = value.as_ref().map_or("(removed)", |value| show_header(name, value.expose()));
            // Who writes `Name: value` in the place of a name has written a secret there.
            (HeaderName::try_from(name).map_or("***", |_| name), value)
        });
        f.debug_struct("Extras")
            .field("query", &format_args!("{}", self.query))
            .field("headers", &headers.collect::<Vec<_>>())
            .finish()
    }
}
