use realtime_audio::{Encoding, Format};

/// A telephone carrier, by its media stream protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Carrier {
    /// Twilio Media Streams.
    Twilio,
    /// Telnyx media streaming.
    Telnyx,
    /// Plivo audio streaming.
    Plivo,
    /// Vonage Voice API WebSockets.
    Vonage,
}

/// Byte order of 16-bit samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ByteOrder {
    /// Little-endian: the low byte first.
    Little,
    /// Big-endian: the high byte first, as in RTP's `L16`.
    Big,
}

/// Properties of a carrier's stream that its messages do not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The carrier.
    pub carrier: Carrier,
    /// The byte order of 16-bit audio from the carrier. Telnyx and Plivo do not document theirs: if the caller sounds like
    /// loud noise, set the other one.
    pub from_carrier: ByteOrder,
    /// The byte order of 16-bit audio to the carrier.
    pub to_carrier: ByteOrder,
    /// The format of audio to the carrier, if it differs from the announced one: Telnyx plays the format requested by
    /// `stream_bidirectional_codec`, whatever the caller's side sends. `None` uses the announced format.
    pub outbound: Option<Format>,
}

impl Settings {
    /// Returns settings for Twilio: μ-law in both directions.
    pub fn twilio() -> Self {
        Self::new(Carrier::Twilio, ByteOrder::Little)
    }

    /// Returns settings for Telnyx, with the format requested by `stream_bidirectional_codec` and its sampling rate. 16-bit
    /// audio is big-endian by default.
    ///
    /// Request `stream_bidirectional_mode: "rtp"`, otherwise Telnyx plays no audio.
    pub fn telnyx(outbound: Format) -> Self {
        let order = if outbound.encoding() == Encoding::Pcm { ByteOrder::Little } else { ByteOrder::Big };
        Self { outbound: Some(outbound), to_carrier: order, ..Self::new(Carrier::Telnyx, ByteOrder::Big) }
    }

    /// Returns settings for Plivo: the format of the `<Stream>` element in both directions. 16-bit audio is little-endian by
    /// default.
    pub fn plivo() -> Self {
        Self::new(Carrier::Plivo, ByteOrder::Little)
    }

    /// Returns settings for Vonage: little-endian 16-bit audio in both directions.
    pub fn vonage() -> Self {
        Self::new(Carrier::Vonage, ByteOrder::Little)
    }

    fn new(carrier: Carrier, order: ByteOrder) -> Self {
        Self { carrier, from_carrier: order, to_carrier: order, outbound: None }
    }

    /// Sets the byte order of 16-bit audio from the carrier.
    #[must_use]
    pub fn from_carrier(mut self, order: ByteOrder) -> Self {
        self.from_carrier = order;
        self
    }

    /// Sets the byte order of 16-bit audio to the carrier.
    #[must_use]
    pub fn to_carrier(mut self, order: ByteOrder) -> Self {
        self.to_carrier = order;
        self.outbound = self.outbound.map(|format| ordered(format, order));
        self
    }

    /// The format of audio to the carrier, given the announced one.
    pub(crate) fn outbound_format(&self, announced: Format) -> Format {
        self.outbound.unwrap_or_else(|| ordered(announced, self.to_carrier))
    }
}

/// The format with this byte order of 16-bit samples.
pub(crate) fn ordered(format: Format, order: ByteOrder) -> Format {
    match (format.encoding(), order) {
        (Encoding::Pcm | Encoding::PcmBe, ByteOrder::Little) => Format::new(Encoding::Pcm, format.rate_hz()),
        (Encoding::Pcm | Encoding::PcmBe, ByteOrder::Big) => Format::new(Encoding::PcmBe, format.rate_hz()),
        _ => format,
    }
}
