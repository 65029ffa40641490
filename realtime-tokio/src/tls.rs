//! TLS, by whichever library is compiled in. rustls goes before native-tls, and the platform's trust before Mozilla's.

use realtime_core::transport::{TransportError, TransportErrorKind};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

#[cfg(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
pub(crate) async fn connect(
    host: &str,
    stream: TcpStream,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, TransportError> {
    use std::sync::Arc;

    use tokio_rustls::{
        TlsConnector,
        rustls::{ClientConfig, crypto::ring, pki_types::ServerName},
    };

    // Named, so that other crates in the program that prefer another provider do not matter.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(tls)?;
    #[cfg(feature = "rustls-platform-verifier")]
    let config = {
        use rustls_platform_verifier::BuilderVerifierExt;

        config.with_platform_verifier().map_err(tls)?
    };
    #[cfg(not(feature = "rustls-platform-verifier"))]
    let config = config
        .with_root_certificates(tokio_rustls::rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    let config = config.with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(tls)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(realtime_websocket::io)
}

#[cfg(all(feature = "native-tls", not(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))))]
pub(crate) async fn connect(
    host: &str,
    stream: TcpStream,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, TransportError> {
    let connector = native_tls::TlsConnector::new().map_err(tls)?;
    tokio_native_tls::TlsConnector::from(connector).connect(host, stream).await.map_err(tls)
}

#[cfg(not(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots", feature = "native-tls")))]
pub(crate) async fn connect(_: &str, _: TcpStream) -> Result<TcpStream, TransportError> {
    Err(tls("no TLS is compiled in: turn on one of the features `rustls-platform-verifier`, `rustls-webpki-roots`, \
             `native-tls`"))
}

fn tls(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TransportError {
    TransportError::new(TransportErrorKind::Tls, source)
}
