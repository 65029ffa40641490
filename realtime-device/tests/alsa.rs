//! ALSA's null and file devices: what a microphone yields, and what a speaker plays.
//!
//! ALSA reads its configuration once in a process, so every case is run in one of its own.

use std::{env, fs, path::Path, process::Command};

#[cfg(target_os = "linux")]
mod linux {
    use std::{fs, path::Path, pin::pin};

    use futures::{
        StreamExt,
        executor::block_on,
        future::{Either, select},
    };
    use realtime_audio::{Format, Level};
    use realtime_core::{Client, Options, connection::Unread, session::Playback, types::RealtimeSessionConfig};
    use realtime_device::{Choice, Devices};
    use realtime_mock::{Pace, Simulator, SystemClock};

    const PCM: Format = Format::pcm(24_000);

    /// Lists both devices, and records what the file device has.
    pub(crate) fn microphone(folder: &Path) {
        // A tone of 400 Hz at the device's rate.
        let tone = (0..48_000).map(|n| (f64::from(n) * 400.0 / 48_000.0 * std::f64::consts::TAU).sin() * 8_000.0);
        let bytes: Vec<u8> = tone.flat_map(|sample| (sample as i16).to_le_bytes()).collect();
        fs::write(folder.join("in.raw"), bytes).unwrap();
        let devices = Devices::new();
        let listed = devices.list().unwrap();
        let files = listed.iter().find(|device| device.name == "Files").expect("the device is listed");
        assert!(files.is_input && files.is_output);
        let mut microphone = devices.microphone(&Choice::Named("files".into()), PCM).unwrap();
        let chunks = block_on(async {
            let mut chunks = Vec::new();
            while chunks.len() < 10 {
                chunks.push(microphone.next().await.unwrap());
            }
            chunks
        });
        // 20 ms each, but for the converter's first ones.
        assert!(chunks[5..].iter().all(|chunk| chunk.len() == PCM.ms_to_bytes(20) as usize));
        let level = Level::of_bytes(PCM.encoding(), &chunks[5]);
        assert!((0.24..0.25).contains(&level.peak), "{level:?}");
        microphone.mute(true);
        let silent = block_on(async {
            // What was recorded before is still to come.
            for _ in 0..200 {
                let chunk = microphone.next().await.unwrap();
                if chunk.iter().all(|&byte| byte == 0) {
                    return true;
                }
            }
            false
        });
        assert!(silent);
    }

    /// Plays an answer of the simulator, and reports it as heard.
    pub(crate) fn speaker(folder: &Path) {
        let clock = SystemClock::new();
        let transport = Simulator::new().pace(Pace::INSTANT).answer(|_| "Once upon a time.").transport(&clock);
        let client = Client::builder(transport).build();
        let options = Options::default().unread(Unread::Discard);
        let heard = block_on(async {
            let connect = client.realtime().model("m").options(options).playback(Playback::queued());
            let connection = connect.connect().await.unwrap();
            connection.session().update(RealtimeSessionConfig::default()).unwrap().await.unwrap();
            let player = connection.player().unwrap();
            let mut speaker = Devices::new().speaker(&Choice::Default, PCM).unwrap();
            let mut response = connection.respond("Tell me a story.").await.unwrap();
            let told: usize = {
                let audio = pin!(response.audio());
                audio.map(|audio| audio.unwrap().len()).fold(0, async |sum, bytes| sum + bytes).await
            };
            let end = pin!(async {
                while player.unheard_ms() > 0 {
                    realtime_core::transport::Timer::sleep_until(&clock, clock_in(&clock, 20)).await;
                }
            });
            let playing = pin!(speaker.run(&player, &clock));
            assert!(matches!(select(playing, end).await, Either::Right(_)), "the device has failed");
            told
        });
        // The file contains silence before and after it.
        let played = fs::read(folder.join("out.raw")).unwrap();
        let first = played.iter().position(|&byte| byte != 0).expect("something was played");
        let last = played.iter().rposition(|&byte| byte != 0).unwrap();
        assert!(heard > 0);
        assert!(last > first + heard / 2, "{heard} bytes were told, the file has sound at {first}..{last}");
    }

    fn clock_in(clock: &SystemClock, ms: u64) -> realtime_core::transport::Instant {
        realtime_core::transport::Timer::now(clock) + std::time::Duration::from_millis(ms)
    }
}

/// A device that reads and writes files, at the pace of ALSA's null device.
const CONFIGURATION: &str = r#"
</usr/share/alsa/alsa.conf>
pcm.disk {
    type file
    slave.pcm { type null }
    file "FOLDER/out.raw"
    infile "FOLDER/in.raw"
    format "raw"
}
pcm.!default {
    type plug
    slave { pcm disk format S16_LE channels 1 rate 48000 }
    hint { show on description "Files" }
}
"#;

#[cfg(target_os = "linux")]
fn main() {
    let arguments: Vec<_> = env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "microphone", folder] => linux::microphone(Path::new(folder)),
        [_, "speaker", folder] => linux::speaker(Path::new(folder)),
        _ => ["microphone", "speaker"].into_iter().for_each(run),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}

/// Runs a case in a process of its own.
fn run(case: &str) {
    let folder = env::temp_dir().join(format!("realtime-device-{case}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("asound.conf");
    fs::write(&file, CONFIGURATION.replace("FOLDER", folder.to_str().unwrap())).unwrap();
    fs::write(folder.join("in.raw"), []).unwrap();
    let status = Command::new(env::current_exe().unwrap())
        .arg(case)
        .arg(&folder)
        .env("ALSA_CONFIG_PATH", file)
        .status()
        .unwrap();
    assert!(status.success(), "{case}");
    println!("test {case} ... ok");
    fs::remove_dir_all(folder).unwrap();
}
