//! Sound beside a session: the player's queue and the recorder, with the playback ledger.

mod player;
mod recorder;

use futures::FutureExt;
use realtime_core::{
    Audio, Client, Connection, Player, Realtime,
    event::{ConversationItemTruncate, ServerEvent},
    session::Playback,
};
use realtime_mock::{MockSession, MockTransport, VirtualClock};
use serde_json::{Value, json};

/// A session whose audio is 16-bit PCM at 24,000 Hz, and its other end.
struct Scene {
    connection: Connection<Realtime>,
    session: MockSession,
    clock: VirtualClock,
    player: Player,
}

impl Scene {
    /// With audio that the player hands out.
    fn new() -> Self {
        Self::with(Playback::queued())
    }

    fn with(playback: Playback) -> Self {
        let (transport, server) = MockTransport::new();
        let client = Client::builder(transport).build();
        let clock = server.clock().clone();
        let connect = client.realtime().model("gpt-realtime").playback(playback);
        let connection = clock.block_on(connect.connect()).unwrap();
        let session = server.try_accept_as().unwrap();
        Self { player: connection.player().unwrap(), connection, session, clock }
    }

    fn send(&self, event: Value) {
        self.session.send_raw(event.to_string());
    }

    fn response(&self, id: &str) {
        self.send(json!({ "type": "response.created", "response": { "id": id, "conversation_id": "conv" } }));
    }

    /// So many milliseconds of an item, of one sample value, in deltas of 100 ms, whole or to be continued.
    fn says(&self, response: &str, item: &str, ms: usize, value: i16, whole: bool) {
        let about = json!({ "response_id": response, "item_id": item, "output_index": 0, "content_index": 0 });
        let event = |kind: &str, delta: Option<Audio>| {
            let mut event = about.clone();
            event["type"] = kind.into();
            if let Some(delta) = delta {
                event["delta"] = serde_json::to_value(delta).unwrap();
            }
            self.send(event);
        };
        for piece in vec![value; ms * 24].chunks(2_400) {
            let bytes: Vec<u8> = piece.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            event("response.output_audio.delta", Some(bytes.into()));
        }
        if whole {
            event("response.output_audio.done", None);
        }
    }

    fn speech(&self) {
        self.send(json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_u", "audio_start_ms": 0 }));
    }

    /// Reads all that has arrived.
    fn read(&self) -> Vec<ServerEvent> {
        let next = || self.connection.next().now_or_never().flatten();
        std::iter::from_fn(next).map(Result::unwrap).collect()
    }

    fn truncated(&self, item: &str, ms: u64) {
        let truncate = self.session.expect::<ConversationItemTruncate>().now_or_never().unwrap();
        assert_eq!((&*truncate.item_id, truncate.audio_end_ms), (item, ms));
    }
}
