use realtime_core::{
    auth::Credential,
    endpoint::{Endpoint, EndpointError, Extras, Handshake, Target},
};

pub(crate) const USER_AGENT: (&str, &str) = ("user-agent", concat!("realtime-core/", env!("CARGO_PKG_VERSION")));
pub(crate) const BEARER: (&str, &str) = ("authorization", "Bearer sk-1");

/// A row of the table: by default OpenAI, the model `m`, the key `sk-1` and no extras.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) endpoint: Endpoint,
    pub(crate) target: Target,
    pub(crate) credential: Credential,
    pub(crate) extras: Extras,
    pub(crate) want: Result<Want, EndpointError>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Want {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) subprotocols: Vec<String>,
}

pub(crate) fn row(name: &'static str) -> Row {
    Row {
        name,
        endpoint: Endpoint::openai(),
        target: model("m"),
        credential: Credential::api_key("sk-1"),
        extras: Extras::new(),
        want: Ok(Want::default()),
    }
}

impl Row {
    pub(crate) fn at(self, endpoint: Endpoint) -> Self {
        Self { endpoint, ..self }
    }

    pub(crate) fn base(self, base: &str) -> Self {
        self.at(Endpoint::gateway(base))
    }

    pub(crate) fn to(self, target: Target) -> Self {
        Self { target, ..self }
    }

    pub(crate) fn by(self, credential: Credential) -> Self {
        Self { credential, ..self }
    }

    pub(crate) fn with(self, extras: Extras) -> Self {
        Self { extras, ..self }
    }

    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.extras = self.extras.query(name, value);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.extras = self.extras.header(name, value);
        self
    }

    /// This URL, with the headers of most rows.
    pub(crate) fn url(self, url: &str) -> Self {
        self.sends(url, &[BEARER, USER_AGENT])
    }

    pub(crate) fn headers(self, headers: &[(&str, &str)]) -> Self {
        self.sends("wss://api.openai.com/v1/realtime?model=m", headers)
    }

    pub(crate) fn sends(mut self, url: &str, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        self.want = Ok(Want { url: url.into(), headers, subprotocols: Vec::new() });
        self
    }

    /// The browser form: subprotocols and nothing else.
    pub(crate) fn offers(mut self, subprotocols: &[&str]) -> Self {
        let subprotocols = subprotocols.iter().map(|protocol| (*protocol).into()).collect();
        let url = "wss://api.openai.com/v1/realtime?model=m".into();
        self.want = Ok(Want { url, headers: Vec::new(), subprotocols });
        self
    }

    pub(crate) fn fails(mut self, error: EndpointError) -> Self {
        self.want = Err(error);
        self
    }

    pub(crate) fn empty(self, what: &'static str) -> Self {
        self.fails(EndpointError::Empty { what })
    }

    pub(crate) fn result(&self) -> Result<Handshake, EndpointError> {
        self.endpoint.handshake(&self.target, &self.credential, &self.extras)
    }
}

pub(crate) fn model(name: &str) -> Target {
    Target::Model(name.into())
}

pub(crate) fn call(id: &str) -> Target {
    Target::Call(id.into())
}

pub(crate) fn translation(model: &str) -> Target {
    Target::Translation(model.into())
}

pub(crate) fn none() -> Extras {
    Extras::new()
}

pub(crate) fn browser() -> Endpoint {
    Endpoint::openai().browser(true)
}

pub(crate) fn azure() -> Endpoint {
    Endpoint::azure("https://r.openai.azure.com")
}

pub(crate) fn preview() -> Endpoint {
    Endpoint::azure_preview("https://r.openai.azure.com", "2025-04-01-preview")
}

pub(crate) const GATEWAY: &str = "https://gw/a/v1";
pub(crate) const PREVIEW: &str = "wss://r.openai.azure.com/openai/realtime?api-version=2025-04-01-preview";
