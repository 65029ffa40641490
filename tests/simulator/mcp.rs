//! The tools of MCP servers.

use realtime::{
    Json,
    mock::{McpServer, Reply, Simulator},
    types::{McpError, McpListedTool, McpProtocolError, McpToolExecutionError},
};
use serde_json::{Value, json};

use crate::{
    Wire,
    client::{deltas, kinds, one},
};

fn dice() -> McpServer {
    let schema = Json::from(json!({ "type": "object" }));
    McpServer::new("dice")
        .tool(McpListedTool::new("roll", schema.clone()).description("Rolls."))
        .tool(McpListedTool::new("load", schema))
        .answer(|tool, arguments| match (tool, arguments) {
            ("roll", "{}") => Ok("4".into()),
            ("roll", other) => Err(McpError::from(McpToolExecutionError::new(format!("cannot roll {other}")))),
            _ => Err(McpProtocolError::new(-32_601, "Method not found").into()),
        })
}

fn open(answers: Vec<Reply>, tool: Value) -> Wire {
    let simulator = Simulator::new().mcp(dice()).answer(move |turn| match turn.output() {
        Some((tool, output)) => Reply::text(format!("{tool} gave {output:?}.")),
        None => answers.get(turn.number() as usize).cloned().unwrap_or_default(),
    });
    let mut wire = Wire::open(simulator);
    let mut mcp = json!({ "type": "mcp", "server_label": "dice", "server_url": "https://dice.example" });
    mcp.as_object_mut().unwrap().extend(tool.as_object().unwrap().clone());
    wire.update(json!({ "output_modalities": ["text"], "tools": [mcp] }));
    wire
}

#[test]
fn tools_are_listed_once() {
    let mut wire = open(Vec::new(), json!({ "allowed_tools": ["roll"] }));
    let frames = wire.until("conversation.item.done");
    assert_eq!(
        kinds(&frames),
        ["conversation.item.added", "mcp_list_tools.in_progress", "mcp_list_tools.completed", "conversation.item.done",]
    );
    let item = &frames[3]["item"];
    let tool =
        json!({ "name": "roll", "description": "Rolls.", "input_schema": { "type": "object" }, "annotations": null });
    assert_eq!((&item["tools"], &frames[1]["item_id"]), (&json!([tool]), &item["id"]));
    // Known already, it is not listed again. A server that cannot be reached is listed as failed.
    let tools = json!([
        { "type": "mcp", "server_label": "dice", "server_url": "https://dice.example" },
        { "type": "mcp", "server_label": "gone", "server_url": "https://gone.example" },
    ]);
    wire.update(json!({ "tools": tools }));
    let frames = wire.until("conversation.item.done");
    assert_eq!(one(&frames, "mcp_list_tools.failed")["item_id"], one(&frames, "conversation.item.done")["item"]["id"]);
    assert_eq!(one(&frames, "conversation.item.added")["item"]["server_label"], "gone");
}

#[test]
fn a_call_runs_in_the_response() {
    let calls = vec![
        Reply::mcp("dice", "roll", "{}").and("Here you are."),
        Reply::mcp("dice", "roll", r#"{"dice":0}"#),
        Reply::mcp("dice", "throw", "{}"),
        Reply::mcp("gone", "roll", "{}"),
    ];
    let mut wire = open(calls, json!({ "require_approval": "never" }));
    wire.until("conversation.item.done");
    let frames = wire.respond(json!({ "input": [] }));
    assert_eq!(
        kinds(&frames)[..10],
        [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.mcp_call_arguments.delta",
            "response.mcp_call_arguments.done",
            "response.mcp_call.in_progress",
            "response.mcp_call.completed",
            "conversation.item.done",
            "response.output_item.done",
            "response.output_item.added",
        ]
    );
    assert_eq!(deltas(&frames, "response.mcp_call_arguments.delta"), "{}");
    let output = one(&frames, "response.done")["response"]["output"].as_array().unwrap().clone();
    assert_eq!((&output[0]["output"], &output[0]["error"], output.len()), (&"4".into(), &Value::Null, 2));
    for error in [
        json!({ "type": "tool_execution_error", "message": r#"cannot roll {"dice":0}"# }),
        json!({ "type": "protocol_error", "code": -32_601, "message": "Method not found" }),
        json!({ "type": "http_error", "code": 502, "message": "Bad Gateway" }),
    ] {
        let frames = wire.respond(json!({ "input": [] }));
        one(&frames, "response.mcp_call.failed");
        let call = &one(&frames, "response.done")["response"]["output"][0];
        assert_eq!((&call["error"], &call["output"]), (&error, &Value::Null));
    }
}

#[test]
fn the_user_is_asked_first() {
    let filter = json!({ "require_approval": { "never": { "tool_names": ["load"] } } });
    let call = Reply::mcp("dice", "roll", "{}").and("That is for later.");
    let mut wire =
        open(vec![call.clone(), call, Reply::text("As you like."), Reply::mcp("dice", "load", "{}")], filter);
    wire.until("conversation.item.done");
    let answer = |wire: &mut Wire, approve: bool| {
        let frames = wire.respond(json!({}));
        let request = one(&frames, "response.done")["response"]["output"].as_array().unwrap().clone();
        assert_eq!(
            (request.len(), &request[0]["type"], &request[0]["name"]),
            (1, &"mcp_approval_request".into(), &"roll".into())
        );
        let id = &request[0]["id"];
        wire.item(json!({ "type": "mcp_approval_response", "approval_request_id": id, "approve": approve }));
        (id.clone(), one(&wire.respond(json!({})), "response.done")["response"]["output"].clone())
    };
    let (id, output) = answer(&mut wire, true);
    assert_eq!((&output[0]["type"], &output[0]["approval_request_id"]), (&"mcp_call".into(), &id));
    assert_eq!((&output[0]["output"], &output[1]["content"][0]["text"]), (&"4".into(), &"roll gave \"4\".".into()));
    // It is called once, and `load` without a question.
    let frames = wire.respond(json!({}));
    assert_eq!(one(&frames, "response.done")["response"]["output"][0]["content"][0]["text"], "As you like.");
    let frames = wire.respond(json!({}));
    assert_eq!(one(&frames, "response.done")["response"]["output"][0]["type"], "mcp_call");
}
