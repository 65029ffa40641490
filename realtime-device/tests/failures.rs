//! Devices that are missing, busy, forbidden, odd, or lost while they are used: a sound system of our own making.

use std::{
    fmt, iter,
    sync::{Arc, Mutex},
    time::Duration,
};

use cpal::{
    Data, DeviceDescription, DeviceDescriptionBuilder, DeviceId, Error, ErrorKind, FrameCount, InputCallbackInfo,
    OutputCallbackInfo, SampleFormat, StreamConfig, StreamInstant, SupportedBufferSize, SupportedStreamConfig,
    SupportedStreamConfigRange,
    platform::CustomHost,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};
use realtime_audio::Format;
use realtime_core::transport::Timer;
use realtime_device::{Choice, DeviceErrorKind, Devices};
use realtime_mock::VirtualClock;

type Report = Box<dyn FnMut(Error) + Send>;

/// A sound system with at most one device.
#[derive(Clone, Default)]
struct Simulated {
    connected: Arc<Mutex<bool>>,
    /// Opening fails with this.
    refuses: Arc<Mutex<Option<ErrorKind>>>,
    /// The format of the device.
    format: Option<SampleFormat>,
    /// The error callbacks of the open streams.
    open: Arc<Mutex<Vec<Report>>>,
}

impl Simulated {
    fn connected() -> Self {
        let simulated = Self::default();
        *simulated.connected.lock().unwrap() = true;
        simulated
    }

    fn devices(&self) -> Devices {
        cpal::Host::from(CustomHost::from_host(self.clone())).into()
    }

    fn unplug(&self) {
        *self.connected.lock().unwrap() = false;
        for report in &mut *self.open.lock().unwrap() {
            report(Error::new(ErrorKind::DeviceNotAvailable));
        }
    }

    fn stream(&self, report: Report) -> Result<Stream, Error> {
        match *self.refuses.lock().unwrap() {
            Some(kind) => Err(Error::new(kind)),
            None => {
                self.open.lock().unwrap().push(report);
                Ok(Stream)
            }
        }
    }
}

impl HostTrait for Simulated {
    type Devices = std::vec::IntoIter<Headset>;
    type Device = Headset;

    fn is_available() -> bool {
        true
    }

    fn devices(&self) -> Result<Self::Devices, Error> {
        Ok(Vec::from_iter(self.default_input_device()).into_iter())
    }

    fn default_input_device(&self) -> Option<Headset> {
        self.connected.lock().unwrap().then(|| Headset(self.clone()))
    }

    fn default_output_device(&self) -> Option<Headset> {
        self.default_input_device()
    }
}

#[derive(Clone)]
struct Headset(Simulated);

impl PartialEq for Headset {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Headset {}

impl std::hash::Hash for Headset {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for Headset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Headset")
    }
}

impl fmt::Display for Headset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulated Headset")
    }
}

const BUFFER: SupportedBufferSize = SupportedBufferSize::Range { min: 480, max: 480 };

impl DeviceTrait for Headset {
    type SupportedInputConfigs = iter::Once<SupportedStreamConfigRange>;
    type SupportedOutputConfigs = iter::Once<SupportedStreamConfigRange>;
    type Stream = Stream;

    fn description(&self) -> Result<DeviceDescription, Error> {
        Ok(DeviceDescriptionBuilder::new("Simulated Headset").build())
    }

    fn id(&self) -> Result<DeviceId, Error> {
        Err(Error::new(ErrorKind::UnsupportedOperation))
    }

    fn supported_input_configs(&self) -> Result<Self::SupportedInputConfigs, Error> {
        Ok(iter::once(SupportedStreamConfigRange::new(2, 48_000, 48_000, BUFFER, SampleFormat::F32)))
    }

    fn supported_output_configs(&self) -> Result<Self::SupportedOutputConfigs, Error> {
        self.supported_input_configs()
    }

    fn default_input_config(&self) -> Result<SupportedStreamConfig, Error> {
        Ok(SupportedStreamConfig::new(2, 48_000, BUFFER, self.0.format.unwrap_or(SampleFormat::F32)))
    }

    fn default_output_config(&self) -> Result<SupportedStreamConfig, Error> {
        self.default_input_config()
    }

    fn build_input_stream_raw<D, E>(
        &self,
        _: StreamConfig,
        _: SampleFormat,
        _: D,
        report: E,
        _: Option<Duration>,
    ) -> Result<Stream, Error>
    where
        D: FnMut(&Data, &InputCallbackInfo) + Send + 'static,
        E: FnMut(Error) + Send + 'static,
    {
        self.0.stream(Box::new(report))
    }

