//! MCP: the tools of servers, the user's approval, the calls.

use realtime_core::{
    transport::Instant,
    types::{McpError, McpHttpError},
};
use serde_json::{Value, json};

use super::{conversation::Entry, running::Out, talk::Talk};

/// Tools that are being listed.
pub(super) struct Listing {
    item: String,
    server: String,
    due: Instant,
}

impl Talk {
    /// Lists the tools of servers that the session has, and that were not listed yet.
    pub(super) fn list_tools(&mut self) {
        let tools = self.config.value["tools"].as_array().cloned().unwrap_or_default();
        for tool in tools.iter().filter(|tool| tool["type"] == "mcp") {
            let known =
                |entry: &Entry| entry.kind() == "mcp_list_tools" && entry.item["server_label"] == tool["server_label"];
            if self.conversation.entries().iter().any(known) {
                continue;
            }
            let item = self.wire.ids.make("mcpl");
            let server = tool["server_label"].as_str().unwrap_or_default();
            self.begin(Entry::new(json!({
                "id": item, "type": "mcp_list_tools", "server_label": server, "tools": [],
            })));
            self.wire.send("mcp_list_tools.in_progress", json!({ "item_id": item }));
            let due = self.wire.now + self.settings.pace().first;
            self.listings.push(Listing { item, server: server.into(), due });
        }
    }

    pub(super) fn listing_due(&self) -> Option<Instant> {
        self.listings.iter().map(|listing| listing.due).min()
    }

    pub(super) fn step_listing(&mut self) {
        let due = self.listing_due();
        let Some(at) = self.listings.iter().position(|listing| Some(listing.due) == due) else { return };
        let Listing { item, server, .. } = self.listings.remove(at);
        let tools = self.settings.server(&server).map(|server| json!(server.tools));
        let kind = if tools.is_some() { "mcp_list_tools.completed" } else { "mcp_list_tools.failed" };
        self.wire.send(kind, json!({ "item_id": item }));
        let listed = tools.as_ref().and_then(Value::as_array).into_iter().flatten().cloned().map(|mut tool| {
            for name in ["description", "annotations"] {
                if tool.get(name).is_none() {
                    tool[name] = Value::Null;
                }
            }
            tool
        });
        let allowed = listed.filter(|tool| self.allows(&server, &tool["name"])).collect::<Vec<_>>();
        let listed = json!({ "id": item, "type": "mcp_list_tools", "server_label": server, "tools": allowed });
        self.complete(&item, &listed);
    }

    /// Whether the session lets the model call this tool.
    fn allows(&self, server: &str, tool: &Value) -> bool {
        let tools = self.config.value["tools"].as_array();
        let of = |entry: &&Value| entry["type"] == "mcp" && entry["server_label"] == server;
        let Some(entry) = tools.into_iter().flatten().find(of) else { return true };
        let names = entry["allowed_tools"].as_array().or_else(|| entry["allowed_tools"]["tool_names"].as_array());
        names.is_none_or(|names| names.contains(tool))
    }

    /// The item of a call: the call itself, or the question whether it may be made.
    pub(super) fn mcp_out(&mut self, server: &str, tool: &str, arguments: &str, tools: &Value) -> Out {
        if needs_approval(tools, server, tool) {
            return Out::new(json!({
                "id": self.wire.ids.make("mcpr"),
                "type": "mcp_approval_request",
                "server_label": server,
                "name": tool,
                "arguments": arguments,
            }));
        }
        self.mcp_call(server, tool, arguments, Value::Null)
    }

    fn mcp_call(&mut self, server: &str, tool: &str, arguments: &str, approval: Value) -> Out {
        let item = json!({
            "id": self.wire.ids.make("mcp"),
            "type": "mcp_call",
            "server_label": server,
            "name": tool,
            "arguments": arguments,
            "approval_request_id": approval,
            "output": null,
            "error": null,
        });
        let result = match self.settings.server(server) {
            Some(server) => server.call(tool, arguments),
            None => Err(McpError::from(McpHttpError::new(502, "Bad Gateway"))),
        };
        Out::mcp_call(item, result)
    }

    /// The calls that were approved and not made yet.
    pub(super) fn approved(&mut self) -> Vec<Out> {
        let entries = self.conversation.entries();
        let made = |id: &Value| {
            entries.iter().any(|entry| entry.item["approval_request_id"] == *id && entry.kind() == "mcp_call")
        };
        let approved =
            entries.iter().filter(|entry| entry.kind() == "mcp_approval_response" && entry.item["approve"] == true);
        let asked: Vec<_> = approved
            .map(|entry| &entry.item["approval_request_id"])
            .filter(|id| !made(id))
            .filter_map(|id| self.conversation.get(id.as_str()?))
            .map(|request| request.item.clone())
            .collect();
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let call = |item: Value| {
            self.mcp_call(
                &text(&item, "server_label"),
                &text(&item, "name"),
                &text(&item, "arguments"),
                item["id"].clone(),
            )
        };
        asked.into_iter().map(call).collect()
    }
}

/// Whether the session wants to be asked first. Where it says nothing, it does.
fn needs_approval(tools: &Value, server: &str, tool: &str) -> bool {
    let of = |entry: &&Value| entry["type"] == "mcp" && entry["server_label"] == server;
    let Some(entry) = tools.as_array().into_iter().flatten().find(of) else { return false };
    let rule = &entry["require_approval"];
    let named =
        |filter: &Value| filter["tool_names"].as_array().is_some_and(|names| names.iter().any(|name| name == tool));
    match rule.as_str() {
        Some(word) => word != "never",
        None => named(&rule["always"]) || !named(&rule["never"]),
    }
}
