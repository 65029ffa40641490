//! The cases of `testdata/cases`, by the example that runs any folder of that form.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use http::{HeaderName, HeaderValue};
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

/// How the requests of all captured cases differ from what this official client sent: the texts of the table in
/// `docs/services.md`, or what else differs.
fn differences(client: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cases/rest");
    let (mut found, mut compared) = (BTreeSet::new(), 0);
    for path in case::entries(&folder) {
        let file = case::json(&path).unwrap();
        let members = |name: &str| file[name].as_array().cloned().unwrap_or_default();
        for it in members("requests") {
            compared += 1;
            let name = format!("{}: {}", case::file_name(&path), case::text(&it, "name"));
            match request_differences(case::text(&file, "endpoint"), &it, client) {
                Ok(differences) => found.extend(differences),
                Err(difference) => drop(found.insert(format!("{name}: {difference}"))),
            }
        }
        for it in members("cases").iter().filter(|it| it["expect"].get("path").is_some() || it["expect"] == "refuse") {
            compared += 1;
            let target = kit::rest::segment(it).unwrap().ok();
            let theirs = it["sdk"][client]["target"].as_str().map(|target| target.strip_prefix("/v1").unwrap());
            if target.as_deref() != theirs {
                let refused = it["id"] == "" && target.is_none();
                let other = || format!("{}: {target:?}", it["id"]);
                found.insert(if refused { "an empty id is refused".into() } else { other() });
            }
        }
    }
    assert!(compared > 60, "{compared} requests");
    found
}

/// How a request differs from a capture of this client.
fn request_differences(endpoint: &str, it: &Value, client: &str) -> Result<Vec<String>, String> {
    let expected = &it["request"];
    let request = kit::rest::send(endpoint, &it["input"])?.map_err(|error| error.to_string())?;
    case::same("method", case::text(expected, "method"), request.method().as_str())?;
    case::same("url", case::text(expected, "url").to_owned(), request.uri().to_string())?;
    let listed = |headers: &Value| headers.as_object().cloned().unwrap_or_default();
    let mut theirs: BTreeMap<String, Value> =
        listed(&expected["headers"]).into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
    for own in it["sdk_differences"].as_array().into_iter().flatten().filter(|own| own[client].is_string()) {
        theirs.insert(case::text(own, "header").to_owned(), own[client].clone());
    }
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), Value::from(value))
    };
    let mut ours: BTreeMap<String, Value> = request.headers().iter().map(header).collect();
    let mut boundary = String::new();
    if let Some(value) = ours.get_mut("content-type")
        && let Some((kind, mark)) = value.as_str().unwrap_or_default().split_once("boundary=")
    {
        (boundary, *value) = (mark.to_owned(), format!("{kind}boundary=<any>").into());
    }
    kit::rest::body(&expected["body"], request.body(), &boundary)?;
    let names: BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
    let differs = names.into_iter().filter(|name| theirs.get(*name) != ours.get(*name));
    let length = Value::from(request.body().len().to_string());
    Ok(differs
        .map(|name| match (name.as_str(), theirs.get(name), ours.get(name)) {
            ("content-length", None, Some(value)) if *value == length => "`content-length` is set".into(),
            ("user-agent", None, Some(value))
                if value.as_str().is_some_and(|value| value.starts_with("realtime-core/")) =>
            {
                "`user-agent` names this crate".into()
            }
            ("content-type", Some(_), None) if request.body().is_empty() => "no `content-type` without a body".into(),
            (name, theirs, ours) => format!("{name}: {theirs:?}, and ours is {ours:?}"),
        })
        .collect())
}

#[test]
fn requests_differ_from_those_of_the_official_clients_only_as_is_listed() {
    let docs = include_str!("../docs/services.md");
    let (_, section) = docs.split_once("## REST requests beside those of the official clients").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")).skip(1);
    let rows: Vec<Vec<_>> = rows.map(|row| row.split(" | ").collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 3 && row[2].len() > 20), "each difference has its reason: {rows:?}");
    for (client, name) in [("python", "Python"), ("node", "JavaScript")] {
        let listed = rows.iter().filter(|row| row[1] == "both" || row[1] == name).map(|row| row[0].to_owned());
        assert_eq!(differences(client), listed.collect(), "{name}");
    }
}
