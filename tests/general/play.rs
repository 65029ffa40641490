//! A script, played between a scripted server and a real connection.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::{Either, LocalBoxFuture, join, select},
    pin_mut,
    stream::FuturesUnordered,
};
use realtime::{
    Client, Connection, Deadline, Error, ErrorKind, Options, Protocol, Realtime, Translation,
    connection::Phase,
    endpoint::Target,
    event::{
        ClientEvent, ConversationItemAdded, ConversationItemDeleted, ConversationItemRetrieved,
        ConversationItemTruncated, Event, InputAudioBufferCleared, InputAudioBufferCommitted, OutputAudioBufferCleared,
        SessionUpdated, translation,
    },
    mock::{MockServer, MockSession, MockTransport, VirtualClock},
    tools::{AnswerError, Later, ToolContext, Tools},
    transport::{Message, Timer},
    types::{Response, ResponseConfig},
};
use serde_json::{Value, json};

use crate::{
    script::{Heard, Script, Step},
    state::Report,
};

/// Nothing takes longer than this; what is still waited for then would be waited for for ever.
const HUNG: Duration = Duration::from_secs(24 * 3600);

/// By then every bound has passed that there is once nobody waits: of a silent response, and of an answer.
const REST: Duration = Duration::from_secs(155);

/// The most time for the protocol's own ending, and for closing.
const FINISH: Duration = Duration::from_secs(35);

/// What a run has shown.
pub(crate) struct Run {
    /// Why the session did not open, and when it was told.
    pub(crate) refused: Option<(Error, Duration)>,
    /// What became of what the client waited for: its number, its type, from when to when, and the outcome.
    pub(crate) ended: Vec<Ended>,
    /// What the server waited for and got at once.
    pub(crate) heard: BTreeSet<usize>,
    /// When the server said each of its steps.
    pub(crate) said: BTreeMap<usize, Duration>,
    /// All that the client has sent.
    pub(crate) sent: Vec<Value>,
    /// When the server said its last.
    pub(crate) last: Duration,
    /// When everything that was waited for had ended.
    pub(crate) free: Duration,
    /// The state, told with the ids of the recording.
    pub(crate) told: Value,
    /// The response that was asked for when all was over.
    pub(crate) probe: Option<Result<Duration, String>>,
    /// Timers that were still armed with the connection idle, and after it was gone.
    pub(crate) armed: [usize; 2],
}

pub(crate) struct Ended {
    pub(crate) number: usize,
    pub(crate) kind: String,
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    /// The status of a response, and nothing of all else.
    pub(crate) outcome: Result<String, Error>,
}

type Wait = LocalBoxFuture<'static, Result<String, Error>>;

/// Where calls go that are answered later.
pub(crate) type Late = UnboundedSender<ToolContext>;

/// A protocol that sessions were recorded of.
pub(crate) trait Played: Protocol<State: Report> {
    fn target() -> Target;

    /// Sends an event as the library means it to be sent, and waits for what answers it. Calls of functions are answered at
    /// once, or given to `late`.
    fn ask(connection: &Connection<Self>, event: &Value, late: Option<&Late>) -> Option<Wait>;

    /// Asks for something once all is over, which the server answers at once.
    fn probe(connection: &Connection<Self>) -> Option<Wait>;
}

impl Played for Realtime {
    fn target() -> Target {
        Target::Unnamed
    }

