//! The events of each step of a response.

use realtime_core::Audio;
use serde_json::{Value, json};

use super::{
    conversation::{Clip, StoredItem},
    plan::{Act, Step},
    responses::with,
    running::{Out, Running, Stage},
    talk::Talk,
    usage::of_text,
};

impl Talk {
    /// Performs one step of a response.
    pub(super) fn act(&mut self, running: &mut Running, Step { output: index, act, .. }: Step) {
        let Running { id: response_id, outputs, output: tokens, in_conversation, spoken, format, .. } = running;
        let Some(out) = outputs.get_mut(index) else { return };
        let item_id = out.id.clone();
        let item = json!({ "response_id": response_id, "item_id": item_id, "output_index": index });
        let part = |members: Value| with(&item, with(&json!({ "content_index": 0 }), members));
        match act {
            Act::Open => {
                out.stage = Stage::Open;
                let members = json!({ "response_id": response_id, "output_index": index, "item": out.item });
                self.wire.send("response.output_item.added", members);
                if *in_conversation {
                    self.begin(StoredItem::new(out.item.clone()));
                }
            }
            Act::Part => {
                out.part = true;
                let empty = if *spoken {
                    json!({ "type": "audio", "transcript": "" })
                } else {
                    json!({ "type": "text", "text": "" })
                };
                self.wire.send("response.content_part.added", part(json!({ "part": empty })));
            }
            Act::Text(piece) => {
                tokens.text += of_text(&piece);
                out.text += &piece;
                let kind =
                    if *spoken { "response.output_audio_transcript.delta" } else { "response.output_text.delta" };
                self.wire.send_delta(kind, part(json!({ "delta": piece })));
            }
            Act::Sound(audio) => {
                let ms = format.bytes_to_ms(audio.len() as u64).unwrap_or_default();
                tokens.audio += ms.div_ceil(50);
                running.audio_ms += ms;
                self.spoken = true;
                if *in_conversation {
                    self.conversation.change(&item_id, |entry| {
                        entry.clip.get_or_insert_with(|| Clip::new(0, format.clone(), Vec::new())).extend(&audio);
                    });
                }
                self.wire.send("response.output_audio.delta", part(json!({ "delta": Audio::from(audio) })));
            }
            Act::Arguments(bit) => {
                tokens.text += of_text(&bit);
                out.text += &bit;
                let members = with(&item, json!({ "delta": bit }));
                let (kind, members) = match out.item.get("call_id") {
                    Some(call) => {
                        ("response.function_call_arguments.delta", with(&members, json!({ "call_id": call })))
                    }
                    None => ("response.mcp_call_arguments.delta", members),
                };
                self.wire.send_delta(kind, members);
            }
            Act::Run => {
                out.set("arguments", out.text.as_str().into());
                self.wire.send("response.mcp_call_arguments.done", with(&item, json!({ "arguments": out.text })));
                let members = json!({ "output_index": index, "item_id": item_id });
                self.wire.send("response.mcp_call.in_progress", members);
            }
            Act::Ran => {
                out.item = out.ran().clone();
                let failed = !out.item["error"].is_null();
                let kind = if failed { "response.mcp_call.failed" } else { "response.mcp_call.completed" };
                self.wire.send(kind, json!({ "output_index": index, "item_id": item_id }));
            }
            Act::Close => {
                let (response_id, in_conversation, spoken) = (response_id.clone(), *in_conversation, *spoken);
                self.close_item(&response_id, index, out, "completed", spoken, in_conversation);
            }
        }
    }

    /// Completes the item, or leaves it incomplete.
    pub(super) fn close_item(
        &mut self,
        response: &str,
        index: usize,
        out: &mut Out,
        status: &str,
        spoken: bool,
        in_conversation: bool,
    ) {
        out.stage = Stage::Closed;
        let item = json!({ "response_id": response, "item_id": out.id, "output_index": index });
        match out.item["type"].as_str() {
            Some("message") => {
                if out.part {
                    let part = with(&item, json!({ "content_index": 0 }));
                    let text = out.text.as_str();
                    let (shown, kind) = if spoken {
                        self.wire.send("response.output_audio.done", part.clone());
                        let done = with(&part, json!({ "transcript": text }));
                        self.wire.send("response.output_audio_transcript.done", done);
                        (json!({ "type": "audio", "transcript": text }), "output_audio")
                    } else {
                        self.wire.send("response.output_text.done", with(&part, json!({ "text": text })));
                        (json!({ "type": "text", "text": text }), "output_text")
                    };
                    self.wire.send("response.content_part.done", with(&part, json!({ "part": shown })));
                    out.set("content", json!([with(&shown, json!({ "type": kind }))]));
                }
                out.set("status", status.into());
            }
            Some("function_call") => {
                let call = json!({ "call_id": out.item["call_id"], "name": out.item["name"], "arguments": out.text });
                self.wire.send("response.function_call_arguments.done", with(&item, call));
                out.set("arguments", out.text.as_str().into());
                out.set("status", status.into());
            }
            _ => {}
        }
        if in_conversation {
            self.conversation.settle(&out.id);
            self.complete(&out.id, &out.item);
        }
        let members = json!({ "response_id": response, "output_index": index, "item": out.item });
        self.wire.send("response.output_item.done", members);
    }
}
