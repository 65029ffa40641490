//! Requests of the REST API over the same streams: the proxies, the TLS and the runtime of a transport, and hyper.

mod io;

use std::pin::pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{Either, select};
use http::{
    HeaderValue, Request, Response, Uri,
    header::{CONNECTION, HOST},
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use realtime_core::transport::{Http, TransportError, TransportErrorKind};

pub use self::io::HttpStream;
use crate::{Runtime, SocketTransport};

/// The largest answer that is read: 1 GiB, enough for a stereo recording of an hour and more.
pub const MAX_ANSWER: usize = 1 << 30;

/// Every request has a connection of its own, made as those of WebSockets are.
#[async_trait]
impl<R: Runtime> Http for SocketTransport<R> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let stream = self.stream(request.uri()).await?;
        let (mut sender, connection) = http1::handshake(HttpStream::new(stream, Bytes::new())).await.map_err(broken)?;
        let exchange = pin!(async {
            let (head, body) = sender.send_request(in_origin_form(request)?).await.map_err(broken)?.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(unread)?;
            Ok(Response::from_parts(head, body.to_bytes()))
        });
        // The connection moves the bytes. Once it has ended, the exchange has all that there is.
        match select(exchange, pin!(connection)).await {
            Either::Left((answer, _)) => answer,
            Either::Right((_, exchange)) => exchange.await,
        }
    }
}

/// The request as a server takes it, rather than a proxy (RFC 9112, section 3.2.1).
fn in_origin_form(request: Request<Bytes>) -> Result<Request<Full<Bytes>>, TransportError> {
    let invalid = |error: http::Error| TransportError::new(TransportErrorKind::Protocol, error);
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = HeaderValue::from_str(host).map_err(|error| invalid(error.into()))?;
    head.headers.insert(HOST, host);
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse::<Uri>().map_err(|error| invalid(error.into()))?;
    Ok(Request::from_parts(head, Full::new(body)))
}

fn broken(error: hyper::Error) -> TransportError {
    let kind = match () {
        () if error.is_parse() || error.is_user() => TransportErrorKind::Protocol,
        () => TransportErrorKind::Io,
    };
    TransportError::new(kind, error)
}

fn unread(error: Box<dyn std::error::Error + Send + Sync>) -> TransportError {
    match error.downcast::<hyper::Error>() {
        Ok(error) => broken(*error),
        Err(error) if error.is::<LengthLimitError>() => TransportError::new(TransportErrorKind::TooLarge, error),
        Err(error) => TransportError::new(TransportErrorKind::Io, error),
    }
}
