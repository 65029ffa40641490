//! What every transport promises under load: neither direction waits for the other.

use bytes::Bytes;
use futures::{FutureExt, channel::oneshot};
use realtime_core::transport::Message;

use super::{
    Ability,
    run::{Test, tests},
    side::{Cx, In, Out, Outcome, apart},
};

tests! {
    frames: false;
    "slow-peer", "While the peer does not read, and a write waits for it, its messages are received.", [], slow_peer;
    "slow-reader", "While nothing is received, and the peer waits to write, messages reach it.", [], slow_reader;
    "simultaneous", "Both sides send at once more than any buffer holds, and all of it arrives.", [], simultaneous;
}

/// 32 MiB: more than the buffers of two sockets hold.
const MANY: usize = 32;
const LARGE: usize = 1 << 20;

/// Whatever side is slow: one sends a lot that nobody takes, and yet small messages travel in the other direction.
/// Then all of it is read. With pings among the small ones, their answers must not get in the way.
async fn one_way_blocked(pings: bool, busy: &mut Out, idle: &mut In, other: &mut Out, slow: &mut In) -> Outcome {
    let (done, passed) = oneshot::channel();
    let large = "x".repeat(LARGE);
    let flood = async {
        for _ in 0..MANY {
            busy.text(&*large).await?;
        }
        Ok(())
    };
    let send = async {
        for number in 0..100 {
            other.text(number.to_string()).await?;
            if pings && number % 10 == 0 {
                other.send(Message::Ping(Bytes::new())).await?;
            }
        }
        Ok(())
    };
    let receive = async {
        for number in 0..100 {
            idle.expect_text(number.to_string()).await?;
        }
        let _ = done.send(());
        Ok(())
    };
    let read_late = async {
        passed.await.map_err(|_| "the small messages did not pass".to_owned())?;
        for _ in 0..MANY {
            slow.expect_text(&*large).await?;
        }
        Ok(())
    };
    apart([flood.boxed(), send.boxed(), receive.boxed(), read_late.boxed()]).await
}

async fn slow_peer(cx: Cx) -> Outcome {
    let pings = !cx.harness.lacks().contains(&Ability::Pings);
    let (mut client, mut peer) = cx.pair().await?;
    one_way_blocked(pings, &mut client.write, &mut client.read, &mut peer.write, &mut peer.read).await
}

async fn slow_reader(cx: Cx) -> Outcome {
    let (mut client, mut peer) = cx.pair().await?;
    // A peer that cannot write cannot answer pings either.
    one_way_blocked(false, &mut peer.write, &mut peer.read, &mut client.write, &mut client.read).await
}

async fn simultaneous(cx: Cx) -> Outcome {
    const COUNT: usize = 100;

    let (mut client, mut peer) = cx.pair().await?;
    let text = "x".repeat(200_000);
    let write = async |side: &mut Out| {
        for _ in 0..COUNT {
            side.text(&*text).await?;
        }
        Ok(())
    };
    let read = async |side: &mut In| {
        for _ in 0..COUNT {
            side.expect_text(&*text).await?;
        }
        Ok(())
    };
    apart([
        write(&mut client.write).boxed(),
        write(&mut peer.write).boxed(),
        read(&mut client.read).boxed(),
        read(&mut peer.read).boxed(),
    ])
    .await
}
