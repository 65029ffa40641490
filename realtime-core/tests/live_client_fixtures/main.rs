//! Every Live client event of `testdata/fixtures/live`, made by hand with the types: what they write is exactly what is in
//! the file, and nothing in the files is beyond them.

mod items;
mod parts;
mod start;
mod update;

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

use items::*;
use parts::*;
use start::*;
use update::*;

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
