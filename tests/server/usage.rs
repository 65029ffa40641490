//! Usage through the relay equals what every recorded session is expected to have used.

use std::{fs, io::BufReader, path::Path, sync::Arc};

use futures::future::join;
use realtime::{
    connection::{LinkOptions, OpenLink},
    live::state::LiveTotals,
    mock::{VirtualClock, duplex},
    server::{Meter, MeterReading, relay_links},
    transport::{CloseFrame, Message, Timer},
};
use serde_json::{Value, json};

use crate::input::{self, Direction};

/// Relays a recorded session, with a meter as its tap.
fn metered(path: &Path) -> MeterReading {
    let frames: Vec<_> = input::lines(BufReader::new(fs::File::open(path).unwrap())).map(Result::unwrap).collect();
    let clock = VirtualClock::new();
    let timer: Arc<dyn Timer> = Arc::new(clock.clone());
    let (mut client, client_link) = duplex(8);
    let (mut service, service_link) = duplex(8);
    let link = |duplex| OpenLink::new(duplex, timer.clone(), LinkOptions::default());
    let meter = Meter::new();
    let relayed = relay_links(link(client_link), link(service_link), meter.tap(timer.clone()));
    let session = async {
        for frame in &frames {
            let message = Message::Text(String::from_utf8(frame.raw.clone()).unwrap().into());
            let (from, to) = match frame.direction {
                Direction::FromClient => (&mut client, &mut service),
                Direction::FromServer => (&mut service, &mut client),
            };
            from.write.send(message.clone()).await.unwrap();
            assert_eq!(to.read.receive().await.unwrap(), Some(message), "it passes as it came");
        }
        assert_eq!(meter.read().active, 1);
        client.write.send(Message::Close(Some(CloseFrame::new(1000, "")))).await.unwrap();
        while let Ok(Some(_)) = service.read.receive().await {}
    };
    clock.block_on(join(relayed, session));
    let reading = meter.read();
    assert_eq!((reading.sessions, reading.active), (1, 0));
    assert_eq!(reading.events_up + reading.events_down, frames.len() as u64);
    reading
}

#[test]
fn usage_of_live_sessions_through_the_relay_is_what_every_transcript_expects() {
    let paths = sessions(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transcripts-live"));
    assert_eq!(paths.len(), 13);
    for path in paths {
        let expected: Value = serde_json::from_slice(&fs::read(path.with_extension("expected.json")).unwrap()).unwrap();
        let LiveTotals { seconds, active_seconds, paused_seconds, backend, decisions, .. } = metered(&path).live;
        let voice = json!({ "seconds": seconds, "active_seconds": active_seconds, "paused_seconds": paused_seconds });
        let got = json!({ "usage": voice, "backend_usage": backend, "decision_usage": decisions });
        let wanted = ["usage", "backend_usage", "decision_usage"].map(|name| (name.to_owned(), expected[name].clone()));
        assert_eq!(normal(&got), normal(&Value::Object(wanted.into_iter().collect())), "{}", path.display());
    }
}

/// Without what is null, zero or empty, and with numbers as numbers: the expectations leave out what a service does not count.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), normal(value)))
            .filter(|(_, value)| !value.is_null() && value.as_f64() != Some(0.0))
            .filter(|(_, value)| value.as_object().is_none_or(|members| !members.is_empty()))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Number(number) => json!((number.as_f64().unwrap_or_default() * 1e6).round() / 1e6),
        other => other.clone(),
    }
}

/// The members that are expected. The dialects' expectations leave out what only one service counts.
fn expected_members(got: &Value, expected: &Value) -> Value {
    match (got, expected) {
        (Value::Object(got), Value::Object(expected)) => {
            let member =
                |(name, expected): (&String, &Value)| Some((name.clone(), expected_members(got.get(name)?, expected)));
            expected.iter().filter_map(member).collect::<serde_json::Map<_, _>>().into()
        }
        (got, _) => got.clone(),
    }
}

fn sessions(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn usage_through_the_relay_is_what_every_transcript_expects() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut paths = sessions(&testdata.join("transcripts"));
    for dialect in ["azure-preview", "dashscope", "hf-s2s", "vllm", "voice-live", "xai"] {
        paths.extend(sessions(&testdata.join("dialects").join(dialect)));
    }
    assert_eq!(paths.len(), 11 + 13);
    for path in paths {
        let expected: Value = serde_json::from_slice(&fs::read(path.with_extension("expected.json")).unwrap()).unwrap();
        let totals = metered(&path).totals;
        let usage = totals.responses.map_or_else(|| json!({}), |usage| serde_json::to_value(usage).unwrap());
        let tokens = totals.transcription_tokens.map_or_else(|| json!({}), |tokens| json!(tokens));
        let mut got = json!({ "usage": usage, "transcription_usage": { "tokens": tokens, "seconds": totals.transcription_seconds } });
        let wanted = json!({ "usage": expected["usage"], "transcription_usage": expected["transcription_usage"] });
        if path.components().any(|part| part.as_os_str() == "dialects") {
            got = expected_members(&got, &wanted);
        }
        assert_eq!(normal(&got), normal(&wanted), "{}", path.display());
    }
}
