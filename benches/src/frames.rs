//! What is decoded: the frames of one spoken answer, as the service writes them.

use base64_turbo::STANDARD;

const RESPONSE: &str = "resp_DgFZUvfFm6NT4jfguF4CQ";
const ITEM: &str = "item_DgkFTaVCYoQcsjOHpGDvo";
const WORDS: &str = "Loud and clear! I can hear you perfectly well, and the menu of today has grilled sardines, \
    custard tarts, a soup of the season, bread from our own oven, and a small glass of wine if you would like one.";

/// So many bytes of something like audio: no two runs of it alike, so that no branch is learnt by heart.
pub fn pcm(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(bytes)
    .collect()
}

fn event_id(number: usize) -> String {
    format!("event_Dg{number:019}")
}

pub fn audio_delta(number: usize, bytes: usize) -> String {
    let delta = STANDARD.encode(pcm(bytes));
    let id = event_id(number);
    format!(
        r#"{{"type":"response.output_audio.delta","event_id":"{id}","response_id":"{RESPONSE}","item_id":"{ITEM}","output_index":0,"content_index":0,"delta":"{delta}"}}"#
    )
}

/// Live's output audio, as a session of one's own receives it.
pub fn live_audio_delta(bytes: usize) -> String {
    format!(r#"{{"type":"session.output_audio.delta","delta":"{}"}}"#, STANDARD.encode(pcm(bytes)))
}

/// The same as a sideband receives it: with its place on the timeline.
pub fn live_timed_audio_delta(bytes: usize) -> String {
    let delta = STANDARD.encode(pcm(bytes));
    format!(r#"{{"type":"session.output_audio.delta","delta":"{delta}","start_ms":124600,"end_ms":124700}}"#)
}

/// A word of Live's transcript.
pub fn live_transcript_delta(number: usize, delta: &str) -> String {
    let id = event_id(number);
    format!(
        r#"{{"type":"session.output_transcript.delta","event_id":"{id}","delta":"{delta}","start_ms":124600,"end_ms":124800}}"#
    )
}

pub fn transcript_delta(number: usize, delta: &str) -> String {
    text("response.output_audio_transcript.delta", number, delta)
}

pub fn text_delta(number: usize, delta: &str) -> String {
    text("response.output_text.delta", number, delta)
}

fn text(kind: &str, number: usize, delta: &str) -> String {
    let id = event_id(number);
    // As long as the service makes it: it hides the length of the word.
    let veil = &"GmMqBfOu2ORzyZAk"[..4 + number * 7 % 12];
    format!(
        r#"{{"type":"{kind}","event_id":"{id}","response_id":"{RESPONSE}","item_id":"{ITEM}","output_index":0,"content_index":0,"delta":"{delta}","obfuscation":"{veil}"}}"#
    )
}

/// Bytes of audio in a delta of the answer: a tenth of a second.
pub const AUDIO: usize = 4_800;

/// One spoken answer: 60 pieces of audio of 4,800 bytes, 40 of its transcript, 12 events around them.
pub fn answer() -> Vec<String> {
    answer_of(AUDIO)
}

/// The same with pieces of audio of so many bytes.
pub fn answer_of(audio: usize) -> Vec<String> {
    let words: Vec<&str> = WORDS.split_inclusive(' ').collect();
    let mut frames = vec![
        r#"{"type":"input_audio_buffer.committed","event_id":"event_DgWeEkefRnbjrLKIp3voy","previous_item_id":"item_DgT9wUlHHx3Eo1oRHeKXQ","item_id":"item_DgwXylWX29cK9wZtvdphP"}"#.into(),
        r#"{"type":"conversation.item.added","event_id":"event_DgyLoQztFoRUV0Nc8QQdN","previous_item_id":"item_DgT9wUlHHx3Eo1oRHeKXQ","item":{"id":"item_DgwXylWX29cK9wZtvdphP","type":"message","status":"completed","role":"user","content":[{"type":"input_text","text":"Can you hear me?"}]}}"#.into(),
        r#"{"type":"response.created","event_id":"event_DgyMnl1HCBwCrye16Yod8","response":{"object":"realtime.response","id":"resp_DgFZUvfFm6NT4jfguF4CQ","status":"in_progress","status_details":null,"output":[],"conversation_id":"conv_Dg9382DFFX1Kvzq2TQmNm","output_modalities":["audio"],"max_output_tokens":"inf","audio":{"output":{"format":{"type":"audio/pcm","rate":24000},"voice":"marin"}},"usage":null,"metadata":null}}"#.into(),
        r#"{"type":"response.output_item.added","event_id":"event_Dges2Ou0lmQZnXdvSQYn8","response_id":"resp_DgFZUvfFm6NT4jfguF4CQ","output_index":0,"item":{"id":"item_DgkFTaVCYoQcsjOHpGDvo","type":"message","status":"in_progress","role":"assistant","content":[]}}"#.into(),
        r#"{"type":"conversation.item.added","event_id":"event_DgEdY6Moc6xjpXAbOv90i","previous_item_id":"item_DgwXylWX29cK9wZtvdphP","item":{"id":"item_DgkFTaVCYoQcsjOHpGDvo","type":"message","status":"in_progress","role":"assistant","content":[]}}"#.into(),
        r#"{"type":"response.content_part.added","event_id":"event_DgEEck8xX6CH2tNHBorif","response_id":"resp_DgFZUvfFm6NT4jfguF4CQ","item_id":"item_DgkFTaVCYoQcsjOHpGDvo","output_index":0,"content_index":0,"part":{"type":"audio","transcript":""}}"#.into(),
    ];
    let mut said = String::new();
    for piece in 0..40 {
        frames.push(transcript_delta(2 * piece, words[piece % words.len()]));
        said.push_str(words[piece % words.len()]);
        frames.push(audio_delta(2 * piece + 1, audio));
        if piece % 2 == 1 {
            frames.push(audio_delta(1_000 + piece, audio));
        }
    }
    let part = format!(r#"{{"type":"audio","transcript":"{said}"}}"#);
    let item = format!(
        r#"{{"id":"{ITEM}","type":"message","status":"completed","role":"assistant","content":[{{"type":"output_audio","transcript":"{said}"}}]}}"#
    );
    let of = format!(r#""response_id":"{RESPONSE}","item_id":"{ITEM}","output_index":0,"content_index":0"#);
    frames.extend([
        format!(r#"{{"type":"response.output_audio.done","event_id":"event_DgqWPyTNx5by10FPDTmev",{of}}}"#),
        format!(r#"{{"type":"response.output_audio_transcript.done","event_id":"event_DgIbN35IsesbYI8guej86",{of},"transcript":"{said}"}}"#),
        format!(r#"{{"type":"response.content_part.done","event_id":"event_Dg9fuj3QiJ4aFdjhSgeDa",{of},"part":{part}}}"#),
        format!(r#"{{"type":"response.output_item.done","event_id":"event_DgU9Naj4KI5WTLFhuKkJ5","response_id":"{RESPONSE}","output_index":0,"item":{item}}}"#),
        response_done(&item),
        r#"{"type":"rate_limits.updated","event_id":"event_Dg1PS2DVOJ11kLrb89Awe","rate_limits":[{"name":"tokens","limit":15000000,"remaining":14999552,"reset_seconds":0.002}]}"#.into(),
    ]);
    frames
}

fn response_done(item: &str) -> String {
    format!(
        r#"{{"type":"response.done","event_id":"event_Dg3oB3b7Oevpx9ZAsrRk5","response":{{"object":"realtime.response","id":"{RESPONSE}","status":"completed","status_details":null,"output":[{item}],"conversation_id":"conv_Dg9382DFFX1Kvzq2TQmNm","output_modalities":["audio"],"max_output_tokens":"inf","audio":{{"output":{{"format":{{"type":"audio/pcm","rate":24000}},"voice":"marin"}}}},"usage":{{"total_tokens":448,"input_tokens":272,"output_tokens":176,"input_token_details":{{"text_tokens":119,"audio_tokens":153,"image_tokens":0,"cached_tokens":64,"cached_tokens_details":{{"text_tokens":64,"audio_tokens":0,"image_tokens":0}}}},"output_token_details":{{"text_tokens":36,"audio_tokens":140}}}},"metadata":null}}}}"#
    )
}

/// The `response.done` of a short answer.
pub fn done() -> String {
    response_done(&format!(
        r#"{{"id":"{ITEM}","type":"message","status":"completed","role":"assistant","content":[{{"type":"output_audio","transcript":"Loud and clear! I can hear you perfectly. How can I help you today?"}}]}}"#
    ))
}

/// A `session.created` without tools.
pub fn created() -> String {
    session("[]")
}

/// A `session.created` with five tools.
pub fn created_with_tools() -> String {
    let tool = |name: &str, about: &str| {
        format!(
            r#"{{"type":"function","name":"{name}","description":"{about}","parameters":{{"type":"object","properties":{{"location":{{"type":"string","description":"City and country e.g. Lisbon, Portugal"}},"unit":{{"type":"string","enum":["celsius","fahrenheit"],"description":"In which unit the answer is to be given"}},"days":{{"type":"integer","minimum":1,"maximum":14,"description":"How many days ahead"}}}},"required":["location","unit"],"additionalProperties":false}}}}"#
        )
    };
    let tools = [
        tool("get_weather", "Get the weather at a place, now or in the next days"),
        tool("find_restaurant", "Find a restaurant that fits the wishes of the guest"),
        tool("book_table", "Book a table in a restaurant that was found before"),
        tool("call_taxi", "Call a taxi to a place, at once or at a time"),
        tool("play_music", "Play music of a kind that the guest likes"),
    ];
    session(&format!("[{}]", tools.join(",")))
}

fn session(tools: &str) -> String {
    format!(
        r#"{{"type":"session.created","event_id":"event_DgC3BXd7U6Yb54hKjLPOB","session":{{"type":"realtime","object":"realtime.session","id":"sess_DgClrKboZzu3g8Xi7cgR5","model":"gpt-realtime-2.1","output_modalities":["audio"],"instructions":"You are a helpful, witty, and friendly AI. Talk quickly.","tools":{tools},"tool_choice":"auto","max_output_tokens":"inf","tracing":null,"prompt":null,"expires_at":1795373425,"audio":{{"input":{{"format":{{"type":"audio/pcm","rate":24000}},"transcription":null,"noise_reduction":null,"turn_detection":{{"type":"server_vad","threshold":0.5,"prefix_padding_ms":300,"silence_duration_ms":200,"idle_timeout_ms":null,"create_response":true,"interrupt_response":true}}}},"output":{{"format":{{"type":"audio/pcm","rate":24000}},"voice":"marin","speed":1.0}}}},"include":null}}}}"#
    )
}
