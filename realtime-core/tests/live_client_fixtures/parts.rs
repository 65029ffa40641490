//! Parts that several events carry.

use super::*;

pub(crate) fn one<E>(event: impl Into<E>) -> Option<Vec<E>> {
    Some(vec![event.into()])
}

pub(crate) fn predicate() -> Question {
    Predicate::new("The caller asks to speak to a person.").name("wants_human").into()
}

pub(crate) fn choice(described: bool) -> Question {
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

pub(crate) fn image(detail: Detail) -> ContentPart {
    InputImage::default().image_url(IMAGE).detail(detail).into()
}

pub(crate) fn mood() -> Question {
    mood_between([ScoreLevel::new("calm").description("friendly"), ScoreLevel::new("cross")])
}

pub(crate) fn mood_between(levels: [ScoreLevel; 2]) -> Question {
    Score::new(levels, [image(Detail::Low), ContentPart::text("How annoyed is the caller?")]).name("mood").into()
}

pub(crate) fn trigger(side: &str, questions: impl Into<Vec<Question>>) -> DecisionTrigger {
    DecisionTrigger::new(format!("session.{side}_transcript.delta"), TriggerQuestions::new(questions))
}

pub(crate) fn both_triggers() -> [DecisionTrigger; 2] {
    [trigger("input", [predicate()]), trigger("output", [mood()])]
}

pub(crate) const HOSTED: [&str; 9] = [
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

pub(crate) fn allowed() -> ToolChoice {
    let mut tools = vec![
        json!({"type": "function", "name": "order_status"}),
        json!({"type": "mcp", "server_label": "stock", "name": "find_part"}),
        json!({"type": "custom", "name": "grep"}),
    ];
    tools.extend(HOSTED.map(|kind| json!({"type": kind})));
    AllowedChoice::new(tools.into_iter().map(Json::from).collect::<Vec<_>>()).mode("auto").into()
}

pub(crate) fn all_tools() -> Vec<Tool> {
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

pub(crate) fn other_tools() -> Vec<Tool> {
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

pub(crate) fn null_tools() -> Vec<Tool> {
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

pub(crate) fn changes() -> ResponsesUpdate {
    ResponsesUpdate::default().instructions("Ask before you book.").max_output_tokens(1024)
}

pub(crate) fn all_changes() -> ResponsesUpdate {
    changes()
        .model("gpt-5.4")
        .parallel_tool_calls(false)
        .reasoning(Reasoning::default().effort(realtime_core::types::ReasoningEffort::Medium).summary("concise"))
        .service_tier(ServiceTier::Flex)
        .text(TextConfig::default().verbosity("high"))
        .tool_choice(allowed())
        .tools(all_tools())
}

pub(crate) fn backend(update: ResponsesUpdate) -> ResponsesDelegationUpdate {
    ResponsesDelegationUpdate::default().responses(update)
}

pub(crate) fn update(update: ResponsesUpdate) -> SessionUpdate {
    SessionUpdate::new(UpdateConfig::default().delegation(DelegationUpdate::from(backend(update))))
}

pub(crate) fn started(config: SessionConfig) -> SessionStart {
    SessionStart::new(config)
}

pub(crate) fn live() -> SessionConfig {
    SessionConfig::new("gpt-live-1")
}

pub(crate) fn responses(config: ResponsesConfig) -> SessionStart {
    started(live().delegation(Delegation::from(ResponsesDelegation::new(config))))
}

pub(crate) fn m() -> ResponsesConfig {
    ResponsesConfig::new("m")
}
