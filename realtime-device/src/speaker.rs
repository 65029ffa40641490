use std::{fmt, future::poll_fn, pin::pin, task::Poll, time::Duration};

use cpal::{
    Device, FromSample, SampleFormat, SizedSample, Stream, StreamConfig,
    traits::{DeviceTrait, StreamTrait},
};
use futures::future::{Either, select};
use realtime_audio::{Format, PlayerCallback, PlayerQueue};
use realtime_core::{Player, transport::Timer};

use crate::{
    DeviceError,
    stream::{Failure, configuration},
};

/// Audio that plays on while the executor is busy.
const QUEUE: Duration = Duration::from_millis(200);
/// Samples that are converted at a time, on the stack of the device's thread.
const PIECE: usize = 512;

/// A speaker that plays.
///
/// It plays silence until [`run`](Self::run) feeds it, and ends when it is dropped.
pub struct Speaker {
    name: String,
    queue: PlayerQueue,
    failure: Failure,
    _stream: Stream,
}

impl Speaker {
    pub(crate) fn open(device: &Device, format: Format) -> Result<Self, DeviceError> {
        let name = device.to_string();
        let fail = |error| DeviceError::opening(error, &name);
        let (config, samples) = configuration(device.default_output_config().map_err(fail)?, &name)?;
        let (queue, callback) = PlayerQueue::new(format, config.sample_rate, QUEUE)
            .map_err(|error| DeviceError::from_audio(error, &name))?;
        let failure = Failure::default();
        let stream = match samples {
            SampleFormat::I16 => stream::<i16>(callback, &failure, device, config),
            SampleFormat::I32 => stream::<i32>(callback, &failure, device, config),
            SampleFormat::U8 => stream::<u8>(callback, &failure, device, config),
            _ => stream::<f32>(callback, &failure, device, config),
        };
        let stream = stream.map_err(fail)?;
        stream.play().map_err(fail)?;
        Ok(Self { name, queue, failure, _stream: stream })
    }

    /// The device's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Plays what the session says, and reports what was heard, until the device fails.
    ///
    /// # Cancel safety
    /// Dropping the future stops feeding the device: what is queued is still played, and reported when it is called
    /// again.
    ///
    /// # Errors
    /// The device was lost or failed. Drop the speaker and open it again: the session's player continues.
    pub async fn run(&mut self, player: &Player, timer: &dyn Timer) -> Result<(), DeviceError> {
        let (failure, name) = (&self.failure, &self.name);
        let failed = pin!(poll_fn(|cx| {
            failure.register(cx.waker());
            failure.get(name).map_or(Poll::Pending, Poll::Ready)
        }));
        match select(failed, pin!(self.queue.run(player, timer))).await {
            Either::Left((error, _)) => Err(error),
            Either::Right(_) => Ok(()),
        }
    }

    /// Whether audio is queued or being played.
    pub fn is_playing(&self) -> bool {
        self.queue.queued_ms() > 0
    }

    /// Stops playing at once and truncates the answer where it was heard: a button.
    pub fn interrupt(&mut self, player: &Player) {
        self.queue.interrupt(player);
    }
}

fn stream<T: SizedSample + FromSample<f32>>(
    mut callback: PlayerCallback,
    failure: &Failure,
    device: &Device,
    config: StreamConfig,
) -> Result<Stream, cpal::Error> {
    let (channels, failure) = (usize::from(config.channels), failure.clone());
    device.build_output_stream(
        config,
        move |out: &mut [T], _| {
            let mut samples = [0.0; PIECE];
            for out in out.chunks_mut(channels * (PIECE / channels).max(1)) {
                // More channels than a piece has samples: no device has, and it hears silence.
                let Some(samples) = samples.get_mut(..out.len()) else {
                    out.fill(T::from_sample_(0.0));
                    continue;
                };
                callback.fill(samples, channels);
                for (out, sample) in out.iter_mut().zip(samples) {
                    *out = T::from_sample_(*sample);
                }
            }
        },
        move |error| failure.report(error),
        None,
    )
}

impl fmt::Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaker").field("name", &self.name).field("queue", &self.queue).finish_non_exhaustive()
    }
}
