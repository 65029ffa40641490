//! Every client event of `testdata/fixtures`, made by hand with the types: what they write is exactly what is in the
//! file, and nothing in the files is beyond them.

mod common;

use std::{collections::BTreeMap, f64::consts::TAU};

use common::{Fixture, fixtures};
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

const IMAGE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=";
const CONCIERGE: &str =
    "You are a friendly concierge for Harbour Hotel. Keep answers short, and call a tool whenever one fits.";

const USER_ITEM: &str = "item_DgAq4kPz7sXbQe1LmTn3d";
const ASSISTANT_ITEM: &str = "item_DgAq6TgYw0HvJr5NcUo8a";
const CALL: &str = "call_7Qm2XvKcTz4LbR9d";

/// A tone of 440 Hz, as 16-bit samples at 24,000 Hz.
fn tone(samples: u32) -> Audio {
    let sample = |index| (9000.0 * (TAU * 440.0 * f64::from(index) / 24_000.0).sin()) as i16;
    (0..samples).map(sample).collect::<Vec<_>>().as_slice().into()
}

fn system() -> Item {
    Message::new(Role::System, [ContentPart::input_text("The guest is a gold member.")])
        .id("item_DgAqSYS0000000000000a")
        .object(ObjectKind::Item)
        .status(ItemStatus::Completed)
        .into()
}

fn user() -> Item {
    let parts = [
        ContentPart::input_text("What is this building?"),
        ContentPart::input_image(IMAGE).detail(Detail::High),
        ContentPart::input_audio(tone(240)).transcript("and who built it"),
    ];
    Message::new(Role::User, parts).id(USER_ITEM).object(ObjectKind::Item).status(ItemStatus::Completed).into()
}

fn assistant() -> Item {
    let said = "It is the old customs house.";
    let audio = ContentPart::default().kind(PartKind::OutputAudio).audio(tone(240)).transcript(said);
    Message::new(Role::Assistant, [ContentPart::output_text(said), audio])
        .id(ASSISTANT_ITEM)
        .object(ObjectKind::Item)
        .status(ItemStatus::Completed)
        .into()
}

