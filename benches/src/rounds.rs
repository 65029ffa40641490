//! Contenders in turns, medians, and a line for each comparison.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// How many rounds are measured. Every contender has one turn in each.
pub const ROUNDS: usize = 15;

/// How long one turn takes, about.
const TURN: Duration = Duration::from_millis(15);

/// What a ratio must keep to: with AVX-512, and where only AVX2 is found.
#[derive(Clone, Copy)]
pub enum Target {
    AtLeast(f64, f64),
    AtMost(f64, f64),
    /// Shown, not judged.
    None,
}

impl Target {
    pub fn at_least(ratio: f64) -> Self {
        Self::AtLeast(ratio, ratio)
    }

    pub fn at_most(ratio: f64) -> Self {
        Self::AtMost(ratio, ratio)
    }
}

/// Whether the base64 kernels run with AVX-512.
pub fn has_avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512vbmi") && std::arch::is_x86_feature_detected!("avx512bw");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

static MISSED: AtomicUsize = AtomicUsize::new(0);

/// One contender: a name, and one go at the work.
pub type Contender<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// Lets all have their turns, and gives each one's median in nanoseconds a unit. One go is `units` units.
pub fn contest(units: usize, contenders: Vec<Contender<'_>>) -> Vec<(&'static str, f64)> {
    let (names, mut goes): (Vec<_>, Vec<_>) = contenders.into_iter().unzip();
    // As many goes as fill a turn, told by a few that also warm up.
    let counts: Vec<usize> = goes
        .iter_mut()
        .map(|go| {
            let begin = Instant::now();
            let mut count = 0;
            while begin.elapsed() < TURN {
                go();
                count += 1;
            }
            count
        })
        .collect();
    let mut times = vec![Vec::with_capacity(ROUNDS); goes.len()];
    for _ in 0..ROUNDS {
        for ((go, &count), times) in goes.iter_mut().zip(&counts).zip(&mut times) {
            let begin = Instant::now();
            (0..count).for_each(|_| go());
            times.push(begin.elapsed().as_nanos() as f64 / (count * units) as f64);
        }
    }
    names.into_iter().zip(times.into_iter().map(median)).collect()
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Ours is the first: the others are so many times slower.
pub fn faster(work: &str, unit: &str, results: &[(&'static str, f64)], targets: &[Target]) {
    let ours = results[0].1;
    for (&(name, peer), &target) in results[1..].iter().zip(targets) {
        line(&format!("{work} vs {name}"), peer / ours, unit, ours, peer, target);
    }
}

/// One line: what, the ratio, ours, the other's, the target and whether it holds.
pub fn line(what: &str, ratio: f64, unit: &str, ours: f64, peer: f64, target: Target) {
    let verdict = verdict(ratio, target);
    println!("{what:<52} {ratio:>7.2}x   ours {} {unit}, peer {} {unit}{verdict}", number(ours), number(peer));
}

/// One line of a figure that has no peer.
pub fn figure(what: &str, value: f64, unit: &str, target: Target) {
    let verdict = verdict(value, target);
    println!("{what:<52} {} {unit}{verdict}", number(value));
}

fn verdict(value: f64, target: Target) -> String {
    let avx512 = has_avx512();
    let pick = |wide: f64, narrow: f64| if avx512 { wide } else { narrow };
    let (holds, wanted) = match target {
        Target::None => return String::new(),
        Target::AtLeast(wide, narrow) => (value >= pick(wide, narrow), format!("at least {}", pick(wide, narrow))),
        Target::AtMost(wide, narrow) => (value <= pick(wide, narrow), format!("at most {}", pick(wide, narrow))),
    };
    if holds {
        format!("   [{wanted}: holds]")
    } else {
        MISSED.fetch_add(1, Ordering::Relaxed);
        format!("   [{wanted}: MISSED]")
    }
}

fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// The first lines of a benchmark.
pub fn title(what: &str) {
    let kernels = if has_avx512() { "AVX-512" } else { "no AVX-512, so the targets are those for AVX2" };
    println!("\n# {what} ({kernels})");
}

/// The last line.
pub fn finish() {
    match MISSED.load(Ordering::Relaxed) {
        0 => println!("# every target holds"),
        missed => println!("# {missed} missed"),
    }
}
