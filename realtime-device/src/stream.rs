//! What both directions share: the failure that a device's thread reports, and its formats.

use std::sync::{Arc, Mutex, PoisonError};

use cpal::{SampleFormat, StreamConfig, SupportedStreamConfig};
use futures::task::AtomicWaker;

use crate::{DeviceError, DeviceErrorKind};

/// Where a device's thread reports that the device has failed.
#[derive(Clone, Default)]
pub(crate) struct Failure(Arc<Inner>);

#[derive(Default)]
struct Inner {
    error: Mutex<Option<cpal::Error>>,
    waker: AtomicWaker,
}

impl Failure {
    /// Reports an error. What the device goes on after is not a failure.
    pub(crate) fn report(&self, error: cpal::Error) {
        use cpal::ErrorKind::{DeviceChanged, RealtimeDenied, Xrun};

        if matches!(error.kind(), DeviceChanged | RealtimeDenied | Xrun) {
            return;
        }
        self.0.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.0.waker.wake();
    }

    /// The reported failure of this device.
    pub(crate) fn get(&self, device: &str) -> Option<DeviceError> {
        let error = self.0.error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        error.map(|error| DeviceError::from_cpal(error, device))
    }

    /// Wakes the task that waits for the device.
    pub(crate) fn wake(&self) {
        self.0.waker.wake();
    }

    /// Registers the task that waits for the device.
    pub(crate) fn register(&self, waker: &std::task::Waker) {
        self.0.waker.register(waker);
    }
}

/// The configuration and sample format of a stream: the device's own, as long as it can be converted.
pub(crate) fn configuration(
    own: SupportedStreamConfig,
    device: &str,
) -> Result<(StreamConfig, SampleFormat), DeviceError> {
    let format = own.sample_format();
    match format {
        SampleFormat::F32 | SampleFormat::I16 | SampleFormat::I32 | SampleFormat::U8 if own.channels() > 0 => {
            Ok((own.config(), format))
        }
        _ => Err(DeviceError::new(DeviceErrorKind::Unsupported, device)),
    }
}
