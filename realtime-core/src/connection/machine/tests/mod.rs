//! The rules of a connection, tested without a transport: scripts for each rule, and properties of any sequence of inputs.

mod any;
mod bounds;
mod close;
mod failover;
mod handover;
mod opening;
mod reconnect;

use std::{cell::RefCell, sync::Arc, time::Duration};

use super::*;
use crate::{
    connection::{ids::Ids, notice::Update, options::Options, retry::Reconnect},
    dialect::Dialect,
    endpoint::Target,
    protocol::state::Changes,
    realtime::{Realtime, RealtimeSettings, event::ServerEvent},
    transport::{CloseFrame, Message, Received, TransportError},
};

/// The wall clock at the origin of the tests' clock.
const UNIX: Duration = Duration::from_secs(1_795_600_800);

pub(super) const CREATED: &str = r#"{"type":"session.created","event_id":"e1","session":{"type":"realtime"}}"#;
pub(super) const UPDATE: &str = r#"{"type":"session.update","event_id":"u1","session":{"type":"realtime"}}"#;
pub(super) const UPDATED: &str = r#"{"type":"session.updated","event_id":"e2","session":{"type":"realtime"}}"#;

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn at(seconds: u64) -> Instant {
    Instant::from_origin(secs(seconds))
}

/// The outbox, as senders share it.
pub(super) struct Outside(RefCell<Outbox<Realtime>>);

impl Queue<Realtime> for Outside {
    fn with<R>(&self, f: impl FnOnce(&mut Outbox<Realtime>) -> R) -> R {
        f(&mut self.0.borrow_mut())
    }
}

/// How far a link's socket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SocketStage {
    Dialing,
    Up,
    Dropped,
}

/// The socket of one link, as a driver would have it.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) id: LinkId,
    pub(super) stage: SocketStage,
    pub(super) again: Option<Again>,
    /// What was written to it.
    pub(super) written: Vec<Message>,
    /// What it has to read. None: it has ended.
    pub(super) incoming: VecDeque<Option<Message>>,
    /// Whether it takes nothing.
    pub(super) blocked: bool,
    has_written: bool,
}

