//! Items and configurations that several events carry.

use super::*;

pub(crate) const IMAGE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=";
pub(crate) const CONCIERGE: &str =
    "You are a friendly concierge for Harbour Hotel. Keep answers short, and call a tool whenever one fits.";

pub(crate) const USER_ITEM: &str = "item_DgAq4kPz7sXbQe1LmTn3d";
pub(crate) const ASSISTANT_ITEM: &str = "item_DgAq6TgYw0HvJr5NcUo8a";
pub(crate) const CALL: &str = "call_7Qm2XvKcTz4LbR9d";

/// A tone of 440 Hz, as 16-bit samples at 24,000 Hz.
pub(crate) fn tone(samples: u32) -> Audio {
    let sample = |index| (9000.0 * (TAU * 440.0 * f64::from(index) / 24_000.0).sin()) as i16;
    (0..samples).map(sample).collect::<Vec<_>>().as_slice().into()
}

pub(crate) fn system() -> Item {
    Message::new(Role::System, [ContentPart::input_text("The guest is a gold member.")])
        .id("item_DgAqSYS0000000000000a")
        .object(ObjectKind::Item)
        .status(ItemStatus::Completed)
        .into()
}

pub(crate) fn user() -> Item {
    let parts = [
        ContentPart::input_text("What is this building?"),
        ContentPart::input_image(IMAGE).detail(Detail::High),
        ContentPart::input_audio(tone(240)).transcript("and who built it"),
    ];
    Message::new(Role::User, parts).id(USER_ITEM).object(ObjectKind::Item).status(ItemStatus::Completed).into()
}

pub(crate) fn assistant() -> Item {
    let said = "It is the old customs house.";
    let audio = ContentPart::default().kind(PartKind::OutputAudio).audio(tone(240)).transcript(said);
    Message::new(Role::Assistant, [ContentPart::output_text(said), audio])
        .id(ASSISTANT_ITEM)
        .object(ObjectKind::Item)
        .status(ItemStatus::Completed)
        .into()
}

pub(crate) fn function_call() -> Item {
    FunctionCall::new("get_weather", r#"{"location": "Lisbon", "unit": "c"}"#)
        .call_id(CALL)
        .id("item_DgAq7BxKf9QzSm2PdLi6e")
        .object(ObjectKind::Item)
        .status(ItemStatus::Completed)
        .into()
}

pub(crate) fn function_call_output() -> Item {
    FunctionCallOutput::new(CALL, r#"{"temp_c": 24, "sky": "clear"}"#)
        .id("item_DgAqFCO0000000000000b")
        .object(ObjectKind::Item)
        .status(ItemStatus::Completed)
        .into()
}

pub(crate) fn approval_request() -> Item {
    McpApprovalRequest::new("deepwiki", "ask_question", r#"{"repoName": "rust-lang/rust", "question": "What is MIR?"}"#)
        .id("mcpr_DgAq000000000001")
        .into()
}

pub(crate) fn approval_response() -> Item {
    McpApprovalResponse::new("mcpr_DgAq000000000001", true)
        .id("mcprsp_DgAq000000000001")
        .reason("guest asked for it")
        .into()
}

pub(crate) fn mcp_tools() -> Item {
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

pub(crate) fn mcp_call() -> Item {
    McpCall::new("deepwiki", "ask_question", r#"{"repoName": "rust-lang/rust", "question": "What is MIR?"}"#)
        .id("mcp_DgAq000000000001")
        .approval_request_id("mcpr_DgAq000000000001")
        .output("MIR is the mid-level IR.")
        .error(Patch::Clear)
        .into()
}

pub(crate) fn mcp_failure(id: &str, error: impl Into<Patch<McpError>>) -> Item {
    McpCall::new("deepwiki", "ask_question", "{}")
        .id(id)
        .approval_request_id(Patch::Clear)
        .output(Patch::Clear)
        .error(error)
        .into()
}

pub(crate) fn protocol_error() -> Item {
    mcp_failure("mcp_DgAq000000000002", McpProtocolError::new(-32602, "Invalid params"))
}

pub(crate) fn tool_error() -> Item {
    mcp_failure("mcp_DgAq000000000003", McpToolExecutionError::new("repository not indexed"))
}

pub(crate) fn http_error() -> Item {
    mcp_failure("mcp_DgAq000000000004", McpHttpError::new(503, "Service Unavailable"))
}

pub(crate) fn weather() -> Tool {
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

pub(crate) fn wiki() -> Tool {
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

pub(crate) fn prompt() -> Prompt {
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

pub(crate) fn transcription() -> Transcription {
    Transcription::by("gpt-live-transcribe")
        .language("en")
        .languages(["en", "pt"])
        .keywords(["Harbour Hotel", "Alfama"])
        .prompt("Hotel front desk conversation.")
        .delay(TranscriptionDelay::Low)
}

pub(crate) fn server_vad() -> ServerVad {
    ServerVad::default()
        .threshold(0.5)
        .prefix_padding_ms(300)
        .silence_duration_ms(200)
        .create_response(true)
        .interrupt_response(true)
}

pub(crate) fn everything() -> RealtimeSessionConfig {
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

pub(crate) fn whole_response() -> ResponseConfig {
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
