//! `examples/browser_key.rs`, and its page in a browser.

use std::{env, path::Path, process::Stdio, time::Duration};

use realtime::mock::{Pace, Simulator};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::Command,
};

#[expect(dead_code, reason = "the example's own `main` is not run here")]
#[path = "../../examples/browser_key.rs"]
mod example;

/// The longest that a browser may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser, if there is one on this machine. The gate installs it.
fn browser() -> Option<String> {
    let named = env::var("CHROMIUM").ok();
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(String::from);
    named.into_iter().chain(usual).find(|path| Path::new(path).exists())
}

#[tokio::test]
async fn a_page_talks_to_the_model_with_a_key_of_its_own() {
    let Some(browser) = browser() else {
        eprintln!("skipped: there is no Chromium on this machine");
        return;
    };
    let simulator =
        Simulator::new().pace(Pace::INSTANT).key("sk-project-key").answer(|turn| format!("You asked: {}", turn.text()));
    let served = simulator.serve().unwrap();
    let client = realtime::client().base_url(served.base_url()).api_key("sk-project-key").build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let page = format!("http://{}/?ask=Hello", listener.local_addr().unwrap());
    let app = axum::serve(listener, example::app(client, served.url()));
    let app = tokio::spawn(async move { app.await });

    let profile = env::temp_dir().join(format!("realtime-browser-{}", std::process::id()));
    let mut chromium = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update"])
        .arg(format!("--user-data-dir={}", profile.display()))
        // What the page logs is written to the error output.
        .args(["--remote-debugging-port=0", "--enable-logging=stderr", &page])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(chromium.stderr.take().unwrap()).lines();
    let answered = async {
        while let Some(line) = log.next_line().await.unwrap() {
            if line.contains("answered: You asked: Hello") {
                return;
            }
        }
        panic!("the browser has ended");
    };
    tokio::time::timeout(PATIENCE, answered).await.expect("the page has asked and was answered");
    let handshake = simulator.sessions()[0].handshake().clone();
    let key = handshake.subprotocols.iter().find_map(|name| name.strip_prefix("openai-insecure-api-key."));
    assert!(key.is_some_and(|key| key.starts_with("ek_")), "{:?}", handshake.headers.keys());
    assert_eq!(simulator.sessions()[0].config()["instructions"], "Be brief.");
    chromium.kill().await.unwrap();
    app.abort();
    let _ = std::fs::remove_dir_all(profile);
}
