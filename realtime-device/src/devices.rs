use std::{fmt, sync::Arc, time::Duration};

use cpal::{
    Device, Host,
    traits::{DeviceTrait, HostTrait},
};
use realtime_audio::Format;
use realtime_core::transport::Timer;

use crate::{DeviceError, DeviceErrorKind, Microphone, Speaker};

/// How often [`Devices::wait`] looks for a device.
const LOOK: Duration = Duration::from_secs(1);

/// The sound devices of this machine.
#[derive(Clone)]
pub struct Devices(Arc<Host>);

/// Which device is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// The system's default device.
    #[default]
    Default,
    /// The first device whose name contains this text, in any case.
    Named(String),
}

/// A sound device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceInfo {
    /// The name, which [`Choice::Named`] takes.
    pub name: String,
    /// Whether it records.
    pub is_input: bool,
    /// Whether it plays.
    pub is_output: bool,
}

/// Direction of a stream.
#[derive(Clone, Copy)]
enum Direction {
    Input,
    Output,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::Named(name) => name,
        })
    }
}

impl Default for Devices {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Host> for Devices {
    /// The devices of another sound system, or of a simulated one.
    fn from(host: Host) -> Self {
        Self(Arc::new(host))
    }
}

impl fmt::Debug for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Devices").field(&self.0.id()).finish()
    }
}

impl Devices {
    /// The devices of the system's default sound system.
    pub fn new() -> Self {
        cpal::default_host().into()
    }

    /// Lists all devices.
    ///
    /// # Errors
    /// The sound system is not available.
    pub fn list(&self) -> Result<Vec<DeviceInfo>, DeviceError> {
        let devices = self.0.devices().map_err(|error| DeviceError::from_cpal(error, "default"))?;
        let infos = devices.map(|device| DeviceInfo {
            name: device.to_string(),
            is_input: device.supports_input(),
            is_output: device.supports_output(),
        });
        Ok(infos.collect())
    }

    /// Opens a microphone that yields audio of this format, and starts recording.
    ///
    /// # Errors
    /// There is no such device, it is busy, access is not permitted, or its format cannot be converted.
    pub fn microphone(&self, choice: &Choice, format: Format) -> Result<Microphone, DeviceError> {
        Microphone::open(&self.find(choice, Direction::Input)?, format)
    }

    /// Opens a speaker for audio of this format, and starts playing silence.
    ///
    /// # Errors
    /// As of [`microphone`](Self::microphone).
    pub fn speaker(&self, choice: &Choice, format: Format) -> Result<Speaker, DeviceError> {
        Speaker::open(&self.find(choice, Direction::Output)?, format)
    }

    /// Waits until a microphone or speaker of this name is connected, for this long: the way to continue after
    /// [`DeviceErrorKind::Lost`].
    ///
    /// # Cancel safety
    /// Dropping the future does nothing.
    ///
    /// # Errors
    /// [`DeviceErrorKind::NotFound`] after the timeout.
    pub async fn wait(&self, choice: &Choice, timer: &dyn Timer, timeout: Duration) -> Result<(), DeviceError> {
        let deadline = timer.now() + timeout;
        loop {
            let found = [Direction::Input, Direction::Output].map(|direction| self.find(choice, direction));
            if found.iter().any(Result::is_ok) {
                return Ok(());
            }
            if timer.now() >= deadline {
                return Err(DeviceError::new(DeviceErrorKind::NotFound, &choice.to_string()));
            }
            timer.sleep_until(deadline.min(timer.now() + LOOK)).await;
        }
    }

    fn find(&self, choice: &Choice, direction: Direction) -> Result<Device, DeviceError> {
        let found = match (choice, direction) {
            (Choice::Default, Direction::Input) => self.0.default_input_device(),
            (Choice::Default, Direction::Output) => self.0.default_output_device(),
            (Choice::Named(name), _) => {
                let name = name.to_lowercase();
                let devices = self.0.devices().map_err(|error| DeviceError::from_cpal(error, &name))?;
                let mut devices = devices.filter(|device| match direction {
                    Direction::Input => device.supports_input(),
                    Direction::Output => device.supports_output(),
                });
                devices.find(|device| device.to_string().to_lowercase().contains(&name))
            }
        };
        found.ok_or_else(|| DeviceError::new(DeviceErrorKind::NotFound, &choice.to_string()))
    }
}
