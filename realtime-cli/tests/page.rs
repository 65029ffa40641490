//! The timeline in a browser: clicked, searched, and free of errors.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

/// A browser, if there is one on this machine. The gate installs it.
fn browser() -> Option<String> {
    let named = env::var("CHROMIUM").ok();
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(String::from);
    named.into_iter().chain(usual).find(|path| Path::new(path).exists())
}

/// Collects errors, before anything else runs.
const WATCH: &str = r##"<script>
const failures = [];
addEventListener("error", event => failures.push(event.message));
console.error = (...words) => failures.push(words.join(" "));
</script>"##;

/// What a person does, and what the page then shows.
const USE: &str = r##"<script>
addEventListener("load", () => {
  const lanes = document.getElementById("lanes"), box = lanes.getBoundingClientRect();
  const pointer = (kind, x, y) => lanes.dispatchEvent(new PointerEvent(kind,
    { clientX: box.left + x, clientY: box.top + y, pointerId: 1, bubbles: true }));
  lanes.setPointerCapture = () => {};
  const press = key => dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const seen = {};
  seen.title = document.title;
  seen.rows = document.querySelectorAll("#rows div").length;
  pointer("pointerdown", 400, 110); pointer("pointerup", 400, 110);
  seen.detail = document.getElementById("detail").textContent.slice(0, 200);
  const before = ms(400); press("+"); seen.zoomed = ms(400) !== before; press("0");
  const search = document.getElementById("search");
  search.value = "response.done"; search.dispatchEvent(new Event("input"));
  seen.found = document.getElementById("found").textContent;
  press("n"); seen.chosen = document.querySelector("#rows .chosen")?.textContent;
  seen.painted = lanes.getContext("2d").getImageData(0, 0, lanes.width, lanes.height).data.some(value => value > 0);
  seen.failures = failures;
  const result = document.createElement("output"); result.id = "result"; result.textContent = JSON.stringify(seen);
  document.body.append(result);
});
</script>"##;

fn open(name: &str, session: &Path) -> Option<serde_json::Value> {
    let Some(browser) = browser() else {
        eprintln!("skipped: there is no Chromium on this machine");
        return None;
    };
    let folder = env::temp_dir().join(format!("realtime-page-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let drawn = Command::new(env!("CARGO_BIN_EXE_realtime")).arg("timeline").arg(session).output().unwrap();
    assert!(drawn.status.success());
    let page = String::from_utf8(drawn.stdout).unwrap();
    assert!(!page.contains("http://") && !page.contains("src="), "it loads nothing");
    let page = page.replacen("<style>", &format!("{WATCH}<style>"), 1) + USE;
    let file = folder.join("page.html");
    fs::write(&file, page).unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update", "--window-size=1400,900"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(["--timeout=60000", "--dump-dom"])
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let dom = String::from_utf8(output.stdout).unwrap();
    let (_, rest) = dom.split_once(r#"<output id="result">"#).expect("the page has run to its end");
    let (result, _) = rest.split_once("</output>").unwrap();
    let result = serde_json::from_str(&result.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).unwrap();
    let _ = fs::remove_dir_all(folder);
    Some(result)
}

#[test]
fn the_page_of_a_session_is_used() {
    let session = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/transcripts/03_barge_in.jsonl");
    let Some(seen) = open("used", &session) else { return };
    assert_eq!(seen["failures"], serde_json::json!([]), "{seen}");
    assert_eq!(seen["title"], "03_barge_in.jsonl");
    assert!(seen["rows"].as_u64().unwrap() > 10, "{seen}");
    assert!(seen["detail"].as_str().unwrap().contains(" ms"), "{seen}");
    assert_eq!(seen["zoomed"], true);
    assert!(seen["found"].as_str().unwrap().starts_with("5 of 124"), "{seen}");
    assert!(seen["chosen"].as_str().unwrap().ends_with("response.done"), "{seen}");
    assert_eq!(seen["painted"], true);
}

#[test]
fn a_page_of_ten_thousand_events_shows_those_in_view() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/transcripts/02_audio_vad_chat.jsonl");
    let lines = fs::read_to_string(source).unwrap();
    let session = env::temp_dir().join(format!("realtime-page-long-{}.jsonl", std::process::id()));
    let count = lines.lines().count();
    fs::write(&session, lines.repeat(10_000 / count + 1)).unwrap();
    let seen = open("long", &session);
    fs::remove_file(session).unwrap();
    let Some(seen) = seen else { return };
    assert_eq!(seen["failures"], serde_json::json!([]), "{seen}");
    // Not ten thousand elements: only what is visible.
    assert!((10..100).contains(&seen["rows"].as_u64().unwrap()), "{seen}");
}