    fn ask(connection: &Connection<Self>, event: &Value, late: Option<&Late>) -> Option<Wait> {
        macro_rules! request {
            ($event:expr, $answer:ty) => {
                connection
                    .request::<$answer>($event)
                    .ok()
                    .map(|ack| ack.map(|ended| ended.map(|_| String::new())).boxed_local())
            };
        }
        match ClientEvent::decode(event.to_string().as_bytes()) {
            ClientEvent::SessionUpdate(_) if names(event).next().is_some() => {
                let schema = || json!({ "type": "object" }).into();
                let tools = names(event).fold(Tools::new().on_approval(async |_| true), |tools, name| match late {
                    None => tools.add_raw(name, "", schema(), async |_: Value| "the output"),
                    Some(late) => {
                        let late = late.clone();
                        let call = async move |_: Value, call: ToolContext| late.unbounded_send(call).map(|()| Later);
                        tools.add_raw_with_context(name, "", schema(), call).needs_approval()
                    }
                });
                connection.use_tools(tools).ok().map(|ack| ack.map(|ended| ended.map(|_| String::new())).boxed_local())
            }
            ClientEvent::ResponseCreate(create) => {
                let config = create.response.clone().unwrap_or_default();
                let handle = connection.response().create(config).ok()?;
                Some(handle.map(|ended| ended.map(status)).boxed_local())
            }
            event @ ClientEvent::SessionUpdate(_) => request!(event, SessionUpdated),
            event @ ClientEvent::ConversationItemCreate(_) => request!(event, ConversationItemAdded),
            event @ ClientEvent::ConversationItemDelete(_) => request!(event, ConversationItemDeleted),
            event @ ClientEvent::ConversationItemRetrieve(_) => request!(event, ConversationItemRetrieved),
            event @ ClientEvent::ConversationItemTruncate(_) => request!(event, ConversationItemTruncated),
            event @ ClientEvent::InputAudioBufferCommit(_) => request!(event, InputAudioBufferCommitted),
            event @ ClientEvent::InputAudioBufferClear(_) => request!(event, InputAudioBufferCleared),
            event @ ClientEvent::OutputAudioBufferClear(_) => request!(event, OutputAudioBufferCleared),
            event => {
                let _ = connection.send(event);
                None
            }
        }
    }

    fn probe(connection: &Connection<Self>) -> Option<Wait> {
        let handle = connection.response().create(ResponseConfig::default().instructions("probe")).unwrap();
        Some(handle.map(|ended| ended.map(status)).boxed_local())
    }
}

fn status(response: Response) -> String {
    response.status.map(|status| status.as_str().to_owned()).unwrap_or_default()
}

impl Played for Translation {
    fn target() -> Target {
        Target::Translation("m".into())
    }

    fn ask(connection: &Connection<Self>, event: &Value, _: Option<&Late>) -> Option<Wait> {
        let event = translation::ClientEvent::decode(event.to_string().as_bytes());
        if let translation::ClientEvent::SessionUpdate(_) = event {
            let ack = connection.request::<translation::SessionUpdated>(event).ok()?;
            return Some(ack.map(|ended| ended.map(|_| String::new())).boxed_local());
        }
        let _ = connection.send(event);
        None
    }

    fn probe(_: &Connection<Self>) -> Option<Wait> {
        None
    }
}

/// The functions that an update tells of.
pub(crate) fn names(event: &Value) -> impl Iterator<Item = &str> {
    let tools = event["session"]["tools"].as_array();
    tools
        .into_iter()
        .flatten()
        .filter(|tool| tool["type"] == "function")
        .filter_map(|tool| tool["name"].as_str().or(tool["function"]["name"].as_str()))
}

/// Whether the library sends it by itself once functions are run: their outputs, and the request for what follows.
fn is_automatic(script: &Script, at: usize) -> bool {
    let has_tools =
        script.steps[..at].iter().any(|step| matches!(step, Step::Hear(heard) if names(&heard.event).next().is_some()));
    let output =
        |step: &Step| matches!(step, Step::Hear(heard) if heard.event["item"]["type"] == "function_call_output");
    let Step::Hear(heard) = &script.steps[at] else { return false };
    let before = script.steps[..at].iter().rfind(|step| matches!(step, Step::Hear(_)));
    has_tools && (output(&script.steps[at]) || heard.event["type"] == "response.create" && before.is_some_and(output))
}

/// What both sides of a run share.
struct Stage<'a> {
    clock: VirtualClock,
    script: &'a Script,
    /// The ids that the client uses, by those of the recording.
    names: RefCell<HashMap<String, String>>,
    sent: RefCell<Vec<Value>>,
    heard: RefCell<BTreeSet<usize>>,
    last: RefCell<Duration>,
    said: RefCell<BTreeMap<usize, Duration>>,
    /// What is waited for, in words.
    open: RefCell<BTreeSet<String>>,
}

