//! A conversation is stored as JSON, and goes on in another session.

use futures::TryStreamExt;
use realtime::{
    Client, Connection, Error, Realtime,
    event::ServerEvent,
    mock::{Simulator, VirtualClock},
    types::{ContentPart, Item, Message, RealtimeSessionConfig, ResponseConfig, Role, Transcription},
};

/// The texts of a conversation's items, with their ids.
fn said(connection: &Connection<Realtime>) -> Vec<(String, String)> {
    let state = connection.state();
    let items = state.conversation.items();
    items.map(|item| (item.id.to_string(), item.item.as_message().map(Message::text).unwrap_or_default())).collect()
}

/// What the application stores: the items as the state has them, by serde.
async fn talk(client: &Client) -> Result<(Vec<String>, Vec<(String, String)>), Error> {
    client
        .realtime()
        .model("m")
        .run(async |connection| {
            let transcription = Transcription::by("whisper-1");
            let config = RealtimeSessionConfig::default().turn_detection(None).transcription(transcription);
            connection.session().update(config)?.await?;
            connection.respond("Hello.").await?.await?;
            let sample = |at: i32| ((at % 97) * 200) as i16;
            let speech: Vec<_> = (0..24_000).map(sample).flat_map(i16::to_le_bytes).collect();
            connection.append(&speech)?;
            connection.input_audio_buffer().commit()?.await?;
            connection.response().create(ResponseConfig::default())?.await?;
            while let Some(event) = connection.next().await {
                if let ServerEvent::ConversationItemInputAudioTranscriptionCompleted(_) = event? {
                    break;
                }
            }
            let state = connection.state();
            let stored = state.conversation.items().map(|item| serde_json::to_string(&item.item).unwrap()).collect();
            drop(state);
            Ok((stored, said(connection)))
        })
        .await
}

#[test]
fn items_of_the_state_are_stored_and_created_again() {
    let clock = VirtualClock::new();
    let client = Client::builder(Simulator::new().transport(&clock)).build();
    let (stored, before) = clock.block_on(talk(&client)).unwrap();
    assert_eq!(before.len(), 4);
    assert!(before.iter().all(|(_, text)| !text.is_empty()), "{before:?}");
    assert!(stored.iter().any(|item| item.contains(r#""type":"output_audio""#)), "{stored:?}");
    assert!(stored.iter().any(|item| item.contains(r#""type":"input_audio""#)), "{stored:?}");
    let after = clock.block_on(client.realtime().model("m").run(async |connection| {
        for item in &stored {
            let item: Item = serde_json::from_str(item).unwrap();
            connection.conversation().item().create(item)?.await?;
        }
        let mut response = connection.respond("Go on.").await?;
        response.transcript().try_collect::<String>().await?;
        Ok::<_, Error>(said(connection))
    }));
    assert_eq!(after.unwrap()[..4], before);
}

#[test]
fn audio_that_is_there_is_sent_as_it_is() {
    let spoken = Item::from(Message::new(Role::User, [ContentPart::input_audio(vec![0; 4800]).transcript("Hello.")]));
    let clock = VirtualClock::new();
    let client = Client::builder(Simulator::new().transport(&clock)).build();
    let kept = clock.block_on(client.realtime().model("m").run(async |connection| {
        let added = connection.conversation().item().create(spoken.clone())?.await?;
        Ok::<_, Error>(added.item)
    }));
    let kept = kept.unwrap();
    assert_eq!(kept.as_message().unwrap().content[0].kind, spoken.as_message().unwrap().content[0].kind);
}
