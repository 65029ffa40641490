use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use realtime_core::transport::Http;
use realtime_websocket::{ByteStream, HttpStream};

/// The largest body of a request, in bytes.
const MAX_BODY: usize = 4 << 20;

/// Answers one request of the REST API, of which these bytes were read before.
pub(super) async fn serve(stream: ByteStream, received: Vec<u8>, http: Arc<dyn Http>) {
    let service = service_fn(|request| {
        let http = http.clone();
        async move { Ok::<_, Infallible>(answer(&*http, request).await.map(Full::new)) }
    });
    let connection =
        http1::Builder::new().keep_alive(false).serve_connection(HttpStream::new(stream, received), service);
    // A client that breaks it off has nobody to be told.
    let _ = connection.await;
}

async fn answer(http: &dyn Http, request: Request<Incoming>) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return refused(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string()),
    };
    match http.send(Request::from_parts(head, body)).await {
        Ok(answer) => answer,
        Err(error) => refused(StatusCode::BAD_GATEWAY, &error.to_string()),
    }
}

fn refused(status: StatusCode, message: &str) -> Response<Bytes> {
    let error = serde_json::json!({ "message": message, "type": "server_error", "code": null, "param": null });
    let mut answer = Response::new(Bytes::from(serde_json::json!({ "error": error }).to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
