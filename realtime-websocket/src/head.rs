use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use realtime_core::transport::{TransportError, TransportErrorKind};

/// The most that is looked at before the end of the headers, in bytes.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;

/// What an HTTP answer begins with.
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// How many of the received bytes it takes.
    pub(crate) length: usize,
}

impl Head {
    /// Looks at all that was received so far. None: read more.
    pub(crate) fn read(received: &[u8]) -> Result<Option<Self>, TransportError> {
        let protocol = |what: &'static str| TransportError::new(TransportErrorKind::Protocol, what);
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(received) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if received.len() < MAX_HEAD => return Ok(None),
            Ok(httparse::Status::Partial) => return Err(protocol("the answer's headers have no end")),
            Err(error) => return Err(TransportError::new(TransportErrorKind::Protocol, error)),
        };
        let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.ok_or_else(|| protocol("the answer has no status"))?;
        let mut headers = HeaderMap::new();
        for field in response.headers {
            let name = HeaderName::from_bytes(field.name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(field.value)) {
                headers.append(name, value);
            }
        }
        Ok(Some(Self { status, headers, length }))
    }
}
