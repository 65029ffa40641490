//! Requirements for every transport: messages, and how a connection begins and ends.

use std::{
    task::{Context, Waker},
    thread,
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt, future};
use http::StatusCode;
use realtime_core::transport::{CloseFrame, Instant, Message, TransportErrorKind};

use super::{
    Ability,
    run::{Test, tests},
    side::{Cx, Ending, In, Out, Outcome, apart, beside, describe, ensure, tell},
};

tests! {
    frames: false;
    "connect", "A connection opens, and says whether it can ping.", [], connect;
    "refusal", "A refused handshake is told with its status; another attempt may succeed.", [Refusals], refusal;
    "text", "Texts arrive whole on both sides.", [], text;
    "binary", "Binary messages arrive whole on both sides, as such.", [Binary], binary;
    "order", "Messages arrive in the order in which they were sent.", [], order;
    "sizes", "Messages of 1 byte to 16 MiB arrive.", [], sizes;
    "limit", "A message over the limit ends the connection as too large; one at the limit arrives.", [Limits], limit;
    "ping-answered", "A ping of the peer is answered without another call to `receive`.", [Pings], ping_answered;
    "pong-delivered", "The answer to a ping is received.", [Pings], pong_delivered;
    "peer-closes", "The peer's close frame comes after its messages, then the end; the peer is answered.", [], peer_closes;
    "we-close", "A close frame reaches the peer, and then the end comes in order.", [], we_close;
    "abrupt-end", "After an end without a close frame all that was sent is received, then the end, without one.", [],
        abrupt_end;
    "dropped", "Halves that are dropped end the connection for the peer, after all that was sent.", [], dropped;
    "connect-twice", "One transport opens several connections, which do not mix.", [], connect_twice;
    "connect-dropped", "An attempt that is given up leaves nothing behind that disturbs the next.", [], connect_dropped;
    "timer", "The timer never rings early, never goes back, and works from any thread.", [], timer;
}

fn text_of(size: usize) -> String {
    let mut text = "0123456789abcdef".repeat(size.div_ceil(16));
    text.truncate(size);
    text
}

async fn connect(cx: Cx) -> Outcome {
    let (client, _peer) = cx.pair().await?;
    let expected = !cx.harness.lacks().contains(&Ability::Pings);
    ensure!(client.can_ping == expected, "`can_ping` is {}, and the harness says {expected}", client.can_ping);
    Ok(())
}

async fn refusal(cx: Cx) -> Outcome {
    for (status, retryable) in [(StatusCode::UNAUTHORIZED, false), (StatusCode::SERVICE_UNAVAILABLE, true)] {
        let connect = cx.transport.connect(cx.harness.handshake());
        match future::join(cx.harness.refuse(status), connect).await.1 {
            Ok(_) => return Err(format!("with {status} it opened")),
            Err(error) => {
                let kind = error.kind();
                ensure!(kind == TransportErrorKind::Rejected { status }, "{status} became {kind:?}: {}", tell(&error));
                ensure!(error.is_retryable() == retryable, "{status} is retryable: {}", error.is_retryable());
            }
        }
    }
    cx.pair().await.map(drop)
}

async fn text(cx: Cx) -> Outcome {
    let (mut client, mut peer) = cx.pair().await?;
    for text in ["hello", "", "{\"type\":\"x\"}", "two\r\nlines\n", "naïve Grüße 日本語 🦀", "\0"] {
        apart([client.write.text(text).boxed(), peer.read.expect_text(text).boxed()]).await?;
        apart([peer.write.text(text).boxed(), client.read.expect_text(text).boxed()]).await?;
    }
    Ok(())
}

async fn binary(cx: Cx) -> Outcome {
    let (mut client, mut peer) = cx.pair().await?;
    for bytes in [(0..=255).collect(), Bytes::new(), Bytes::from_static(b"as text")] {
        let message = Message::Binary(bytes);
        apart([client.write.send(message.clone()).boxed(), peer.read.expect(&message).boxed()]).await?;
        apart([peer.write.send(message.clone()).boxed(), client.read.expect(&message).boxed()]).await?;
    }
    Ok(())
}

