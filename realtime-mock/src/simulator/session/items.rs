//! The client's changes of the conversation.

use serde_json::{Value, json};

use super::{
    Fault,
    conversation::{Clip, Place, StoredItem},
    shapes,
    talk::Talk,
};

/// Maximum number of items in a conversation.
const MOST: usize = 100_000;

impl Talk {
    pub(super) fn create_item(&mut self, item: &Value, previous: Option<&str>) -> Result<(), Fault> {
        let place = match previous {
            None => Place::End,
            Some("root") => Place::Start,
            Some(id) if self.conversation.contains(id) => Place::After(id),
            Some(id) => {
                let code = "item_create_invalid_previous_item_id";
                return Err(Fault::no_item(code, "creating", "previous item", id, "previous_item_id"));
            }
        };
        if self.conversation.len() >= MOST {
            return Err(Fault::new("conversation_full", format!("A conversation has at most {MOST} items.")));
        }
        if let Some(id) = item["id"].as_str().filter(|id| self.conversation.contains(id)) {
            let message = format!("Error adding item: an item with id '{id}' already exists.");
            return Err(Fault::new("item_create_duplicate_item_id", message).at("item.id"));
        }
        let entry = self.entry(item, "item")?;
        self.check_answer(&entry)?;
        self.add(place, entry);
        Ok(())
    }

    /// Converts an item from the client into one of the conversation.
    pub(super) fn entry(&mut self, item: &Value, path: &str) -> Result<StoredItem, Fault> {
        // Validated to be an object.
        let mut members = item.as_object().cloned().unwrap_or_default();
        members.remove("object");
        members.retain(|_, value| !value.is_null());
        let kind = item["type"].as_str().unwrap_or_default();
        let prefix = match kind {
            "mcp_approval_response" => "mcprsp",
            "mcp_approval_request" => "mcpr",
            "mcp_list_tools" => "mcpl",
            "mcp_call" => "mcp",
            _ => "item",
        };
        members.entry("id").or_insert_with(|| self.wire.ids.make(prefix).into());
        let mut clip = None;
        if matches!(kind, "message" | "function_call" | "function_call_output") {
            members.insert("status".into(), "completed".into());
        }
        if kind == "function_call" {
            members.entry("call_id").or_insert_with(|| self.wire.ids.make("call").into());
        }
        if kind == "message" {
            let shape = shapes::part(item["role"].as_str().unwrap_or_default());
            let content = members.get_mut("content").and_then(Value::as_array_mut);
            for (index, part) in content.into_iter().flatten().enumerate() {
                shape.check(part, &format!("{path}.content[{index}]"))?;
                if part["type"] == "input_audio" {
                    let Some(audio) = super::strict_base64(&part["audio"]) else {
                        let param = format!("{path}.content[{index}].audio");
                        return Err(Fault::new("invalid_value", format!("Invalid '{param}': no base64.")).at(param));
                    };
                    clip.get_or_insert_with(|| Clip::new(index, self.config.input.clone(), audio.to_vec()));
                    *part = json!({ "type": "input_audio", "transcript": part["transcript"] });
                }
            }
        }
        Ok(StoredItem::new(Value::Object(members)).with_clip(clip))
    }

    /// Checks that the item answers an existing request.
    fn check_answer(&self, entry: &StoredItem) -> Result<(), Fault> {
        match entry.kind() {
            "function_call_output" => {
                let call = entry.item["call_id"].as_str().unwrap_or_default();
                if self.conversation.call(call).is_some() {
                    return Ok(());
                }
                Err(Fault::new("invalid_tool_call_id", format!("Tool call ID '{call}' not found in conversation.")))
            }
            "mcp_approval_response" => {
                let id = entry.item["approval_request_id"].as_str().unwrap_or_default();
                if self.conversation.get(id).is_some_and(|asked| asked.kind() == "mcp_approval_request") {
                    return Ok(());
                }
                let code = "item_create_invalid_approval_request_id";
                Err(Fault::no_item(code, "creating", "approval request", id, "item.approval_request_id"))
            }
            _ => Ok(()),
        }
    }

