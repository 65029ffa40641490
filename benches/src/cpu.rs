//! The processor's time, of this process: the server is another.

use cpu_time::ProcessTime;

use crate::rounds::median;

/// One turn of a contender. How many events it took.
pub type Turn<'a> = Box<dyn FnMut() -> usize + 'a>;

/// Lets all have so many turns, interleaved, after one that is not counted. Each one's median, in nanoseconds an event.
pub fn contest<'a>(rounds: usize, contenders: Vec<(&'static str, Turn<'a>)>) -> Vec<(&'static str, f64)> {
    let (names, mut turns): (Vec<_>, Vec<_>) = contenders.into_iter().unzip();
    let mut times = vec![Vec::with_capacity(rounds); turns.len()];
    for round in 0..=rounds {
        for (turn, times) in turns.iter_mut().zip(&mut times) {
            let begin = ProcessTime::now();
            let events = turn();
            if round > 0 {
                times.push(begin.elapsed().as_nanos() as f64 / events as f64);
            }
        }
    }
    names.into_iter().zip(times.into_iter().map(median)).collect()
}
