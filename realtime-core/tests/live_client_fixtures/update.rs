//! Events that update a session.

use super::*;

pub(crate) fn updated(name: &str) -> Option<Vec<ClientEvent>> {
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
