use std::{fmt, io, sync::Arc};

use futures_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use realtime_core::Secret;
use realtime_websocket::ByteStream;

/// A server's certificate and TLS settings.
#[derive(Clone)]
pub struct ServerTls(TlsAcceptor);

impl ServerTls {
    /// The certificate followed by any intermediates, and the private key, both in PEM. TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// One of them cannot be parsed, or the key does not belong to the certificate.
    pub fn pem(chain: &str, key: &Secret) -> io::Result<Self> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
            .map_err(io::Error::other)?;
        Ok(Self::rustls(config))
    }

    /// A rustls configuration made by the application, such as one that asks for client certificates.
    pub fn rustls(config: impl Into<Arc<ServerConfig>>) -> Self {
        Self(TlsAcceptor::from(config.into()))
    }

    pub(super) async fn accept(&self, stream: ByteStream) -> io::Result<ByteStream> {
        self.0.accept(stream).await.map(ByteStream::new)
    }
}

/// Omits the certificate and the key.
impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}
