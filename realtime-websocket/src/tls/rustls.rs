use async_trait::async_trait;
use futures_rustls::{TlsConnector, pki_types::ServerName, rustls::Error};
use realtime_core::transport::TransportError;

use super::{Connector, failed};
use crate::{convert::io, stream::ByteStream};

#[async_trait]
impl Connector for TlsConnector {
    async fn connect(&self, host: &str, stream: ByteStream) -> Result<ByteStream, TransportError> {
        let name = ServerName::try_from(host.to_owned()).map_err(failed)?;
        self.connect(name, stream).await.map(ByteStream::new).map_err(|error| {
            let ours = error.get_ref().is_some_and(|inner| inner.is::<Error>());
            if ours { failed(error) } else { io(error) }
        })
    }
}
