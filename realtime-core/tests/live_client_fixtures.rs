//! Every Live client event of `testdata/fixtures/live`, made by hand with the types: what they write is exactly what is in
//! the file, and nothing in the files is beyond them.

use std::{fs, path::Path};

use realtime_core::{
    Audio, Json, Patch,
    event::Event,
    live::{event::*, types::*},
    types::{
        AllowedCaller, AllowedTools, ApprovalFilter, AudioFormat, Detail, ItemStatus, RequireApproval, ToolFilter,
        Voice,
    },
};
use serde_json::{Value, json};

const SHOP: &str = "You answer the phone of Harbour Bikes, a repair shop. Be brief. Delegate every question about orders, prices and stock.";
const IMAGE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=";
const CALL: &str = "call_7Qm2XvKcTz4LbR9dHs0WpYeN";
const TASK: &str = "item_EecCnqF2SUoOooSGaWPiy";

fn file(side: &str, name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fixtures/live").join(side).join(name);
    serde_json::from_str(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))).unwrap()
}

/// The audio of a file: which samples it has is not the types' business.
fn audio(name: &str) -> Audio {
    serde_json::from_value(file("client", name)["audio"].clone()).unwrap()
}

/// Compares what the types write with every file of a folder. An `event_id` that is null says nothing, and is not
/// written.
fn check<E: Event>(side: &str, made: &mut dyn FnMut(&str) -> Option<Vec<E>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fixtures/live").join(side);
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for name in names {
        let mut expected = match file(side, &name) {
            Value::Array(list) => list,
            value => vec![value],
        };
        for value in &mut expected {
            value.as_object_mut().unwrap().retain(|key, value| key != "event_id" || !value.is_null());
        }
        let events = made(name.strip_suffix(".json").unwrap()).unwrap_or_else(|| panic!("{name} is not made"));
        let written: Vec<Value> =
            events.iter().map(|event| serde_json::from_slice(event.encode().as_bytes()).unwrap()).collect();
        assert_eq!(written.len(), expected.len(), "{name}");
        for ((written, expected), event) in written.iter().zip(&expected).zip(&events) {
            assert_eq!(written, expected, "{name}");
            assert_eq!(E::decode(expected.to_string().as_bytes()), *event, "{name}");
        }
    }
}

fn one<E>(event: impl Into<E>) -> Option<Vec<E>> {
    Some(vec![event.into()])
}

fn predicate() -> Question {
    Predicate::new("The caller asks to speak to a person.").name("wants_human").into()
}

fn choice(described: bool) -> Question {
    let option = |value: ChoiceValue, text: &str| {
        let option = ChoiceOption::new(value);
        if described { option.description(text) } else { option }
    };
    let choices = [
        ChoiceOption::new("repair").description("a bicycle in the workshop"),
        option("sale".into(), "wants to buy"),
        option(true.into(), "anything else"),
    ];
    let instructions = [ContentPart::text("What is the call about?"), ContentPart::json(json!({"shop": "harbour"}))];
    Choice::new(choices, instructions).name("topic").into()
}

fn image(detail: Detail) -> ContentPart {
    InputImage::default().image_url(IMAGE).detail(detail).into()
}

fn mood() -> Question {
    mood_between([ScoreLevel::new("calm").description("friendly"), ScoreLevel::new("cross")])
}

fn mood_between(levels: [ScoreLevel; 2]) -> Question {
    Score::new(levels, [image(Detail::Low), ContentPart::text("How annoyed is the caller?")]).name("mood").into()
}

fn trigger(side: &str, questions: impl Into<Vec<Question>>) -> DecisionTrigger {
    DecisionTrigger::new(format!("session.{side}_transcript.delta"), TriggerQuestions::new(questions))
}

fn both_triggers() -> [DecisionTrigger; 2] {
    [trigger("input", [predicate()]), trigger("output", [mood()])]
}

const HOSTED: [&str; 9] = [
    "file_search",
    "web_search",
    "web_search_preview",
    "image_generation",
    "computer",
    "code_interpreter",
    "programmatic_tool_calling",
    "shell",
    "apply_patch",
];

