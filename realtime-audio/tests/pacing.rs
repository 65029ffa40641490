//! Frames leave at the speed at which they are heard.

use std::{future::Future, time::Duration};

use realtime_audio::{Pacer, PacerFull};
use realtime_core::transport::{Instant, Timer};
use realtime_mock::VirtualClock;

const FRAME: Duration = Duration::from_millis(20);

fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(ms))
}

/// When each frame leaves, if somebody looks at every millisecond.
fn sent(pacer: &mut Pacer<u32>, from: u64, to: u64) -> Vec<(u64, u32)> {
    let mut sent = Vec::new();
    for ms in from..=to {
        while let Some(frame) = pacer.poll(at(ms)) {
            sent.push((ms, frame));
        }
    }
    sent
}

#[test]
fn a_lead_goes_ahead_at_once_and_is_kept() {
    let mut pacer = Pacer::new(FRAME).with_lead(3);
    (0..6).for_each(|frame| pacer.push(frame, at(100)).unwrap());
    let expected = [(100, 0), (100, 1), (100, 2), (100, 3), (120, 4), (140, 5)];
    assert_eq!(sent(&mut pacer, 0, 200), expected);
    // What follows while the lead still plays does not make the lead longer.
    (6..9).for_each(|frame| pacer.push(frame, at(201)).unwrap());
    assert_eq!(sent(&mut pacer, 201, 300), [(201, 6), (201, 7), (201, 8)]);
    (9..11).for_each(|frame| pacer.push(frame, at(210)).unwrap());
    assert_eq!(sent(&mut pacer, 210, 300), [(220, 9), (240, 10)]);
}

#[test]
fn after_a_clear_the_lead_goes_ahead_again() {
    let mut pacer = Pacer::new(FRAME).with_lead(2);
    (0..10).for_each(|frame| pacer.push(frame, at(0)).unwrap());
    assert_eq!(sent(&mut pacer, 0, 45).len(), 5);
    pacer.clear();
    assert!(pacer.is_empty() && pacer.due().is_none());
    (10..14).for_each(|frame| pacer.push(frame, at(300)).unwrap());
    assert_eq!(sent(&mut pacer, 45, 400), [(300, 10), (300, 11), (300, 12), (320, 13)]);
}

#[test]
fn a_minute_on_a_real_timers_terms_has_fifty_frames_a_second() {
    let clock = VirtualClock::new();
    let mut pacer = Pacer::new(FRAME);
    let times: Vec<u64> = clock.block_on(async {
        let mut times = Vec::new();
        for frame in 0..3_000_u32 {
            pacer.push(frame, clock.now()).unwrap();
        }
        while let Some(frame) = pacer.next(&clock).await {
            assert_eq!(frame as usize, times.len());
            times.push(clock.now().since_origin().as_millis() as u64);
            // The sender is late now and then.
            if frame % 7 == 0 {
                clock.sleep(Duration::from_millis(13)).await;
            }
        }
        times
    });
    assert_eq!(times.len(), 3_000);
    for (frame, time) in times.iter().enumerate() {
        let due = frame as u64 * 20;
        assert!((due..due + 20).contains(time), "frame {frame} at {time}");
    }
    assert_eq!(clock.pending(), 0);
}

#[test]
fn a_wait_that_is_dropped_takes_no_frame() {
    let clock = VirtualClock::new();
    let mut pacer = Pacer::new(FRAME);
    pacer.push('a', clock.now()).unwrap();
    pacer.push('b', clock.now()).unwrap();
    clock.block_on(async {
        assert_eq!(pacer.next(&clock).await, Some('a'));
    });
    {
        let mut waiting = Box::pin(pacer.next(&clock));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(pacer.len(), 1);
    assert_eq!(clock.block_on(pacer.next(&clock)), Some('b'));
    assert_eq!(clock.block_on(pacer.next(&clock)), None);
}

#[test]
fn a_queue_without_end_is_refused_and_the_frame_given_back() {
    let mut pacer = Pacer::new(FRAME);
    for _ in 0..Pacer::<u8>::MOST_WAITING {
        pacer.push(0_u8, at(0)).unwrap();
    }
    assert_eq!(pacer.push(7, at(0)), Err(PacerFull(7)));
    assert_eq!(
        PacerFull(7_u8).to_string(),
        "180000 frames wait to be sent: push no faster than real time, or clear the pacer"
    );
}
