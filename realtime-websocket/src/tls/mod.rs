//! TLS by the compiled-in library.

#[cfg(feature = "native-tls")]
mod native;
#[cfg(feature = "rustls")]
mod rustls;
#[cfg(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
mod trust;

use std::{env, error, fmt, fs, io, sync::Arc};

use async_trait::async_trait;
#[cfg(feature = "rustls")]
use futures_rustls::{TlsConnector, rustls::ClientConfig};
use realtime_core::{
    Secret,
    transport::{TransportError, TransportErrorKind},
};

use crate::stream::ByteStream;

/// TLS settings: trusted authorities and the client certificate.
///
/// By default, the certificates in the file named by `SSL_CERT_FILE` are trusted. Without that variable, trust comes
/// from the first of these that is compiled in: the platform's verifier, Mozilla's roots, native-tls.
///
/// If the server is not trusted, connecting fails with [`TransportErrorKind::Tls`], which is never retried.
///
/// # Examples
/// ```
/// use realtime_websocket::Tls;
///
/// # fn example() -> std::io::Result<()> {
/// // A server with a certificate of your own authority.
/// let tls = Tls::new().ca_pem(std::fs::read("ca.pem")?).only_given();
/// # drop(tls); Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Tls {
    trust: Trust,
    /// Whether only `authorities` are trusted.
    alone: bool,
    /// PEM data.
    authorities: Vec<Vec<u8>>,
    identity: Option<Identity>,
}

#[derive(Clone, Default)]
enum Trust {
    #[default]
    Open,
    #[cfg(feature = "rustls-platform-verifier")]
    Platform,
    #[cfg(feature = "rustls-webpki-roots")]
    Mozilla,
    #[cfg(feature = "native-tls")]
    Native,
    #[cfg(feature = "rustls")]
    Config(Arc<ClientConfig>),
}

/// Default trust: the first entry.
const ORDER: &[Trust] = &[
    #[cfg(feature = "rustls-platform-verifier")]
    Trust::Platform,
    #[cfg(feature = "rustls-webpki-roots")]
    Trust::Mozilla,
    #[cfg(feature = "native-tls")]
    Trust::Native,
];

/// A certificate chain and its private key, in PEM.
#[derive(Clone)]
#[cfg_attr(
    not(any(feature = "native-tls", feature = "rustls-platform-verifier", feature = "rustls-webpki-roots")),
    expect(dead_code, reason = "there is no library to show it with")
)]
struct Identity {
    chain: Vec<u8>,
    key: Secret,
}

impl Tls {
    /// Default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses rustls with the platform's certificate verifier.
    #[cfg(feature = "rustls-platform-verifier")]
    pub fn platform() -> Self {
        Trust::Platform.into()
    }

    /// Uses rustls with Mozilla's root certificates as of the time this program was compiled.
    #[cfg(feature = "rustls-webpki-roots")]
    pub fn webpki_roots() -> Self {
        Trust::Mozilla.into()
    }

    /// Uses the platform's own TLS library and trust store.
    #[cfg(feature = "native-tls")]
    pub fn native() -> Self {
        Trust::Native.into()
    }

    /// Uses a rustls configuration made by the application. All other settings are ignored.
    #[cfg(feature = "rustls")]
    pub fn rustls(config: impl Into<Arc<ClientConfig>>) -> Self {
        Trust::Config(config.into()).into()
    }

    /// Additionally trusts these authorities: one or more certificates in PEM, such as the contents of a file.
    #[must_use]
    pub fn ca_pem(mut self, certificates: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(certificates.into());
        self
    }

    /// Trusts only the authorities given by [`ca_pem`](Self::ca_pem).
    #[must_use]
    pub fn only_given(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Sets the client certificate for servers that request one: the certificate followed by any intermediates, and the
    /// private key as PKCS #8, both in PEM.
    #[must_use]
    pub fn identity(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Secret>) -> Self {
        self.identity = Some(Identity { chain: chain.into(), key: key.into() });
        self
    }

    /// Reads and validates everything that the settings refer to.
    pub(crate) fn connector(&self) -> Result<Arc<dyn Connector>, TransportError> {
        let mut tls = self.clone();
        if matches!(self.trust, Trust::Open) {
            tls.trust = ORDER.first().cloned().unwrap_or_default();
            let file = env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty() && !self.alone);
            if let Some(file) = file {
                tls.authorities.push(fs::read(file).map_err(|error| {
                    failed(io::Error::new(error.kind(), format!("the file of SSL_CERT_FILE cannot be read: {error}")))
                })?);
                tls.alone = true;
            }
        }
        match &tls.trust {
            Trust::Open => Err(failed(
                "no TLS is compiled in: turn on one of the features `rustls-platform-verifier`, \
                 `rustls-webpki-roots`, `native-tls`",
            )),
            #[cfg(feature = "rustls")]
            Trust::Config(config) => Ok(Arc::new(TlsConnector::from(config.clone()))),
            #[cfg(feature = "native-tls")]
            Trust::Native => Ok(Arc::new(native::connector(&tls)?)),
            #[cfg(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
            choice => Ok(Arc::new(TlsConnector::from(Arc::new(trust::config(choice, &tls)?)))),
        }
    }
}

impl From<Trust> for Tls {
    fn from(trust: Trust) -> Self {
        Self { trust, ..Self::default() }
    }
}

/// Omits the certificates and the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Adds TLS to streams.
#[async_trait]
pub(crate) trait Connector: Send + Sync {
    /// Performs the TLS handshake and verifies that the peer is `host`.
    async fn connect(&self, host: &str, stream: ByteStream) -> Result<ByteStream, TransportError>;
}

#[cfg(any(feature = "native-tls", feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
const NO_CERTIFICATE: &str = "there is no certificate in the PEM";

fn failed(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> TransportError {
    TransportError::new(TransportErrorKind::Tls, source)
}
