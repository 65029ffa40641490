use std::sync::Arc;

use futures_rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    rustls::{ClientConfig, RootCertStore, crypto::ring},
};
use realtime_core::transport::TransportError;

use super::{NO_CERTIFICATE, Tls, Trust, failed};

/// Builds a rustls configuration with this trust.
pub(super) fn config(trust: &Trust, tls: &Tls) -> Result<ClientConfig, TransportError> {
    // Named explicitly, so that a different default provider elsewhere in the program has no effect.
    let provider = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().map_err(failed)?;
    let mut authorities = Vec::new();
    for pem in &tls.authorities {
        authorities.extend(certificates(pem)?);
    }
    let builder = match trust {
        #[cfg(feature = "rustls-platform-verifier")]
        Trust::Platform if !tls.alone => {
            let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(authorities, provider);
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier.map_err(failed)?))
        }
        _ => {
            let mut roots = RootCertStore::empty();
            #[cfg(feature = "rustls-webpki-roots")]
            if !tls.alone {
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            for authority in authorities {
                roots.add(authority).map_err(failed)?;
            }
            builder.with_root_certificates(roots)
        }
    };
    match &tls.identity {
        Some(identity) => {
            let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes()).map_err(failed)?;
            builder.with_client_auth_cert(certificates(&identity.chain)?, key).map_err(failed)
        }
        None => Ok(builder.with_no_client_auth()),
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(failed)?;
    if certificates.is_empty() { Err(failed(NO_CERTIFICATE)) } else { Ok(certificates) }
}
