//! Every client event of `testdata/fixtures`, made by hand with the types: what they write is exactly what is in the
//! file, and nothing in the files is beyond them.

#[path = "../common/mod.rs"]
mod common;
mod parts;

use std::{collections::BTreeMap, f64::consts::TAU};

use common::{Fixture, fixtures};
use parts::*;
use realtime_core::{
    Audio, Patch,
    event::{
        ClientEvent, ConversationItemCreate, ConversationItemDelete, ConversationItemRetrieve,
        ConversationItemTruncate, Event, InputAudioBufferAppend, InputAudioBufferClear, InputAudioBufferCommit,
        OutputAudioBufferClear, ResponseCancel, ResponseCreate, SessionUpdate, translation,
    },
    types::*,
};
use serde_json::{Value, json};

fn item_events() -> Vec<(&'static str, ClientEvent)> {
    let create =
        |id: &str, item: Item| ConversationItemCreate::new(item).event_id(id).previous_item_id(USER_ITEM).into();
    let plain = |item: Item| ConversationItemCreate::new(item).into();
    vec![
        (
            "conversation.item.create.full",
            ConversationItemCreate::new(user()).event_id("evt_c_2444").previous_item_id("root").into(),
        ),
        ("conversation.item.create", plain(Item::user("hi"))),
        ("conversation.item.create.minimal", plain(Item::function_call_output("call_1", ""))),
        ("conversation.item.create.variant-assistant", create("evt_c_3681", assistant())),
        ("conversation.item.create.variant-function_call", create("evt_c_6228", function_call())),
        ("conversation.item.create.variant-function_call_output", create("evt_c_5681", function_call_output())),
        ("conversation.item.create.variant-function_output_short", plain(Item::function_call_output(CALL, "ok"))),
        ("conversation.item.create.variant-mcp_approval_request", create("evt_c_5112", approval_request())),
        ("conversation.item.create.variant-mcp_approval_response", create("evt_c_9504", approval_response())),
        ("conversation.item.create.variant-mcp_call", create("evt_c_1278", mcp_call())),
        ("conversation.item.create.variant-mcp_call_http_error", create("evt_c_4676", http_error())),
        ("conversation.item.create.variant-mcp_call_protocol_error", create("evt_c_5953", protocol_error())),
        ("conversation.item.create.variant-mcp_call_tool_error", create("evt_c_6058", tool_error())),
        ("conversation.item.create.variant-mcp_list_tools", create("evt_c_5088", mcp_tools())),
        (
            "conversation.item.create.variant-offspec_mcp_approval_response_no_id",
            plain(Item::mcp_approval_response("mcpr_1", false)),
        ),
        ("conversation.item.create.variant-system", create("evt_c_7662", system())),
        ("conversation.item.delete.full", ConversationItemDelete::new(USER_ITEM).event_id("evt_c_8051").into()),
        ("conversation.item.delete", ConversationItemDelete::new(USER_ITEM).into()),
        ("conversation.item.delete.minimal", ConversationItemDelete::new("item_1").into()),
        ("conversation.item.retrieve.full", ConversationItemRetrieve::new(USER_ITEM).event_id("evt_c_2380").into()),
        ("conversation.item.retrieve", ConversationItemRetrieve::new(USER_ITEM).into()),
        ("conversation.item.retrieve.minimal", ConversationItemRetrieve::new("item_1").into()),
        (
            "conversation.item.truncate.full",
            ConversationItemTruncate::new(ASSISTANT_ITEM, 0, 1500).event_id("evt_c_6469").into(),
        ),
        ("conversation.item.truncate", ConversationItemTruncate::new(ASSISTANT_ITEM, 0, 1500).into()),
        ("conversation.item.truncate.minimal", ConversationItemTruncate::new("item_1", 0, 0).into()),
    ]
}

fn buffer_events() -> Vec<(&'static str, ClientEvent)> {
    vec![
        ("input_audio_buffer.append.full", InputAudioBufferAppend::new(tone(240)).event_id("evt_c_3997").into()),
        ("input_audio_buffer.append", InputAudioBufferAppend::new(tone(480)).into()),
        ("input_audio_buffer.append.minimal", InputAudioBufferAppend::new(vec![]).into()),
        ("input_audio_buffer.clear.full", InputAudioBufferClear::default().event_id("evt_c_6180").into()),
        ("input_audio_buffer.clear", InputAudioBufferClear::default().into()),
        ("input_audio_buffer.clear.minimal", InputAudioBufferClear::default().into()),
        ("input_audio_buffer.commit.full", InputAudioBufferCommit::default().event_id("evt_c_4888").into()),
        ("input_audio_buffer.commit", InputAudioBufferCommit::default().into()),
        ("input_audio_buffer.commit.minimal", InputAudioBufferCommit::default().into()),
        ("output_audio_buffer.clear.full", OutputAudioBufferClear::default().event_id("evt_c_2788").into()),
        ("output_audio_buffer.clear", OutputAudioBufferClear::default().into()),
        ("output_audio_buffer.clear.minimal", OutputAudioBufferClear::default().into()),
    ]
}

