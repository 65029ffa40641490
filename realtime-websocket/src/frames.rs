//! The frames of a byte stream, by their headers.
//!
//! Only what can be lent is told from the rest here; what a frame means, and what is wrong with it, is decided by
//! tungstenite. Of a close frame the payload is kept, because tungstenite replaces codes that it does not accept, such as
//! 1014, by 1002, and the reason by its own text.

use std::ops::Range;

use realtime_core::transport::CloseFrame;

/// Maximum payload of a control frame, in bytes (RFC 6455, section 5.5).
const MAX_CONTROL: u64 = 125;
/// Maximum size of a frame header: two bytes, an 8-byte length, a 4-byte mask.
const MAX_HEADER: usize = 14;

/// What the beginning of a buffer is, at the beginning of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// A whole text message in one frame without a mask, with its payload here.
    Text(Range<usize>),
    /// The beginning of one, of so many bytes, or of a frame of which too little is known.
    Part(usize),
    /// Anything else.
    Other,
}

impl Front {
    /// Looks at the beginning of a buffer. Texts of more than `limit` bytes are something else.
    pub(crate) fn of(buffer: &[u8], limit: usize) -> Self {
        const TEXT: u8 = 0x81;

        let (header, length) = match *buffer {
            [] | [TEXT] => return Self::Part(2),
            [TEXT, length @ 0..=125, ..] => (2, u64::from(length)),
            [TEXT, 126, high, low, ..] => (4, u64::from(u16::from_be_bytes([high, low]))),
            [TEXT, 127, a, b, c, d, e, f, g, h, ..] => (10, u64::from_be_bytes([a, b, c, d, e, f, g, h])),
            [TEXT, 126, ..] => return Self::Part(4),
            [TEXT, 127, ..] => return Self::Part(10),
            _ => return Self::Other,
        };
        match usize::try_from(length).ok().filter(|length| *length <= limit) {
            Some(length) if buffer.len() >= header + length => Self::Text(header..header + length),
            Some(length) => Self::Part(header + length),
            None => Self::Other,
        }
    }
}

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
    /// Whether a message has begun and its last frame has not.
    in_message: bool,
    received: Option<CloseFrame>,
}

impl Frames {
    /// The peer's close frame as it was sent, once it has arrived.
    pub(crate) fn received(&self) -> Option<&CloseFrame> {
        self.received.as_ref()
    }

    /// Whether the next byte begins a message.
    pub(crate) fn is_between(&self) -> bool {
        self.length == 0 && !self.in_message
    }

    /// Parses the next bytes of the stream.
    pub(crate) fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = &bytes[self.see_frame(bytes)..];
        }
    }

    /// Parses the next bytes of the stream up to the end of a frame. Returns how many that were.
    pub(crate) fn see_frame(&mut self, all: &[u8]) -> usize {
        let mut bytes = all;
        loop {
            if self.left > 0 {
                let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                let (payload, rest) = bytes.split_at(taken);
                if let Some(close) = &mut self.close {
                    close.extend_from_slice(payload);
                }
                (self.left, bytes) = (self.left - taken as u64, rest);
                if self.left == 0 {
                    self.payload_ends();
                    break;
                }
            }
            let Some((byte, rest)) = bytes.split_first() else { break };
            bytes = rest;
            // In bounds: a header has at most 14 bytes, and is reset as soon as it is complete.
            self.header[self.length] = *byte;
            self.length += 1;
            if self.length == self.header_length() {
                self.header_ends();
                if self.left == 0 {
                    self.length = 0;
                    break;
                }
            }
        }
        all.len() - bytes.len()
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
        let (opcode, is_last) = (header[0] & 0x0F, header[0] & 0x80 != 0);
        if opcode < 8 {
            self.in_message = !is_last;
        }
        // Nothing counts after the first close frame.
        let is_close = opcode == 8 && self.left <= MAX_CONTROL && self.received.is_none();
        self.close = is_close.then(Vec::new);
    }

    fn payload_ends(&mut self) {
        if let Some(mut payload) = self.close.take() {
            if self.is_masked() {
                let mask = &self.header[self.length - 4..self.length];
                payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
            }
            if let Some((code, reason)) = payload.split_first_chunk() {
                let reason = String::from_utf8_lossy(reason);
                self.received = Some(CloseFrame::new(u16::from_be_bytes(*code), reason));
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
                let mut frames = Frames::default();
                stream.chunks(size.min(stream.len())).for_each(|bytes| frames.see(bytes));
                assert_eq!(frames.received(), Some(&CloseFrame::new(1014, "why")), "{mask:?} {size}");
                assert!(frames.is_between());
            }
        }
    }

    #[test]
    fn a_close_frame_without_a_code_leaves_nothing() {
        for payload in [&b""[..], b"\x03", &[0x88; 126]] {
            let mut frames = Frames::default();
            frames.see(&frame(8, payload, None));
            assert_eq!(frames.received(), None);
        }
    }

    #[test]
    fn a_text_in_one_frame_is_found_and_nothing_else() {
        for length in [0, 1, 125, 126, 300, 65_535, 65_536] {
            let whole = frame(1, &vec![b'x'; length], None);
            let header = whole.len() - length;
            let mut more = whole.clone();
            more.extend([0x81, 5]);
            for buffer in [&whole, &more] {
                assert_eq!(Front::of(buffer, length), Front::Text(header..whole.len()));
            }
            for cut in 0..whole.len().min(20) {
                let wanted = if cut < 2 {
                    2
                } else if cut < header {
                    header
                } else {
                    whole.len()
                };
                assert_eq!(Front::of(&whole[..cut], length), Front::Part(wanted), "{length} {cut}");
            }
            if let Some(less) = length.checked_sub(1) {
                assert_eq!(Front::of(&whole, less), Front::Other);
            }
            assert_eq!(Front::of(&frame(1, &vec![b'x'; length], Some([0; 4])), length), Front::Other);
        }
        for first in (0..=255).filter(|first| *first != 0x81) {
            assert_eq!(Front::of(&[first, 1, b'x'], 1), Front::Other);
        }
        assert_eq!(Front::of(&[0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255], usize::MAX >> 1), Front::Other);
    }

    #[test]
    fn a_frame_ends_where_it_ends() {
        let mut frames = Frames::default();
        let fragments = [frame(1, b"ab", None), frame(9, b"", None), frame(0, b"", None), frame(0, b"c", None)];
        for (at, mut bytes) in fragments.into_iter().enumerate() {
            let (is_control, is_last) = (at == 1, at == 3);
            if !is_control && !is_last {
                bytes[0] &= 0x7F;
            }
            let length = bytes.len();
            bytes.extend([0x81, 0]);
            assert_eq!(frames.see_frame(&bytes), length);
            assert_eq!(frames.is_between(), is_last);
        }
    }
}
