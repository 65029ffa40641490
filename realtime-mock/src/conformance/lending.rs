//! Requirements for what a reader lends and a sink gathers: it is the message, whole and in order, wherever it lies in their
//! buffers.

use futures::FutureExt;
use realtime_core::transport::Message;

use super::{
    run::{Test, tests},
    server::{FINAL, PING, TEXT, frame},
    side::{Cx, Outcome, apart, ensure},
};

tests! {
    frames: false;
    "texts-of-any-size", "A text is what was sent, wherever it ends in a buffer, and between others.", [], any_size;
    "gathered-texts", "Texts that are taken before any is flushed arrive whole and in order.", [], gathered;
}

/// About frames: the server cuts them.
pub(super) const CUT: &[Test] = &[Test {
    name: "cut-anywhere",
    promise: "A frame is received whole, wherever it was cut, whatever came behind it.",
    needs: &[],
    frames: true,
    run: |cx| Box::pin(cut_anywhere(cx)),
}];

/// A text of so many bytes that differs from its neighbours, with a character of two bytes at its end if there is room.
fn text(number: usize, length: usize) -> String {
    let mut text: String = format!("{number}:").chars().cycle().take(length).collect();
    if length > 16 {
        text.truncate(length - 2);
        text.push('é');
    }
    text
}

/// Sizes around those of headers, and of the buffers that readers are likely to have.
fn sizes() -> impl Iterator<Item = usize> + Clone {
    let powers = (7..=17).map(|power| 1_usize << power);
    let around = powers.flat_map(|size| [size - 15, size - 11, size - 5, size - 4, size - 3, size - 2, size - 1, size]);
    (0..40).chain(120..132).chain(around).chain([3, 65_535, 65_536, 7])
}

async fn any_size(cx: Cx) -> Outcome {
    let (mut client, mut peer) = cx.pair().await?;
    let texts = || (0..).zip(sizes()).map(|(number, size)| text(number, size));
    let send = async {
        for text in texts() {
            peer.write.text(text).await?;
        }
        Ok(())
    };
    let receive = async {
        for text in texts() {
            client.read.expect_text(text).await?;
        }
        Ok(())
    };
    apart([send.boxed(), receive.boxed()]).await
}

async fn gathered(cx: Cx) -> Outcome {
    let (mut client, mut peer) = cx.pair().await?;
    let texts = || (0..).zip(sizes()).map(|(number, size)| text(number, size));
    let send = async {
        for text in texts() {
            client.write.feed(Message::Text(text.into())).await?;
        }
        client.write.flush().await?;
        // A flush of nothing is over at once.
        client.write.flush().await
    };
    let receive = async {
        for text in texts() {
            peer.read.expect_text(text).await?;
        }
        Ok(())
    };
    apart([send.boxed(), receive.boxed()]).await
}

async fn cut_anywhere(cx: Cx) -> Outcome {
    let (mut client, mut socket) = super::frames::open(&cx).await?;
    let behind = [frame(FINAL | PING, b"?"), frame(FINAL | TEXT, "é".as_bytes())].concat();
    for length in [0, 1, 125, 126, 300] {
        let first = text(length, length);
        let bytes = [frame(FINAL | TEXT, first.as_bytes()), behind.clone()].concat();
        for cut in 1..bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            let send = async {
                socket.write(head).await.map_err(super::frames::lost)?;
                // The client has read what came before, or is about to: it says so.
                let heard = socket.read_frame().await.map_err(super::frames::lost)?;
                ensure!(heard.payload == b"go on", "the client did not send its text");
                socket.write(tail).await.map_err(super::frames::lost)?;
                let pong = socket.read_frame().await.map_err(super::frames::lost)?;
                ensure!(pong.payload == b"?", "a ping was not answered");
                Ok(())
            };
            let write = client.write.text("go on");
            let read = async {
                client.read.expect(&Message::Text(first.as_str().into())).await?;
                client.read.expect_text("é").await
            };
            apart([read.boxed(), write.boxed(), send.boxed()]).await.map_err(|why| format!("cut at {cut}: {why}"))?;
        }
    }
    Ok(())
}
