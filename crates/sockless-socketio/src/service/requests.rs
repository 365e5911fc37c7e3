//! Requests of HTTP: what of them the server is asked, and what is answered. WebSockets go on in `channel`.

use std::future::poll_fn;
use std::pin::pin;

use ::http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, UPGRADE,
};
use ::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::Full;
use sockless_tokio::hyper::upgrade;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::channel;
use super::driver::{Driver, Layer, State};
use super::opening::opening;
use crate::engine::{self, Answer, Begun, Head, Refusal, RequestId};

/// The body of an answer.
pub type AnswerBody = Full<Bytes>;

/// Serves a request. It begins before the future is polled: hyper drops the futures of clients that have gone without polling them, and
/// a poll that was given up has to be noticed.
pub(super) fn serve<L: Layer, B: Body>(
    driver: Driver<L>,
    mut request: Request<B>,
) -> impl Future<Output = Response<AnswerBody>> + use<L, B> {
    let origin = field(&request, &ORIGIN).map(str::to_owned);
    let mut fields = driver.cors().fields(origin.as_deref());
    let begun = if !driver.cors().allows(origin.as_deref()) {
        Ok(respond(Refusal::Forbidden.answer()))
    } else if request.method() == Method::OPTIONS {
        let asked = field(&request, &ACCESS_CONTROL_REQUEST_HEADERS);
        fields.extend(driver.cors().preflight(asked));
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    } else if wants_websocket(&request) {
        Ok(open(&driver, &mut request))
    } else {
        Err(Served::begin(driver, request))
    };
    async move {
        let mut response = match begun {
            Ok(response) => response,
            Err((served, step, body)) => respond(served.answer(step, body).await),
        };
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// A field of a request, if it is text.
fn field<'r, B>(request: &'r Request<B>, name: &HeaderName) -> Option<&'r str> {
    request.headers().get(name)?.to_str().ok()
}

/// Whether a request is for a WebSocket, over either version of HTTP.
fn wants_websocket<B>(request: &Request<B>) -> bool {
    let token = field(request, &UPGRADE).unwrap_or_default();
    request.method() == Method::CONNECT
        || token.split(',').any(|token| token.trim().eq_ignore_ascii_case("websocket"))
}

