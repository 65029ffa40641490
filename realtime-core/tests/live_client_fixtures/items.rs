//! Events that create items: decisions, and input for a response.

use super::*;

pub(crate) fn decision_item(name: &str) -> Option<Vec<ClientEvent>> {
    let create = |item: DecisionItem| DecisionItemCreate::new(item);
    let bike = [
        ContentPart::text("The bike is blue."),
        image(Detail::Auto),
        ContentPart::json(json!({"order": 4417, "ready": false})),
    ];
    let plain = |role: Role, text: &str| Message::new(role, text);
    let call = || {
        FunctionCall::new(CALL, "order_status", r#"{"order":"4417"}"#).namespace("shop").status(ItemStatus::Completed)
    };
    let output = || FunctionCallOutput::new(CALL, r#"{"state":"sent"}"#).status(ItemStatus::Completed);
    let custom = || CustomToolCall::new("call_9c", "grep", "tyre 700").namespace("shop").status(ItemStatus::InProgress);
    let custom_output = || CustomToolCallOutput::new("call_9c", "two hits").status(ItemStatus::Incomplete);
    let assistant = || {
        let refusal: ContentPart = RefusalText::new("I cannot say.").into();
        Message::assistant([ContentPart::output_text("It is ready."), refusal]).phase("final_answer")
    };
    let item: DecisionItem = match name {
        "decision.item.create" => return one(create(Message::user(bike).into()).event_id("ditem-1")),
        "decision.item.create.full" => {
            return one(create(Message::user(bike).id("my_item_1").into()).event_id("ditem-1"));
        }
        "decision.item.create.minimal" => plain(Role::User, "").into(),
        "decision.item.create.more" => {
            let mut items = Vec::<DecisionItem>::new();
            for status in [ItemStatus::InProgress, ItemStatus::Completed, ItemStatus::Incomplete] {
                items.push(call().status(status.clone()).into());
                items.push(output().status(status.clone()).into());
                items.push(custom().status(status.clone()).into());
                items.push(custom_output().status(status).into());
            }
            items.push(output().status(Patch::Clear).id(Patch::Clear).into());
            items.push(custom().namespace(Patch::Clear).status(Patch::Clear).id(Patch::Clear).into());
            items.push(custom_output().status(Patch::Clear).id(Patch::Clear).into());
            for (role, text) in [
                (Role::User, "The bike is blue."),
                (Role::Developer, "Shop closes at six."),
                (Role::System, "Answer about bicycles only."),
                (Role::Assistant, "Yes."),
            ] {
                items.push(plain(role, text).id(Patch::Clear).into());
            }
            items.push(plain(Role::Assistant, "x").phase(Patch::Clear).into());
            return Some(items.into_iter().map(|item| create(item).into()).collect());
        }
        "decision.item.create.variant-assistant" => assistant().into(),
        "decision.item.create.variant-id_assistant" => assistant().id("my_assistant").into(),
        "decision.item.create.variant-assistant_bare" => plain(Role::Assistant, "Yes.").into(),
        "decision.item.create.variant-assistant_text" => {
            plain(Role::Assistant, "One moment.").phase("commentary").into()
        }
        "decision.item.create.variant-custom_tool_call" => custom().into(),
        "decision.item.create.variant-id_custom_tool_call" => custom().id("my_custom_tool_call").into(),
        "decision.item.create.variant-custom_tool_call_bare" => CustomToolCall::new("call_9c", "grep", "").into(),
        "decision.item.create.variant-custom_tool_call_output" => custom_output().into(),
        "decision.item.create.variant-id_custom_tool_call_output" => {
            custom_output().id("my_custom_tool_call_output").into()
        }
        "decision.item.create.variant-custom_tool_call_output_parts" => {
            CustomToolCallOutput::new("call_9c", [ContentPart::text("two"), image(Detail::Low)]).into()
        }
        "decision.item.create.variant-developer" => {
            Message::developer([ContentPart::text("Shop closes at six.")]).into()
        }
        "decision.item.create.variant-id_developer" => {
            Message::developer([ContentPart::text("Shop closes at six.")]).id("my_developer").into()
        }
        "decision.item.create.variant-developer_text" => plain(Role::Developer, "Shop closes at six.").into(),
        "decision.item.create.variant-function_call" => call().into(),
        "decision.item.create.variant-id_function_call" => call().id("my_function_call").into(),
        "decision.item.create.variant-function_call_bare" => FunctionCall::new(CALL, "order_status", "{}").into(),
        "decision.item.create.variant-function_call_output" => output().into(),
        "decision.item.create.variant-id_function_call_output" => output().id("my_function_call_output").into(),
        "decision.item.create.variant-function_call_output_parts" => {
            FunctionCallOutput::new(CALL, [ContentPart::text("sent"), image(Detail::High), ContentPart::image(IMAGE)])
                .into()
        }
        "decision.item.create.variant-system" | "decision.item.create.variant-id_system" => {
            let message =
                Message::new(Role::System, [ContentPart::text("Answer about bicycles only.")]).kind("message");
            if name.ends_with("id_system") { message.id("my_system").into() } else { message.into() }
        }
        "decision.item.create.variant-system_text" => plain(Role::System, "Answer about bicycles only.").into(),
        "decision.item.create.variant-null_event_id" | "decision.item.create.variant-user_text" => {
            plain(Role::User, "The bike is blue.").into()
        }
        "decision.item.create.variant-nulls" => {
            FunctionCall::new("c", "n", "{}").id(Patch::Clear).namespace(Patch::Clear).status(Patch::Clear).into()
        }
        "decision.item.create.variant-user_json_list" => Message::user([
            ContentPart::json(json!([{"a": 1}, {"b": [2]}])),
            image(Detail::Low),
            image(Detail::High),
            image(Detail::Original),
            ContentPart::image("https://example.com/x.png"),
        ])
        .into(),
        _ => return None,
    };
    one(create(item))
}

pub(crate) fn response_item(name: &str) -> Option<Vec<ClientEvent>> {
    const MESSAGE: &str = "msg_a4c4e72348111e01485652fe8a810b90eb9283bcf53a2f60";
    let sent = || FunctionCallOutput::new(CALL, r#"{"state":"sent"}"#);
    let x = || FunctionCallOutput::new(CALL, "x");
    let order = || Message::user([ContentPart::text("My order number is 4417.")]);
    let item: ResponseItem = match name {
        "response.item.create" => return one(ResponseItemCreate::new(sent()).event_id("out-1")),
        "response.item.create.full" => {
            let output = sent()
                .id("fco_1")
                .status(ItemStatus::Completed)
                .caller(json!({"type": "direct"}))
                .name("order_status")
                .namespace("shop");
            return one(ResponseItemCreate::new(output).event_id("out-1"));
        }
        "response.item.create.minimal" => FunctionCallOutput::new(CALL, "").into(),
        "response.item.create.variant-item_reference" => {
            Json::from(json!({"type": "item_reference", "id": MESSAGE})).into()
        }
        "response.item.create.variant-reference_bare" => Json::from(json!({"id": MESSAGE})).into(),
        "response.item.create.variant-reference_null" => Json::from(json!({"id": MESSAGE, "type": null})).into(),
        "response.item.create.variant-mcp_approval" => Json::from(json!({
            "type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": true,
        }))
        .into(),
        "response.item.create.variant-message" => return one(ResponseItemCreate::new(order()).event_id("typed-1")),
        "response.item.create.variant-message_image" => {
            Message::user([ContentPart::text("This one:"), image(Detail::Auto)]).into()
        }
        "response.item.create.variant-message_null_phase" => {
            Message::new(Role::Assistant, "Done.").phase(Patch::Clear).into()
        }
        "response.item.create.variant-message_phase" => Message::assistant("One moment.").phase("commentary").into(),
        "response.item.create.variant-message_plain" => {
            Message::new(Role::Developer, "The shop is closed today.").into()
        }
        "response.item.create.variant-message_status" => order().status(ItemStatus::Completed).into(),
        "response.item.create.variant-null_event_id" => x().into(),
        "response.item.create.variant-output_caller_program" => {
            x().caller(json!({"type": "program", "caller_id": "prog_1"})).into()
        }
        "response.item.create.variant-output_message" => {
            let text = OutputText::new("Order 4417 left this morning.").annotations(json!([])).logprobs(json!([]));
            Message::assistant([ContentPart::from(text)])
                .id(MESSAGE)
                .status(ItemStatus::Completed)
                .phase("final_answer")
                .into()
        }
        "response.item.create.variant-output_nulls" => x()
            .id(Patch::Clear)
            .caller(Patch::Clear)
            .name(Patch::Clear)
            .namespace(Patch::Clear)
            .status(Patch::Clear)
            .into(),
        "response.item.create.variant-output_parts" => {
            FunctionCallOutput::new(CALL, [ContentPart::text("sent")]).into()
        }
        _ => return None,
    };
    one(ResponseItemCreate::new(item))
}