fn response_events() -> Vec<(&'static str, ClientEvent)> {
    let create = |config: ResponseConfig| ResponseCreate::default().response(config).into();
    let spoken = |output| ResponseConfig::default().audio(ResponseAudio::default().output(output));
    let format = |format| ResponseAudioOutput::default().format(format);
    vec![
        (
            "response.cancel.full",
            ResponseCancel::default().event_id("evt_c_6663").response_id("resp_DgAq5V0cRj2MfYtB8uWkO").into(),
        ),
        ("response.cancel", ResponseCancel::default().into()),
        ("response.cancel.minimal", ResponseCancel::default().into()),
        ("response.create.full", ResponseCreate::default().event_id("evt_c_4729").response(whole_response()).into()),
        ("response.create", ResponseCreate::default().into()),
        ("response.create.minimal", ResponseCreate::default().into()),
        (
            "response.create.variant-auto",
            create(
                spoken(format(AudioFormat::Pcmu))
                    .voice("cedar")
                    .conversation(ConversationChoice::Auto)
                    .max_output_tokens(MaxOutputTokens::Inf)
                    .tool_choice(ToolChoice::None)
                    .metadata(Patch::Clear)
                    .prompt(Patch::Clear),
            ),
        ),
        (
            "response.create.variant-empty_context",
            create(ResponseConfig::default().conversation(ConversationChoice::None).input([] as [Item; 0])),
        ),
        ("response.create.variant-empty_response", create(ResponseConfig::default())),
        (
            "response.create.variant-force_fn",
            create(spoken(format(AudioFormat::Pcma)).tool_choice(ToolChoice::function("get_weather"))),
        ),
        (
            "response.create.variant-mcp_list",
            create(
                ResponseConfig::default()
                    .tools([McpTool::new("dmcp")
                        .connector_id("connector_gmail")
                        .allowed_tools(AllowedTools::names(["search"]))
                        .require_approval(RequireApproval::Never)])
                    .tool_choice(ToolChoice::Required),
            ),
        ),
        (
            "response.create.variant-new_item_reference",
            create(
                ResponseConfig::default()
                    .conversation(ConversationChoice::None)
                    .metadata(BTreeMap::from([("response_purpose".into(), "summarization".into())]))
                    .output_modalities([Modality::Text])
                    .instructions("Provide a concise answer.")
                    .tools([] as [Tool; 0])
                    .input([
                        InputItem::reference(USER_ITEM),
                        Item::user("Summarize the above message in one sentence.").into(),
                    ]),
            ),
        ),
    ]
}

fn session_events() -> Vec<(&'static str, ClientEvent)> {
    let update = |config: SessionConfig| SessionUpdate::new(config).into();
    let transcribing = |input| TranscriptionSessionConfig::default().input(input);
    vec![
        ("session.update.full", SessionUpdate::new(everything()).event_id("evt_c_6896").into()),
        (
            "session.update",
            update(
                RealtimeSessionConfig::default()
                    .output_modalities([Modality::Text])
                    .instructions(CONCIERGE)
                    .tools([weather()])
                    .tool_choice(ToolChoice::Auto)
                    .into(),
            ),
        ),
        ("session.update.minimal", update(RealtimeSessionConfig::default().into())),
        (
            "session.update.variant-mcp_tool",
            update(
                RealtimeSessionConfig::default()
                    .tools([McpTool::new("dmcp")
                        .server_url("https://dmcp.example/sse")
                        .allowed_tools(AllowedTools::names(["roll"]))
                        .require_approval(RequireApproval::Always)
                        .headers(Patch::Clear)])
                    .tool_choice(ToolChoice::Required)
                    .into(),
            ),
        ),
        (
            "session.update.variant-nulls_clear_fields",
            update(
                RealtimeSessionConfig::default()
                    .instructions("")
                    .tools([] as [Tool; 0])
                    .tracing(Patch::Clear)
                    .prompt(Patch::Clear)
                    .turn_detection(Patch::Clear)
                    .transcription(Patch::Clear)
                    .noise_reduction(Patch::Clear)
                    .into(),
            ),
        ),
        (
            "session.update.variant-pcma_pcmu",
            update({
                let output = AudioOutput::default().format(AudioFormat::Pcmu).speed(0.25);
                let audio =
                    AudioConfig::default().input(AudioInput::default().format(AudioFormat::Pcma)).output(output);
                RealtimeSessionConfig::default().audio(audio).into()
            }),
        ),
        (
            "session.update.variant-semantic_vad",
            update({
                let vad =
                    SemanticVad::default().eagerness(Eagerness::High).create_response(true).interrupt_response(false);
                let output = AudioOutput::default().format(AudioFormat::Pcma).voice(Voice::custom("voice_1234"));
                let input = AudioInput::default().format(AudioFormat::Pcmu).turn_detection(vad);
                RealtimeSessionConfig::default()
                    .audio(AudioConfig::default().input(input).output(output))
                    .max_output_tokens(MaxOutputTokens::Inf)
                    .truncation(Truncation::Auto)
                    .tracing(Tracing::Auto)
                    .tool_choice(ToolChoice::function("get_weather"))
                    .into()
            }),
        ),
        (
            "session.update.variant-transcription",
            SessionUpdate::new(
                transcribing(
                    AudioInput::default()
                        .format(AudioFormat::pcm())
                        .transcription(transcription())
                        .noise_reduction(NoiseReduction::near_field().strength(0.5))
                        .turn_detection(server_vad().idle_timeout_ms(10_000)),
                )
                .include([Include::InputTranscriptLogprobs]),
            )
            .event_id("evt_c_9949")
            .into(),
        ),
        (
            "session.update.variant-transcription_pcmu",
            update(transcribing(AudioInput::default().format(AudioFormat::Pcmu)).into()),
        ),
        (
            "session.update.variant-transcription_semantic",
            update({
                let vad = SemanticVad::default()
                    .eagerness(Eagerness::Medium)
                    .create_response(false)
                    .interrupt_response(false);
                transcribing(AudioInput::default().format(AudioFormat::Pcma).turn_detection(vad)).into()
            }),
        ),
        (
            "session.update.variant-transcription_whisper",
            update({
                let model = Transcription::by("gpt-realtime-whisper");
                transcribing(AudioInput::default().transcription(model).turn_detection(Patch::Clear)).into()
            }),
        ),
    ]
}

