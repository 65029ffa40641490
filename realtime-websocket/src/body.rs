use http::{HeaderMap, StatusCode, header};

/// Maximum number of bytes of a refusal's body that are kept.
const MAX_BODY: usize = 4096;
/// Maximum number of bytes read to obtain it, chunk framing included.
const MAX_RAW: usize = 4 * MAX_BODY;

/// The beginning of the body of a refusal.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// Whether the body is complete.
    pub(crate) is_whole: bool,
}

impl Body {
    /// Parses the bytes received after the headers.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, raw: &[u8]) -> Self {
        let last = |name| headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok());
        if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Self { bytes: Vec::new(), is_whole: true };
        }
        let coding = last(header::TRANSFER_ENCODING).and_then(|codings| codings.rsplit(',').next());
        let mut body = if coding.is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked")) {
            chunked(raw)
        } else {
            // Without a length, the body ends when the connection does.
            let length = last(header::CONTENT_LENGTH).and_then(|length| length.trim().parse().ok());
            let end = length.unwrap_or(usize::MAX).min(raw.len());
            Self { bytes: raw[..end].to_vec(), is_whole: length.is_some_and(|length| raw.len() >= length) }
        };
        body.is_whole |= body.bytes.len() >= MAX_BODY || raw.len() >= MAX_RAW;
        body.bytes.truncate(MAX_BODY);
        body
    }
}

/// Payload of a chunked body (RFC 9112, section 7.1), up to the first violation of the format.
fn chunked(mut raw: &[u8]) -> Body {
    let mut bytes = Vec::new();
    loop {
        let (start, size) = match httparse::parse_chunk_size(raw) {
            Ok(httparse::Status::Complete(chunk)) => chunk,
            Ok(httparse::Status::Partial) => return Body { bytes, is_whole: false },
            Err(_) => return Body { bytes, is_whole: true },
        };
        if size == 0 {
            return Body { bytes, is_whole: true };
        }
        let rest = raw.get(start..).unwrap_or_default();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let (chunk, behind) = rest.split_at(size.min(rest.len()));
        bytes.extend_from_slice(chunk);
        match behind.strip_prefix(b"\r\n") {
            Some(next) => raw = next,
            None => return Body { bytes, is_whole: behind.len() >= 2 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_as_far_as_it_has_come() {
        let long = format!("{:x}\r\n{}", 5000, "y".repeat(5000));
        for (headers, raw, body, is_whole) in [
            (&[("content-length", "5")][..], "hello", "hello", true),
            (&[("content-length", "5")], "hel", "hel", false),
            (&[("content-length", "5")], "hello, world", "hello", true),
            (&[("content-length", "five")], "hello", "hello", false),
            (&[("content-length", "99999999999999999999")], "hello", "hello", false),
            (&[], "hello", "hello", false),
            (&[("transfer-encoding", "chunked")], "", "", false),
            (&[("transfer-encoding", "chunked")], "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", "hello", true),
            (&[("transfer-encoding", "gzip, Chunked")], "2\r\nhe\r\n3\r\nl", "hel", false),
            (&[("transfer-encoding", "chunked")], "2\r\nhe", "he", false),
            (&[("transfer-encoding", "chunked")], "2\r\nhello", "he", true),
            (&[("transfer-encoding", "chunked")], "zz\r\n", "", true),
            (&[("transfer-encoding", "chunked")], "ffffffffffffffff\r\nhello", "hello", false),
            (&[("transfer-encoding", "chunked")], &long, &long[6..6 + 4096], true),
        ] {
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            let read = Body::read(StatusCode::UNAUTHORIZED, &headers, raw.as_bytes());
            assert_eq!(
                (&*String::from_utf8(read.bytes).unwrap(), read.is_whole),
                (body, is_whole),
                "{headers:?} {raw}"
            );
        }
        assert!(Body::read(StatusCode::NO_CONTENT, &HeaderMap::new(), b"").is_whole);
    }
}
