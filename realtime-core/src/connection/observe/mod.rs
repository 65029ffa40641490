//! What spans and metrics are told: types, sizes and times, never payloads unless the application asks for them.
//!
//! What happens under the connection's lock is noted there and told after the lock is released, because a subscriber or
//! a recorder is foreign code.

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "tracing")]
mod names;
#[cfg(feature = "tracing")]
mod spans;

#[cfg(any(feature = "metrics", feature = "tracing"))]
pub(super) use on::*;

#[cfg(not(any(feature = "metrics", feature = "tracing")))]
pub(super) use off::*;

#[cfg(feature = "metrics")]
pub use metrics::describe_metrics;

#[cfg(any(feature = "metrics", feature = "tracing"))]
mod on {
    #[cfg(feature = "metrics")]
    use super::metrics::{Meter, Traffic};
    #[cfg(feature = "tracing")]
    use super::spans::Tracer;
    use crate::{
        connection::{machine::config::Config, notice::Phase},
        endpoint::Target,
        protocol::{
            Protocol,
            state::{Measurement, ResponseTransition},
        },
        wire::{Id, Omission},
    };

    /// Notes of one turn.
    #[derive(Default)]
    pub(in super::super) struct Log {
        notes: Vec<Note>,
        #[cfg(feature = "metrics")]
        traffic: Traffic,
    }

    #[cfg_attr(
        not(all(feature = "metrics", feature = "tracing")),
        expect(dead_code, reason = "spans and metrics each tell a part")
    )]
    pub(super) enum Note {
        #[cfg(feature = "tracing")]
        Message {
            sent: bool,
            kind: String,
            bytes: usize,
        },
        LeftOut {
            kind: String,
            omission: Omission,
        },
        Phase(Phase),
        Ended {
            graceful: bool,
        },
        Turn(ResponseTransition),
        Measured(Measurement),
    }

    impl Log {
        pub(in super::super) fn message<'a>(&mut self, sent: bool, kind: impl FnOnce() -> &'a str, bytes: usize) {
            #[cfg(feature = "metrics")]
            self.traffic.add(sent, bytes);
            #[cfg(feature = "tracing")]
            if super::spans::traces_messages() {
                self.notes.push(Note::Message { sent, kind: kind().into(), bytes });
            }
            #[cfg(not(feature = "tracing"))]
            let _ = kind;
        }

        /// A member that did not fit and was left out.
        pub(in super::super) fn left_out(&mut self, kind: &str, omissions: Vec<Omission>) {
            self.notes.extend(omissions.into_iter().map(|omission| Note::LeftOut { kind: kind.into(), omission }));
        }

        pub(in super::super) fn phase(&mut self, phase: Phase) {
            self.notes.push(Note::Phase(phase));
        }

        /// The connection has ended.
        pub(in super::super) fn ended(&mut self, graceful: bool) {
            self.notes.push(Note::Ended { graceful });
        }

        pub(in super::super) fn turns(&mut self, turns: Vec<ResponseTransition>) {
            self.notes.extend(turns.into_iter().map(Note::Turn));
        }

        pub(in super::super) fn measured(&mut self, measured: Vec<Measurement>) {
            self.notes.extend(measured.into_iter().map(Note::Measured));
        }
    }

    /// What a connection is connected to. Not stored, because thousands of connections may be idle at once.
    #[derive(Clone, Copy)]
    pub(super) struct Subject<'a> {
        pub(super) provider: &'static str,
        pub(super) model: Option<&'a str>,
    }

    impl<'a> Subject<'a> {
        fn of<P: Protocol>(config: &'a Config<P>) -> Self {
            let model = match &config.target {
                Target::Model(model) | Target::Translation(model) => Some(model.as_str()),
                _ => None,
            };
            // In the words of OpenTelemetry's conventions. Whoever speaks the protocol elsewhere speaks OpenAI's.
            let provider = if config.azure { "azure.ai.openai" } else { "openai" };
            Self { provider, model }
        }
    }

    /// The spans and the metrics of a connection.
    pub(in super::super) struct Observer {
        #[cfg(feature = "tracing")]
        tracer: Tracer,
        #[cfg(feature = "metrics")]
        meter: Meter,
    }

    impl Observer {
        pub(in super::super) fn new<P: Protocol>(config: &Config<P>) -> Self {
            let subject = Subject::of(config);
            Self {
                #[cfg(feature = "tracing")]
                tracer: Tracer::new(subject),
                #[cfg(feature = "metrics")]
                meter: Meter::new(subject),
            }
        }

        pub(in super::super) fn tell<P: Protocol>(&self, config: &Config<P>, log: Log) {
            let subject = Subject::of(config);
            #[cfg(feature = "metrics")]
            self.meter.tell(subject, &log.notes, &log.traffic);
            #[cfg(feature = "tracing")]
            self.tracer.tell(subject, log.notes);
        }

        /// Runs a function's future in its own span.
        pub(in super::super) fn tool<F: Future>(
            &self,
            name: &str,
            call_id: Option<&Id>,
            future: F,
        ) -> impl Future<Output = F::Output> + use<F> {
            #[cfg(feature = "tracing")]
            return self.tracer.tool(name, call_id, future);
            #[cfg(not(feature = "tracing"))]
            {
                let _ = (name, call_id);
                future
            }
        }
    }
}

#[cfg(not(any(feature = "metrics", feature = "tracing")))]
mod off {
    use crate::{
        connection::{machine::config::Config, notice::Phase},
        protocol::{
            Protocol,
            state::{Measurement, ResponseTransition},
        },
        wire::{Id, Omission},
    };

    #[derive(Default)]
    pub(in super::super) struct Log(());

    impl Log {
        pub(in super::super) fn message<'a>(&mut self, _: bool, _: impl FnOnce() -> &'a str, _: usize) {}

        pub(in super::super) fn left_out(&mut self, _: &str, _: Vec<Omission>) {}

        pub(in super::super) fn phase(&mut self, _: Phase) {}

        pub(in super::super) fn ended(&mut self, _: bool) {}

        pub(in super::super) fn turns(&mut self, _: Vec<ResponseTransition>) {}

        pub(in super::super) fn measured(&mut self, _: Vec<Measurement>) {}
    }

    pub(in super::super) struct Observer;

    impl Observer {
        pub(in super::super) fn new<P: Protocol>(config: &Config<P>) -> Self {
            let _ = config.azure;
            Self
        }

        pub(in super::super) fn tell<P: Protocol>(&self, _: &Config<P>, _: Log) {}

        pub(in super::super) fn tool<F: Future>(&self, _: &str, _: Option<&Id>, future: F) -> F {
            future
        }
    }
}
