use std::{
    io::{self, IsTerminal, Write},
    pin::pin,
    thread,
    time::Duration,
};

use clap::Args;
use crossterm::{
    event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    terminal,
};
use realtime::{Connection, Realtime, tokio::TokioTimer};
use realtime_device::{Choice, DeviceError, DeviceErrorKind, Devices, Microphone};
use serde_json::json;
use tokio::sync::mpsc;

use super::tell;
use crate::{
    audio::PCM,
    commands::more,
    output::{self, Output},
};

/// How long a device that was lost may be missing.
const PATIENCE: Duration = Duration::from_secs(60);
/// Columns of the level meter.
const METER: usize = 30;
/// The level that the meter begins at, in dBFS.
const QUIET_DB: f32 = -60.0;

#[derive(Args)]
pub(super) struct DeviceArgs {
    /// Microphone: a part of its name, as `devices` lists it
    #[arg(long, value_name = "NAME")]
    microphone: Option<String>,
    /// Speaker: a part of its name
    #[arg(long, value_name = "NAME")]
    speaker: Option<String>,
    /// Record only after the space bar was pressed, until it is pressed again
    #[arg(long)]
    push_to_talk: bool,
    /// Record nothing while the answer is played, so that it is not taken for speech
    #[arg(long, conflicts_with = "push_to_talk")]
    half_duplex: bool,
}

/// Lists the devices.
pub(crate) fn devices(output: &Output) -> anyhow::Result<()> {
    for device in Devices::new().list()? {
        let uses = match (device.is_input, device.is_output) {
            (true, true) => "microphone and speaker",
            (true, false) => "microphone",
            _ => "speaker",
        };
        let value = json!({ "name": device.name, "input": device.is_input, "output": device.is_output });
        output.result(&value, || format!("{} ({uses})", device.name))?;
    }
    Ok(())
}

impl DeviceArgs {
    /// Talks until `q` is pressed, the connection ends, or a device stays lost.
    pub(super) async fn converse(&self, connection: &Connection<Realtime>, output: Output) -> anyhow::Result<()> {
        let (devices, timer) = (Devices::new(), TokioTimer::new());
        let (input, speaker) = (choice(self.microphone.as_ref()), choice(self.speaker.as_ref()));
        let mut microphone = devices.microphone(&input, PCM)?;
        microphone.mute(self.push_to_talk);
        let player = connection.player()?;
        let mut playing = pin!(async {
            loop {
                let error = match devices.speaker(&speaker, PCM) {
                    Ok(mut speaker) => match speaker.run(&player, &timer).await {
                        Ok(()) => continue,
                        Err(error) => error,
                    },
                    Err(error) => error,
                };
                found_again(&devices, &speaker, &timer, error).await?;
            }
            #[expect(unreachable_code, reason = "tells the type of the loop, which ends by `?` only")]
            Ok::<(), DeviceError>(())
        });
        let mut keys = Keys::listen();
        let mut meter = Meter::new(output);
        output::note(if self.push_to_talk { "space: talk, and again: send; q: quit" } else { "talk; q: quit" });
        let mut talking = !self.push_to_talk;
        loop {
            tokio::select! {
                chunk = microphone.next() => match chunk {
                    Ok(chunk) => {
                        if self.half_duplex {
                            microphone.mute(player.unheard_ms() > 0);
                        }
                        connection.input_audio_buffer().append(&chunk)?;
                        meter.show(&microphone, talking);
                    }
                    Err(error) => {
                        found_again(&devices, &input, &timer, error).await?;
                        microphone = devices.microphone(&input, PCM)?;
                        microphone.mute(!talking);
                    }
                },
                failed = &mut playing => failed?,
                key = keys.next() => match key {
                    Key::Space if self.push_to_talk => {
                        talking = !talking;
                        microphone.mute(!talking);
                    }
                    Key::Quit => return Ok(()),
                    Key::Space => {}
                },
                event = connection.next() => {
                    let event = more(event)?;
                    meter.clear();
                    tell(&event, output)?;
                    // A terminal in raw mode does not return to the beginning of a line by itself.
                    meter.clear();
                }
            }
        }
    }
}

fn choice(name: Option<&String>) -> Choice {
    name.map_or(Choice::Default, |name| Choice::Named(name.clone()))
}

/// Waits until a device that was lost is back. Every other error is final.
async fn found_again(
    devices: &Devices,
    choice: &Choice,
    timer: &TokioTimer,
    error: DeviceError,
) -> Result<(), DeviceError> {
    if error.kind() != DeviceErrorKind::Lost {
        return Err(error);
    }
    output::note(format_args!("{error}: waiting for it"));
    devices.wait(choice, timer, PATIENCE).await
}

/// A key that means something.
enum Key {
    Space,
    Quit,
}

/// The keys of a terminal, without waiting for the end of a line.
struct Keys {
    keys: mpsc::UnboundedReceiver<Key>,
    raw: bool,
}

impl Keys {
    /// Listens on a thread, because reading a terminal blocks. Without a terminal, no key is ever pressed.
    fn listen() -> Self {
        let (sender, keys) = mpsc::unbounded_channel();
        let raw = io::stdin().is_terminal() && terminal::enable_raw_mode().is_ok();
        if raw {
            thread::spawn(move || {
                while let Ok(event) = event::read() {
                    if key(&event).is_some_and(|key| sender.send(key).is_err()) {
                        break;
                    }
                }
            });
        }
        Self { keys, raw }
    }

    async fn next(&mut self) -> Key {
        match self.keys.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if self.raw {
            let _ = terminal::disable_raw_mode();
        }
    }
}

fn key(event: &Event) -> Option<Key> {
    match event {
        Event::Key(KeyEvent { kind: KeyEventKind::Release, .. }) => None,
        Event::Key(KeyEvent { code: KeyCode::Char(' '), .. }) => Some(Key::Space),
        // In raw mode, Ctrl-C is a key.
        Event::Key(KeyEvent { code: KeyCode::Char('c'), modifiers: KeyModifiers::CONTROL, .. }) => Some(Key::Quit),
        Event::Key(KeyEvent { code: KeyCode::Char('q') | KeyCode::Esc, .. }) => Some(Key::Quit),
        _ => None,
    }
}

/// The level of the microphone, in the last line of a terminal.
struct Meter(bool);

impl Meter {
    fn new(output: Output) -> Self {
        Self(!output.json && io::stderr().is_terminal())
    }

    fn show(&mut self, microphone: &Microphone, talking: bool) {
        if !self.0 {
            return;
        }
        let part = ((microphone.level().peak_db() - QUIET_DB) / -QUIET_DB).clamp(0.0, 1.0);
        let (bar, state) = ("#".repeat((part * METER as f32) as usize), if talking { "mic" } else { "off" });
        let _ = write!(io::stderr(), "\r[{bar:METER$}] {state} ");
    }

    /// Makes room for a line of text.
    fn clear(&self) {
        if self.0 {
            let _ = write!(io::stderr(), "\r{:width$}\r", "", width = METER + 8);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.clear();
    }
}
