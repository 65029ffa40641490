use std::collections::VecDeque;

use crate::{AudioError, Format, Frames, Level, Rest};

/// Passes audio while somebody speaks or a button is pressed, including a short pre-roll.
///
/// The beginning of a word is quieter than the level that opens the gate, and buttons are pressed late. The audio just
/// before the gate opens, the *pre-roll*, is therefore kept and passes first. The gate only measures energy, which suits
/// push-to-talk and quiet rooms; in noise, use the service's turn detection.
///
/// ```
/// use realtime_audio::{Format, Gate, GateOptions};
///
/// // Opened by the button only.
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
    /// The latest audio while the gate is closed.
    before: VecDeque<u8>,
    most_before: usize,
    pressed: bool,
    open: bool,
    /// How long the level was below the threshold, in milliseconds.
    quiet_ms: u32,
    passed: Vec<u8>,
}

/// Thresholds and times of a [`Gate`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateOptions {
    /// The root mean square that opens the gate, in decibels of full scale. `None`: only the button opens it. -40 by default.
    pub threshold_db: Option<f32>,
    /// How long the gate stays open after the level has fallen, in milliseconds. 500 by default.
    pub hold_ms: u32,
    /// Length of the pre-roll in milliseconds, at most 10,000. 300 by default.
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
    /// Whether the gate opened within this chunk.
    pub opened: bool,
    /// Whether the gate closed within this chunk: the turn has ended.
    pub closed: bool,
}

/// Length of a window in milliseconds: a whole number of samples at every usual rate.
const WINDOW_MS: u32 = 20;
/// Maximum length of a pre-roll, in milliseconds.
const MOST_PRE_ROLL_MS: u32 = 10_000;

impl Gate {
    /// Creates a closed gate.
    ///
    /// # Errors
    ///
    /// The rate is not supported, there are no channels, or 20 ms are not a whole number of samples.
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

    /// Reports that the button is pressed: everything passes.
    pub fn press(&mut self) {
        self.pressed = true;
    }

    /// Reports that the button is released: the level decides. Without a threshold, the gate closes with the next chunk.
    pub fn release(&mut self) {
        self.pressed = false;
    }

    /// Whether audio passes.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Pushes audio of any size and returns the audio that passes. The level is measured over windows of 20 ms; an
    /// incomplete window waits for the next chunk.
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
                // The hold time does not apply to the button: its release ends the turn.
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