fn respond(answer: Answer) -> Response<AnswerBody> {
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let content_type = HeaderValue::from_static(answer.content_type());
    let mut response = Response::new(Full::new(answer.into_body()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Opens a WebSocket, which goes on in a task.
fn open<L: Layer, B>(driver: &Driver<L>, request: &mut Request<B>) -> Response<AnswerBody> {
    let (response, upgrading) = match upgrade(request, driver.options()) {
        Ok(upgrade) => upgrade,
        Err(error) => return error.response().map(|()| Full::default()),
    };
    let head = Head::new("GET", request.uri().query().unwrap_or_default());
    let begun = driver.with(|state, now| {
        let engine = state.layer.engine();
        let channel = engine.begin_websocket(head, now)?;
        let session = engine.session_of_channel(channel);
        state.remember(session, || {
            opening(request.method(), request.uri(), request.headers(), request.extensions())
        });
        Ok::<_, Refusal>((channel, state.add_channel(channel)))
    });
    match begun {
        Ok((channel, wakes)) => {
            tokio::spawn(channel::run(driver.clone(), channel, wakes, upgrading));
            response.map(|()| Full::default())
        }
        Err(refusal) => respond(refusal.answer()),
    }
}

/// A request that is being served. If its client goes away, it is dropped.
struct Served<L: Layer> {
    driver: Driver<L>,
    /// As long as the server knows it.
    request: Option<RequestId>,
}

/// What comes next.
enum Step {
    Body(RequestId, usize),
    Wait(oneshot::Receiver<Answer>),
    Answer(Answer),
}

impl<L: Layer> Drop for Served<L> {
    fn drop(&mut self) {
        if let Some(request) = self.request {
            self.driver.with(|state, _| state.unexpect(request));
        }
    }
}

impl<L: Layer> Served<L> {
    fn begin<B>(driver: Driver<L>, request: Request<B>) -> (Self, Step, B) {
        let (parts, body) = request.into_parts();
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let head = Head::new(parts.method.as_str(), parts.uri.query().unwrap_or_default())
            .with_content_type(content_type.unwrap_or_default());
        let mut served = Self { driver: driver.clone(), request: None };
        let step = driver.with(|state, now| {
            let engine = state.layer.engine();
            let begun = engine.begin(head, now);
            if let Begun::Wait(request) = begun {
                let session = engine.session_of_request(request);
                state.remember(session, || {
                    opening(&parts.method, &parts.uri, &parts.headers, &parts.extensions)
                });
            }
            served.follow(state, begun)
        });
        (served, step, body)
    }

    /// What comes after the server has seen the head, or the body.
    fn follow(&mut self, state: &mut State<L>, begun: Begun) -> Step {
        let (request, step) = match begun {
            Begun::Body(request, limit) => (Some(request), Step::Body(request, limit)),
            Begun::Wait(request) => (Some(request), Step::Wait(state.expect(request))),
            Begun::Answer(answer) => (None, Step::Answer(answer)),
        };
        self.request = request;
        step
    }

    async fn answer<B: Body>(mut self, mut step: Step, body: B) -> Answer {
        if let Step::Body(request, limit) = step {
            // A client that is gone hears no answer. One that is slower than its heartbeat may be has no session any more.
            let reading = timeout(self.driver.patience(), read_body(body, limit));
            let Ok(Some(read)) = reading.await else { return Refusal::Request.answer() };
            let driver = self.driver.clone();
            step = driver.with(|state, now| {
                let begun = state.layer.engine().body(request, read, now);
                self.follow(state, begun)
            });
        }
        let answer = match step {
            Step::Wait(receives) => {
                receives.await.unwrap_or_else(|_| Refusal::Unavailable.answer())
            }
            Step::Answer(answer) => answer,
            Step::Body(..) => return Refusal::Request.answer(),
        };
        // There is nothing to give up any more.
        self.request = None;
        answer
    }
}

/// Reads a body up to a limit. `None` if it ends before it is whole. One that comes in one piece is not copied.
async fn read_body<B: Body>(body: B, limit: usize) -> Option<engine::Body> {
    let mut body = pin!(body);
    let mut read = Vec::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(mut data) = frame.ok()?.into_data() else { continue };
        let count = data.remaining();
        if read.len().saturating_add(count) > limit {
            return Some(engine::Body::TooLarge);
        }
        let piece = data.copy_to_bytes(count);
        if read.is_empty() && body.is_end_stream() {
            return Some(engine::Body::Whole(piece));
        }
        // What waits for more must not hold the connection's buffer meanwhile.
        read.extend_from_slice(&piece);
    }
    Some(engine::Body::Whole(read.into()))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use http_body::Frame;

    use super::*;

    /// A body whose pieces have all arrived. Where it isn't whole, more is waited for.
    struct Pieces {
        pieces: Vec<Bytes>,
        whole: bool,
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.pieces.pop() {
                Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                None if self.whole => Poll::Ready(None),
                None => Poll::Pending,
            }
        }

        fn is_end_stream(&self) -> bool {
            self.whole && self.pieces.is_empty()
        }
    }

    fn read(pieces: &[Bytes], whole: bool, limit: usize) -> Poll<Option<engine::Body>> {
        let pieces = pieces.iter().rev().cloned().collect();
        let reading = pin!(read_body(Pieces { pieces, whole }, limit));
        reading.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_body_is_read_in_any_pieces_up_to_the_limit() {
        let text = Bytes::from_static(b"4hello");
        for at in 0..=text.len() {
            let pieces = [text.slice(..at), text.slice(at..)];
            let whole = Poll::Ready(Some(engine::Body::Whole(text.clone())));
            assert_eq!(read(&pieces, true, text.len()), whole);
            let too_large = Poll::Ready(Some(engine::Body::TooLarge));
            assert_eq!(read(&pieces, true, text.len() - 1), too_large);
        }
        assert_eq!(read(&[], true, 0), Poll::Ready(Some(engine::Body::Whole(Bytes::new()))));
    }

    #[test]
    fn a_body_that_is_waited_for_holds_no_buffer_of_its_connection() {
        let buffer = Bytes::from(vec![b'4'; 8 << 10]);
        let reading =
            pin!(read_body(Pieces { pieces: vec![buffer.slice(..1)], whole: false }, 100));
        assert!(reading.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(buffer.is_unique());
    }
}