/// A machine with sockets that are lists and a clock that is a number.
pub(super) struct Bench {
    pub(super) machine: Machine<Realtime>,
    pub(super) queue: Outside,
    pub(super) config: Arc<Config<Realtime>>,
    pub(super) now: Instant,
    pub(super) sockets: Vec<Socket>,
    /// Whether anything is read.
    pub(super) reads: bool,
    /// Whether somebody waits for the next event.
    pub(super) reader: bool,
    /// What the last event changed, as a turn keeps it.
    changes: Changes<ServerEvent>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(|options| options, None)
    }

    pub(super) fn reconnecting(policy: Reconnect) -> Self {
        Self::with(|options| options, Some(policy))
    }

    pub(super) fn with(set: impl FnOnce(Options) -> Options, reconnect: Option<Reconnect>) -> Self {
        Self::of(set(Options::default()), reconnect, false)
    }

    pub(super) fn of(options: Options, reconnect: Option<Reconnect>, joins: bool) -> Self {
        let config = Arc::new(Config {
            options: Arc::new(options),
            reconnect: reconnect.map(Arc::new),
            target: Target::Unnamed,
            joins,
            settings: RealtimeSettings::default(),
            dialect: Dialect::default(),
            ids: Ids::new(Some(1), Some(UNIX)),
            azure: false,
        });
        let queue =
            Outside(RefCell::new(Outbox::new(config.options.queue_bytes, config.options.audio, config.dialect)));
        let now = Instant::default();
        let machine = Machine::new(config.clone(), now);
        let (sockets, changes) = (Vec::new(), Changes::default());
        let mut bench = Self { machine, queue, config, now, sockets, reads: true, reader: true, changes };
        bench.turn();
        bench
    }

    /// One that is open.
    pub(super) fn open(set: impl FnOnce(Options) -> Options, reconnect: Option<Reconnect>) -> Self {
        let mut bench = Self::with(set, reconnect);
        bench.connect();
        bench.receive(CREATED);
        assert_eq!(bench.machine.phase(), Phase::Open);
        bench.updates();
        bench
    }

    /// One turn, in the order that the module's documentation asks for.
    pub(super) fn turn(&mut self) {
        self.machine.set_reader(self.reader);
        self.machine.on_queued();
        for place in 0..3 {
            let Some(id) = self.machine.links()[place] else { continue };
            self.read(id);
            self.write(id);
        }
        self.machine.on_timeout(&self.queue, self.now);
        if let [Some(id), ..] = self.machine.links() {
            self.write(id);
        }
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::Dial { id, again } => self.sockets.push(Socket {
                    id,
                    stage: SocketStage::Dialing,
                    again,
                    written: Vec::new(),
                    incoming: VecDeque::new(),
                    blocked: false,
                    has_written: false,
                }),
                Action::Drop(id) => {
                    if let Some(socket) = self.sockets.iter_mut().find(|socket| socket.id == id) {
                        socket.stage = SocketStage::Dropped;
                    }
                }
            }
        }
    }

    /// Turns until nothing is left to be done.
    pub(super) fn settle(&mut self) {
        for _ in 0..20 {
            self.turn();
        }
    }

    /// Receives a message on a link.
    pub(super) fn on_message(&mut self, id: LinkId, mut message: Received<'_>) -> Result<(), Message> {
        self.machine.on_message(id, &mut message, &mut self.changes, &self.queue, self.now)
    }

    fn read(&mut self, id: LinkId) {
        if !self.reads || !self.machine.wants_read(id, true, &self.queue, self.now) {
            return;
        }
        while self.machine.has_room(id) {
            let Some(socket) = up(&mut self.sockets, id) else { return };
            match socket.incoming.pop_front() {
                None => return self.machine.on_read_idle(id, &self.queue, self.now),
                Some(Some(message)) => {
                    assert_eq!(self.on_message(id, Received::Message(message)), Ok(()));
                }
                Some(None) => return self.machine.on_read_end(id, None, &self.queue, self.now),
            }
        }
    }

    fn write(&mut self, id: LinkId) {
        if !self.machine.wants_write(id, true, self.now) {
            return;
        }
        loop {
            let Some(socket) = up(&mut self.sockets, id) else { return };
            if socket.blocked && socket.has_written {
                return self.machine.on_write_pending(id, self.now);
            }
            self.machine.on_written(id, &self.queue);
            let Some(message) = self.machine.poll_transmit(id, &self.queue, self.now) else { return };
            socket.has_written = true;
            socket.written.push(message);
        }
    }

    /// Lets time pass, with a turn at every deadline.
    pub(super) fn advance(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(next) = self.machine.poll_timeout().filter(|next| *next <= until) {
            self.now = next.max(self.now);
            self.turn();
            // What is due and cannot be done is looked at again, later.
            if self.machine.poll_timeout().is_some_and(|next| next <= self.now) {
                self.turn();
                assert!(self.machine.poll_timeout().is_none_or(|next| next > self.now), "a deadline that nothing ends");
            }
        }
        self.now = until;
        self.turn();
    }

    /// The socket opened last.
    pub(super) fn socket(&mut self) -> &mut Socket {
        self.sockets.last_mut().unwrap()
    }

    /// The attempts that are under way.
    pub(super) fn dialing(&self) -> Vec<LinkId> {
        let dialing = self.sockets.iter().filter(|socket| socket.stage == SocketStage::Dialing);
        dialing.map(|socket| socket.id).collect()
    }

    /// The latest attempt succeeds.
    pub(super) fn connect(&mut self) {
        self.dialed(Ok(LinkInfo { can_ping: true }));
        assert_eq!(self.socket().stage, SocketStage::Up);
    }

    /// The latest attempt ends.
    pub(super) fn dialed(&mut self, result: Result<LinkInfo, Error>) {
        let socket = self.sockets.last_mut().unwrap();
        assert_eq!(socket.stage, SocketStage::Dialing);
        socket.stage = if result.is_ok() { SocketStage::Up } else { SocketStage::Dropped };
        let id = socket.id;
        self.machine.on_dialed(id, result, &self.queue, self.wall());
        self.settle();
    }

    pub(super) fn wall(&self) -> Now {
        Now { at: self.now, unix: Some(UNIX + self.now.since_origin()) }
    }

    /// The socket opened last brings this.
    pub(super) fn receive(&mut self, text: &str) {
        self.arrive(Message::Text(text.into()));
    }

    pub(super) fn arrive(&mut self, message: Message) {
        self.socket().incoming.push_back(Some(message));
        self.settle();
    }

    /// The socket opened first that is still up brings this.
    pub(super) fn receive_in_use(&mut self, text: &str) {
        let socket = self.sockets.iter_mut().find(|socket| socket.stage == SocketStage::Up).unwrap();
        socket.incoming.push_back(Some(Message::Text(text.into())));
        self.settle();
    }

    /// The socket opened last ends.
    pub(super) fn end(&mut self) {
        self.socket().incoming.push_back(None);
        self.settle();
    }

    /// The peer closes the socket opened last.
    pub(super) fn close_by_peer(&mut self, code: u16) {
        self.arrive(Message::Close(Some(CloseFrame::new(code, ""))));
        self.end();
    }

    /// Queues an event and awaits its answer.
    pub(super) fn request(&mut self, json: &str) -> Arc<Cell<Realtime>> {
        let cell = Arc::new(Cell::new());
        self.enqueue(json, Some(cell.clone())).unwrap();
        self.settle();
        cell
    }

    pub(super) fn enqueue(
        &mut self,
        json: &str,
        cell: Option<Arc<Cell<Realtime>>>,
    ) -> Result<(), entry::SendError<Realtime>> {
        use crate::protocol::event::Event;

        let event = <Realtime as Protocol>::ClientEvent::decode(json.as_bytes());
        self.config.enqueue(&self.queue, event, cell, false, Some(self.now))
    }

    /// What was written to the socket opened last, by the types of the events.
    pub(super) fn sent(&mut self) -> Vec<String> {
        kinds(&self.socket().written)
    }

    /// What readers get, by name.
    pub(super) fn updates(&mut self) -> Vec<String> {
        use crate::protocol::event::Event;

        std::iter::from_fn(|| self.machine.inbox.pop(&mut None))
            .map(|update| match update {
                Update::Event(event) => event.kind().to_owned(),
                Update::Notice(Notice::Phase(phase)) => format!("{phase:?}"),
                Update::Notice(Notice::Reconnecting { attempt, after, .. }) => format!("retry {attempt} in {after:?}"),
                Update::Notice(Notice::Reconnected(reconnected)) => {
                    format!("reconnected, planned: {}", reconnected.planned)
                }
                Update::Notice(Notice::Failed { .. }) => "failed".into(),
                Update::Notice(Notice::AudioDropped { milliseconds }) => format!("dropped {milliseconds} ms"),
                Update::Notice(_) => "notice".into(),
            })
            .collect()
    }

    /// How the connection ended.
    pub(super) fn ended(&self) -> String {
        match self.machine.end() {
            None => "not ended".into(),
            Some(Ok(())) => "in order".into(),
            Some(Err(error)) => error.to_string(),
        }
    }
}

