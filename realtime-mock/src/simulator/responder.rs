//! A model of one's own, behind the rules of a session.

use async_trait::async_trait;
use futures::stream::BoxStream;
use realtime_core::{
    Audio,
    types::{AudioFormat, Failure, Item, Tool, ToolChoice, Usage},
};
use serde_json::Value;

use super::{Utterance, session::Context, turn};

/// A model of one's own: speech recognition, a language model and speech synthesis, or a test double.
///
/// Give it to [`Simulator::responder`](super::Simulator::responder), which then keeps the rules of a session in front of it:
/// configuration, items, turn detection, the order of a response's events, cancellation, truncation, usage, errors. What is
/// left is what only a model knows: what was said, and what to answer.
///
/// **Experimental:** its methods and what it is given may change in any version.
///
/// # Driving
/// Futures and streams are polled where the client's connection is driven, one part at a time: the next part is asked for
/// once the client has taken what came before. They are dropped as soon as nobody needs them, when the client cancels the
/// response, speaks into it, or is gone. A task that was spawned has to be ended by that drop.
///
/// A stream that blocks its thread holds up every session of that thread.
///
/// # Bounds
/// A part that does not come within [`responder_timeout`](super::Simulator::responder_timeout) fails the response, and so do
/// more than 64 MiB of output. A session has at most 16 responses at a time, and 4 turns that are being transcribed.
///
/// # Example
/// ```
/// use futures::{StreamExt, stream, stream::BoxStream};
/// use realtime_core::{Client, types::{Failure, Item, ResponseConfig}};
/// use realtime_mock::{Responder, ResponderTurn, ResponsePart, Simulator, VirtualClock};
///
/// struct Shout;
///
/// impl Responder for Shout {
///     fn respond(&self, turn: ResponderTurn) -> BoxStream<'static, Result<ResponsePart, Failure>> {
///         let text = turn.text().to_uppercase();
///         stream::iter([Ok(ResponsePart::Text(text))]).boxed()
///     }
/// }
///
/// let clock = VirtualClock::new();
/// let client = Client::builder(Simulator::new().responder(Shout).transport(&clock)).build();
/// clock.block_on(async {
///     let connection = client.realtime().model("shout").connect().await?;
///     drop(connection.conversation().item().create(Item::user("hello"))?);
///     let done = connection.response().create(ResponseConfig::default())?.await?;
///     let output = done.output.unwrap_or_default();
///     assert_eq!(output[0].as_message().map(|message| message.text()).as_deref(), Some("HELLO"));
///     Ok::<(), realtime_core::Error>(())
/// })?;
/// # Ok::<(), realtime_core::Error>(())
/// ```
#[async_trait]
pub trait Responder: Send + Sync + 'static {
    /// Recognizes what the user has said, when a turn is committed. The text is the transcript if the session asks for one,
    /// and [`ResponderTurn::text`] of the response, which waits for it. By default empty: nothing was understood.
    ///
    /// # Errors
    /// The transcription has failed: the client is told. The response is asked for all the same, with the audio.
    async fn transcribe(&self, utterance: Utterance) -> Result<String, Failure> {
        let _ = utterance;
        Ok(String::new())
    }

    /// Answers. The response is complete when the stream ends, and failed with its first error.
    fn respond(&self, turn: ResponderTurn) -> BoxStream<'static, Result<ResponsePart, Failure>>;
}

/// A part of a response. Experimental, like [`Responder`].
///
/// Text and audio make up one message, until a call or the end.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResponsePart {
    /// Text: the next piece of the message, or of the transcript of its audio if the response is
    /// [spoken](ResponderTurn::is_spoken).
    Text(String),
    /// Audio in the [output format](ResponderTurn::output_format), any number of bytes. It is sent in deltas of at most
    /// 200 ms. Left out if the response is not spoken.
    Audio(Audio),
    /// A function call, with JSON arguments.
    Call {
        /// Name of the function.
        name: String,
        /// Its arguments. They are not validated.
        arguments: String,
    },
    /// What the response has used, instead of an estimate from its lengths.
    Usage(Usage),
}

/// What a [`Responder`] responds to: the conversation so far, and the settings of the response. Experimental, like that.
#[derive(Clone, Debug)]
pub struct ResponderTurn {
    number: u64,
    items: Vec<Item>,
    text: String,
    audio: Option<(Audio, AudioFormat)>,
    /// The session's configuration, merged with the request's.
    config: Value,
    metadata: Value,
    output_format: AudioFormat,
    out_of_band: bool,
}

impl ResponderTurn {
    pub(super) fn new(
        number: u64,
        context: Context<'_>,
        config: Value,
        metadata: Value,
        output_format: AudioFormat,
        out_of_band: bool,
    ) -> Self {
        Self {
            number,
            items: context.items(),
            text: context.text(),
            audio: context.audio(),
            config,
            metadata,
            output_format,
            out_of_band,
        }
    }

    /// 0-based number of the response in the session.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The model's input: the items of the conversation, or those of the request. Without their audio.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The user's last input, text or transcript. Empty if there is none, or nothing was understood.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The audio of the user's last input, and its format. `None` if it was text.
    pub fn audio(&self) -> Option<(&Audio, &AudioFormat)> {
        self.audio.as_ref().map(|(audio, format)| (audio, format))
    }

    /// The instructions.
    pub fn instructions(&self) -> &str {
        self.config["instructions"].as_str().unwrap_or_default()
    }

    /// The available tools.
    pub fn tools(&self) -> Vec<Tool> {
        turn::read(&self.config, "tools").unwrap_or_default()
    }

    /// The tool choice.
    pub fn tool_choice(&self) -> ToolChoice {
        turn::read(&self.config, "tool_choice").unwrap_or(ToolChoice::Auto)
    }

    /// Whether the answer is spoken.
    pub fn is_spoken(&self) -> bool {
        turn::is_spoken(&self.config)
    }

    /// The format of the answer's audio.
    pub fn output_format(&self) -> &AudioFormat {
        &self.output_format
    }

    /// The voice, by name or id.
    pub fn voice(&self) -> &str {
        let voice = &self.config["audio"]["output"]["voice"];
        voice.as_str().or_else(|| voice["id"].as_str()).unwrap_or_default()
    }

    /// Maximum number of output tokens. `None` if there is none. The response is cut off there.
    pub fn max_output_tokens(&self) -> Option<u64> {
        self.config["max_output_tokens"].as_u64()
    }

    /// The value of a key of the request's metadata.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.metadata[name].as_str()
    }

    /// Whether the response is out of band.
    pub fn is_out_of_band(&self) -> bool {
        self.out_of_band
    }
}
