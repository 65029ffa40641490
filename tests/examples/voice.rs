//! `examples/voice.rs`, and a server that answers before all is sent.

use std::fs;

use realtime::{
    Options,
    mock::{Pace, Simulator},
    types::{RealtimeSessionConfig, ServerVad},
};

#[expect(dead_code, reason = "the example's own `main` is not run here")]
#[path = "../../examples/voice.rs"]
mod example;

#[tokio::test]
async fn an_answer_that_ends_before_the_recording_is_sent_loses_nothing_of_either() {
    // Long enough that no network can have taken all of it before the answer is there.
    const SILENCE_MS: usize = 600_000;

    let simulator = Simulator::new().pace(Pace::INSTANT).answer(|_| "Good morning.");
    let served = simulator.serve().unwrap();
    let question = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/audio/question.wav");
    // Of the session's own format, behind a header of 44 bytes.
    let mut recording = fs::read(question).unwrap().split_off(44);
    recording.resize(recording.len() + SILENCE_MS * 48, 0);
    let client = realtime::client().base_url(served.base_url()).build();
    let answer = client
        .realtime()
        .model("gpt-realtime")
        // Little is queued, so that sending goes on while the answer comes.
        .options(Options::default().queue_bytes(64 << 10))
        .run(async |connection| {
            let config = RealtimeSessionConfig::default().turn_detection(ServerVad::default().silence_duration_ms(500));
            connection.session().update(config)?;
            let answer = example::converse(connection, &recording).await;
            connection.flush().await?;
            answer
        })
        .await
        .unwrap();
    assert!(!answer.is_empty());
    let sent = recording.len() as u64 / 48;
    let [session] = &simulator.sessions()[..] else { panic!("one session") };
    assert!(session.audio_ms() > sent, "{} of {sent} ms were sent", session.audio_ms());
}
