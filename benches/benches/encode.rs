//! From samples to the message that is handed to the transport.

use std::hint::black_box;

use realtime_benches::{
    frames,
    peers::{adk_append, async_openai_append, oai_rt_rs_append},
    rounds::{Contender, Target, contest, faster, finish, title},
};
use realtime_core::{Protocol, Realtime, transport::Message};
use tokio_tungstenite::tungstenite::Message as Wire;

fn main() {
    title("encode");
    for bytes in [960, 4_800, 48_000] {
        let pcm = frames::pcm(bytes);
        let contenders: Vec<Contender<'_>> = vec![
            ("ours", Box::new(|| drop(black_box(Message::Text(Realtime::append(black_box(&pcm))))))),
            ("async-openai", Box::new(|| drop(black_box(Wire::text(async_openai_append(black_box(&pcm))))))),
            ("oai-rt-rs", Box::new(|| drop(black_box(Wire::text(oai_rt_rs_append(black_box(&pcm))))))),
            ("adk-realtime", Box::new(|| drop(black_box(Wire::text(adk_append(black_box(&pcm))))))),
        ];
        faster(&format!("append {bytes} B"), "ns", &contest(1, contenders), &[Target::at_least(8.5); 3]);
    }
    finish();
}