fn allowed() -> ToolChoice {
    let mut tools = vec![
        json!({"type": "function", "name": "order_status"}),
        json!({"type": "mcp", "server_label": "stock", "name": "find_part"}),
        json!({"type": "custom", "name": "grep"}),
    ];
    tools.extend(HOSTED.map(|kind| json!({"type": kind})));
    AllowedChoice::new(tools.into_iter().map(Json::from).collect::<Vec<_>>()).mode("auto").into()
}

fn all_tools() -> Vec<Tool> {
    let schema = json!({
        "type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"],
        "additionalProperties": false,
    });
    let container = ContainerAuto::default()
        .file_ids(vec!["file-9Hs2kLq".into()])
        .memory_limit("4g")
        .network_policy(Allowlist::new(["example.com".to_owned()]))
        .skills([
            Skill::from(SkillReference::new("skill_1").version("2")),
            InlineSkill::new(
                "tyres",
                "Tyre sizes",
                json!({"type": "base64", "media_type": "application/zip", "data": "UEsFBg=="}),
            )
            .into(),
        ]);
    let names = |name: &str| ToolFilter::default().tool_names([name]);
    let stock = McpTool::default()
        .server_label("stock")
        .server_url("https://mcp.example.com/sse")
        .server_description("Stock of the shop")
        .connector_id("connector_googledrive")
        .tunnel_id("tunnel_0123456789abcdef0123456789abcdef")
        .authorization(realtime_core::Secret::from("token-redacted"))
        .header("X-Shop", "harbour")
        .allowed_callers(vec![AllowedCaller::Direct, AllowedCaller::Programmatic])
        .allowed_tools(names("find_part").read_only(true))
        .require_approval(
            ApprovalFilter::default()
                .always(names("order_part").read_only(false))
                .never(names("find_part").read_only(true)),
        )
        .defer_loading(false);
    vec![
        Tool::function("order_status").description("Status of one order.").schema(schema).into(),
        Tool::hosted("web_search"),
        Tool::hosted("file_search"),
        Tool::hosted("code_interpreter"),
        ShellTool::default().environment(container).into(),
        Tool::hosted("image_generation"),
        stock.into(),
        Tool::hosted("custom"),
        Tool::hosted("namespace"),
        Tool::hosted("tool_search"),
        Tool::hosted("programmatic_tool_calling"),
        Tool::hosted("computer"),
        Tool::hosted("apply_patch"),
    ]
}

fn other_tools() -> Vec<Tool> {
    let shell = |environment: ShellEnvironment| Tool::from(ShellTool::default().environment(environment));
    let limited = |limit: &str| {
        shell(
            ContainerAuto::default()
                .memory_limit(limit)
                .network_policy(NoNetwork::default())
                .skills([SkillReference::new("s")])
                .into(),
        )
    };
    vec![
        Tool::function("bare").into(),
        McpTool::default()
            .server_label("s")
            .allowed_tools(AllowedTools::names(["a", "b"]))
            .require_approval(RequireApproval::Never)
            .into(),
        McpTool::default().require_approval(RequireApproval::Always).into(),
        McpTool::default().into(),
        ShellTool::default().into(),
        shell(ContainerReference::new("cntr_1").into()),
        shell(LocalShell::default().skills([LocalSkill::new("n", "d", "/skills/n")]).into()),
        shell(LocalShell::default().into()),
        shell(ContainerAuto::default().into()),
        limited("1g"),
        limited("4g"),
        limited("16g"),
        limited("64g"),
    ]
}

fn null_tools() -> Vec<Tool> {
    let container =
        ContainerAuto::default().file_ids(Patch::Clear).memory_limit(Patch::Clear).network_policy(Patch::Clear);
    vec![
        Tool::function("n").description(Patch::Clear).parameters(Patch::Clear).into(),
        McpTool::default()
            .allowed_callers(Patch::Clear)
            .allowed_tools(Patch::Clear)
            .headers(Patch::Clear)
            .require_approval(Patch::Clear)
            .into(),
        ShellTool::default().environment(container).into(),
    ]
}