fn up(sockets: &mut [Socket], id: LinkId) -> Option<&mut Socket> {
    sockets.iter_mut().find(|socket| socket.id == id && socket.stage == SocketStage::Up)
}

/// Messages by the types of their events.
pub(super) fn kinds(messages: &[Message]) -> Vec<String> {
    let kind = |message: &Message| match message {
        Message::Text(text) => {
            let json: serde_json::Value = serde_json::from_slice(text.as_bytes()).unwrap();
            json["type"].as_str().unwrap().to_owned()
        }
        Message::Close(frame) => format!("close {}", frame.as_ref().map_or(1005, |frame| frame.code)),
        Message::Ping(_) => "ping".into(),
        Message::Pong(_) => "pong".into(),
        Message::Binary(_) => "binary".into(),
    };
    messages.iter().map(kind).collect()
}

pub(super) fn broken() -> Error {
    TransportError::new(crate::transport::TransportErrorKind::Connect, "refused").into()
}

#[test]
fn an_idle_machine_is_small() {
    let sizes = [size_of::<Machine<Realtime>>(), size_of::<Link>(), size_of::<Inbox<Realtime>>()];
    assert!(sizes[0] <= 1_100, "{sizes:?}");
}

/// What became of a request.
pub(super) fn fate(cell: &Cell<Realtime>) -> &'static str {
    match cell.take() {
        None => "open",
        Some(Ok(_)) => "granted",
        Some(Err(error)) => match error.kind() {
            ErrorKind::Request(_) => "refused",
            ErrorKind::Unanswered(_) => "unanswered",
            ErrorKind::Ambiguous => "ambiguous",
            ErrorKind::Unsent => "unsent",
            ErrorKind::Stale => "stale",
            _ => "another error",
        },
    }
}
