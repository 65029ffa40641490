//! A file that is no cassette says why.

use std::io::{self, BufReader, Read};

use realtime::{
    mock::{Cassette, CassetteError, CassetteErrorKind, Entry, EntryKind},
    transport::{CloseFrame, Message},
};

fn refusal(text: &str) -> CassetteError {
    text.parse::<Cassette>().unwrap_err()
}

fn line(line: &str) -> CassetteError {
    refusal(&format!("# a remark\n\n{{\"cassette\":1}}\n{line}"))
}

#[test]
fn what_is_no_cassette_is_refused_with_a_reason() {
    for text in ["", "\n# nothing\n", "{}", "{\"cassette\":2}", "{\"ms\":0}", "no JSON", "[1]"] {
        assert_eq!(refusal(text).kind(), CassetteErrorKind::Version, "{text}");
    }
    for (text, reason) in [
        ("no JSON", "no JSON object"),
        ("{}", "`ms` is missing, at column 2"),
        (r#"{"ms":0,"link":1}"#, "nothing happens in it"),
        (r#"{"ms":-1,"link":1,"ended":null}"#, "a member is none of a cassette's, or has another type, at column 8"),
        (r#"{"ms":0,"link":1,"event":{}}"#, "a message without `from`"),
        (r#"{"ms":0,"link":1,"from":"nobody","event":{}}"#, "a member is none of a cassette's, or has another type"),
        (r#"{"ms":0,"link":1,"from":"server","event":{},"text":""}"#, "more than one thing happens in it"),
        (r#"{"ms":0,"link":1,"ended":null,"opened":"x"}"#, "more than one thing happens in it"),
        (r#"{"ms":0,"link":1,"from":"server","binary":"no base64!"}"#, "a member is none of a cassette's"),
        (r#"{"ms":0,"link":1,"from":"server","close":{"code":70000,"reason":""}}"#, "a member is none of a cassette's"),
        (r#"{"ms":0,"link":1,"ended":null,"more":1}"#, "a member is none of a cassette's"),
        (r#"{"ms":0,"link":1,"ended":null"#, "no JSON, at column"),
    ] {
        let error = line(text);
        assert_eq!((error.kind(), error.line()), (CassetteErrorKind::Syntax, 4), "{text}");
        let told = error.to_string();
        assert!(told.starts_with(&format!("line 4: the line is invalid: {reason}")), "{told}");
    }
    let error = Cassette::open("/no/such/cassette").unwrap_err();
    assert_eq!((error.kind(), error.line()), (CassetteErrorKind::Io, 0));
}

#[test]
fn an_error_does_not_repeat_what_it_found() {
    let error = line(r#"{"ms":"sk-0123456789abcdef","link":1}"#);
    let told = format!("{error} {error:?}");
    assert!(!told.contains("0123456789"), "{told}");
}

#[test]
fn bytes_that_are_no_text_and_files_without_an_end_are_refused() {
    let mut bytes = b"{\"cassette\":1}\n".to_vec();
    bytes.extend([0xFF, 0xFE, b'\n']);
    assert_eq!(Cassette::read(&bytes[..]).unwrap_err().kind(), CassetteErrorKind::Syntax);
    let endless = BufReader::new(io::repeat(b'x'));
    assert_eq!(Cassette::read(endless).unwrap_err().kind(), CassetteErrorKind::TooLarge);
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    assert_eq!(Cassette::read(BufReader::new(Broken)).unwrap_err().kind(), CassetteErrorKind::Io);
}

#[test]
fn deep_events_are_only_carried() {
    let deep = format!(r#"{{"type":"a","x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let text = format!("{{\"cassette\":1}}\n{{\"ms\":0,\"link\":1,\"from\":\"server\",\"event\":{deep}}}");
    let cassette: Cassette = text.parse().unwrap();
    assert_eq!(cassette.entries()[0].kind, EntryKind::Received(Message::Text(deep.into())));
}

#[test]
fn everything_that_can_happen_can_be_written_and_read() {
    let whats = [
        EntryKind::Opened { url: "ws://x/?k=\"v\"".into(), headers: vec!["a".into(), "b".into()] },
        EntryKind::Sent(Message::Text("{\"type\":\"a\"}".into())),
        EntryKind::Sent(Message::Text("{\"type\":\n\"a\"}".into())),
        EntryKind::Received(Message::Text("no \u{0} JSON \u{2028}\r\n".into())),
        EntryKind::Received(Message::Text("".into())),
        EntryKind::Received(Message::Text("null".into())),
        EntryKind::Received(Message::Binary(vec![0, 255, 10].into())),
        EntryKind::Sent(Message::Close(None)),
        EntryKind::Received(Message::Close(Some(CloseFrame::new(4000, "\"so\"")))),
        EntryKind::Ended { error: None },
        EntryKind::Ended { error: Some("broken".into()) },
        EntryKind::Failed { error: "no".into(), status: Some(401) },
        EntryKind::Failed { error: "no".into(), status: None },
    ];
    let cassette = Cassette::new((0..).zip(whats).map(|(ms, what)| Entry::new(ms, 1 + ms as u32 / 10, what)));
    let mut text = Vec::new();
    cassette.write(&mut text).unwrap();
    assert_eq!(Cassette::read(&text[..]).unwrap(), cassette);
    assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 1 + cassette.entries().len());
}
