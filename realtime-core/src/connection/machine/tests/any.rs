//! Any sequence of inputs, at any times.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::protocol::event::Event;

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Dialed(bool),
    Receive(usize, usize),
    Close(usize, u16),
    End(usize),
    Break(usize),
    Late(usize),
    Block(usize, bool),
    Reads(bool),
    Request(usize),
    Append,
    TakeUpdates,
    Finish,
    CloseIt,
}

const SERVER: [&str; 14] = [
    CREATED,
    UPDATED,
    r#"{"type":"conversation.item.added","event_id":"e","previous_item_id":null,"item":{"id":"i0","type":"message","role":"user","content":[]}}"#,
    r#"{"type":"response.created","event_id":"e","response":{"id":"r","status":"in_progress"}}"#,
    r#"{"type":"response.done","event_id":"e","response":{"id":"r","status":"completed","output":[]}}"#,
    r#"{"type":"error","event_id":"e","error":{"type":"invalid_request_error","message":"no"}}"#,
    r#"{"type":"error","event_id":"e","error":{"type":"invalid_request_error","message":"no","event_id":"q1"}}"#,
    r#"{"type":"input_audio_buffer.cleared","event_id":"e"}"#,
    r#"{"type":"input_audio_buffer.speech_started","event_id":"e","audio_start_ms":0,"item_id":"i9"}"#,
    r#"{"type":"input_audio_buffer.speech_stopped","event_id":"e","audio_end_ms":9,"item_id":"i9"}"#,
    r#"{"type":"session.created"}"#,
    r#"{"type":"newer.than.this"}"#,
    "no event",
    r#"{"type":"ping"}"#,
];

const CLIENT: [&str; 6] = [
    r#""type":"session.update","session":{"type":"realtime"}"#,
    r#""type":"conversation.item.create","item":{"id":"i0","type":"message","role":"user","content":[{"type":"input_text","text":"Hm."}]}"#,
    r#""type":"conversation.item.delete","item_id":"i0""#,
    r#""type":"response.create""#,
    r#""type":"input_audio_buffer.clear""#,
    r#""type":"input_audio_buffer.commit""#,
];

fn step() -> impl Strategy<Value = Step> {
    let socket = 0..3_usize;
    prop_oneof![
        4 => prop_oneof![Just(1_u64), Just(500), Just(4_000), Just(31_000), Just(3_480_000)].prop_map(Step::Pass),
        4 => any::<bool>().prop_map(Step::Dialed),
        2 => Just(Step::Dialed(true)),
        9 => (socket.clone(), 0..SERVER.len()).prop_map(|(at, event)| Step::Receive(at, event)),
        3 => socket.clone().prop_map(|at| Step::Receive(at, 0)),
        1 => (socket.clone(), prop_oneof![Just(1000_u16), Just(1001), Just(1012), Just(4000)])
            .prop_map(|(at, code)| Step::Close(at, code)),
        1 => socket.clone().prop_map(Step::End),
        1 => socket.clone().prop_map(Step::Break),
        1 => socket.clone().prop_map(Step::Late),
        2 => (socket, any::<bool>()).prop_map(|(at, blocked)| Step::Block(at, blocked)),
        1 => any::<bool>().prop_map(Step::Reads),
        8 => (0..CLIENT.len()).prop_map(Step::Request),
        2 => Just(Step::Append),
        2 => Just(Step::TakeUpdates),
        1 => prop_oneof![9 => Just(Step::TakeUpdates), 1 => Just(Step::Finish)],
        1 => prop_oneof![9 => Just(Step::TakeUpdates), 1 => Just(Step::CloseIt)],
    ]
}

/// A bench, and what was asked of it.
struct Run {
    bench: Bench,
    requests: Vec<(String, Arc<Cell<Realtime>>)>,
    /// What every socket had been given when the connection ended.
    written_at_end: Option<usize>,
}

impl Run {
    fn up(&mut self, at: usize) -> Option<&mut Socket> {
        self.bench.sockets.iter_mut().filter(|socket| socket.stage == SocketStage::Up).nth(at)
    }

