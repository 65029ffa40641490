//! How many telephone calls one core carries: 20 ms frames, μ-law at 8,000 Hz to 16-bit PCM at 24,000 Hz and back.
//!
//! `cargo run --release -p realtime-audio --example calls`, on Linux. Beside sox and ffmpeg (libswresample, and soxr in
//! it), where they are installed: those convert the same audio as whole streams, in processes of their own whose start is
//! not counted. A figure is the median of three turns, in which all take part; only the ratios tell something.

use std::{
    error::Error,
    fs,
    hint::black_box,
    path::Path,
    process::{Command, Stdio},
};

use realtime_audio::{Converter, Encoding, Format, wav::Wav};

/// How much audio each converts in a turn.
const MINUTES: usize = 20;
const TURNS: usize = 3;
/// Ticks a second, in which Linux tells the processor's time.
const TICKS: f64 = 100.0;

fn main() -> Result<(), Box<dyn Error>> {
    let speech = include_bytes!("../testdata/wav/speech_24k_pcm16.wav");
    let speech = Wav::parse(speech)?;
    let (phone, model) = (Format::pcmu(), Format::pcm(24_000));
    let pcm = speech.audio().repeat(MINUTES * 60 * 1000 / 1200);
    let mulaw = Converter::new(model, phone)?.convert(&pcm).to_vec();

    let folder = std::env::temp_dir().join(format!("realtime-audio-calls-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let mut contenders = contenders(&folder);
    contenders.retain(|contender| contender.there());
    fs::write(folder.join("phone.ul"), &mulaw)?;
    fs::write(folder.join("model.s16"), &pcm)?;
    for name in ["empty.ul", "empty.s16"] {
        let whole = if name == "empty.ul" { &mulaw } else { &pcm };
        // 20 ms: what is left is the start of the process.
        fs::write(folder.join(name), &whole[..if name == "empty.ul" { 160 } else { 960 }])?;
    }

    let mut ours = Vec::new();
    let mut theirs = vec![Vec::new(); contenders.len()];
    for _ in 0..TURNS {
        let before = ticks()?.0;
        convert(phone, model, &mulaw)?;
        convert(model, phone, &pcm)?;
        ours.push(ticks()?.0 - before);
        for (contender, times) in contenders.iter().zip(&mut theirs) {
            times.push(contender.run("phone.ul", "model.s16")? - contender.run("empty.ul", "empty.s16")?);
        }
    }
    fs::remove_dir_all(&folder)?;

    let ours = median(&mut ours);
    let calls = |seconds: f64| MINUTES as f64 * 60.0 / seconds;
    println!("realtime-audio: {:.0} calls a core", calls(ours));
    for (contender, times) in contenders.iter().zip(&mut theirs) {
        let seconds = median(times);
        println!("{}: {:.0} calls a core; ours / theirs: {:.2}", contender.name, calls(seconds), seconds / ours);
    }
    Ok(())
}

fn convert(from: Format, to: Format, audio: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut converter = Converter::new(from, to)?;
    for frame in audio.chunks(from.ms_to_bytes(20) as usize) {
        black_box(converter.convert(black_box(frame)));
    }
    black_box(converter.finish());
    Ok(())
}

/// The processor's time of this process, and of those that it has waited for, in seconds.
fn ticks() -> Result<(f64, f64), Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // Behind the name, which may have spaces: the state is the first field.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let time = |at: usize| -> Result<f64, Box<dyn Error>> {
        Ok((fields[at].parse::<f64>()? + fields[at + 1].parse::<f64>()?) / TICKS)
    };
    Ok((time(11)?, time(13)?))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

struct Contender<'a> {
    name: &'static str,
    program: &'static str,
    folder: &'a Path,
    /// What stands before the input, between the files, and behind the output.
    rate: &'static [&'static str],
}

fn contenders(folder: &Path) -> Vec<Contender<'_>> {
    let of = |name, program, rate| Contender { name, program, folder, rate };
    vec![
        of("sox, rate -m", "sox", &["rate", "-m"]),
        of("sox, rate -h", "sox", &["rate", "-h"]),
        of("ffmpeg, libswresample", "ffmpeg", &[]),
        of("ffmpeg, soxr", "ffmpeg", &["-af", "aresample=resampler=soxr"]),
    ]
}

impl Contender<'_> {
    fn there(&self) -> bool {
        let version = if self.program == "sox" { "--version" } else { "-version" };
        Command::new(self.program).arg(version).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// Converts a file each way. The processor's time in seconds.
    fn run(&self, phone: &str, model: &str) -> Result<f64, Box<dyn Error>> {
        let before = ticks()?.1;
        for (input, from, to) in [(phone, Encoding::Pcmu, Encoding::Pcm), (model, Encoding::Pcm, Encoding::Pcmu)] {
            let mut command = Command::new(self.program);
            command.current_dir(self.folder).stderr(Stdio::null());
            if self.program == "sox" {
                command.arg("-D").args(sox(from)).arg(input).args(sox(to)).arg("/dev/null").args(self.rate);
                if let Some(hz) = sox(to).get(3) {
                    command.arg(hz);
                }
            } else {
                command.args(["-nostdin", "-threads", "1", "-y"]).args(ffmpeg_in(from)).args(["-i", input]);
                command.args(self.rate).args(ffmpeg_out(to)).arg("/dev/null");
            }
            if !command.status()?.success() {
                return Err(format!("{} failed", self.name).into());
            }
        }
        Ok(ticks()?.1 - before)
    }
}

fn sox(encoding: Encoding) -> &'static [&'static str] {
    match encoding {
        Encoding::Pcmu => &["-t", "ul", "-r", "8000", "-c", "1"],
        _ => &["-t", "s16", "-r", "24000", "-c", "1"],
    }
}

fn ffmpeg_in(encoding: Encoding) -> &'static [&'static str] {
    match encoding {
        Encoding::Pcmu => &["-f", "mulaw", "-ar", "8000", "-ac", "1"],
        _ => &["-f", "s16le", "-ar", "24000", "-ac", "1"],
    }
}

fn ffmpeg_out(encoding: Encoding) -> &'static [&'static str] {
    match encoding {
        Encoding::Pcmu => &["-ar", "8000", "-f", "mulaw"],
        _ => &["-ar", "24000", "-f", "s16le"],
    }
}