    fn build_output_stream_raw<D, E>(
        &self,
        _: StreamConfig,
        _: SampleFormat,
        _: D,
        report: E,
        _: Option<Duration>,
    ) -> Result<Stream, Error>
    where
        D: FnMut(&mut Data, &OutputCallbackInfo) + Send + 'static,
        E: FnMut(Error) + Send + 'static,
    {
        self.0.stream(Box::new(report))
    }
}

struct Stream;

impl StreamTrait for Stream {
    fn play(&self) -> Result<(), Error> {
        Ok(())
    }

    fn pause(&self) -> Result<(), Error> {
        Ok(())
    }

    fn buffer_size(&self) -> Result<FrameCount, Error> {
        Ok(480)
    }

    fn now(&self) -> StreamInstant {
        StreamInstant::new(0, 0)
    }
}

const PCM: Format = Format::pcm(24_000);

#[test]
fn a_missing_device_is_named() {
    let nothing = Simulated::default().devices();
    assert!(nothing.list().unwrap().is_empty());
    let error = nothing.microphone(&Choice::Default, PCM).unwrap_err();
    assert_eq!((error.kind(), error.device()), (DeviceErrorKind::NotFound, "default"));
    let devices = Simulated::connected().devices();
    let error = devices.speaker(&Choice::Named("loudspeaker".into()), PCM).unwrap_err();
    assert!(error.to_string().contains("`loudspeaker`"), "{error}");
    assert_eq!(devices.speaker(&Choice::Named("HEADSET".into()), PCM).unwrap().name(), "Simulated Headset");
}

#[test]
fn why_a_device_does_not_open_is_told() {
    let cases = [
        (ErrorKind::DeviceBusy, DeviceErrorKind::Busy, true, "another program"),
        (ErrorKind::PermissionDenied, DeviceErrorKind::Permission, false, "privacy settings"),
        (ErrorKind::UnsupportedConfig, DeviceErrorKind::Unsupported, false, "no usable format"),
        (ErrorKind::DeviceNotAvailable, DeviceErrorKind::NotFound, false, "list the devices"),
        (ErrorKind::BackendError, DeviceErrorKind::Other, false, "sound system"),
    ];
    for (kind, expected, retryable, words) in cases {
        let simulated = Simulated::connected();
        *simulated.refuses.lock().unwrap() = Some(kind);
        for error in [
            simulated.devices().microphone(&Choice::Default, PCM).unwrap_err(),
            simulated.devices().speaker(&Choice::Default, PCM).unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.is_retryable()), (expected, retryable));
            assert!(error.to_string().contains(words), "{error}");
        }
    }
    let odd = Simulated { format: Some(SampleFormat::F64), ..Simulated::connected() };
    assert_eq!(odd.devices().microphone(&Choice::Default, PCM).unwrap_err().kind(), DeviceErrorKind::Unsupported);
}

#[test]
fn a_device_is_lost_and_found_again() {
    let (simulated, clock) = (Simulated::connected(), VirtualClock::new());
    let devices = simulated.devices();
    let mut microphone = devices.microphone(&Choice::Default, PCM).unwrap();
    simulated.unplug();
    clock.block_on(async {
        assert_eq!(microphone.next().await.unwrap_err().kind(), DeviceErrorKind::Lost);
        let choice = Choice::Named("headset".into());
        let gone = devices.wait(&choice, &clock, Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(gone.kind(), DeviceErrorKind::NotFound);
        assert_eq!(clock.now().since_origin(), Duration::from_secs(5));
        *simulated.connected.lock().unwrap() = true;
        devices.wait(&choice, &clock, Duration::from_secs(5)).await.unwrap();
    });
    drop(microphone);
    assert!(devices.microphone(&Choice::Default, PCM).is_ok());
}

#[test]
fn what_a_device_survives_is_not_a_failure() {
    let simulated = Simulated::connected();
    let mut microphone = simulated.devices().microphone(&Choice::Default, PCM).unwrap();
    for kind in [ErrorKind::Xrun, ErrorKind::DeviceChanged, ErrorKind::RealtimeDenied] {
        (simulated.open.lock().unwrap()[0])(Error::new(kind));
    }
    use futures::FutureExt;
    assert!(microphone.next().now_or_never().is_none());
}
