//! Requests and answers on hyper alone: a poll is answered with the next body that its client posts.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// The clients, by their ids.
pub type Places = Mutex<HashMap<String, Place>>;

/// What a client has: a poll that waits, or what waits for one.
#[derive(Default)]
pub struct Place {
    poll: Option<oneshot::Sender<Bytes>>,
    posted: Option<Bytes>,
}

pub async fn serve(stream: TcpStream, places: Arc<Places>) {
    let service = service_fn(|request| answer(request, Arc::clone(&places)));
    // A client may go at any time.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    places: Arc<Places>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let query = request.uri().query().unwrap_or_default();
    let id = query.split_once("&sid=").map(|(_, id)| id.to_owned());
    let body = match (id, request.method()) {
        (Some(id), &Method::POST) => {
            let read = request.into_body().collect().await;
            let body = read.map(|body| body.to_bytes()).unwrap_or_default();
            let body = if body == "40" { Bytes::from_static(b"40{}") } else { body };
            post(&places, &id, body);
            Bytes::from_static(b"ok")
        }
        (Some(id), _) => match poll(&places, &id) {
            Ok(posted) => posted,
            Err(waits) => waits.await.unwrap_or_default(),
        },
        (None, _) => {
            let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
            let id = places.len().to_string();
            let body = format!("0{{\"sid\":\"{id}\"}}");
            places.insert(id, Place::default());
            body.into()
        }
    };
    let mut response = Response::new(Full::new(body));
    let text = HeaderValue::from_static("text/plain; charset=UTF-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn post(places: &Places, id: &str, body: Bytes) {
    let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(place) = places.get_mut(id) else { return };
    match place.poll.take() {
        Some(poll) => drop(poll.send(body)),
        None => place.posted = Some(body),
    }
}

fn poll(places: &Places, id: &str) -> Result<Bytes, oneshot::Receiver<Bytes>> {
    let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(place) = places.get_mut(id) else { return Ok(Bytes::new()) };
    if let Some(posted) = place.posted.take() {
        return Ok(posted);
    }
    let (sends, receives) = oneshot::channel();
    place.poll = Some(sends);
    Err(receives)
}
