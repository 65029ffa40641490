//! `examples/echo_model`, as a process; and what a listener of one's own adds to a served model.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use realtime::{
    Client, ErrorKind,
    event::ServerEvent,
    mock::Simulator,
    server::{Acceptor, Listener},
    tokio::Tokio,
    types::{Item, Modality, ResponseConfig, Tool},
};

#[tokio::test]
async fn it_says_back_what_it_is_told_and_ends_with_its_input() {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(Path::parent).unwrap().join("examples/echo_model");
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut base = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut base).unwrap();
    let client = Client::builder(realtime::default_transport()).base_url(base.trim()).api_key("any").build();
    let connection = client.realtime().model("echo").connect().await.unwrap();

    // In writing, with a function.
    let text = || ResponseConfig::default().output_modalities([Modality::Text]);
    connection.conversation().item().create(Item::user("Hello, you")).unwrap().await.unwrap();
    let tool: Tool = serde_json::from_value(serde_json::json!({ "type": "function", "name": "wave" })).unwrap();
    let called = connection.response().create(text().tools([tool])).unwrap().await.unwrap();
    let [Item::FunctionCall(call)] = &called.output.unwrap()[..] else { panic!("no call") };
    assert_eq!(call.name, "wave");
    let output = Item::function_call_output(call.call_id.clone().unwrap(), "done");
    connection.conversation().item().create(output).unwrap().await.unwrap();
    let done = connection.response().create(text()).unwrap().await.unwrap();
    assert_eq!(done.output.unwrap()[0].as_message().unwrap().text(), "Hello, you");

    // Aloud: the turn is detected, and the same audio comes back.
    let sound: Vec<u8> = (0..24_000).flat_map(|at| (((at % 100) as i16 - 50) * 200).to_le_bytes()).collect();
    connection.input_audio_buffer().append(&sound).unwrap();
    connection.input_audio_buffer().append(&[0; 48_000]).unwrap();
    let mut heard = 0;
    let done = loop {
        match connection.next().await.unwrap().unwrap() {
            ServerEvent::ResponseOutputAudioDelta(delta) => heard += delta.delta.len(),
            ServerEvent::ResponseDone(done) if heard > 0 => break done,
            _ => {}
        }
    };
    // With 200 ms of silence after it.
    assert_eq!(heard, 48 * 1200);
    assert_eq!(done.response.output.unwrap()[0].as_message().unwrap().text(), "1200 ms of speech");

    connection.finish().await.unwrap();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn draining_closes_the_sessions_of_a_served_model() {
    let mut listener = Listener::bind::<Tokio>(([127, 0, 0, 1], 0).into(), Acceptor::on::<Tokio>()).await.unwrap();
    let (handle, address) = (listener.handle(), listener.address().unwrap());
    let serving = tokio::spawn(async move {
        let simulator = Simulator::new();
        while let Some(arrival) = listener.next_arrival().await {
            let simulator = simulator.clone();
            tokio::spawn(async move { simulator.serve_client(arrival.unwrap()).await });
        }
    });
    let base = format!("http://{address}/v1");
    let client = Client::builder(realtime::default_transport()).base_url(base).api_key("any").build();
    let connection = client.realtime().model("m").connect().await.unwrap();
    let (left, end) = tokio::join!(handle.drain(Duration::ZERO), async {
        loop {
            match connection.next().await {
                Some(Err(error)) => break error,
                Some(Ok(_)) => {}
                None => panic!("an end in order"),
            }
        }
    });
    let ErrorKind::Closed(Some(frame)) = end.kind() else { panic!("{end:?}") };
    assert_eq!((left, frame.code), (0, 1001));
    serving.await.unwrap();
}
