//! The cases of `testdata/cases`, by the example that runs any folder of that form.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};

#[expect(dead_code, reason = "the example's own `main` is not run here")]
#[path = "../examples/kit/main.rs"]
mod kit;

// Where the example has it.
use kit::case;

#[test]
fn every_case_comes_out_as_expected() {
    let outcomes = kit::run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cases"));
    let differences: Vec<_> =
        outcomes.iter().filter_map(|it| Some(format!("{}: {}", it.name, it.result.as_ref().err()?))).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(outcomes.len() > 200, "{} cases", outcomes.len());
}

/// A folder of cases for one test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("realtime-cases-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn write(&self, file: &str, content: &[u8]) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Copies a file of cases, changed.
    fn changed(&self, file: &str, change: impl FnOnce(&mut Value)) {
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cases").join(file);
        let mut cases: Value = serde_json::from_slice(&fs::read(original).unwrap()).unwrap();
        change(&mut cases);
        self.write(file, cases.to_string().as_bytes());
    }

    fn wrong(&self) -> Vec<String> {
        let outcomes = kit::run(&self.0).into_iter();
        outcomes.filter_map(|it| Some(format!("{}: {}", it.name, it.result.err()?))).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_case_that_comes_out_otherwise_is_told() {
    let folder = Folder::new();
    folder.changed("webhooks/signatures.json", |json| json["cases"][0]["verdict"] = json!("reject"));
    folder.changed("webhooks/events.json", |json| json["cases"][0]["expect"]["call_id"] = json!("rtc_other"));
    folder.changed("prices/table.json", |_| {});
    folder.changed("prices/cases.json", |json| {
        json["cases"][0]["cost_microusd"] = json!("6965.7");
        json["sessions"][0]["events"][0]["model"] = json!("nobody");
    });
    folder.changed("captions/nothing.json", |_| {});
    folder.changed("telephony/vonage/auth.json", |json| json["cases"][0]["verdict"] = json!("reject"));
    folder.changed("telephony/plivo/frames.json", |json| {
        json["build"][0]["json"]["media"]["sampleRate"] = json!(16_000);
        json["parse"][1]["expect"]["kind"] = json!("media");
    });
    for file in ["01_barge_in", "02_menu_and_oddities"] {
        let session = format!("telephony/twilio/{file}.jsonl");
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cases").join(&session);
        folder.write(&session, &fs::read(original).unwrap());
    }
    folder.changed("telephony/twilio/01_barge_in.expect.json", |json| {
        json["outbound"]["items"][0]["really_heard_ms"] = json!(560);
    });
    folder.changed("telephony/twilio/02_menu_and_oddities.expect.json", |json| json["dtmf"] = json!("1"));
    folder.write("captions/nothing.srt", b"1\n00:00:00,000 --> 00:00:01,000\nWho?\n");
    folder.write("captions/nothing.vtt", b"WEBVTT\n");
    let wrong = folder.wrong();
    let expected = [
        "captions/nothing.json: srt: expected",
        "prices/cases.json: cached_text_is_inside_the_input: expected 6965.7, came 6965.6",
        "prices/cases.json: conversation: the table has no model",
        "telephony/plivo/frames.json: cut_off: `kind`: expected",
        "telephony/plivo/frames.json: media: expected",
        "telephony/twilio/01_barge_in.jsonl: item_a: heard: expected 560, came 500",
        "telephony/twilio/02_menu_and_oddities.jsonl: dtmf: expected",
        "telephony/vonage/auth.json: right: expected reject",
        "webhooks/events.json: realtime_call_incoming: `call_id`: expected",
        "webhooks/signatures.json: whsec_secret: expected reject",
    ];
    assert_eq!(wrong.len(), expected.len(), "{wrong:#?}");
    for (wrong, expected) in wrong.iter().zip(expected) {
        assert!(wrong.starts_with(expected), "{wrong} is not {expected}");
    }
}

#[test]
fn a_folder_or_file_that_is_not_known_is_told_and_not_passed_over() {
    let folder = Folder::new();
    folder.write("holograms/one.json", b"{}");
    folder.write("telephony/sundial/frames.json", b"{}");
    folder.write("webhooks/other.json", b"{}");
    folder.write("tools/script.py", b"");
    folder.write("captions/broken.json", b"{");
    let wrong = folder.wrong();
    assert_eq!(wrong.len(), 4, "{wrong:#?}");
    assert!(wrong[0].starts_with("captions/broken.json") && wrong[1].starts_with("holograms/*"), "{wrong:#?}");
    assert!(wrong[2].starts_with("telephony/sundial") && wrong[3].starts_with("webhooks/other.json"), "{wrong:#?}");
}
