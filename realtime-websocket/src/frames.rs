//! The close frame as the peer sent it.
//!
//! tungstenite replaces close codes that it does not accept, such as 1014, by 1002, and the reason by its own text.
//! Therefore the frames are parsed on their way to tungstenite: only the header of each frame, and the payload of the
//! close frame.

use std::sync::{Arc, OnceLock};

use realtime_core::transport::CloseFrame;

/// The peer's close frame, once it has arrived. Filled by the stream it [comes with](crate::Upgraded).
#[derive(Clone, Debug, Default)]
pub struct ReceivedClose(Arc<OnceLock<CloseFrame>>);

impl ReceivedClose {
    pub(crate) fn get(&self) -> Option<&CloseFrame> {
        self.0.get()
    }
}

/// Maximum payload of a control frame, in bytes (RFC 6455, section 5.5).
const MAX_CONTROL: u64 = 125;
/// Maximum size of a frame header: two bytes, an 8-byte length, a 4-byte mask.
const MAX_HEADER: usize = 14;

/// Parses the frames of a byte stream.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    header: [u8; MAX_HEADER],
    /// Number of header bytes received.
    length: usize,
    /// Number of payload bytes still expected, once the header is complete.
    left: u64,
    /// The payload of a close frame while it is being read.
    close: Option<Vec<u8>>,
    received: ReceivedClose,
}

impl Frames {
    pub(crate) fn new() -> (Self, ReceivedClose) {
        let frames = Self::default();
        let received = frames.received.clone();
        (frames, received)
    }

    /// Parses the next bytes of the stream.
    pub(crate) fn see(&mut self, mut bytes: &[u8]) {
        // Everything after the close frame is ignored.
        while !bytes.is_empty() && self.received.get().is_none() {
            if self.left > 0 {
                let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                let (payload, rest) = bytes.split_at(taken);
                if let Some(close) = &mut self.close {
                    close.extend_from_slice(payload);
                }
                (self.left, bytes) = (self.left - taken as u64, rest);
                if self.left == 0 {
                    self.payload_ends();
                }
                continue;
            }
            let Some((byte, rest)) = bytes.split_first() else { return };
            bytes = rest;
            // In bounds: a header has at most 14 bytes, and is reset as soon as it is complete.
            self.header[self.length] = *byte;
            self.length += 1;
            if self.length == self.header_length() {
                self.header_ends();
            }
        }
    }

    fn is_masked(&self) -> bool {
        self.header[1] & 0x80 != 0
    }

    fn header_length(&self) -> usize {
        let length = match self.header[1] & 0x7F {
            _ if self.length < 2 => return 2,
            126 => 4,
            127 => 10,
            _ => 2,
        };
        length + if self.is_masked() { 4 } else { 0 }
    }

    fn header_ends(&mut self) {
        let header = &self.header;
        self.left = match header[1] & 0x7F {
            126 => u64::from(u16::from_be_bytes([header[2], header[3]])),
            127 => u64::from_be_bytes([2, 3, 4, 5, 6, 7, 8, 9].map(|at: usize| header[at])),
            short => u64::from(short),
        };
        let is_close = header[0] & 0x0F == 8 && self.left <= MAX_CONTROL;
        self.close = is_close.then(Vec::new);
        if self.left == 0 {
            self.length = 0;
        }
    }

    fn payload_ends(&mut self) {
        if let Some(mut payload) = self.close.take() {
            if self.is_masked() {
                let mask = &self.header[self.length - 4..self.length];
                payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
            }
            if let Some((code, reason)) = payload.split_first_chunk() {
                let reason = String::from_utf8_lossy(reason);
                let _ = self.received.0.set(CloseFrame::new(u16::from_be_bytes(*code), reason));
            }
        }
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with a payload of this length, masked or not.
    fn frame(opcode: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
        let flag = if mask.is_some() { 0x80 } else { 0 };
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            short @ ..126 => frame.push(flag | short as u8),
            medium @ ..65_536 => {
                frame.push(flag | 126);
                frame.extend((medium as u16).to_be_bytes());
            }
            long => {
                frame.push(flag | 127);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        frame.extend(mask.into_iter().flatten());
        let mask = mask.unwrap_or_default();
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    #[test]
    fn the_close_frame_is_found_behind_any_frames_however_they_are_cut() {
        for mask in [None, Some([1, 2, 3, 4])] {
            let mut stream = Vec::new();
            for length in [0, 1, 8, 125, 126, 300, 65_535, 65_536] {
                stream.extend(frame(1, &vec![0x88; length], mask));
                stream.extend(frame(9, b"\x88\x02", mask));
            }
            stream.extend(frame(8, b"\x03\xf6why", mask));
            stream.extend(frame(8, b"\x03\xe8later", mask));
            for size in [1, 2, 3, 7, 1000, usize::MAX] {
                let (mut frames, received) = Frames::new();
                stream.chunks(size.min(stream.len())).for_each(|bytes| frames.see(bytes));
                assert_eq!(received.get(), Some(&CloseFrame::new(1014, "why")), "{mask:?} {size}");
            }
        }
    }

    #[test]
    fn a_close_frame_without_a_code_leaves_nothing() {
        for payload in [&b""[..], b"\x03", &[0x88; 126]] {
            let (mut frames, received) = Frames::new();
            frames.see(&frame(8, payload, None));
            assert_eq!(received.get(), None);
        }
    }
}
