use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use realtime_core::transport::{TransportError, TransportErrorKind};

/// Maximum size of the response headers, in bytes.
pub(crate) const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;

/// The head of an HTTP response.
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    /// Whether the response is HTTP/1.0, which has no upgrade.
    pub(crate) is_old: bool,
    pub(crate) headers: HeaderMap,
    /// Length in bytes of this head and of the informational responses before it.
    pub(crate) length: usize,
}

/// How much of the response head has arrived.
pub(crate) enum Progress {
    /// Not enough to decide.
    Open,
    /// A final status, before the end of its headers.
    Status(StatusCode),
    /// The complete head.
    Head(Head),
}

impl Head {
    /// Parses everything received so far. Informational responses (1xx, RFC 9110, section 15.2) are skipped, except
    /// 101, which is final.
    ///
    /// A status other than 101 is reported even if its headers are invalid or unterminated.
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
