//! Leaves out of a conversation what the server of an older form cannot be told.

use crate::{
    dialect::{Dialect, DialectError},
    protocol::state::{Lost, LostReason, NextSession, Plan, Unsupported},
    realtime::{
        event::ClientEvent,
        types::{InputItem, Item, PartKind, RealtimeSessionConfig, ResponseConfig, SessionConfig, Tool},
    },
    wire::Id,
};

/// Leaves out of a plan what the next session cannot be told, and reports it there.
pub(in super::super) fn fit(plan: &mut Plan<ClientEvent>, next: &NextSession) {
    let NextSession { dialect, other_target } = *next;
    let Plan { events, replayed, lost, unsupported, .. } = plan;
    events.retain_mut(|(_, event)| {
        let item_id = created(event).cloned();
        let mut leave_out = |member| unsupported.push(Unsupported { item_id: item_id.clone(), member });
        // Another model is named by what is connected to.
        if let ClientEvent::SessionUpdate(update) = event
            && let SessionConfig::Realtime(config) = &mut update.session
            && other_target
            && config.model.take().is_some()
        {
            leave_out("session.model");
        }
        let mut before = None;
        while let Err(error) = dialect.encode(event) {
            leave_out(error.member());
            // What is named again was not removed.
            if before.replace(error) == Some(error) || !strip(event, error, dialect) {
                if let Some(id) = &item_id {
                    replayed.retain(|item| item != id);
                    lost.push(Lost::new(id, LostReason::Unsupported));
                }
                return false;
            }
        }
        true
    });
}

fn created(event: &ClientEvent) -> Option<&Id> {
    match event {
        ClientEvent::ConversationItemCreate(create) => create.item.id(),
        _ => None,
    }
}

/// Removes a member. Whether something is left.
fn strip(event: &mut ClientEvent, error: DialectError, dialect: Dialect) -> bool {
    let member = error.member();
    match event {
        ClientEvent::SessionUpdate(update) => match &mut update.session {
            SessionConfig::Realtime(config) => strip_session(config, member),
            _ => false,
        },
        ClientEvent::ResponseCreate(create) => match &mut create.response {
            Some(config) => strip_response(config, member, dialect),
            None => false,
        },
        ClientEvent::ConversationItemCreate(create) => strip_item(&mut create.item, member),
        _ => false,
    }
}

fn strip_session(config: &mut RealtimeSessionConfig, member: &str) -> bool {
    match member {
        "session.parallel_tool_calls" => config.parallel_tool_calls = None,
        "session.reasoning" => config.reasoning = None,
        "session.tools: mcp" => without_mcp(&mut config.tools),
        "session.tool_choice: mcp" => config.tool_choice = None,
        "session.audio.output.voice.id" => {
            config.audio.iter_mut().filter_map(|audio| audio.output.as_mut()).for_each(|output| output.voice = None);
        }
        "session.audio.output.format.rate" => {
            config.audio.iter_mut().filter_map(|audio| audio.output.as_mut()).for_each(|output| output.format = None);
        }
        "session.audio.input.format.rate" => {
            config.audio.iter_mut().filter_map(|audio| audio.input.as_mut()).for_each(|input| input.format = None);
        }
        _ => return false,
    }
    true
}

fn strip_response(config: &mut ResponseConfig, member: &str, dialect: Dialect) -> bool {
    match member {
        "response.parallel_tool_calls" => config.parallel_tool_calls = None,
        "response.reasoning" => config.reasoning = None,
        "response.tools: mcp" => without_mcp(&mut config.tools),
        "response.tool_choice: mcp" => config.tool_choice = None,
        "response.audio.output.voice.id" => {
            config.audio.iter_mut().filter_map(|audio| audio.output.as_mut()).for_each(|output| output.voice = None);
        }
        "response.audio.output.format.rate" => {
            config.audio.iter_mut().filter_map(|audio| audio.output.as_mut()).for_each(|output| output.format = None);
        }
        // Of the input that the model reads instead of the conversation, the items that can be said are left.
        _ => {
            let Some(input) = config.input.as_mut() else { return false };
            let before = input.len();
            input.retain_mut(|input| match input {
                InputItem::Item(item) => {
                    let create = crate::realtime::event::ConversationItemCreate::new(item.clone());
                    dialect.encode(&create.into()).is_ok()
                }
                _ => true,
            });
            return input.len() < before;
        }
    }
    true
}

fn strip_item(item: &mut Item, member: &str) -> bool {
    match item {
        Item::Message(message) if member == "item.content: input_image" => {
            message.content.retain(|part| part.kind != Some(PartKind::InputImage));
            !message.content.is_empty()
        }
        _ => false,
    }
}

fn without_mcp(tools: &mut Option<Vec<Tool>>) {
    if let Some(tools) = tools {
        tools.retain(|tool| !matches!(tool, Tool::Mcp(_)));
    }
}