fn changes() -> ResponsesUpdate {
    ResponsesUpdate::default().instructions("Ask before you book.").max_output_tokens(1024)
}

fn all_changes() -> ResponsesUpdate {
    changes()
        .model("gpt-5.4")
        .parallel_tool_calls(false)
        .reasoning(Reasoning::default().effort(realtime_core::types::ReasoningEffort::Medium).summary("concise"))
        .service_tier(ServiceTier::Flex)
        .text(TextConfig::default().verbosity("high"))
        .tool_choice(allowed())
        .tools(all_tools())
}

fn backend(update: ResponsesUpdate) -> ResponsesDelegationUpdate {
    ResponsesDelegationUpdate::default().responses(update)
}

fn update(update: ResponsesUpdate) -> SessionUpdate {
    SessionUpdate::new(UpdateConfig::default().delegation(DelegationUpdate::from(backend(update))))
}

fn started(config: SessionConfig) -> SessionStart {
    SessionStart::new(config)
}

fn live() -> SessionConfig {
    SessionConfig::new("gpt-live-1")
}

fn responses(config: ResponsesConfig) -> SessionStart {
    started(live().delegation(Delegation::from(ResponsesDelegation::new(config))))
}

fn m() -> ResponsesConfig {
    ResponsesConfig::new("m")
}

