use std::fmt;

use http::HeaderName;

use super::query::Query;
use crate::{transport::show_header, wire::Secret};

/// Additional query parameters and headers: the defaults of an [`Endpoint`](super::Endpoint), or those of one
/// connection.
///
/// Names and values are validated when the handshake is created.
#[derive(Clone, Default)]
pub struct Extras {
    pub(super) query: Query,
    /// In order. `None` removes a header.
    pub(super) headers: Vec<(String, Option<Secret>)>,
}

impl Extras {
    /// Creates an empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends others.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.query.replace_with(&others.query);
        self.headers.extend(others.headers);
        self
    }

    /// Sets a query parameter, replacing all earlier values.
    pub fn query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.query.set(name.as_ref(), value.as_ref());
        self
    }

    /// Adds another value of a query parameter, for servers that accept lists.
    pub fn append_query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.query.append(name.as_ref(), value.as_ref());
        self
    }

    /// Sets a header, replacing earlier values regardless of case. `Authorization` replaces the credential's header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), Some(value.into())));
        self
    }

    /// Removes a header set earlier, from the credential or by default.
    pub fn without_header(mut self, name: impl Into<String>) -> Self {
        self.headers.push((name.into(), None));
        self
    }

    /// Sets the id of the organization to bill: `OpenAI-Organization`.
    pub fn organization(self, id: impl Into<Secret>) -> Self {
        self.header("OpenAI-Organization", id)
    }

    /// Sets the id of the project to bill: `OpenAI-Project`.
    pub fn project(self, id: impl Into<Secret>) -> Self {
        self.header("OpenAI-Project", id)
    }

    /// Sets a stable identifier of the end user, preferably a hash, by which the service can attribute misuse to that
    /// user: `OpenAI-Safety-Identifier`.
    pub fn safety_identifier(self, id: impl Into<Secret>) -> Self {
        self.header("OpenAI-Safety-Identifier", id)
    }

    /// Sets `User-Agent`. Defaults to the name and version of this crate.
    pub fn user_agent(self, name: impl Into<Secret>) -> Self {
        self.header("User-Agent", name)
    }
}

/// Hides values that may be secret.
impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.headers.iter().map(|(name, value)| {
            let value = value.as_ref().map_or("(removed)", |value| show_header(name, value.expose()));
            // An invalid name, such as a whole `Name: value` line, may contain a secret.
            (HeaderName::try_from(name).map_or("***", |_| name), value)
        });
        f.debug_struct("Extras")
            .field("query", &format_args!("{}", self.query))
            .field("headers", &headers.collect::<Vec<_>>())
            .finish()
    }
}