fn function_call() -> Item {
    FunctionCall::new("get_weather", r#"{"location": "Lisbon", "unit": "c"}"#)
        .call_id(CALL)
        .id("item_DgAq7BxKf9QzSm2PdLi6e")
        .object(ObjectKind::Item)
        .status(ItemStatus::Completed)
        .into()
}

fn function_call_output() -> Item {
    FunctionCallOutput::new(CALL, r#"{"temp_c": 24, "sky": "clear"}"#)
        .id("item_DgAqFCO0000000000000b")
        .object(ObjectKind::Item)
        .status(ItemStatus::Completed)
        .into()
}

fn approval_request() -> Item {
    McpApprovalRequest::new("deepwiki", "ask_question", r#"{"repoName": "rust-lang/rust", "question": "What is MIR?"}"#)
        .id("mcpr_DgAq000000000001")
        .into()
}

fn approval_response() -> Item {
    McpApprovalResponse::new("mcpr_DgAq000000000001", true)
        .id("mcprsp_DgAq000000000001")
        .reason("guest asked for it")
        .into()
}

fn mcp_tools() -> Item {
    let schema = json!({
        "type": "object",
        "properties": {"repoName": {"type": "string"}, "question": {"type": "string"}},
        "required": ["repoName", "question"],
    });
    let tool = McpListedTool::new("ask_question", schema)
        .description("Ask about a repository")
        .annotations(json!({"readOnlyHint": true}));
    McpListTools::new("deepwiki", [tool]).id("mcpl_DgAq000000000001").into()
}

fn mcp_call() -> Item {
    McpCall::new("deepwiki", "ask_question", r#"{"repoName": "rust-lang/rust", "question": "What is MIR?"}"#)
        .id("mcp_DgAq000000000001")
        .approval_request_id("mcpr_DgAq000000000001")
        .output("MIR is the mid-level IR.")
        .error(Patch::Clear)
        .into()
}

fn mcp_failure(id: &str, error: impl Into<Patch<McpError>>) -> Item {
    McpCall::new("deepwiki", "ask_question", "{}")
        .id(id)
        .approval_request_id(Patch::Clear)
        .output(Patch::Clear)
        .error(error)
        .into()
}

fn protocol_error() -> Item {
    mcp_failure("mcp_DgAq000000000002", McpProtocolError::new(-32602, "Invalid params"))
}

fn tool_error() -> Item {
    mcp_failure("mcp_DgAq000000000003", McpToolExecutionError::new("repository not indexed"))
}

fn http_error() -> Item {
    mcp_failure("mcp_DgAq000000000004", McpHttpError::new(503, "Service Unavailable"))
}

fn weather() -> Tool {
    FunctionTool::new("get_weather")
        .description("Current weather for a city.")
        .parameters(json!({
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "City name"},
                "unit": {"type": "string", "enum": ["c", "f"]},
            },
            "required": ["location"],
            "additionalProperties": false,
        }))
        .into()
}

fn wiki() -> Tool {
    let approval = ApprovalFilter::default()
        .always(ToolFilter::default().tool_names(["ask_question"]).read_only(false))
        .never(ToolFilter::default().tool_names(["read_wiki_structure"]).read_only(true));
    McpTool::new("deepwiki")
        .server_url("https://mcp.deepwiki.com/mcp")
        .connector_id("connector_googlecalendar")
        .tunnel_id("tunnel_0123456789abcdef0123456789abcdef")
        .authorization("oauth-token-redacted")
        .server_description("Documentation of public repositories")
        .header("X-Tenant", "harbour")
        .allowed_tools(ToolFilter::default().tool_names(["ask_question", "read_wiki_structure"]).read_only(true))
        .allowed_callers(vec![AllowedCaller::Direct, AllowedCaller::Programmatic])
        .require_approval(approval)
        .defer_loading(false)
        .into()
}

fn prompt() -> Prompt {
    let cached = || PromptCacheBreakpoint::new(BreakpointMode::Explicit).ttl(CacheTtl::Minutes30);
    let image = PromptImage::default().image_url(IMAGE).file_id("file-9Hs2kLq").detail(Detail::Low);
    let menu = PromptFile::default()
        .file_id("file-Zx81mQp")
        .filename("menu.pdf")
        .file_data("JVBERi0xLjQK")
        .file_url("https://example.com/menu.pdf")
        .detail(Detail::Auto);
    Prompt::new("pmpt_68f0a1b2c3d4e5f60718293a").version("7").variables(BTreeMap::from([
        ("city".to_owned(), "Lisbon".into()),
        ("greeting".to_owned(), PromptText::new("Welcome back").prompt_cache_breakpoint(cached()).into()),
        ("logo".to_owned(), image.prompt_cache_breakpoint(cached()).into()),
        ("menu".to_owned(), menu.prompt_cache_breakpoint(cached()).into()),
    ]))
}

fn transcription() -> Transcription {
    Transcription::by("gpt-live-transcribe")
        .language("en")
        .languages(["en", "pt"])
        .keywords(["Harbour Hotel", "Alfama"])
        .prompt("Hotel front desk conversation.")
        .delay(TranscriptionDelay::Low)
}

fn server_vad() -> ServerVad {
    ServerVad::default()
        .threshold(0.5)
        .prefix_padding_ms(300)
        .silence_duration_ms(200)
        .create_response(true)
        .interrupt_response(true)
}

fn everything() -> RealtimeSessionConfig {
    let input = AudioInput::default()
        .format(AudioFormat::pcm())
        .transcription(transcription())
        .noise_reduction(NoiseReduction::far_field().strength(0.8))
        .turn_detection(server_vad().idle_timeout_ms(6000));
    let output = AudioOutput::default().format(AudioFormat::pcm()).voice(VoiceName::Cedar).speed(1.25);
    let tracing = TracingConfig::default()
        .workflow_name("concierge")
        .group_id("grp_42")
        .metadata(json!({"tenant": "harbour", "build": 117}));
    RealtimeSessionConfig::default()
        .model("gpt-realtime-2.1")
        .output_modalities([Modality::Audio])
        .instructions(CONCIERGE)
        .audio(AudioConfig::default().input(input).output(output))
        .include([Include::InputTranscriptLogprobs])
        .tracing(tracing)
        .tools([weather(), wiki()])
        .tool_choice(McpChoice::new("deepwiki").name("ask_question"))
        .parallel_tool_calls(true)
        .reasoning(Reasoning::default().effort(ReasoningEffort::Low))
        .max_output_tokens(4096)
        .truncation(RetentionRatio::new(0.8).token_limits(TokenLimits::default().post_instructions(8000)))
        .prompt(prompt())
}

fn whole_response() -> ResponseConfig {
    let output = ResponseAudioOutput::default().format(AudioFormat::pcm()).voice(Voice::custom("voice_1234"));
    let history = [
        system(),
        user(),
        assistant(),
        function_call(),
        function_call_output(),
        approval_response(),
        mcp_tools(),
        mcp_call(),
        protocol_error(),
        tool_error(),
        http_error(),
        approval_request(),
    ];
    ResponseConfig::default()
        .output_modalities([Modality::Audio])
        .instructions("Answer in one sentence.")
        .audio(ResponseAudio::default().output(output))
        .tools([weather(), wiki()])
        .tool_choice(McpChoice::new("deepwiki").name(Patch::Clear))
        .parallel_tool_calls(false)
        .reasoning(Reasoning::default().effort(ReasoningEffort::XHigh))
        .max_output_tokens(512)
        .conversation(ConversationChoice::None)
        .metadata(BTreeMap::from([("topic".into(), "classification".into())]))
        .prompt(prompt())
        .input(history)
}

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
