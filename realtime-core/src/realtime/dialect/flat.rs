//! The form of the beta.
//!
//! Structs are taken apart member by member, so that a member that is added to one of them does not compile until it is
//! decided what becomes of it here.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::DialectError;
use crate::{
    protocol::{
        event::{Event, encode_tagged},
        types::{AudioFormat, NoiseReduction, Transcription, Voice},
    },
    realtime::{
        event::{ClientEvent, ConversationItemCreate, ResponseCreate, SessionUpdate},
        types::{
            AudioConfig, AudioInput, AudioOutput, ContentPart, ConversationChoice, Include, InputItem, Item,
            MaxOutputTokens, Modality, PartKind, Prompt, RealtimeSessionConfig, ResponseAudio, ResponseAudioOutput,
            ResponseConfig, SessionConfig, Tool, ToolChoice, Tracing, Truncation, TurnDetection,
        },
    },
    transport::Text,
    wire::{Id, Patch},
};

type Result<T, E = DialectError> = std::result::Result<T, E>;

pub(super) fn encode(event: &ClientEvent) -> Result<Text> {
    match event {
        ClientEvent::SessionUpdate(update) => session_update(update),
        ClientEvent::ResponseCreate(create) => response_create(create),
        ClientEvent::ConversationItemCreate(create) => item_create(create),
        ClientEvent::InputAudioBufferAppend(_)
        | ClientEvent::InputAudioBufferCommit(_)
        | ClientEvent::InputAudioBufferClear(_)
        | ClientEvent::OutputAudioBufferClear(_)
        | ClientEvent::ConversationItemDelete(_)
        | ClientEvent::ConversationItemRetrieve(_)
        | ClientEvent::ConversationItemTruncate(_)
        | ClientEvent::ResponseCancel(_)
        | ClientEvent::Custom(_)
        | ClientEvent::Malformed(_)
        | ClientEvent::Invalid(_) => Ok(event.encode()),
    }
}

#[derive(Serialize)]
struct Update<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a Id>,
    session: Session<'a>,
}

#[derive(Serialize)]
struct Session<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modalities: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice: Option<&'a Voice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_audio_format: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_audio_format: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    input_audio_transcription: Patch<&'a Transcription>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    input_audio_noise_reduction: Patch<&'a NoiseReduction>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    turn_detection: Patch<&'a TurnDetection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<&'a [Tool]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'a ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_response_output_tokens: Option<&'a MaxOutputTokens>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<&'a [Include]>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    tracing: Patch<&'a Tracing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncation: Option<&'a Truncation>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    prompt: Patch<&'a Prompt>,
}

fn session_update(update: &SessionUpdate) -> Result<Text> {
    let config = match &update.session {
        SessionConfig::Realtime(config) => config,
        SessionConfig::Transcription(_) => return Err(no("session.type: transcription")),
        // Somebody has written it for this server.
        SessionConfig::Other(_) => return Ok(encode_tagged(SESSION_UPDATE, update)),
    };
    let RealtimeSessionConfig {
        model,
        output_modalities,
        instructions,
        audio,
        include,
        tracing,
        tools,
        tool_choice,
        parallel_tool_calls,
        reasoning,
        max_output_tokens,
        truncation,
        prompt,
    } = config;
    absent(parallel_tool_calls, "session.parallel_tool_calls")?;
    absent(reasoning, "session.reasoning")?;
    let AudioConfig { input, output } = audio.as_ref().unwrap_or(&NO_AUDIO);
    let AudioInput { format: input_format, transcription, noise_reduction, turn_detection } =
        input.as_ref().unwrap_or(&NO_INPUT);
    let AudioOutput { format: output_format, voice, speed } = output.as_ref().unwrap_or(&NO_OUTPUT);
    let session = Session {
        model: model.as_deref(),
        modalities: output_modalities.as_deref().map(modalities),
        instructions: instructions.as_deref(),
        voice: named(voice.as_ref(), "session.audio.output.voice.id")?,
        speed: *speed,
        input_audio_format: format(input_format.as_ref(), "session.audio.input.format.rate")?,
        output_audio_format: format(output_format.as_ref(), "session.audio.output.format.rate")?,
        input_audio_transcription: borrowed(transcription),
        input_audio_noise_reduction: borrowed(noise_reduction),
        turn_detection: borrowed(turn_detection),
        tools: functions(tools.as_deref(), "session.tools: mcp")?,
        tool_choice: choice(tool_choice.as_ref(), "session.tool_choice: mcp")?,
        max_response_output_tokens: max_output_tokens.as_ref(),
        include: include.as_deref(),
        tracing: borrowed(tracing),
        truncation: truncation.as_ref(),
        prompt: borrowed(prompt),
    };
    Ok(encode_tagged(SESSION_UPDATE, &Update { event_id: update.event_id.as_ref(), session }))
}

