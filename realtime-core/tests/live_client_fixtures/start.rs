//! Events that start a session.

use super::*;

pub(crate) fn start(name: &str) -> Option<Vec<ClientEvent>> {
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

pub(crate) fn choices() -> Vec<ToolChoice> {
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

pub(crate) fn tiers() -> [ServiceTier; 6] {
    [
        ServiceTier::Auto,
        ServiceTier::Default,
        ServiceTier::FastTierTempPilot,
        ServiceTier::Flex,
        ServiceTier::Priority,
        ServiceTier::Ultrafast,
    ]
}

pub(crate) fn bare_questions() -> Vec<Question> {
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