fn start(name: &str) -> Option<Vec<ClientEvent>> {
    let format = |format: AudioFormat| AudioConfig::default().format(format);
    match name {
        "session.start" => one(started(
            SessionConfig::new("gpt-live-1.1")
                .instructions(SHOP)
                .audio(format(AudioFormat::pcm()).output(AudioOutput::default().voice(VoiceName::Marin)))
                .delegation(Delegation::from(ClientDelegation::default())),
        )
        .event_id("start-1")),
        "session.start.minimal" | "session.start.variant-null_event_id" => one(started(live())),
        "session.start.full" => {
            let config = ResponsesConfig::new("gpt-5.4-mini")
                .instructions("Look orders up before you answer.")
                .max_output_tokens(2048)
                .parallel_tool_calls(true)
                .reasoning(Reasoning::default().effort(realtime_core::types::ReasoningEffort::Low).summary("auto"))
                .service_tier(ServiceTier::Priority)
                .text(TextConfig::default().verbosity("low"))
                .tool_choice(allowed())
                .tools(all_tools());
            let rights = DataChannel::default()
                .allowed_client_events(Allowed::only([
                    "session.input_audio.mute",
                    "session.input_audio.unmute",
                    "session.close",
                ]))
                .allowed_server_events(Allowed::only([
                    EventSelector::new("session.started"),
                    EventSelector::new("response.event").response_event("response.output_item.done"),
                ]));
            let item = |item: HistoryItem, id: &str, status| item.kind("message").id(id).status(status);
            let input = [
                item(HistoryItem::developer("The caller is Ms. Duarte."), "hist_1", ItemStatus::Completed),
                item(HistoryItem::user("I called yesterday about my bike."), "hist_2", ItemStatus::Completed),
                item(HistoryItem::assistant("Welcome back."), "hist_3", ItemStatus::Incomplete),
                HistoryItem::new(Role::Assistant, [HistoryPart::new("Yes?").kind("text")]),
            ];
            one(started(
                SessionConfig::new("gpt-live-1.1")
                    .audio(format(AudioFormat::pcm()).output(AudioOutput::default().voice(Voice::custom("voice_1234"))))
                    .client(ClientRights::new(rights))
                    .delegation(Delegation::from(ResponsesDelegation::new(config).acknowledgement_delay_ms(0)))
                    .input(input)
                    .instructions(SHOP)
                    .safety_identifier("user-7f3a")
                    .store(true)
                    .triggers(both_triggers()),
            )
            .event_id("start-1"))
        }
        "session.start.more" => {
            let voices = [
                VoiceName::Alloy,
                VoiceName::Ash,
                VoiceName::Ballad,
                VoiceName::Beacon,
                VoiceName::Bossa,
                VoiceName::Cedar,
                VoiceName::Cinder,
                VoiceName::Coral,
                VoiceName::Delta,
                VoiceName::Echo,
                VoiceName::Gleam,
                VoiceName::Marin,
                VoiceName::Meridian,
                VoiceName::Quartz,
                VoiceName::Ripple,
                VoiceName::Sage,
                VoiceName::Shida,
                VoiceName::Shimmer,
                VoiceName::Stone,
                VoiceName::Tempo,
                VoiceName::Verse,
                VoiceName::Vesper,
                VoiceName::Willow,
            ];
            let with_voice =
                |voice| started(live().audio(AudioConfig::default().output(AudioOutput::default().voice(voice))));
            let mut events: Vec<SessionStart> = voices.into_iter().map(with_voice).collect();
            events.extend(choices().into_iter().map(|choice| responses(m().tool_choice(choice))));
            events.extend(tiers().map(|tier| responses(m().service_tier(tier))));
            let score = Score::new([ScoreLevel::new("a")], [ContentPart::json(json!({"a": 1}))]);
            events.push(started(live().triggers([trigger("output", [choice(false), score.into()])])));
            events.push(responses(
                m().reasoning(Reasoning::default().summary(Patch::Clear))
                    .text(TextConfig::default().verbosity(Patch::Clear)),
            ));
            Some(events.into_iter().map(Into::into).collect())
        }
        "session.start.variant-bare_parts" => {
            let part = || [HistoryPart::new("x")];
            let roles = [Role::Developer, Role::User, Role::Assistant];
            let mut input: Vec<_> = roles.iter().map(|role| HistoryItem::new(role.clone(), part())).collect();
            for role in roles {
                for status in [ItemStatus::Incomplete, ItemStatus::Completed] {
                    input.push(HistoryItem::new(role.clone(), part()).status(status));
                }
            }
            let mut questions = bare_questions();
            let images = [Detail::Low, Detail::High, Detail::Auto, Detail::Original].map(image);
            questions.push(Choice::new([ChoiceOption::new("a")], images).into());
            let config = SessionConfig::new("some-new-model")
                .input(input)
                .delegation(Delegation::from(DecisionsDelegation::new(DecisionsConfig::new("m", questions))))
                .client(ClientRights::new(DataChannel::default()))
                .triggers(Vec::<Trigger>::new());
            one(started(config))
        }
        "session.start.variant-client_ack" => {
            one(started(live().delegation(Delegation::from(ClientDelegation::default().acknowledgement_delay_ms(250)))))
        }
        "session.start.variant-data_channel_all" => one(started(live().client(ClientRights::new(
            DataChannel::default().allowed_client_events(Allowed::All).allowed_server_events(Allowed::All),
        )))),
        "session.start.variant-data_channel_none" => one(started(
            live().client(ClientRights::new(
                DataChannel::default()
                    .allowed_client_events(Allowed::Only(Vec::new()))
                    .allowed_server_events(Allowed::Only(Vec::new())),
            )),
        )),
        "session.start.variant-decisions" => {
            let decisions = DecisionsConfig::new("gpt-5.4-nano", [predicate(), choice(false), mood()]);
            one(started(
                live()
                    .delegation(Delegation::from(DecisionsDelegation::new(decisions).acknowledgement_delay_ms(400)))
                    .triggers(both_triggers())
                    .store(false),
            ))
        }
        "session.start.variant-null_effort" => one(responses(m().reasoning(Reasoning::default().effort(Patch::Clear)))),
        "session.start.variant-null_members" => one(responses(
            m().instructions(Patch::Clear)
                .max_output_tokens(Patch::Clear)
                .parallel_tool_calls(Patch::Clear)
                .reasoning(Patch::Clear)
                .service_tier(Patch::Clear)
                .text(Patch::Clear)
                .tools(null_tools()),
        )),
        "session.start.variant-nulls" => {
            let item = |item: HistoryItem| item.id(Patch::Clear).status(Patch::Clear);
            let input = [
                item(HistoryItem::user("x")),
                item(HistoryItem::developer("x")),
                item(HistoryItem::new(Role::Assistant, [HistoryPart::new("x").kind("text")])),
            ];
            one(started(
                live().delegation(Patch::Clear).instructions(Patch::Clear).safety_identifier(Patch::Clear).input(input),
            ))
        }
        "session.start.variant-pcm16k" => one(started(live().audio(format(AudioFormat::Pcm { rate: 16_000 })))),
        "session.start.variant-pcma" => {
            one(started(live().audio(format(AudioFormat::Pcma).output(AudioOutput::default()))))
        }
        "session.start.variant-pcmu" => one(started(live().audio(format(AudioFormat::Pcmu)))),
        "session.start.variant-tools2" => {
            one(responses(ResponsesConfig::new("gpt-5.4-mini").tools(other_tools()).tool_choice(ToolChoice::Required)))
        }
        "session.start.variant-voices" => {
            one(started(live().audio(AudioConfig::default().output(AudioOutput::default().voice("nimbus")))))
        }
        _ => None,
    }
}

