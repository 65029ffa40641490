//! Prometheus's text format.

use std::fmt::Write;

use realtime::{server::MeterReading, session::Histogram};

/// The counts of all keys, by their names.
pub(crate) fn render(keys: &[(&str, MeterReading)], refused: u64) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, value: &dyn Fn(&MeterReading) -> f64| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "# TYPE {name} {kind}");
        for (key, reading) in keys {
            let _ = writeln!(text, "{name}{{key={key:?}}} {}", value(reading));
        }
    };
    family("gateway_sessions_total", "counter", &|reading| reading.sessions as f64);
    family("gateway_sessions_active", "gauge", &|reading| reading.active as f64);
    family("gateway_responses_total", "counter", &|reading| reading.responses as f64);
    family("gateway_errors_total", "counter", &|reading| reading.errors as f64);
    family("gateway_events_up_total", "counter", &|reading| reading.events_up as f64);
    family("gateway_events_down_total", "counter", &|reading| reading.events_down as f64);
    family("gateway_bytes_up_total", "counter", &|reading| reading.bytes_up as f64);
    family("gateway_bytes_down_total", "counter", &|reading| reading.bytes_down as f64);
    let usage = |reading: &MeterReading| reading.totals.responses.clone().unwrap_or_default();
    family("gateway_input_tokens_total", "counter", &|reading| usage(reading).input_tokens.unwrap_or_default() as f64);
    family("gateway_output_tokens_total", "counter", &|reading| {
        usage(reading).output_tokens.unwrap_or_default() as f64
    });
    family("gateway_transcription_seconds_total", "counter", &|reading| reading.totals.transcription_seconds);
    family("gateway_live_seconds_total", "counter", &|reading| reading.live.seconds);
    family("gateway_live_backend_tokens_total", "counter", &|reading| {
        reading.live.backend["total_tokens"].as_f64().unwrap_or_default()
    });
    let _ = writeln!(text, "# TYPE gateway_latency_seconds histogram");
    for (key, MeterReading { latency, .. }) in keys {
        let name = "gateway_latency_seconds";
        for (bound, count) in Histogram::BOUNDS_MS.iter().zip(latency.buckets) {
            let _ = writeln!(text, "{name}_bucket{{key={key:?},le=\"{}\"}} {count}", *bound as f64 / 1000.0);
        }
        let _ = writeln!(text, "{name}_bucket{{key={key:?},le=\"+Inf\"}} {}", latency.count);
        let _ = writeln!(text, "{name}_sum{{key={key:?}}} {}", latency.sum.as_secs_f64());
        let _ = writeln!(text, "{name}_count{{key={key:?}}} {}", latency.count);
    }
    let _ = writeln!(text, "# TYPE gateway_refused_total counter\ngateway_refused_total {refused}");
    text
}
