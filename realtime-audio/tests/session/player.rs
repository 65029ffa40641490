//! What a sound card's callback takes is what the ledger knows.

use std::{sync::mpsc, thread, time::Duration};

use futures::FutureExt;
use realtime_audio::{AudioError, Format, PlayerCallback, PlayerQueue};
use realtime_core::transport::Timer;

use crate::Scene;

const PCM: Format = Format::pcm(24_000);

fn queue(rate: u32, ms: u64) -> (PlayerQueue, PlayerCallback) {
    PlayerQueue::new(PCM, rate, Duration::from_millis(ms)).unwrap()
}

/// What the callback plays in so many milliseconds: the samples of one of two channels, and how many were audio.
fn play(callback: &mut PlayerCallback, rate: u32, ms: u32) -> (Vec<i16>, usize) {
    let mut out = vec![i16::MAX; (rate * ms / 1000) as usize * 2];
    let played = callback.fill(&mut out, 2);
    let frames = out.as_chunks::<2>().0;
    assert!(frames.iter().all(|[left, right]| left == right));
    (frames.iter().map(|[left, _]| *left).collect(), played)
}

#[test]
fn what_was_sent_is_played_and_counts_as_heard() {
    for rate in [24_000, 48_000, 44_100] {
        let scene = Scene::new();
        let (mut queue, mut callback) = queue(rate, 200);
        scene.response("resp");
        scene.says("resp", "item_a", 1_000, 1_000, true);
        scene.read();
        let mut heard = Vec::new();
        // A second, and then some.
        for round in 1..=110 {
            queue.sync(&scene.player);
            let (samples, played) = play(&mut callback, rate, 10);
            heard.extend_from_slice(&samples[..played]);
            queue.sync(&scene.player);
            if round == 50 {
                assert_eq!(scene.player.position(), Some(("item_a".into(), 0, 500)));
                // The queue's length, and a delta that waits for room.
                assert!((200..=300).contains(&queue.queued_ms()), "{}", queue.queued_ms());
            }
        }
        assert_eq!(heard.len() as u32, rate);
        let flat = &heard[rate as usize / 100..heard.len() - rate as usize / 100];
        assert!(flat.iter().all(|sample| (sample - 1_000).abs() <= 1));
        // Heard to its end: nothing is left to cut off.
        assert_eq!((scene.player.position(), scene.player.unheard_ms()), (None, 0));
    }
}

#[test]
fn an_interruption_is_exact_to_the_callback_and_empties_the_queue() {
    for rate in [24_000, 48_000, 16_000] {
        let scene = Scene::new();
        let (mut queue, mut callback) = queue(rate, 500);
        scene.response("resp");
        scene.says("resp", "item_a", 1_000, 1_000, true);
        scene.says("resp", "item_b", 600, 2_000, true);
        scene.read();
        queue.sync(&scene.player);
        play(&mut callback, rate, 337);
        // The callback has played more since the last look.
        queue.interrupt(&scene.player);
        scene.read();
        scene.truncated("item_a", 337);
        scene.truncated("item_b", 0);
        assert_eq!(queue.queued_ms(), 0);
        assert_eq!(play(&mut callback, rate, 20).1, 0);
    }
}

#[test]
fn speech_drops_what_is_queued_and_what_comes_next_is_heard_from_its_beginning() {
    let scene = Scene::new();
    let (mut queue, mut callback) = queue(24_000, 300);
    scene.response("one");
    scene.says("one", "item_a", 1_000, 1_000, true);
    scene.read();
    for _ in 0..12 {
        queue.sync(&scene.player);
        play(&mut callback, 24_000, 10);
    }
    queue.sync(&scene.player);
    scene.speech();
    scene.read();
    scene.truncated("item_a", 120);
    // The callback runs on until the queue is looked after.
    assert!(play(&mut callback, 24_000, 10).0 == [1_000; 240]);
    scene.send(serde_json::json!({ "type": "response.done", "response": { "id": "one", "status": "cancelled" } }));
    scene.response("two");
    scene.says("two", "item_b", 200, 2_000, true);
    scene.read();
    queue.sync(&scene.player);
    // It drops what is old, and begins with the new at once and without a gap.
    assert_eq!(play(&mut callback, 24_000, 10).1, 0);
    queue.sync(&scene.player);
    let (samples, played) = play(&mut callback, 24_000, 100);
    assert!(samples == [2_000; 2_400] && played == 2_400);
    queue.sync(&scene.player);
    // Nothing of what was played late is taken for the new item's.
    assert_eq!(scene.player.position(), Some(("item_b".into(), 0, 100)));
}