fn choices() -> Vec<ToolChoice> {
    let mut choices = vec![
        ToolChoice::None,
        ToolChoice::Auto,
        ToolChoice::Required,
        ToolChoice::function("order_status"),
        ToolChoice::mcp("stock", "find_part"),
        ToolChoice::custom("grep"),
    ];
    choices.extend(HOSTED.map(ToolChoice::hosted));
    choices
}

fn tiers() -> [ServiceTier; 6] {
    [
        ServiceTier::Auto,
        ServiceTier::Default,
        ServiceTier::FastTierTempPilot,
        ServiceTier::Flex,
        ServiceTier::Priority,
        ServiceTier::Ultrafast,
    ]
}

fn bare_questions() -> Vec<Question> {
    let bike = [
        ContentPart::json(json!([{"k": 1}, {"k": [true, null, "x"]}])),
        ContentPart::image("https://example.com/bike.png"),
        ContentPart::text("Is this a bicycle?"),
    ];
    vec![
        Predicate::new(bike).into(),
        Choice::new([ChoiceOption::new(false), ChoiceOption::new("x")], "Which?").into(),
        Score::new([ScoreLevel::new("none")], "How much?").into(),
    ]
}

fn updated(name: &str) -> Option<Vec<ClientEvent>> {
    let decisions = |decisions: DecisionsUpdate| DecisionsDelegationUpdate::default().decisions(decisions);
    let of = |delegation: DelegationUpdate| SessionUpdate::new(UpdateConfig::default().delegation(delegation));
    match name {
        "session.update" => one(update(changes()).event_id("upd-1")),
        "session.update.minimal" | "session.update.variant-null_event_id" => {
            one(SessionUpdate::new(UpdateConfig::default()))
        }
        "session.update.full" => {
            let delegation = backend(all_changes()).acknowledgement_delay_ms(300);
            let config =
                UpdateConfig::default().delegation(DelegationUpdate::from(delegation)).triggers(both_triggers());
            one(SessionUpdate::new(config).event_id("upd-1"))
        }
        "session.update.more" => {
            let new = ResponsesUpdate::default;
            let mut updates: Vec<_> = choices().into_iter().map(|choice| new().tool_choice(choice)).collect();
            for mode in ["none", "auto", "required"] {
                updates.push(new().tool_choice(AllowedChoice::new([]).mode(mode)));
            }
            for effort in ["none", "minimal", "low", "medium", "high", "xhigh"] {
                let effort = realtime_core::types::ReasoningEffort::from(effort);
                updates.push(new().reasoning(Reasoning::default().effort(effort)));
            }
            for summary in ["concise", "detailed", "auto"] {
                updates.push(new().reasoning(Reasoning::default().summary(summary)));
            }
            for verbosity in ["low", "medium", "high"] {
                updates.push(new().text(TextConfig::default().verbosity(verbosity)));
            }
            updates.extend(tiers().map(|tier| new().service_tier(tier)));
            updates.push(
                new().tools([McpTool::default()
                    .server_label("s")
                    .allowed_callers(Patch::Clear)
                    .allowed_tools(Patch::Clear)
                    .authorization(Patch::Clear)
                    .connector_id(Patch::Clear)
                    .defer_loading(Patch::Clear)
                    .headers(Patch::Clear)
                    .require_approval(Patch::Clear)
                    .server_description(Patch::Clear)
                    .server_url(Patch::Clear)
                    .tunnel_id(Patch::Clear)]),
            );
            Some(updates.into_iter().map(|changes| update(changes).into()).collect())
        }
        "session.update.variant-bare" => one(of(ResponsesDelegationUpdate::default().into())),
        "session.update.variant-clear_triggers" => {
            one(SessionUpdate::new(UpdateConfig::default().triggers(Vec::<Trigger>::new())))
        }
        "session.update.variant-client" => one(of(ClientDelegation::default().acknowledgement_delay_ms(100).into())),
        "session.update.variant-decisions" => {
            let mut questions = vec![predicate()];
            questions.extend(bare_questions());
            let update = decisions(DecisionsUpdate::default().model("gpt-5.4-nano").questions(questions));
            one(of(update.acknowledgement_delay_ms(400).into()))
        }
        "session.update.variant-decisions_empty" => one(of(decisions(DecisionsUpdate::default()).into())),
        "session.update.variant-empty_responses" => one(update(ResponsesUpdate::default())),
        "session.update.variant-named_questions" => {
            let levels = [("calm", "friendly"), ("cross", "raises the voice")];
            let levels = levels.map(|(label, text)| ScoreLevel::new(label).description(text));
            let questions = [predicate(), choice(true), mood_between(levels)];
            let config = UpdateConfig::default()
                .delegation(DelegationUpdate::from(decisions(DecisionsUpdate::default().questions(questions.clone()))))
                .triggers([trigger("input", questions)]);
            one(SessionUpdate::new(config).event_id("upd-2"))
        }
        "session.update.variant-null_delegation" => {
            one(SessionUpdate::new(UpdateConfig::default().delegation(Patch::Clear)))
        }
        "session.update.variant-nulls" => one(update(
            ResponsesUpdate::default()
                .instructions(Patch::Clear)
                .max_output_tokens(Patch::Clear)
                .parallel_tool_calls(Patch::Clear)
                .reasoning(Patch::Clear)
                .service_tier(Patch::Clear)
                .text(Patch::Clear)
                .tools(null_tools()),
        )),
        "session.update.variant-tools2" => one(update(ResponsesUpdate::default().tools(other_tools()))),
        _ => None,
    }
}