#[derive(Serialize)]
struct Create<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response<'a>>,
}

#[derive(Serialize)]
struct Response<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    modalities: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice: Option<&'a Voice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_audio_format: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<&'a [Tool]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'a ToolChoice>,
    // The session's limit has another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<&'a MaxOutputTokens>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<&'a ConversationChoice>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    metadata: Patch<&'a std::collections::BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    prompt: Patch<&'a Prompt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Vec<Cow<'a, InputItem>>>,
}

fn response_create(create: &ResponseCreate) -> Result<Text> {
    let response = create.response.as_ref().map(response).transpose()?;
    Ok(encode_tagged("response.create", &Create { event_id: create.event_id.as_ref(), response }))
}

fn response(config: &ResponseConfig) -> Result<Response<'_>> {
    let ResponseConfig {
        output_modalities,
        instructions,
        audio,
        tools,
        tool_choice,
        parallel_tool_calls,
        reasoning,
        max_output_tokens,
        conversation,
        metadata,
        prompt,
        input,
    } = config;
    absent(parallel_tool_calls, "response.parallel_tool_calls")?;
    absent(reasoning, "response.reasoning")?;
    let ResponseAudio { output } = audio.as_ref().unwrap_or(&NO_SOUND);
    let ResponseAudioOutput { format: output_format, voice } = output.as_ref().unwrap_or(&NO_SOUND_OUTPUT);
    Ok(Response {
        modalities: output_modalities.as_deref().map(modalities),
        instructions: instructions.as_deref(),
        voice: named(voice.as_ref(), "response.audio.output.voice.id")?,
        output_audio_format: format(output_format.as_ref(), "response.audio.output.format.rate")?,
        tools: functions(tools.as_deref(), "response.tools: mcp")?,
        tool_choice: choice(tool_choice.as_ref(), "response.tool_choice: mcp")?,
        max_output_tokens: max_output_tokens.as_ref(),
        conversation: conversation.as_ref(),
        metadata: borrowed(metadata),
        prompt: borrowed(prompt),
        input: input.as_ref().map(|input| input.iter().map(input_item).collect()).transpose()?,
    })
}

fn input_item(input: &InputItem) -> Result<Cow<'_, InputItem>> {
    Ok(match input {
        InputItem::Item(item) => match self::item(item)? {
            Cow::Borrowed(_) => Cow::Borrowed(input),
            Cow::Owned(item) => Cow::Owned(InputItem::Item(item)),
        },
        InputItem::Reference(_) => Cow::Borrowed(input),
    })
}

fn item_create(create: &ConversationItemCreate) -> Result<Text> {
    Ok(match item(&create.item)? {
        Cow::Borrowed(_) => encode_tagged(ITEM_CREATE, create),
        Cow::Owned(item) => encode_tagged(ITEM_CREATE, &ConversationItemCreate { item, ..create.clone() }),
    })
}