    fn step(&mut self, step: Step) {
        let now = self.bench.now;
        match step {
            Step::Pass(ms) => self.bench.advance(Duration::from_millis(ms)),
            Step::Dialed(works) => {
                if self.bench.sockets.last().is_some_and(|socket| socket.stage == SocketStage::Dialing) {
                    self.bench.dialed(if works { Ok(LinkInfo { can_ping: true }) } else { Err(broken()) });
                }
            }
            Step::Receive(at, event) => {
                if let Some(socket) = self.up(at) {
                    socket.incoming.push_back(Some(Message::Text(SERVER[event].into())));
                }
            }
            Step::Close(at, code) => {
                if let Some(socket) = self.up(at) {
                    socket.incoming.push_back(Some(Message::Close(Some(CloseFrame::new(code, "")))));
                }
            }
            Step::End(at) => {
                if let Some(socket) = self.up(at) {
                    socket.incoming.push_back(None);
                }
            }
            Step::Break(at) => {
                if let Some(id) = self.up(at).map(|socket| socket.id) {
                    let error = TransportError::new(crate::transport::TransportErrorKind::Io, "x");
                    self.bench.machine.on_write_failed(id, error, now);
                }
            }
            Step::Late(at) => {
                let gone = self.bench.sockets.iter().filter(|socket| socket.stage == SocketStage::Dropped).nth(at);
                if let Some(id) = gone.map(|socket| socket.id) {
                    let created = Received::Message(Message::Text(CREATED.into()));
                    assert_eq!(self.bench.on_message(id, created), Ok(()));
                    let Bench { machine, queue, .. } = &mut self.bench;
                    machine.on_written(id, queue);
                    machine.on_read_end(id, None, queue, now);
                    assert!(machine.poll_transmit(id, queue, now).is_none());
                }
            }
            Step::Block(at, blocked) => {
                if let Some(socket) = self.up(at) {
                    socket.blocked = blocked;
                }
            }
            Step::Reads(reads) => self.bench.reads = reads,
            Step::Request(event) => {
                let id = format!("q{}", self.requests.len());
                let cell = Arc::new(Cell::new());
                let json = format!(r#"{{"event_id":"{id}",{}}}"#, CLIENT[event]);
                if self.bench.enqueue(&json, Some(cell.clone())).is_ok() {
                    self.requests.push((id, cell));
                }
            }
            Step::Append => {
                let _ = self.bench.config.append(&self.bench.queue, &[0; 480], Some(now));
            }
            Step::TakeUpdates => {
                self.bench.updates();
                self.bench.machine.unpark(&self.bench.queue);
            }
            Step::Finish => {
                self.bench.machine.begin_finish(now);
            }
            Step::CloseIt => {
                self.bench.machine.begin_close(CloseFrame::new(1000, ""), &self.bench.queue, now);
            }
        }
        self.bench.settle();
        self.check();
    }

    fn check(&mut self) {
        let Bench { machine, queue, sockets, .. } = &mut self.bench;
        let (bytes, queued) = queue.with(|out| out.accounts());
        let held: usize = machine.held.iter().map(Entry::len).sum();
        assert_eq!(bytes, queued + held + machine.link.writing_bytes(), "queue bytes equal the sum of the entries");
        let alive = sockets.iter().filter(|socket| socket.stage != SocketStage::Dropped).count();
        let dialing = sockets.iter().filter(|socket| socket.stage == SocketStage::Dialing).count();
        assert!(alive <= 3 && dialing <= 1, "{alive} sockets, {dialing} attempts");
        if machine.end().is_none() {
            return;
        }
        assert_eq!(machine.poll_timeout(), None, "no timeout is armed after the end");
        assert_eq!(alive, 0, "every action is answered or dropped");
        let written = sockets.iter().map(|socket| socket.written.len()).sum();
        assert_eq!(*self.written_at_end.get_or_insert(written), written, "nothing is transmitted after the end");
    }

    /// Closes it: however it stands, it ends.
    fn finish(mut self) {
        self.step(Step::CloseIt);
        self.step(Step::Pass(5_000));
        assert!(self.bench.machine.end().is_some(), "closing has a bound");
        let unsent = self.bench.machine.take_unsent(&self.bench.queue);
        let unsent: Vec<_> = unsent.iter().filter_map(Event::event_id).map(ToString::to_string).collect();
        for (id, cell) in &self.requests {
            let fate = fate(cell);
            assert_ne!(fate, "open", "{id}: each request has a fate");
            assert!(cell.take().is_none(), "{id}: and one alone");
            assert_eq!(unsent.contains(id), fate == "unsent", "{id} is {fate}");
        }
        let (bytes, _) = self.bench.queue.with(|out| out.accounts());
        assert_eq!(bytes, self.bench.machine.link.writing_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_invariants_hold_whatever_happens(
        steps in vec(step(), 0..60),
        reconnects in any::<bool>(),
        joins in any::<bool>(),
        small in any::<bool>(),
    ) {
        let options = Options::default();
        let options = if small { options.queue_bytes(400).inbox_bytes(2_000) } else { options };
        let bench = Bench::of(options, reconnects.then(Reconnect::default), joins);
        let mut run = Run { bench, requests: Vec::new(), written_at_end: None };
        steps.into_iter().for_each(|step| run.step(step));
        run.finish();
    }
}
