//! `examples/gateway`, as a process: keys, limits, metrics, the access log, draining.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

use realtime::{
    Client, ErrorKind,
    mock::{Pace, Simulator},
    transport::{CloseFrame, TransportErrorKind},
    types::{Item, Modality, ResponseConfig},
};

/// Where examples are built, next to the tests.
fn program() -> std::path::PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().and_then(Path::parent).unwrap().join("examples/gateway")
}

struct Gateway {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    base: String,
    metrics: String,
}

fn gateway(upstream: &str) -> Gateway {
    let folder = std::env::temp_dir().join(format!("gateway-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let config = folder.join("gateway.toml");
    let text = format!(
        r#"
        listen = "127.0.0.1:0"
        metrics = "127.0.0.1:0"
        [[upstream]]
        name = "simulator"
        url = "{upstream}"
        key_env = "UPSTREAM_KEY"
        models = ["gpt-realtime"]
        [[key]]
        name = "team-a"
        key_env = "TEAM_KEY"
        upstream = "simulator"
        sessions = 1
        tokens_per_minute = 10
        "#
    );
    std::fs::write(&config, text).unwrap();
    let mut child = Command::new(program())
        .arg("--config")
        .arg(&config)
        .env("UPSTREAM_KEY", "sk-upstream-secret")
        .env("TEAM_KEY", "gw-team-secret")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    };
    let (base, metrics) = (line(), line());
    std::fs::remove_dir_all(folder).unwrap();
    Gateway { child, output, base, metrics }
}

fn status(error: &realtime::Error) -> u16 {
    let ErrorKind::Transport(error) = error.kind() else { panic!("{error:?}") };
    let TransportErrorKind::Rejected { status } = error.kind() else { panic!("{error:?}") };
    status.as_u16()
}

#[tokio::test]
async fn a_gateway_admits_limits_counts_logs_and_drains() {
    let simulator = Simulator::new().pace(Pace::INSTANT).key("sk-upstream-secret").answer(|_| "Good morning.");
    let served = simulator.serve().unwrap();
    let mut gateway = gateway(&served.base_url());
    let client =
        |key: &str| Client::builder(realtime::default_transport()).base_url(&*gateway.base).api_key(key).build();

    for (key, model, expected) in [("gw-wrong", "gpt-realtime", 401), ("gw-team-secret", "other", 404)] {
        let error = client(key).realtime().model(model).connect().await.unwrap_err();
        assert_eq!(status(&error), expected);
    }
    let team = client("gw-team-secret");
    let connection = team.realtime().model("gpt-realtime").connect().await.unwrap();
    let error = team.realtime().model("gpt-realtime").connect().await.unwrap_err();
    assert_eq!(status(&error), 429, "one session at a time");
    let ask = async || {
        drop(connection.conversation().item().create(Item::user("Hello."))?);
        connection.response().create(ResponseConfig::default().output_modalities([Modality::Text]))?.await
    };
    ask().await.unwrap();
    let error = ask().await.unwrap_err();
    let ErrorKind::Request(event) = error.kind() else { panic!("{error:?}") };
    assert_eq!(event.error.code.as_deref(), Some("rate_limit_exceeded"), "the tokens of this minute");
    let used = connection.state().totals.responses.clone().unwrap();
    connection.close(CloseFrame::new(1000, "")).await;
    // What the simulator saw was its own key.
    assert_eq!(simulator.sessions().len(), 1);
    assert_eq!(simulator.sessions()[0].handshake().headers["authorization"], "Bearer sk-upstream-secret");

    // The session's line is the next one.
    let mut line = String::new();
    gateway.output.read_line(&mut line).unwrap();
    let logged: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&logged["key"], &logged["client_close"]), (&"team-a".into(), &1000.into()), "{line}");
    assert!(logged["events_up"].as_u64() >= Some(3) && logged["duration_ms"].is_u64(), "{line}");

    let metrics = reqwest::get(&*gateway.metrics).await.unwrap().text().await.unwrap();
    for expected in [
        "gateway_sessions_total{key=\"team-a\"} 1".to_owned(),
        "gateway_sessions_active{key=\"team-a\"} 0".into(),
        "gateway_responses_total{key=\"team-a\"} 1".into(),
        "gateway_latency_seconds_count{key=\"team-a\"} 1".into(),
        format!("gateway_input_tokens_total{{key=\"team-a\"}} {}", used.input_tokens.unwrap()),
        format!("gateway_output_tokens_total{{key=\"team-a\"}} {}", used.output_tokens.unwrap()),
        "gateway_refused_total 3".into(),
    ] {
        assert!(metrics.lines().any(|line| line == expected), "{expected}:\n{metrics}");
    }

    // SIGTERM drains: the open session is closed with 1001, once the time is over or at its own end.
    let connection = team.realtime().model("gpt-realtime").connect().await;
    assert_eq!(status(&connection.unwrap_err()), 429, "the tokens of this minute are used up");
    let terminated = Command::new("kill").arg(gateway.child.id().to_string()).status().unwrap();
    assert!(terminated.success());
    assert!(gateway.child.wait().unwrap().success());
    let mut rest = String::new();
    gateway.output.read_to_string(&mut rest).unwrap();
    for secret in ["gw-team-secret", "sk-upstream-secret", "Good morning", "Hello."] {
        assert!(!line.contains(secret) && !rest.contains(secret) && !metrics.contains(secret), "{secret}");
    }
}
