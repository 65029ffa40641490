//! Functions that run only if somebody agrees.

use realtime::{
    connection::Reconnect,
    tools::{Approval, ApprovalRequest},
};

use super::{
    work::{kinds, open_with, quiet},
    *,
};

/// Counts how often the function `order` runs, and how often somebody is asked.
#[derive(Clone, Default)]
struct Counts(Arc<[AtomicUsize; 2]>);

impl Counts {
    fn add(&self, at: usize) {
        self.0[at].fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> [usize; 2] {
        [0, 1].map(|at| self.0[at].load(Ordering::Relaxed))
    }

    /// A set whose calls are decided by this.
    fn tools(&self, decide: impl Fn(&ApprovalRequest) -> Approval + Clone + Send + Sync + 'static) -> Tools {
        let counts = self.clone();
        let asked = self.clone();
        Tools::new()
            .add("order", "", async move |args: GetWeather| {
                counts.add(0);
                format!("ordered from {}", args.city)
            })
            .needs_approval()
            .add_raw("plain", "", json!({}).into(), async |_: Value| "done")
            .on_approval(async move |request| {
                asked.add(1);
                decide(&request)
            })
    }
}

const LISBON: &str = r#"{"city":"Lisbon"}"#;

/// Calls `order` in responses of their own, and gives what the model was told.
fn order(tools: Tools, arguments: &[&str]) -> (Vec<String>, Vec<ToolErrorKind>) {
    let (connection, session, server) = open(tools);
    let mut told = Vec::new();
    let notices = run(&connection, &server, async {
        for (number, arguments) in arguments.iter().enumerate() {
            let response = format!("resp_{number}");
            let frame = |kind: &str, status: &str, output: &[Value]| {
                session.send_raw(
                    json!({ "type": kind, "response": {
                        "id": response, "conversation_id": "conv", "status": status, "output": output } })
                    .to_string(),
                );
            };
            frame("response.created", "in_progress", &[]);
            frame("response.done", "completed", &[call(number, "order", arguments)]);
            told.push(answer(&session).await.1);
            session.expect::<ResponseCreate>().await;
        }
    });
    (told, kinds(&notices))
}

#[test]
fn a_call_runs_once_it_is_approved_for_that_call_or_for_good() {
    for (decision, asked) in [(Approval::Once, 3), (Approval::Always, 1), (true.into(), 3)] {
        let counts = Counts::default();
        let tools = counts.tools(move |request| {
            assert_eq!((&*request.name, &*request.arguments), ("order", LISBON));
            assert!(request.call_id.starts_with("call_") && request.response_id.is_some());
            decision.clone()
        });
        let (told, failed) = order(tools, &[LISBON; 3]);
        assert_eq!((told, failed), (vec!["ordered from Lisbon".to_owned(); 3], vec![]));
        assert_eq!(counts.get(), [3, asked]);
    }
}

#[test]
fn a_denied_call_does_not_run_and_the_model_is_told_why() {
    let counts = Counts::default();
    let (told, failed) = order(counts.tools(|_| Approval::deny("it costs too much")), &[LISBON]);
    assert_eq!(told, ["error: the call was not approved: it costs too much"]);
    assert_eq!(failed, [ToolErrorKind::Denied("it costs too much".into())]);
    let (told, _) = order(counts.tools(|_| false.into()), &[LISBON]);
    assert_eq!(told, ["error: the call was not approved"]);
    assert_eq!(counts.get(), [0, 2]);
}

#[test]
fn nobody_is_asked_about_arguments_that_do_not_fit() {
    let counts = Counts::default();
    let (told, failed) = order(counts.tools(|_| Approval::Once), &["{}"]);
    assert!(told[0].starts_with("error: invalid arguments: missing field `city`"), "{told:?}");
    assert!(matches!(failed[..], [ToolErrorKind::Arguments(_)]));
    assert_eq!(counts.get(), [0, 0]);
}

#[test]
fn without_a_decision_nothing_runs() {
    let unasked = Tools::new().add("order", "", async |_: GetWeather| "ordered").needs_approval();
    // A function that takes the place of another needs what that needed.
    let replaced = unasked.clone().add("order", "", async |_: GetWeather| "ordered");
    let slow = unasked.clone().on_approval(async |_| std::future::pending::<bool>().await);
    let panics = unasked.clone().on_approval(async |_| -> bool { panic!("no") });
    for (tools, kind) in [
        (unasked, ToolErrorKind::Denied("nobody is there to approve it".into())),
        (replaced, ToolErrorKind::Denied("nobody is there to approve it".into())),
        (slow, ToolErrorKind::Denied("nobody decided in time".into())),
        (panics, ToolErrorKind::Panicked),
    ] {
        let (told, failed) = order(tools, &[LISBON]);
        assert_eq!((told, failed), (vec![format!("error: {kind}")], vec![kind]));
    }
}

#[test]
fn other_functions_run_while_one_waits_for_approval() {
    let (decide, decided) = oneshot::channel::<Approval>();
    let decided = decided.shared();
    let tools = Counts::default().tools(|_| unreachable!()).on_approval(async move |_| decided.await.unwrap());
    let (connection, session, server) = open(tools.timeout(Duration::from_secs(5)));
    let notices = run(&connection, &server, async {
        respond(&session, &[call(1, "order", LISBON), call(2, "plain", "{}")], "completed");
        assert_eq!(answer(&session).await.0, "call_2");
        // The time limit of a function does not count the time of who decides.
        server.clock().sleep(Duration::from_secs(100)).await;
        quiet(&server, &session).await;
        decide.send(Approval::Once).unwrap();
        assert_eq!(answer(&session).await, ("call_1".into(), "ordered from Lisbon".into()));
        session.expect::<ResponseCreate>().await;
        quiet(&server, &session).await;
    });
    assert!(notices.is_empty(), "{notices:?}");
}

#[test]
fn a_decision_outlives_the_session_and_counts_if_the_next_one_has_the_call() {
    for restore in [true, false] {
        let (decide, decided) = oneshot::channel::<Approval>();
        let decided = decided.shared();
        let counts = Counts::default();
        let tools = counts.tools(|_| unreachable!()).on_approval(async move |_| decided.await.unwrap());
        let policy = Reconnect::default().restore(restore);
        let (_client, connection, session, server) = open_with(tools, |builder| builder.reconnect(policy));
        let notices = run(&connection, &server, async {
            respond(&session, &[call(1, "order", LISBON)], "completed");
            server.clock().sleep(Duration::from_secs(1)).await;
            session.close(1012, "");
            let session: MockSession = server.accept().await;
            if restore {
                session.expect::<SessionUpdate>().await;
                let item = session.expect::<ConversationItemCreate>().await.item;
                assert!(matches!(item, Item::FunctionCall(_)), "{item:?}");
            }
            quiet(&server, &session).await;
            decide.send(Approval::Once).unwrap();
            if restore {
                assert_eq!(answer(&session).await, ("call_1".into(), "ordered from Lisbon".into()));
                session.expect::<ResponseCreate>().await;
            }
            quiet(&server, &session).await;
        });
        let expected: &[ToolErrorKind] = if restore { &[] } else { &[ToolErrorKind::Lost] };
        assert_eq!((&*kinds(&notices), counts.get()[0]), (expected, usize::from(restore)));
    }
}