/// The item with the older names of its parts.
fn item(item: &Item) -> Result<Cow<'_, Item>> {
    let message = match item {
        Item::Message(message) => message,
        Item::FunctionCall(_) | Item::FunctionCallOutput(_) | Item::Other(_) => return Ok(Cow::Borrowed(item)),
        Item::McpApprovalRequest(_) => return Err(no("item.type: mcp_approval_request")),
        Item::McpApprovalResponse(_) => return Err(no("item.type: mcp_approval_response")),
        Item::McpListTools(_) => return Err(no("item.type: mcp_list_tools")),
        Item::McpCall(_) => return Err(no("item.type: mcp_call")),
    };
    let is_image = |part: &ContentPart| part.kind == Some(PartKind::InputImage);
    if message.content.iter().any(is_image) {
        return Err(no("item.content: input_image"));
    }
    let older = |part: &ContentPart| match part.kind {
        Some(PartKind::OutputText) => Some("text"),
        Some(PartKind::OutputAudio) => Some("audio"),
        _ => None,
    };
    if !message.content.iter().any(|part| older(part).is_some()) {
        return Ok(Cow::Borrowed(item));
    }
    let mut message = message.clone();
    for part in &mut message.content {
        if let Some(name) = older(part) {
            part.kind = Some(PartKind::Other(name.into()));
        }
    }
    Ok(Cow::Owned(message.into()))
}

/// Audio never came without its text.
fn modalities(modalities: &[Modality]) -> Vec<&str> {
    let mut names: Vec<_> = modalities.iter().map(Modality::as_str).collect();
    if modalities == [Modality::Audio] {
        names.insert(0, Modality::Text.as_str());
    }
    names
}

fn format<'a>(format: Option<&'a AudioFormat>, rate: &'static str) -> Result<Option<Cow<'a, str>>> {
    Ok(Some(Cow::Borrowed(match format {
        None => return Ok(None),
        Some(AudioFormat::Pcm { rate: 24_000 }) => "pcm16",
        Some(AudioFormat::Pcm { .. }) => return Err(no(rate)),
        Some(AudioFormat::Pcmu) => "g711_ulaw",
        Some(AudioFormat::Pcma) => "g711_alaw",
        // A word of the server's own.
        Some(AudioFormat::Other(json)) => match json.to_value() {
            Value::String(word) => return Ok(Some(Cow::Owned(word))),
            _ => return Err(no(rate)),
        },
    })))
}

fn named<'a>(voice: Option<&'a Voice>, member: &'static str) -> Result<Option<&'a Voice>> {
    match voice {
        Some(Voice::Custom(_)) => Err(no(member)),
        Some(Voice::Named(_) | Voice::Other(_)) | None => Ok(voice),
    }
}

fn functions<'a>(tools: Option<&'a [Tool]>, member: &'static str) -> Result<Option<&'a [Tool]>> {
    let is_mcp = |tool: &Tool| matches!(tool, Tool::Mcp(_));
    if tools.is_some_and(|tools| tools.iter().any(is_mcp)) { Err(no(member)) } else { Ok(tools) }
}

fn choice<'a>(choice: Option<&'a ToolChoice>, member: &'static str) -> Result<Option<&'a ToolChoice>> {
    if matches!(choice, Some(ToolChoice::Mcp(_))) { Err(no(member)) } else { Ok(choice) }
}

fn borrowed<T>(patch: &Patch<T>) -> Patch<&T> {
    match patch {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(value) => Patch::Set(value),
    }
}

fn absent<T>(member: &Option<T>, name: &'static str) -> Result<()> {
    if member.is_some() { Err(no(name)) } else { Ok(()) }
}

fn no(member: &'static str) -> DialectError {
    DialectError { member }
}

const SESSION_UPDATE: &str = "session.update";
const ITEM_CREATE: &str = "conversation.item.create";
const NO_AUDIO: AudioConfig = AudioConfig { input: None, output: None };
const NO_INPUT: AudioInput =
    AudioInput { format: None, transcription: Patch::Keep, noise_reduction: Patch::Keep, turn_detection: Patch::Keep };
const NO_OUTPUT: AudioOutput = AudioOutput { format: None, voice: None, speed: None };
const NO_SOUND: ResponseAudio = ResponseAudio { output: None };
const NO_SOUND_OUTPUT: ResponseAudioOutput = ResponseAudioOutput { format: None, voice: None };