fn decision_item(name: &str) -> Option<Vec<ClientEvent>> {
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

fn response_item(name: &str) -> Option<Vec<ClientEvent>> {
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

#[test]
fn every_primary_client_event_is_written_as_in_its_file() {
    /// A struct with all forms that a command without members has.
    macro_rules! plain {
        ($name:expr, $kind:literal, $event:expr, $id:literal) => {
            if let Some(form) = $name.strip_prefix($kind) {
                match form {
                    "" | ".full" => return one($event.event_id($id)),
                    ".minimal" | ".variant-null_event_id" => return one($event),
                    _ => {}
                }
            }
        };
    }
    macro_rules! context {
        ($name:expr, $kind:literal, $event:ident, $id:literal) => {
            match $name.strip_prefix($kind) {
                Some("") => return one($event::session("The caller prefers Portuguese.").event_id($id)),
                Some(".full") => {
                    return one($event::delegation(TASK, "Order 4417 left this morning.").event_id($id));
                }
                Some(".minimal") => return one($event::session("")),
                Some(".variant-null_event_id") => return one($event::session("x")),
                _ => {}
            }
        };
    }

    check::<ClientEvent>("client", &mut |name| {
        plain!(name, "session.close", SessionClose::default(), "close-1");
        plain!(name, "session.input_audio.mute", SessionInputAudioMute::default(), "mute-1");
        plain!(name, "session.input_audio.unmute", SessionInputAudioUnmute::default(), "unmute-1");
        plain!(name, "response.create", ResponseCreate::default(), "create-1");
        if name == "decision.item.delete.variant-null_event_id" {
            return one(DecisionItemDelete::new("x"));
        }
        plain!(name, "decision.item.delete", DecisionItemDelete::new("item_Ediuser"), "ddel-1");
        context!(name, "session.instructions.append", SessionInstructionsAppend, "instructions-1");
        context!(name, "session.thinking.append", SessionThinkingAppend, "thinking-1");
        context!(name, "session.commentary.append", SessionCommentaryAppend, "commentary-1");
        if name.starts_with("decision.create") {
            return one(DecisionCreate::default().event_id("ask-1"));
        }
        if name.starts_with("session.input_audio.append") {
            let event = SessionInputAudioAppend::new(audio(&format!("{name}.json")));
            return one(if name.ends_with("full") { event.event_id("a-1") } else { event });
        }
        if name.starts_with("session.output_audio.fixture.play") {
            let event = SessionOutputAudioFixturePlay::new(audio(&format!("{name}.json")));
            let named = name.ends_with("full") || name.ends_with("play");
            return one(if named { event.event_id("fx-1") } else { event });
        }
        start(name).or_else(|| updated(name)).or_else(|| decision_item(name)).or_else(|| response_item(name))
    });
}

#[test]
fn every_fork_client_event_is_written_as_in_its_file() {
    let of = |config: ForkConfig| one(ForkStart::new(config));
    let format = |format: AudioFormat| ForkConfig::default().audio(ForkAudio::default().format(format));
    check::<fork::ClientEvent>("fork/client", &mut |name| match name {
        "session.start" => one(ForkStart::new(ForkConfig::default()).event_id("fork-1")),
        "session.start.minimal" | "session.start.variant-null_event_id" => of(ForkConfig::default()),
        "session.start.full" => {
            let delegation = backend(all_changes()).acknowledgement_delay_ms(0);
            let config = format(AudioFormat::Pcma).delegation(delegation).store(true);
            one(ForkStart::new(config).event_id("fork-1"))
        }
        "session.start.variant-delegation_bare" => {
            of(ForkConfig::default().delegation(ResponsesDelegationUpdate::default()))
        }
        "session.start.variant-empty_audio" => of(ForkConfig::default().audio(ForkAudio::default())),
        "session.start.variant-format" => of(format(AudioFormat::Pcm { rate: 16_000 }).store(false)),
        "session.start.variant-pcm24" => of(format(AudioFormat::pcm())),
        "session.start.variant-pcmu" => of(format(AudioFormat::Pcmu)),
        _ => None,
    });
}

#[test]
fn every_sideband_client_event_is_written_as_in_its_file() {
    check::<sideband::ClientEvent>("sideband/client", &mut |name| match name {
        "transport.dtmf.send" => one(TransportDtmfSend::new(DtmfKey::Five).event_id("dtmf-1")),
        "transport.dtmf.send.full" => one(TransportDtmfSend::new(DtmfKey::Pound).event_id("dtmf-1")),
        "transport.dtmf.send.minimal" => one(TransportDtmfSend::new(DtmfKey::One)),
        "transport.dtmf.send.variant-null_event_id" => one(TransportDtmfSend::new(DtmfKey::Zero)),
        "transport.dtmf.send.more" => {
            let keys = [
                DtmfKey::Zero,
                DtmfKey::One,
                DtmfKey::Two,
                DtmfKey::Three,
                DtmfKey::Four,
                DtmfKey::Five,
                DtmfKey::Six,
                DtmfKey::Seven,
                DtmfKey::Eight,
                DtmfKey::Nine,
                DtmfKey::A,
                DtmfKey::B,
                DtmfKey::C,
                DtmfKey::D,
                DtmfKey::Star,
                DtmfKey::Pound,
            ];
            Some(keys.into_iter().map(|key| TransportDtmfSend::new(key).into()).collect())
        }
        _ => None,
    });
}