fn translation_events() -> Vec<(&'static str, translation::ClientEvent)> {
    use translation::{SessionClose, SessionInputAudioBufferAppend, SessionUpdate};

    let spanish =
        || TranslationSessionConfig::default().language("es").transcription(Transcription::by("gpt-realtime-whisper"));
    vec![
        ("session.close.full", SessionClose::default().event_id("evt_c_8608").into()),
        ("session.close", SessionClose::default().into()),
        ("session.close.minimal", SessionClose::default().into()),
        (
            "session.input_audio_buffer.append.full",
            SessionInputAudioBufferAppend::new(tone(240)).event_id("evt_c_6948").into(),
        ),
        ("session.input_audio_buffer.append", SessionInputAudioBufferAppend::new(tone(4800)).into()),
        ("session.input_audio_buffer.append.minimal", SessionInputAudioBufferAppend::new(vec![]).into()),
        (
            "session.update.full",
            SessionUpdate::new(spanish().noise_reduction(NoiseReduction::far_field().strength(1.0)))
                .event_id("evt_c_9945")
                .into(),
        ),
        ("session.update", SessionUpdate::new(spanish().noise_reduction(Patch::Clear)).into()),
        ("session.update.minimal", SessionUpdate::new(TranslationSessionConfig::default()).into()),
    ]
}

/// Each file has its event, each event its file, and they are the same.
fn compare<E: Event>(side: &str, mut made: Vec<(&str, E)>) {
    made.sort_by_key(|(name, _)| *name);
    let fixtures = fixtures(side);
    assert_eq!(
        made.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        fixtures.iter().map(|fixture| &*fixture.name).collect::<Vec<_>>()
    );
    for (Fixture { name, kind, text, value }, (_, event)) in fixtures.into_iter().zip(made) {
        assert_eq!(serde_json::from_slice::<Value>(event.encode().as_bytes()).unwrap(), value, "{name}");
        assert_eq!(E::decode(text.as_bytes()), event, "{name}");
        assert_eq!(event.kind(), kind);
    }
}

#[test]
fn client_events_are_made_by_hand() {
    compare("client", [item_events(), buffer_events(), response_events(), session_events()].concat());
    compare("translation/client", translation_events());
}

#[test]
fn what_is_not_named_is_not_sent() {
    let sent = |config: RealtimeSessionConfig| serde_json::to_value(SessionConfig::from(config)).unwrap();
    let voice = RealtimeSessionConfig::default().voice(VoiceName::Marin);
    assert_eq!(sent(voice.clone()), json!({"type": "realtime", "audio": {"output": {"voice": "marin"}}}));
    for (config, turn_detection) in [
        (voice.clone().turn_detection(Patch::Clear), json!(null)),
        (voice.clone().turn_detection(ServerVad::default()), json!({"type": "server_vad"})),
        (voice.clone().turn_detection(TurnDetection::from(SemanticVad::default())), json!({"type": "semantic_vad"})),
    ] {
        let audio = json!({"input": {"turn_detection": turn_detection}, "output": {"voice": "marin"}});
        assert_eq!(sent(config), json!({"type": "realtime", "audio": audio}));
    }
    assert_eq!(sent(voice.turn_detection(Patch::Keep))["audio"]["input"], json!({}));
}

#[test]
fn secrets_are_sent_and_not_shown() {
    let tool = McpTool::new("label").authorization("token-1").header("X-Key", "token-2");
    let event = ClientEvent::from(SessionUpdate::new(RealtimeSessionConfig::default().tools([tool])));
    let text = event.encode();
    assert!(["token-1", "token-2"].iter().all(|token| text.to_str().unwrap().contains(token)));
    let shown = format!("{event:?}");
    assert!(shown.contains("X-Key") && !shown.contains("token-"), "{shown}");
}
