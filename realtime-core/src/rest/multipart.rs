//! Forms of several parts (RFC 7578).

use bytes::Bytes;
use http::HeaderValue;

pub(super) struct Part<'a> {
    pub(super) name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) body: &'a [u8],
}

/// The content type and the body of a form.
///
/// The boundary is the first of a row of names that no part contains, so that nothing in a part can end it; the same
/// parts make the same form.
pub(super) fn multipart(parts: &[Part<'_>]) -> (HeaderValue, Bytes) {
    let contains = |body: &[u8], text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
    let mut number = 0_u64;
    let boundary = loop {
        let boundary = format!("realtime-form-{number:016x}");
        // Ends: there are more numbers than places in the parts.
        if !parts.iter().any(|part| contains(part.body, &boundary)) {
            break boundary;
        }
        number += 1;
    };
    let mut form = Vec::new();
    for Part { name, content_type, body } in parts {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\nContent-Type: {content_type}\r\n\r\n"
        );
        form.extend_from_slice(head.as_bytes());
        form.extend_from_slice(body);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    // Letters, digits and dashes alone.
    let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
    (content_type.unwrap_or(HeaderValue::from_static("multipart/form-data")), form.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_can_end_the_form() {
        let hostile = b"--realtime-form-0000000000000000--\r\nrealtime-form-0000000000000001";
        let part = |body| Part { name: "sdp", content_type: "application/sdp", body };
        let (content_type, form) = multipart(&[part(hostile), part(b"")]);
        assert_eq!(content_type, "multipart/form-data; boundary=realtime-form-0000000000000002");
        let head = "Content-Disposition: form-data; name=\"sdp\"\r\nContent-Type: application/sdp\r\n\r\n";
        let mark = "--realtime-form-0000000000000002";
        let body = String::from_utf8_lossy(hostile);
        let expected = format!("{mark}\r\n{head}{body}\r\n{mark}\r\n{head}\r\n{mark}--\r\n");
        assert_eq!(form, expected.as_bytes());
    }
}
