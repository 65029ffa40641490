//! Metrics tell what happens, by stable names, with bounded labels and without a secret.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{
    FutureExt,
    future::{self, join},
};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use realtime::{
    Client, ErrorKind,
    connection::{Reconnect, describe_metrics},
    event::{ConversationItemCreate, ResponseCreate, SessionUpdate},
    mock::{MockServer, MockSession, MockTransport},
    tools::Tools,
};
use serde_json::{Value, json};

/// Keeps everything, by name and labels: `name{label=value,..}`.
#[derive(Clone, Default)]
struct Keeper {
    counters: Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>,
    gauges: Arc<Mutex<BTreeMap<String, Arc<Values>>>>,
    histograms: Arc<Mutex<BTreeMap<String, Arc<Values>>>>,
    described: Arc<Mutex<BTreeMap<String, &'static str>>>,
}

/// All values of a histogram, or all changes of a gauge.
#[derive(Default)]
struct Values(Mutex<Vec<f64>>);

impl Values {
    fn add(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

impl GaugeFn for Values {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, _: f64) {
        panic!("connections share their gauges");
    }
}

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.add(value);
    }
}

fn shown(key: &Key) -> String {
    let mut labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
    labels.sort();
    format!("{}{{{}}}", key.name(), labels.join(","))
}

impl Recorder for Keeper {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().insert(key.as_str().into(), "counter");
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().insert(key.as_str().into(), "gauge");
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().insert(key.as_str().into(), "histogram");
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        struct Count(Arc<AtomicU64>);

        impl CounterFn for Count {
            fn increment(&self, value: u64) {
                self.0.fetch_add(value, Ordering::Relaxed);
            }

            fn absolute(&self, _: u64) {
                panic!("connections share their counters");
            }
        }

        let count = self.counters.lock().unwrap().entry(shown(key)).or_default().clone();
        Counter::from_arc(Arc::new(Count(count)))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.gauges.lock().unwrap().entry(shown(key)).or_default().clone())
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.histograms.lock().unwrap().entry(shown(key)).or_default().clone())
    }
}

impl Keeper {
    fn count(&self, key: &str) -> u64 {
        let counters = self.counters.lock().unwrap();
        counters.get(key).unwrap_or_else(|| panic!("no {key} in {:?}", counters.keys())).load(Ordering::Relaxed)
    }

    fn gauge(&self, key: &str) -> f64 {
        let gauges = self.gauges.lock().unwrap();
        let values = gauges.get(key).unwrap_or_else(|| panic!("no {key} in {:?}", gauges.keys()));
        values.0.lock().unwrap().iter().sum()
    }

    /// In milliseconds.
    fn times(&self, key: &str) -> Vec<u64> {
        let histograms = self.histograms.lock().unwrap();
        let values = histograms.get(key).unwrap_or_else(|| panic!("no {key} in {:?}", histograms.keys()));
        values.0.lock().unwrap().iter().map(|seconds| (seconds * 1_000.0).round() as u64).collect()
    }

    fn keys(&self) -> Vec<String> {
        let counters = self.counters.lock().unwrap().keys().cloned().collect::<Vec<_>>();
        let gauges = self.gauges.lock().unwrap().keys().cloned().collect::<Vec<_>>();
        [counters, gauges, self.histograms.lock().unwrap().keys().cloned().collect()].concat()
    }
}

fn client(policy: Option<Reconnect>) -> (Client, MockServer) {
    let (transport, server) = MockTransport::new();
    (Client::builder(transport).api_key("sk-hush").reconnect(policy).build(), server)
}

/// The labels that everything has.
const ALL: &str = "model=gpt-hearsay,provider=openai";

