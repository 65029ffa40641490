use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use realtime_core::transport::{TransportError, TransportErrorKind};

/// The most that is looked at before the end of the headers, in bytes.
pub(crate) const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;

/// What an HTTP answer begins with.
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    /// Whether it is an answer of HTTP/1.0, which knows no upgrade.
    pub(crate) is_old: bool,
    pub(crate) headers: HeaderMap,
    /// How many of the received bytes it takes, informational answers before it included.
    pub(crate) length: usize,
}

/// How much of an answer's beginning there is.
pub(crate) enum Progress {
    /// Nothing that decides.
    Open,
    /// A final status, before the end of its headers.
    Status(StatusCode),
    /// All of it.
    Head(Head),
}

impl Head {
    /// Looks at all that was received so far. Informational answers (1xx, RFC 9110, section 15.2) are passed over, but
    /// for 101, which is final.
    ///
    /// A status that is not 101 counts even if its headers break the rules or have no end.
    pub(crate) fn read(received: &[u8]) -> Result<Progress, TransportError> {
        let protocol = |what: &'static str| TransportError::new(TransportErrorKind::Protocol, what);
        let mut start = 0;
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            let parsed = response.parse(received.get(start..).unwrap_or_default());
            let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
            let refusal = status.filter(|status| !status.is_informational());
            let length = match parsed {
                Ok(httparse::Status::Complete(length)) => start + length,
                Ok(httparse::Status::Partial) if received.len() < MAX_HEAD => {
                    return Ok(refusal.map_or(Progress::Open, Progress::Status));
                }
                broken => {
                    if let Some(status) = refusal {
                        let length = received.len();
                        return Ok(Progress::Head(Self { status, is_old: false, headers: HeaderMap::new(), length }));
                    }
                    return Err(match broken {
                        Err(error) => TransportError::new(TransportErrorKind::Protocol, error),
                        Ok(_) => protocol("the answer's headers have no end"),
                    });
                }
            };
            let status = status.ok_or_else(|| protocol("the answer has no status"))?;
            if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
                start = length;
                continue;
            }
            let is_old = response.version == Some(0);
            let mut headers = HeaderMap::new();
            for field in response.headers {
                let name = HeaderName::from_bytes(field.name.as_bytes());
                if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(field.value)) {
                    headers.append(name, value);
                }
            }
            return Ok(Progress::Head(Self { status, is_old, headers, length }));
        }
    }
}
