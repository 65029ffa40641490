//! MCP: listing of tools, approvals, and calls.

use realtime_core::{
    transport::Instant,
    types::{McpError, McpHttpError},
};
use serde_json::{Value, json};

use super::{conversation::StoredItem, running::Out, talk::Talk};

/// A listing in progress.
pub(super) struct Listing {
    item: String,
    server: String,
}

impl Talk {
    /// Lists the tools of the session's servers that were not listed yet.
    pub(super) fn list_tools(&mut self) {
        let tools = self.config.value["tools"].as_array().cloned().unwrap_or_default();
        for tool in tools.iter().filter(|tool| tool["type"] == "mcp") {
            let server = tool["server_label"].as_str().unwrap_or_default();
            if self.conversation.lists(server) {
                continue;
            }
            let item = self.wire.ids.make("mcpl");
            self.begin(StoredItem::new(json!({
                "id": item, "type": "mcp_list_tools", "server_label": server, "tools": [],
            })));
            self.wire.send("mcp_list_tools.in_progress", json!({ "item_id": item }));
            let due = self.wire.now + self.settings.pace().first;
            self.listings.begin(due, Listing { item, server: server.into() });
        }
    }

    pub(super) fn listing_due(&self) -> Option<Instant> {
        self.listings.due()
    }

    pub(super) fn step_listing(&mut self) {
        let Some((_, _, Listing { item, server })) = self.listings.pop() else { return };
        let tools = self.settings.server(&server).map(|server| json!(server.tools));
        let kind = if tools.is_some() { "mcp_list_tools.completed" } else { "mcp_list_tools.failed" };
        self.wire.send(kind, json!({ "item_id": item }));
        let listed = tools.as_ref().and_then(Value::as_array).into_iter().flatten().cloned().map(|mut tool| {
            for name in ["description", "annotations"] {
                if let Value::Object(members) = &mut tool {
                    members.entry(name).or_insert(Value::Null);
                }
            }
            tool
        });
        let allowed = listed.filter(|tool| self.allows(&server, &tool["name"])).collect::<Vec<_>>();
        let listed = json!({ "id": item, "type": "mcp_list_tools", "server_label": server, "tools": allowed });
        self.complete(&item, &listed);
    }

    /// Whether the session allows the model to call this tool.
    fn allows(&self, server: &str, tool: &Value) -> bool {
        let tools = self.config.value["tools"].as_array();
        let of = |entry: &&Value| entry["type"] == "mcp" && entry["server_label"] == server;
        let Some(entry) = tools.into_iter().flatten().find(of) else { return true };
        let names = entry["allowed_tools"].as_array().or_else(|| entry["allowed_tools"]["tool_names"].as_array());
        names.is_none_or(|names| names.contains(tool))
    }

    /// The item of a call: the call itself, or an approval request.
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

    /// The approved calls that were not made yet.
    pub(super) fn approved(&mut self) -> Vec<Out> {
        let asked: Vec<_> = self.conversation.approved().into_iter().map(|request| request.item.clone()).collect();
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

/// Whether the session requires approval, which is the default.
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