#[test]
fn a_session_with_a_response_and_a_function() {
    let keeper = Keeper::default();
    metrics::with_local_recorder(&keeper, || {
        let (client, server) = client(None);
        let clock = server.clock().clone();
        let connection = clock.block_on(client.realtime().model("gpt-hearsay").connect()).unwrap();
        let session: MockSession = server.try_accept_as().unwrap();
        let tools = Tools::new().add_raw("lookup", "Looks up.", json!({}).into(), {
            let clock = clock.clone();
            async move |_: Value| {
                clock.sleep(Duration::from_millis(70)).await;
                "a hushed answer"
            }
        });
        drop(connection.use_tools(tools).unwrap());
        let send = |event: Value| session.send_raw(event.to_string());
        let script = async {
            session.expect::<SessionUpdate>().await;
            send(json!({ "type": "input_audio_buffer.speech_started", "item_id": "u", "audio_start_ms": 0 }));
            send(json!({ "type": "input_audio_buffer.speech_stopped", "item_id": "u", "audio_end_ms": 900 }));
            clock.sleep(Duration::from_millis(40)).await;
            send(json!({ "type": "response.created", "response": { "id": "hush_1", "conversation_id": "c" } }));
            clock.sleep(Duration::from_millis(120)).await;
            send(json!({
                "type": "response.output_audio.delta", "response_id": "hush_1", "item_id": "i", "output_index": 0,
                "content_index": 0, "delta": "AAAA",
            }));
            send(json!({
                "type": "response.output_item.done", "response_id": "hush_1", "output_index": 1, "item": {
                    "id": "item", "type": "function_call", "status": "completed", "call_id": "call_1",
                    "name": "lookup", "arguments": "{\"secret\":\"hush\"}",
                },
            }));
            send(json!({ "type": "response.done", "response": {
                "id": "hush_1", "conversation_id": "c", "status": "completed", "usage": {
                    "total_tokens": 130, "input_tokens": 100, "output_tokens": 30,
                    "input_token_details": { "audio_tokens": 80, "cached_tokens": 60 },
                    "output_token_details": { "audio_tokens": 20 },
                },
            } }));
            session.expect::<ConversationItemCreate>().await;
            session.expect::<ResponseCreate>().await;
            // A status of the server's own, and a member that does not fit.
            send(json!({ "type": "response.created", "response": { "id": "r2", "conversation_id": "c" } }));
            clock.sleep(Duration::from_millis(1)).await;
            assert_eq!(keeper.gauge(&format!("realtime_responses_active{{{ALL}}}")), 1.0);
            send(json!({ "type": "response.done", "response": {
                "id": "r2", "status": "hush_status", "usage": { "input_tokens": [] },
            } }));
            clock.sleep(Duration::from_millis(10)).await;
        };
        clock.block_on(async {
            future::select(pin!(script), connection.driver()).await;
        });
        assert_eq!(keeper.gauge("realtime_connections{model=gpt-hearsay,phase=open,provider=openai}"), 1.0);
        drop(connection);
        let _ = session.next().now_or_never();
    });
    let all = |name: &str| format!("{name}{{{ALL}}}");
    let with = |name: &str, label: &str| {
        let mut labels: Vec<_> = ALL.split(',').chain([label]).collect();
        labels.sort_unstable();
        format!("{name}{{{}}}", labels.join(","))
    };
    assert_eq!(keeper.times(&all("realtime_response_first_token_seconds")), [120]);
    assert_eq!(keeper.times(&all("realtime_speech_to_audio_seconds")), [160]);
    assert_eq!(keeper.times(&all("realtime_tool_seconds")), [70]);
    let counts = [
        (all("realtime_sessions_total"), 1),
        (all("realtime_cached_tokens_total"), 60),
        (all("realtime_members_left_out_total"), 1),
        (with("realtime_tokens_total", "direction=input"), 100),
        (with("realtime_tokens_total", "direction=output"), 30),
        (with("realtime_audio_tokens_total", "direction=input"), 80),
        (with("realtime_audio_tokens_total", "direction=output"), 20),
        (with("realtime_responses_total", "status=completed"), 1),
        (with("realtime_responses_total", "status=other"), 1),
        // `session.created`, and what the script has sent.
        (with("realtime_events_total", "direction=received"), 9),
        (with("realtime_events_total", "direction=sent"), 3),
    ];
    for (key, expected) in counts {
        assert_eq!(keeper.count(&key), expected, "{key}");
    }
    assert!(keeper.count(&with("realtime_event_bytes_total", "direction=received")) > 500);
    // A connection that is gone is counted no more.
    for (key, changes) in keeper.gauges.lock().unwrap().iter() {
        let changes = changes.0.lock().unwrap();
        assert_eq!(changes.iter().sum::<f64>(), 0.0, "{key}: {changes:?}");
    }
    let keys = keeper.keys();
    assert!(!keys.iter().any(|key| key.contains("hush")), "{keys:?}");
}

#[test]
fn losses_and_ends() {
    let keeper = Keeper::default();
    metrics::with_local_recorder(&keeper, || {
        let (client, server) = client(Some(Reconnect::default()));
        let clock = server.clock().clone();
        let connection = clock.block_on(client.realtime().model("gpt-hearsay").connect()).unwrap();
        let session: MockSession = server.try_accept_as().unwrap();
        session.drop_link();
        let again = clock.block_on(async {
            let again = async {
                let again: MockSession = server.accept().await;
                clock.sleep(Duration::from_millis(1)).await;
                again
            };
            let again = pin!(again);
            let first = future::select(again, connection.driver()).await;
            let future::Either::Left((again, _)) = first else { panic!("it has ended") };
            again
        });
        let end = async {
            again.closed().await;
            again.close(1000, "");
        };
        clock.block_on(join(connection.finish(), end)).0.unwrap();
        let lost = clock.block_on(client.realtime().model("gpt-hearsay").reconnect(None).connect()).unwrap();
        server.try_accept_as::<realtime::Realtime>().unwrap().close(4000, "hush");
        let error = clock.block_on(lost.driver()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Refused(_) | ErrorKind::Closed(_)), "{error:?}");
    });
    let with = |name: &str, more: &str| format!("{name}{{{more}}}");
    assert_eq!(keeper.count(&with("realtime_sessions_total", ALL)), 3);
    assert_eq!(keeper.count(&with("realtime_reconnects_total", ALL)), 1);
    for outcome in ["graceful", "error"] {
        let key = format!("model=gpt-hearsay,outcome={outcome},provider=openai");
        assert_eq!(keeper.count(&with("realtime_connection_ends_total", &key)), 1, "{outcome}");
    }
}

/// The page of the guide lists them.
#[test]
fn every_metric_is_described_and_documented() {
    let keeper = Keeper::default();
    metrics::with_local_recorder(&keeper, describe_metrics);
    let described: BTreeMap<_, _> = keeper.described.lock().unwrap().clone();
    let page = include_str!("../docs/guide/src/observing.md");
    let rows = page.lines().filter(|line| line.starts_with("| `realtime_"));
    let listed: BTreeMap<String, &str> = rows
        .map(|row| {
            let mut cells = row.split('|').map(str::trim).skip(1);
            (cells.next().unwrap().trim_matches('`').into(), cells.next().unwrap())
        })
        .collect();
    assert_eq!(listed, described);
    let code = include_str!("../realtime-core/src/connection/observe/metrics.rs");
    let named: BTreeSet<_> = code.split('"').filter(|text| text.starts_with("realtime_")).map(String::from).collect();
    assert_eq!(named, described.into_keys().collect());
}