    /// Adds a complete item to the conversation.
    pub(super) fn add(&mut self, place: Place<'_>, entry: StoredItem) {
        let previous = self.conversation.before(place).map(|id| &**id);
        let members = json!({ "previous_item_id": previous, "item": entry.item });
        self.conversation.insert(place, entry);
        self.wire.send("conversation.item.added", members.clone());
        self.wire.send("conversation.item.done", members);
    }

    /// Appends a new, incomplete item to the conversation.
    pub(super) fn begin(&mut self, entry: StoredItem) {
        let previous = self.conversation.before(Place::End).map(|id| &**id);
        let members = json!({ "previous_item_id": previous, "item": entry.item });
        self.conversation.insert(Place::End, entry);
        self.wire.send("conversation.item.added", members);
    }

    /// Reports that an item is complete, if it still exists.
    pub(super) fn complete(&mut self, id: &str, item: &Value) {
        let completed = self.conversation.change(id, |entry| {
            entry.item = item.clone();
            if let Some(part) = entry.clip.as_ref().filter(|clip| clip.is_cut).map(|clip| clip.part) {
                // It was truncated while it was being generated: the rest stays out.
                entry.set_transcript(part, "");
            }
        });
        if completed.is_some() {
            let previous = self.conversation.predecessor(id);
            self.wire.send("conversation.item.done", json!({ "previous_item_id": previous, "item": item }));
        }
    }

    pub(super) fn delete_item(&mut self, id: &str) -> Result<(), Fault> {
        if self.conversation.remove(id).is_none() {
            return Err(Fault::no_item("item_delete_invalid_item_id", "deleting", "item", id, "item_id"));
        }
        self.wire.send("conversation.item.deleted", json!({ "item_id": id }));
        Ok(())
    }

    pub(super) fn retrieve_item(&mut self, id: &str) -> Result<(), Fault> {
        let Some(entry) = self.conversation.get(id) else {
            return Err(Fault::no_item("item_retrieve_invalid_item_id", "retrieving", "item", id, "item_id"));
        };
        let item = entry.retrieved();
        self.wire.send("conversation.item.retrieved", json!({ "item": item }));
        Ok(())
    }

    pub(super) fn truncate_item(&mut self, id: &str, part: u64, end_ms: u64) -> Result<(), Fault> {
        let cut = self.conversation.change(id, |entry| cut(entry, part, end_ms));
        cut.unwrap_or_else(|| {
            Err(Fault::no_item("item_truncate_invalid_item_id", "truncating", "item", id, "item_id"))
        })?;
        let members = json!({ "item_id": id, "content_index": part, "audio_end_ms": end_ms });
        self.wire.send("conversation.item.truncated", members);
        Ok(())
    }
}

/// Truncates the model's audio to a duration in milliseconds, and removes its transcript.
fn cut(entry: &mut StoredItem, part: u64, end_ms: u64) -> Result<(), Fault> {
    let spoken = entry.role() == "assistant";
    let Some(clip) = entry.clip.as_mut().filter(|_| spoken) else {
        let message = "Only model output audio messages can be truncated";
        return Err(Fault::new("unsupported_content_type", message));
    };
    if clip.part as u64 != part {
        let message = format!("Invalid 'content_index': the item has no audio at {part}.");
        return Err(Fault::new("invalid_value", message).at("content_index"));
    }
    if end_ms > clip.made_ms {
        let message = format!("Audio content of {}ms is already shorter than {end_ms}ms", clip.made_ms);
        return Err(Fault::new("invalid_value", message).at("audio_end_ms"));
    }
    clip.cut(end_ms);
    let part = clip.part;
    entry.set_transcript(part, "");
    Ok(())
}