async fn order(cx: Cx) -> Outcome {
    let (mut client, mut peer) = cx.pair().await?;
    let write = async |side: &mut Out| {
        for number in 0..1000 {
            side.text(number.to_string()).await?;
        }
        Ok(())
    };
    let read = async |side: &mut In| {
        for number in 0..1000 {
            side.expect_text(number.to_string()).await.map_err(|why| format!("at message {number} {why}"))?;
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

async fn sizes(cx: Cx) -> Outcome {
    let (mut client, mut peer) = cx.pair().await?;
    for size in [1, 125, 126, 65_535, 65_536, 1 << 20, 16 << 20] {
        let text = text_of(size);
        apart([client.write.text(&*text).boxed(), peer.read.expect_text(&*text).boxed()]).await?;
        apart([peer.write.text(&*text).boxed(), client.read.expect_text(&*text).boxed()]).await?;
    }
    Ok(())
}

async fn limit(cx: Cx) -> Outcome {
    let mut handshake = cx.harness.handshake();
    handshake.max_message_size = 1000;
    let (mut client, mut peer) = cx.pair_with(handshake).await?;
    apart([peer.write.text(text_of(1000)).boxed(), client.read.expect_text(text_of(1000)).boxed()]).await?;
    // The peer may find that nobody takes it.
    let send = peer.write.text(text_of(1001)).map(drop);
    let receive = async {
        match client.read.next().await {
            Ok(message) => Err(format!("with a limit of 1000 bytes {} was received", describe(&message))),
            Err(Ending::None) => Err("the end came in order".into()),
            Err(Ending::Failed(error)) => {
                let kind = error.kind();
                ensure!(kind == TransportErrorKind::TooLarge, "the error was {kind:?}: {}", tell(&error));
                Ok(())
            }
        }
    };
    beside(receive.boxed(), send.boxed()).await
}

async fn ping_answered(cx: Cx) -> Outcome {
    let (mut client, mut peer) = cx.pair().await?;
    let ask = async {
        let payload = Bytes::from_static(b"are you there");
        peer.write.send(Message::Ping(payload.clone())).await?;
        match peer.read.any().await {
            Ok(Message::Pong(answer)) if answer == payload => Ok(()),
            Ok(message) => Err(format!("the answer was {}", describe(&message))),
            Err(ending) => Err(format!("in place of an answer there was the end: {ending:?}")),
        }
    };
    // Called once: it may end with the ping.
    beside(ask.boxed(), client.read.any().map(drop).boxed()).await
}

async fn pong_delivered(cx: Cx) -> Outcome {
    let (mut client, mut peer) = cx.pair().await?;
    let ask = async {
        let payload = Bytes::from_static(b"are you there");
        client.write.send(Message::Ping(payload.clone())).await?;
        match client.read.any().await {
            Ok(Message::Pong(answer)) if answer == payload => Ok(()),
            Ok(message) => Err(format!("{} was received", describe(&message))),
            Err(ending) => Err(format!("the end was received: {ending:?}")),
        }
    };
    let answer = async { while peer.read.any().await.is_ok() {} };
    beside(ask.boxed(), answer.boxed()).await
}

async fn peer_closes(cx: Cx) -> Outcome {
    let (client, peer) = cx.pair().await?;
    let frame = Message::Close(Some(CloseFrame::new(4000, "no such model")));
    let sent = frame.clone();
    let close = async move {
        let mut peer = peer;
        for number in 0..3 {
            peer.write.text(number.to_string()).await?;
        }
        peer.write.send(sent).await?;
        match peer.read.end().await? {
            (Ending::None, _) => Ok(()),
            (Ending::Failed(error), _) => Err(format!("the peer was not answered: {}", tell(&error))),
        }
    };
    let lacks_frames = cx.harness.lacks().contains(&Ability::CloseFrames);
    // Each side is dropped once it has seen the end.
    let receive = async move {
        let mut client = client;
        for number in 0..3 {
            client.read.expect_text(number.to_string()).await?;
        }
        if !lacks_frames {
            client.read.expect(&frame).await?;
        }
        in_order(client.read.end().await?)
    };
    apart([close.boxed(), receive.boxed()]).await
}

async fn we_close(cx: Cx) -> Outcome {
    let (client, peer) = cx.pair().await?;
    let frame = Message::Close(Some(CloseFrame::new(1000, "goodbye")));
    let sent = frame.clone();
    let lacks_frames = cx.harness.lacks().contains(&Ability::CloseFrames);
    let close = async move {
        let mut client = client;
        client.write.text("last words").await?;
        client.write.send(sent).await?;
        in_order(client.read.end().await?)
    };
    // As before.
    let receive = async move {
        let mut peer = peer;
        peer.read.expect_text("last words").await?;
        if !lacks_frames {
            peer.read.expect(&frame).await?;
        }
        in_order(peer.read.end().await?)
    };
    apart([close.boxed(), receive.boxed()]).await
}

fn in_order(end: (Ending, bool)) -> Outcome {
    match end {
        (Ending::None, _) => Ok(()),
        (Ending::Failed(error), _) => Err(format!("the end was an error: {}", tell(&error))),
    }
}

async fn abrupt_end(cx: Cx) -> Outcome {
    let (mut client, mut peer) = cx.pair().await?;
    apart([peer.write.text("last words").boxed(), client.read.expect_text("last words").boxed()]).await?;
    peer.write.text("and one more").await?;
    drop(peer);
    client.read.expect_text("and one more").await?;
    match client.read.end().await? {
        (_, true) => Err("a close frame was received".into()),
        (Ending::Failed(error), _) if !error.is_retryable() => Err(format!("it is not retryable: {}", tell(&error))),
        _ => Ok(()),
    }
}

async fn dropped(cx: Cx) -> Outcome {
    let (mut client, mut peer) = cx.pair().await?;
    apart([client.write.text("last words").boxed(), peer.read.expect_text("last words").boxed()]).await?;
    client.write.text("and one more").await?;
    // A half that waits is dropped too.
    ensure!(client.read.any().now_or_never().is_none(), "something was received");
    drop(client);
    peer.read.expect_text("and one more").await?;
    peer.read.end().await.map(drop)
}

async fn connect_twice(cx: Cx) -> Outcome {
    let (mut first, mut first_peer) = cx.pair().await?;
    let (mut second, mut second_peer) = cx.pair().await?;
    apart([
        first.write.text("first").boxed(),
        second.write.text("second").boxed(),
        first_peer.read.expect_text("first").boxed(),
        second_peer.read.expect_text("second").boxed(),
    ])
    .await?;
    drop((first, first_peer));
    apart([second_peer.write.text("still here").boxed(), second.read.expect_text("still here").boxed()]).await
}

async fn connect_dropped(cx: Cx) -> Outcome {
    let mut given_up = cx.transport.connect(cx.harness.handshake());
    let _ = given_up.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(given_up);
    let connect = cx.transport.connect(cx.harness.handshake());
    let client = async {
        let duplex = connect.await.map_err(|error| format!("the next attempt failed: {}", tell(&error)))?;
        let mut client = cx.client(duplex);
        client.write.text("alive").await?;
        client.read.expect_text("well met").await
    };
    let accept = async {
        loop {
            // What was given up may have come as far as the peer.
            let mut peer = cx.peer().await;
            if peer.read.expect_text("alive").await.is_ok() {
                peer.write.text("well met").await?;
                return peer.read.end().await.map(drop);
            }
        }
    };
    apart([client.boxed(), accept.boxed()]).await
}

async fn timer(cx: Cx) -> Outcome {
    let timer = cx.transport.timer();
    let begun = timer.now();
    timer.sleep_until(Instant::from_origin(Duration::ZERO)).await;
    timer.sleep_until(begun).await;
    let deadline = timer.now() + Duration::from_millis(20);
    timer.sleep_until(deadline).await;
    let rang = timer.now();
    ensure!(rang >= deadline, "an alarm for {deadline:?} rang at {rang:?}");
    ensure!(begun <= deadline, "the time went back");
    let never = timer.sleep_until(rang + Duration::MAX).now_or_never();
    ensure!(never.is_none(), "an alarm rang that was set to the end of time");
    // Set and first polled in another thread, and awaited here.
    let elsewhere = timer.clone();
    let set = thread::spawn(move || {
        let mut alarm = elsewhere.sleep_until(elsewhere.now() + Duration::from_millis(20));
        let _ = alarm.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        alarm
    });
    set.join().map_err(|_| "an alarm cannot be set in another thread".to_owned())?.await;
    Ok(())
}