impl Stage<'_> {
    fn now(&self) -> Duration {
        self.clock.now().since_origin()
    }

    /// Says what the script says, and waits for the client where the recording does.
    async fn serve<P: Protocol>(&self, session: &MockSession<P>, orders: UnboundedSender<Heard>) {
        for (at, step) in self.script.steps.iter().enumerate() {
            match step {
                Step::Say(text) => {
                    session.send_raw(self.renamed(text));
                    *self.last.borrow_mut() = self.now();
                    self.said.borrow_mut().insert(at, self.now());
                }
                Step::Pause(seconds) => self.clock.sleep(Duration::from_secs(*seconds)).await,
                Step::Hear(heard) => {
                    if !is_automatic(self.script, at) && orders.unbounded_send(heard.clone()).is_err() {
                        return;
                    }
                    self.hear(session, heard).await;
                }
            }
            // The client reads each before the next is said.
            self.clock.sleep(Duration::from_millis(1)).await;
        }
        drop(orders);
        // From here on it answers the one who asks, and nothing else.
        while let Some(event) = self.next(session).await {
            if event["type"] == "response.create" && event["response"]["instructions"] == "probe" {
                for (kind, status) in [("response.created", "in_progress"), ("response.done", "completed")] {
                    let response = json!({
                        "object": "realtime.response", "id": "resp_probe", "status": status, "output": [],
                        "metadata": event["response"]["metadata"],
                    });
                    session.send_raw(json!({ "type": kind, "response": response }).to_string());
                }
            }
        }
    }

    async fn hear<P: Protocol>(&self, session: &MockSession<P>, heard: &Heard) {
        let patience = self.clock.sleep(Duration::from_secs(heard.patience));
        pin_mut!(patience);
        loop {
            let next = self.next(session);
            pin_mut!(next);
            match select(next, patience.as_mut()).await {
                Either::Left((Some(event), _)) if event["type"] == heard.event["type"] => {
                    self.heard.borrow_mut().insert(heard.number);
                    for path in ["/event_id", "/item/id"] {
                        let recorded = heard.event.pointer(path).and_then(Value::as_str);
                        let recorded = recorded.or(heard.item.as_deref().filter(|_| path == "/item/id"));
                        if let (Some(recorded), Some(now)) = (recorded, event.pointer(path).and_then(Value::as_str)) {
                            self.names.borrow_mut().insert(recorded.into(), now.into());
                        }
                    }
                    return;
                }
                Either::Left((Some(_), _)) => {}
                Either::Left((None, _)) | Either::Right(_) => return,
            }
        }
    }

    /// The client's next event.
    async fn next<P: Protocol>(&self, session: &MockSession<P>) -> Option<Value> {
        loop {
            match session.message().await.ok()?? {
                Message::Text(text) => {
                    let event: Value = serde_json::from_slice(text.as_bytes()).unwrap();
                    self.sent.borrow_mut().push(event.clone());
                    return Some(event);
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    fn renamed(&self, text: &str) -> String {
        let names = self.names.borrow();
        names.iter().fold(text.to_owned(), |text, (recorded, now)| {
            text.replace(&format!("\"{recorded}\""), &format!("\"{now}\""))
        })
    }

    /// A state, with the ids of the recording.
    fn recorded(&self, state: Value) -> Value {
        let names = self.names.borrow();
        let text = names.iter().fold(state.to_string(), |text, (recorded, now)| {
            text.replace(&format!("\"{now}\""), &format!("\"{recorded}\""))
        });
        serde_json::from_str(&text).unwrap()
    }

    /// Sends what it is told to, and waits for everything.
    async fn ask<P: Played>(
        &self,
        connection: &Connection<P>,
        mut orders: UnboundedReceiver<Heard>,
        late: Option<&Late>,
    ) -> Vec<Ended> {
        let mut waits = FuturesUnordered::new();
        let mut ended = Vec::new();
        let mut over = false;
        while !over || !waits.is_empty() {
            futures::select! {
                order = orders.next() => match order {
                    Some(heard) => {
                        let (number, from) = (heard.number, self.now());
                        let kind = heard.event["type"].as_str().unwrap_or_default().to_owned();
                        if let Some(wait) = P::ask(connection, &heard.event, late) {
                            let name = format!("{kind} {number}");
                            self.open.borrow_mut().insert(name.clone());
                            waits.push(async move {
                                let outcome = wait.await;
                                self.open.borrow_mut().remove(&name);
                                (number, kind, from, outcome)
                            });
                        }
                    }
                    None => over = true,
                },
                (number, kind, from, outcome) = waits.select_next_some() => {
                    ended.push(Ended { number, kind, from, to: self.now(), outcome });
                }
            }
        }
        ended
    }
}

/// Plays a script.
pub(crate) fn play<P: Played>(script: &Script) -> Run {
    play_with::<P>(script, false)
}

/// Plays a script. Calls of functions are answered at once, or a second later, which is then tried twice.
pub(crate) fn play_with<P: Played>(script: &Script, is_late: bool) -> Run {
    let clock = VirtualClock::new();
    let (transport, server): (_, MockServer) = MockTransport::on(&clock);
    server.greet_with(None::<&str>);
    let options = Options::default().keepalive(None);
    let client = Client::builder(transport).options(options).build();
    let stage = Stage {
        clock: clock.clone(),
        script,
        names: RefCell::default(),
        sent: RefCell::default(),
        heard: RefCell::default(),
        last: RefCell::default(),
        said: RefCell::default(),
        open: RefCell::default(),
    };
    let mut run = Run {
        refused: None,
        ended: Vec::new(),
        heard: BTreeSet::new(),
        said: BTreeMap::new(),
        sent: Vec::new(),
        last: Duration::ZERO,
        free: Duration::ZERO,
        told: Value::Null,
        probe: None,
        armed: [0; 2],
    };
    let (orders, ordered) = unbounded();
    let (late, mut calls) = unbounded::<ToolContext>();
    let late = is_late.then_some(late);
    let answered = async {
        while let Some(call) = calls.next().await {
            stage.clock.sleep(Duration::from_secs(1)).await;
            assert_eq!(call.answer("the output"), Ok(()), "{call:?}");
            assert_eq!(call.answer("the output"), Err(AnswerError::Answered), "{call:?}");
        }
        std::future::pending::<()>().await
    };
    let served = async {
        let session = server.accept_as::<P>().await;
        stage.serve(&session, orders).await;
        // The link stays up until the client ends it.
        session.closed().await;
    };
    let used = async {
        let connection = match client.protocol::<P>().target(P::target()).connect().await {
            Ok(connection) => connection,
            Err(error) => {
                run.refused = Some((error, stage.now()));
                return;
            }
        };
        let read = async {
            let mut updates = connection.updates();
            while updates.next().await.is_some() {}
        };
        let read = select(Box::pin(read), Box::pin(answered)).map(drop);
        pin_mut!(read);
        let mut read = read.fuse();
        {
            let ask = stage.ask(&connection, ordered, late.as_ref()).fuse();
            pin_mut!(ask);
            run.ended = futures::select! { ended = ask => ended, () = read => ask.await };
        }
        run.free = stage.now();
        // What nobody waits for has its bounds, too: a response that the server began by itself, an event that is not
        // answered.
        let rest = stage.clock.sleep(REST).fuse();
        pin_mut!(rest);
        futures::select! { () = rest => {}, () = read => panic!("reading has ended") }
        run.told = stage.recorded(connection.state().report());
        if let Some(probe) = P::probe(&connection) {
            let from = stage.now();
            let probe = probe.fuse();
            pin_mut!(probe);
            let outcome = futures::select! { outcome = probe => outcome, () = read => probe.await };
            run.probe = Some(outcome.map(|_| stage.now() - from).map_err(|error| format!("{error:?}")));
        }
        assert_eq!(connection.phase(), Phase::Open, "the connection has ended");
        // The alarm that is armed all the time is the test's own.
        let rest = stage.clock.sleep(Duration::from_secs(5)).fuse();
        pin_mut!(rest);
        futures::select! { () = rest => {}, () = read => panic!("reading has ended") }
        run.armed[0] = clock.pending() - 1;
        let from = stage.now();
        // A server that does not end the session is not waited for any longer than the options say.
        if let Err(error) = connection.finish().await {
            assert!(matches!(error.kind(), ErrorKind::Timeout(Deadline::Finish)), "{error:?}");
        }
        while connection.next().await.is_some() {}
        assert!(stage.now() - from <= FINISH, "{:?} to finish", stage.now() - from);
    };
    let hung = async {
        clock.sleep(HUNG).await;
    };
    clock.block_on(async {
        let both = join(served, used);
        pin_mut!(both, hung);
        if let Either::Right(_) = select(both, hung).await {
            panic!("waited for for ever: {:?}", stage.open.borrow());
        }
    });
    (run.sent, run.heard, run.last) = (stage.sent.take(), stage.heard.take(), stage.last.take());
    run.said = stage.said.take();
    drop(client);
    drop(server);
    run.armed[1] = clock.pending();
    run
}
