use std::collections::VecDeque;

use crate::{AudioError, Format, Frames, Level, Rest};

/// Passes audio while somebody speaks or a button is pressed, including a short pre-roll.
///
/// The beginning of a word is softer than the level that opens the gate, and buttons are pressed late. So the last
/// moments before the gate opens, the *pre-roll*, are kept and pass first. The gate measures energy alone, which suits
/// push-to-talk and quiet rooms; in noise, use the service's own turn detection.
///
/// ```
/// use realtime_audio::{Format, Gate, GateOptions};
///
/// // By the button only.
/// let mut gate = Gate::new(Format::pcm(24_000), GateOptions { threshold_db: None, ..GateOptions::default() })?;
/// assert!(gate.push(&[0; 48_000]).audio.is_empty());
/// gate.press();
/// let gated = gate.push(&[0; 960]);
/// assert!(gated.opened);
/// assert_eq!(gated.audio.len(), 300 * 48 + 960);
/// # Ok::<(), realtime_audio::AudioError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gate {
    options: GateOptions,
    format: Format,
    windows: Frames,
    /// The last moments while it is closed.
    before: VecDeque<u8>,
    most_before: usize,
    pressed: bool,
    open: bool,
    /// How long it was too quiet, in milliseconds.
    quiet_ms: u32,
    passed: Vec<u8>,
}

/// When a [`Gate`] opens and closes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateOptions {
    /// The root mean square that opens it, in decibels of full scale. None: only the button opens it. Default: -40.
    pub threshold_db: Option<f32>,
    /// How long it stays open after the level has fallen, in milliseconds. Default: 500.
    pub hold_ms: u32,
    /// The length of the pre-roll, in milliseconds, at most 10,000. Default: 300.
    pub pre_roll_ms: u32,
}

impl Default for GateOptions {
    fn default() -> Self {
        Self { threshold_db: Some(-40.0), hold_ms: 500, pre_roll_ms: 300 }
    }
}

/// The output of a [`Gate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gated<'a> {
    /// The audio.
    pub audio: &'a [u8],
    /// Whether it opened within this piece.
    pub opened: bool,
    /// Whether it closed within this piece: the turn is over.
    pub closed: bool,
}

/// The length of a window, in milliseconds. It is a whole number of samples at every usual rate.
const WINDOW_MS: u32 = 20;
/// A pre-roll is never longer, in milliseconds.
const MOST_PRE_ROLL_MS: u32 = 10_000;

impl Gate {
    /// A gate, closed.
    ///
    /// # Errors
    ///
    /// A rate that is not supported, no channels, or a rate at which 20 ms are not a whole number of samples.
    pub fn new(format: Format, options: GateOptions) -> Result<Self, AudioError> {
        let bytes = format.ms_to_bytes(options.pre_roll_ms.min(MOST_PRE_ROLL_MS).into());
        Ok(Self {
            options,
            format,
            windows: Frames::new(format, WINDOW_MS)?,
            before: VecDeque::new(),
            most_before: usize::try_from(bytes).unwrap_or(0),
            pressed: false,
            open: false,
            quiet_ms: 0,
            passed: Vec::new(),
        })
    }

    /// The button is down: everything passes.
    pub fn press(&mut self) {
        self.pressed = true;
    }

    /// The button is up: the level decides, and without a threshold the gate closes with the next piece.
    pub fn release(&mut self) {
        self.pressed = false;
    }

    /// Whether audio passes.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Pushes audio of any size and returns the audio that passes. The level is measured over windows of 20 ms; an
    /// incomplete window waits for the next piece.
    pub fn push(&mut self, audio: &[u8]) -> Gated<'_> {
        self.passed.clear();
        let (mut opened, mut closed) = (false, false);
        self.windows.push(audio);
        while let Some(window) = self.windows.next_frame() {
            let loud = self.pressed
                || self
                    .options
                    .threshold_db
                    .is_some_and(|threshold| Level::of_bytes(self.format.encoding(), window).rms_db() >= threshold);
            if loud {
                self.quiet_ms = 0;
                if !std::mem::replace(&mut self.open, true) {
                    opened = true;
                    self.passed.extend(self.before.drain(..));
                }
            } else if self.open {
                self.quiet_ms = self.quiet_ms.saturating_add(WINDOW_MS);
            }
            if self.open {
                self.passed.extend_from_slice(window);
                // A button has no hold: when it is up, the turn is over.
                let hold = if self.options.threshold_db.is_some() { self.options.hold_ms } else { 0 };
                if !loud && self.quiet_ms > hold {
                    (self.open, closed) = (false, true);
                }
            } else {
                self.before.extend(window);
                let excess = self.before.len().saturating_sub(self.most_before);
                self.before.drain(..excess);
            }
        }
        Gated { audio: &self.passed, opened, closed }
    }

    /// Ends the stream and closes the gate. The incomplete window at the end passes if the gate was open.
    pub fn finish(&mut self) -> Gated<'_> {
        self.passed.clear();
        let closed = std::mem::replace(&mut self.open, false);
        let rest = self.windows.finish(Rest::Short);
        if closed {
            self.passed.extend_from_slice(rest.unwrap_or_default());
        }
        self.before.clear();
        self.quiet_ms = 0;
        Gated { audio: &self.passed, opened: false, closed }
    }
}
