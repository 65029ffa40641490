use std::{fmt, ops::Deref};

use bytes::{Buf, Bytes};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

use super::base64;

/// Audio as raw bytes of its samples. Base64 on the wire.
///
/// The session's format determines the encoding: little-endian 16-bit mono PCM at 24,000 Hz by default, or one byte per
/// sample at 8,000 Hz for G.711. Clones share the bytes.
///
/// # Examples
/// ```
/// use realtime_core::Audio;
///
/// let audio = Audio::from(vec![0, 0, 1, 0]);
/// assert_eq!(serde_json::to_string(&audio)?, r#""AAABAA==""#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Audio(Bytes);

impl Audio {
    /// Extracts the bytes without copying.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The samples of 16-bit PCM. An odd last byte is ignored.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = i16> + '_ {
        self.0.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair))
    }

    /// Removes bytes from the front without copying or allocating.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.0.advance(bytes.min(self.0.len()));
    }

    /// Decodes padded base64 in the standard alphabet. Other forms are decoded by [`Deserialize`].
    pub(crate) fn from_base64(text: &[u8]) -> Option<Self> {
        base64::decode(text).map(Self::from)
    }
}

impl Deref for Audio {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Audio {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for Audio {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Audio {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&[u8]> for Audio {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

/// Encodes samples as 16-bit PCM.
impl From<&[i16]> for Audio {
    fn from(samples: &[i16]) -> Self {
        samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<_>>().into()
    }
}

/// Shows the length only: payloads do not belong in logs.
impl fmt::Debug for Audio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audio({} bytes)", self.len())
    }
}

impl Serialize for Audio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = String::from_utf8(base64::encode_between("\"", self, "\"")).map_err(ser::Error::custom)?;
        // Written as raw JSON: serde_json would check each character of a string for escapes, which takes longer than
        // everything else.
        RawValue::from_string(text).map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Audio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Audio;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("audio in base64")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Audio, E> {
                self.visit_bytes(text.as_bytes())
            }

            fn visit_bytes<E: de::Error>(self, text: &[u8]) -> Result<Audio, E> {
                Audio::from_base64(text)
                    .or_else(|| base64::decode_loosely(text).map(Audio::from))
                    .ok_or_else(|| E::custom("audio that is not base64"))
            }
        }

        // Asked for bytes, serde_json does not validate UTF-8; base64 is stricter anyway.
        deserializer.deserialize_bytes(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn travels_as_base64() {
        let audio = Audio::from([1i16, -2, 300].as_slice());
        assert_eq!(&*audio, [1, 0, 254, 255, 44, 1]);
        assert_eq!(audio.samples().collect::<Vec<_>>(), [1, -2, 300]);
        let text = serde_json::to_string(&audio).unwrap();
        assert_eq!(text, r#""AQD+/ywB""#);
        assert_eq!(serde_json::to_value(&audio).unwrap(), "AQD+/ywB");
        assert_eq!(serde_json::from_str::<Audio>(&text).unwrap(), audio);
        assert_eq!(serde_json::from_str::<Audio>(r#""AQD+\/ywB""#).unwrap(), audio);
        assert_eq!(format!("{audio:?}"), "Audio(6 bytes)");
        assert_eq!(serde_json::from_str::<Audio>(r#""AQD-_ywB""#).unwrap(), audio);
        for wrong in [r#""AQD+/yw!""#, "1", "null"] {
            assert!(serde_json::from_str::<Audio>(wrong).is_err());
        }
    }
}
