//! A thousand voice sessions at the pace of speech, in one process.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use realtime_benches::{
    frames,
    rounds::{Target, figure, finish, title},
    server::{Server, age, serve_if_asked},
};
use realtime_core::{Client, event::ServerEvent};
use realtime_tokio::TokioTransport;
use tokio::time::{MissedTickBehavior, interval};

const SESSIONS: usize = 1_000;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(8);

fn main() {
    serve_if_asked();
    run();
    finish();
}

#[tokio::main(flavor = "current_thread")]
async fn run() {
    title("1,000 voice sessions: 25 appends up and 10 deltas down a second each, on one thread");
    let server = Server::speaking();
    let client = Client::builder(TokioTransport::new()).base_url(server.base()).build();
    let mut connections = Vec::new();
    for _ in 0..SESSIONS {
        connections.push(client.realtime().model("m").connect().await.unwrap());
    }
    let begin = Instant::now() + WARM_UP;
    let end = begin + MEASURED;
    let tasks: Vec<_> = connections
        .into_iter()
        .enumerate()
        .map(|(number, connection)| {
            tokio::spawn(async move {
                // 40 ms of PCM.
                let pcm = frames::pcm(1_920);
                tokio::time::sleep(Duration::from_micros(number as u64 * 7_907 % 40_000)).await;
                let mut clock = interval(Duration::from_millis(40));
                clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
                let (mut ages, mut appends) = (Vec::new(), 0);
                while Instant::now() < end {
                    tokio::select! {
                        _ = clock.tick() => {
                            connection.append(&pcm).unwrap();
                            appends += u64::from(Instant::now() >= begin);
                        }
                        event = connection.next() => {
                            if let ServerEvent::ResponseOutputAudioDelta(delta) = event.unwrap().unwrap()
                                && Instant::now() >= begin
                            {
                                ages.push(age(delta.event_id.as_deref().unwrap()));
                            }
                        }
                    }
                }
                (ages, appends)
            })
        })
        .collect();
    tokio::time::sleep_until(begin.into()).await;
    let cpu = ProcessTime::now();
    tokio::time::sleep_until(end.into()).await;
    let cpu = cpu.elapsed().as_secs_f64() / MEASURED.as_secs_f64();
    let (mut ages, mut appends) = (Vec::new(), 0);
    for task in tasks {
        let (more, sent) = task.await.unwrap();
        ages.extend(more);
        appends += sent;
    }
    ages.sort_by(f64::total_cmp);
    let seconds = MEASURED.as_secs_f64();
    figure(
        "deltas received, of those due",
        ages.len() as f64 / (10.0 * SESSIONS as f64 * seconds),
        "",
        Target::at_least(0.98),
    );
    figure(
        "appends sent, of those due",
        appends as f64 / (25.0 * SESSIONS as f64 * seconds),
        "",
        Target::at_least(0.98),
    );
    figure("age of a delta, p50", ages[ages.len() / 2], "ms", Target::None);
    figure("age of a delta, p99", ages[ages.len() * 99 / 100], "ms", Target::at_most(50.0));
    figure("age of a delta, greatest", ages[ages.len() - 1], "ms", Target::None);
    figure("a session takes, of a core", 100.0 * cpu / SESSIONS as f64, "%", Target::None);
    figure("sessions that one core carries", SESSIONS as f64 / cpu, "", Target::None);
}
