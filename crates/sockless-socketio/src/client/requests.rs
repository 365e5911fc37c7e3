//! The requests of long-polling: HTTP/1.1 by hyper, on streams of `sockless-tokio`.
//!
//! There is a connection for each of the two requests that may be made at a time. It is kept for the next one, and opened anew when the
//! server has closed it: a request is sent again only if nothing of it was written.

use std::error::Error;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use sockless_tokio::{ClientOptions, connect_stream};

use super::address::Address;

/// What went wrong.
pub(super) type Failure = Box<dyn Error + Send + Sync>;

/// Where requests go, and what they have in common.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) options: ClientOptions,
    pub(super) fields: HeaderMap,
    pub(super) max_input: usize,
}

/// A connection for one request at a time.
#[derive(Debug, Default)]
pub(super) struct Line(Option<SendRequest<Full<Bytes>>>);

impl Line {
    /// Makes a request: GET, or with a body POST. Returns the status and the body of its answer.
    pub(super) async fn request(
        &mut self,
        server: &Server,
        query: &str,
        body: Option<Bytes>,
    ) -> Result<(u16, Bytes), Failure> {
        let mut request = build(server, query, body)?;
        loop {
            // A request that is given up takes its connection with it.
            let kept = self.0.take().filter(|sends| !sends.is_closed());
            let was_open = kept.is_some();
            let mut sends = match kept {
                Some(sends) => sends,
                None => open(server).await?,
            };
            if let Err(error) = sends.ready().await {
                match was_open {
                    true => continue,
                    false => return Err(error.into()),
                }
            }
            let answer = match sends.try_send_request(request).await {
                Ok(answer) => answer,
                Err(mut error) => {
                    match error.take_message().filter(|_| was_open) {
                        Some(unsent) => request = unsent,
                        None => return Err(error.into_error().into()),
                    }
                    continue;
                }
            };
            let status = answer.status().as_u16();
            let body = whole(answer.into_body(), server.max_input).await?;
            self.0 = Some(sends);
            return Ok((status, body));
        }
    }
}

/// All of a body, in one piece: kept as it comes, one of many short chunks would take many times its length.
async fn whole(body: Incoming, most: usize) -> Result<Bytes, Failure> {
    let mut body = Limited::new(body, most);
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.into())
}

fn build(
    server: &Server,
    query: &str,
    body: Option<Bytes>,
) -> Result<Request<Full<Bytes>>, Failure> {
    let posts = body.is_some();
    let mut request = Request::new(Full::new(body.unwrap_or_default()));
    *request.uri_mut() = server.address.target(query).parse()?;
    let fields = request.headers_mut();
    fields.clone_from(&server.fields);
    fields.insert(header::HOST, HeaderValue::from_str(server.address.host())?);
    fields.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    if posts {
        let text = HeaderValue::from_static("text/plain;charset=UTF-8");
        fields.insert(header::CONTENT_TYPE, text);
        *request.method_mut() = Method::POST;
    }
    Ok(request)
}

async fn open(server: &Server) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let stream = connect_stream(&server.address.websocket(""), &server.options).await?;
    let (sends, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends with what sends, or when the server closes it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sends)
}
