//! The least that a frame can cost: what no client of the same runtime can do without.

use std::{hint::black_box, ops::Range};

use base64_turbo::STANDARD;
use futures::{AsyncRead, AsyncReadExt};

use crate::frames::AUDIO;

/// Size of its buffer: what ours grows to in a burst.
const SIZE: usize = 128 << 10;

/// Reads a stream without a WebSocket implementation, an event or a session.
pub struct Floor {
    bytes: Box<[u8]>,
    held: Range<usize>,
}

impl Default for Floor {
    fn default() -> Self {
        Self { bytes: vec![0; SIZE].into(), held: 0..0 }
    }
}

impl Floor {
    /// Reads so many text frames. Their text is checked, and audio is decoded into one allocation, from a place that is
    /// known beforehand. Nothing else is looked at.
    pub async fn frames(&mut self, stream: &mut (impl AsyncRead + Unpin), frames: usize) {
        for _ in 0..frames {
            let text = loop {
                match text(&self.bytes[self.held.clone()]) {
                    Some(text) => break self.held.start + text.start..self.held.start + text.end,
                    None => self.fill(stream).await,
                }
            };
            self.held.start = text.end;
            let text = simdutf8::basic::from_utf8(&self.bytes[text]).unwrap();
            if let Some(start) = text.len().checked_sub(AUDIO.div_ceil(3) * 4 + 2) {
                drop(black_box(STANDARD.decode(&text[start..text.len() - 2]).unwrap()));
            }
        }
    }

    /// Reads so many bytes and looks at none.
    pub async fn bytes(&mut self, stream: &mut (impl AsyncRead + Unpin), mut bytes: usize) {
        while bytes > 0 {
            bytes -= stream.read(&mut self.bytes).await.unwrap();
        }
    }

    async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) {
        self.bytes.copy_within(self.held.clone(), 0);
        self.held = 0..self.held.len();
        let read = stream.read(&mut self.bytes[self.held.end..]).await.unwrap();
        assert!(read > 0);
        self.held.end += read;
    }
}

/// The text of the frame that the bytes begin with, once it is there.
fn text(bytes: &[u8]) -> Option<Range<usize>> {
    let (start, length) = match *bytes {
        [0x81, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [0x81, length @ 0..126, ..] => (2, usize::from(length)),
        [0x81, ..] | [] => return None,
        _ => panic!("no text"),
    };
    (bytes.len() >= start + length).then_some(start..start + length)
}
