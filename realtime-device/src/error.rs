use std::{error, fmt};

use realtime_audio::AudioError;

/// Failure of a sound device.
#[derive(Debug)]
#[non_exhaustive]
pub struct DeviceError {
    kind: DeviceErrorKind,
    /// The name that was asked for, or of the device that failed.
    device: Box<str>,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

/// The kind of a [`DeviceError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeviceErrorKind {
    /// There is no such device, or none at all.
    NotFound,
    /// Another program uses the device. Another attempt may succeed.
    Busy,
    /// The operating system does not permit access, such as to the microphone.
    Permission,
    /// The device was disconnected while it was in use. Open it again when it is back:
    /// [`Devices::wait`](crate::Devices::wait).
    Lost,
    /// The device has no format that can be converted.
    Unsupported,
    /// The sound system failed in another way.
    Other,
}

impl DeviceError {
    pub(crate) fn new(kind: DeviceErrorKind, device: &str) -> Self {
        Self { kind, device: device.into(), source: None }
    }

    pub(crate) fn from_audio(error: AudioError, device: &str) -> Self {
        Self { kind: DeviceErrorKind::Unsupported, device: device.into(), source: Some(error.into()) }
    }

    pub(crate) fn from_cpal(error: cpal::Error, device: &str) -> Self {
        let kind = match error.kind() {
            cpal::ErrorKind::DeviceBusy => DeviceErrorKind::Busy,
            cpal::ErrorKind::PermissionDenied => DeviceErrorKind::Permission,
            cpal::ErrorKind::DeviceNotAvailable | cpal::ErrorKind::StreamInvalidated => DeviceErrorKind::Lost,
            cpal::ErrorKind::UnsupportedConfig | cpal::ErrorKind::UnsupportedOperation => DeviceErrorKind::Unsupported,
            cpal::ErrorKind::HostUnavailable => DeviceErrorKind::NotFound,
            _ => DeviceErrorKind::Other,
        };
        Self { kind, device: device.into(), source: Some(error.into()) }
    }

    /// Failure to open a device: one that is not available was not there.
    pub(crate) fn opening(error: cpal::Error, device: &str) -> Self {
        let mut error = Self::from_cpal(error, device);
        if error.kind == DeviceErrorKind::Lost {
            error.kind = DeviceErrorKind::NotFound;
        }
        error
    }

    /// The kind of failure.
    pub fn kind(&self) -> DeviceErrorKind {
        self.kind
    }

    /// The device's name.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Whether another attempt may succeed without a change of the program or of the system's settings.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, DeviceErrorKind::Busy | DeviceErrorKind::Lost)
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = &self.device;
        match self.kind {
            DeviceErrorKind::NotFound => {
                write!(f, "there is no sound device `{device}`: list the devices to choose one")
            }
            DeviceErrorKind::Busy => {
                write!(f, "`{device}` is used by another program: close it, or choose another device")
            }
            DeviceErrorKind::Permission => {
                write!(f, "access to `{device}` is not permitted: allow it in the system's privacy settings or groups")
            }
            DeviceErrorKind::Lost => write!(f, "`{device}` was disconnected"),
            DeviceErrorKind::Unsupported => write!(f, "`{device}` has no usable format: choose another device"),
            DeviceErrorKind::Other => write!(f, "the sound system failed with `{device}`"),
        }
    }
}

impl error::Error for DeviceError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