#[test]
fn a_pause_in_the_answer_is_silence_and_not_heard() {
    let scene = Scene::new();
    let (mut queue, mut callback) = queue(48_000, 200);
    scene.response("resp");
    scene.says("resp", "item_a", 100, 500, false);
    scene.read();
    let mut audio = 0;
    for _ in 0..30 {
        queue.sync(&scene.player);
        audio += play(&mut callback, 48_000, 10).1;
    }
    queue.sync(&scene.player);
    // The resampler's tail is played as well, though nothing followed.
    assert_eq!(audio, 4_800);
    assert_eq!(scene.player.position(), Some(("item_a".into(), 0, 100)));
    scene.says("resp", "item_a", 100, 500, true);
    scene.read();
    for _ in 0..15 {
        queue.sync(&scene.player);
        audio += play(&mut callback, 48_000, 10).1;
    }
    queue.sync(&scene.player);
    assert_eq!((audio, scene.player.position()), (9_600, None));
}

#[test]
fn while_the_card_stands_still_nothing_is_heard() {
    let scene = Scene::new();
    let (mut queue, mut callback) = queue(24_000, 200);
    scene.response("resp");
    scene.says("resp", "item_a", 300, 700, true);
    scene.read();
    queue.sync(&scene.player);
    scene.clock.advance(Duration::from_secs(5));
    queue.sync(&scene.player);
    assert_eq!(scene.player.position(), Some(("item_a".into(), 0, 0)));
    play(&mut callback, 24_000, 50);
    queue.sync(&scene.player);
    assert_eq!(scene.player.position(), Some(("item_a".into(), 0, 50)));
}

#[test]
fn it_looks_after_itself_on_a_timer() {
    let scene = Scene::new();
    let (mut queue, mut callback) = queue(24_000, 200);
    scene.response("resp");
    scene.says("resp", "item_a", 300, 700, true);
    scene.read();
    let clock = scene.clock.clone();
    scene.clock.block_on(async {
        let card = async {
            for _ in 0..20 {
                clock.sleep(Duration::from_millis(10)).await;
                play(&mut callback, 24_000, 10);
            }
            // Once more, for the report.
            clock.sleep(Duration::from_millis(11)).await;
        };
        futures::future::select(Box::pin(card), Box::pin(queue.run(&scene.player, &clock))).await;
    });
    assert_eq!(scene.player.position(), Some(("item_a".into(), 0, 200)));
    assert_eq!(scene.clock.now().since_origin(), Duration::from_millis(211));
    assert!(scene.connection.next().now_or_never().is_none());
}

#[test]
fn a_callback_in_another_thread_takes_all_in_order() {
    let scene = Scene::new();
    let (mut queue, mut callback) = queue(24_000, 40);
    scene.response("resp");
    for item in 1..=20 {
        scene.says("resp", &format!("item_{item}"), 100, item * 100, true);
    }
    scene.read();
    let (done, is_done) = mpsc::channel();
    let card = thread::spawn(move || {
        let mut heard = Vec::new();
        while heard.len() < 48_000 && is_done.try_recv().is_err() {
            let mut out = [0_i16; 120];
            let played = callback.fill(&mut out, 1);
            heard.extend_from_slice(&out[..played]);
            thread::yield_now();
        }
        heard
    });
    // Bounded by work, not by time: every round takes what there is room for.
    for _ in 0..50_000_000 {
        queue.sync(&scene.player);
        if scene.player.position().is_none() {
            break;
        }
        thread::yield_now();
    }
    done.send(()).ok();
    let heard = card.join().unwrap();
    let expected: Vec<i16> = (1..=20).flat_map(|item| [item * 100; 2_400]).collect();
    assert!(heard == expected, "{} samples", heard.len());
}

#[test]
fn a_session_has_one_channel() {
    let error = PlayerQueue::new(PCM.with_channels(2), 48_000, Duration::from_millis(200)).unwrap_err();
    assert_eq!(error, AudioError::Channels { from: 2, to: 1 });
}
