//! A server of Engine.IO alone.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::driver::{Driver, Layer, Openings, OsEntropy, Tasks};
use super::requests::{AnswerBody, serve};
use super::signal::Woken;
use crate::engine::{Config, Cors, Engine, Event};

/// A server of Engine.IO alone: for a protocol of one's own on it.
///
/// ```
/// use axum::Router;
/// use sockless_socketio::engine::{Config, Cors, Event, Frame, Message};
/// use sockless_socketio::service::EngineIo;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let echo = EngineIo::new(Config::default(), Cors::unsaid(), |engine, event| {
///     if let Event::Message(session, message) = event {
///         let frame = match message {
///             Message::Text(text) => Frame::message(&text),
///             Message::Binary(bytes) => Frame::Binary(bytes),
///         };
///         // A client that doesn't read misses it.
///         let _ = engine.send(session, &[frame]);
///     }
/// });
/// let router: Router = Router::new().route_service("/engine.io/", echo);
/// # }
/// ```
pub struct EngineIo {
    driver: Driver<Bare>,
}

/// What is called with each event, while the server is locked.
type Handler = Box<dyn FnMut(&mut Engine<OsEntropy>, Event) + Send>;

struct Bare {
    engine: Engine<OsEntropy>,
    handler: Handler,
}

impl Layer for Bare {
    fn engine(&mut self) -> &mut Engine<OsEntropy> {
        &mut self.engine
    }

    fn is_settled(&self) -> bool {
        self.engine.is_settled()
    }

    fn settle(
        &mut self,
        _: &mut Tasks,
        _: &mut Woken,
        _: &Openings,
        _: &Driver<Self>,
        _: Duration,
    ) {
        while let Some(event) = self.engine.event() {
            (self.handler)(&mut self.engine, event);
        }
    }

    fn deadline(&self) -> Option<Duration> {
        self.engine.deadline()
    }

    fn timeout(&mut self, now: Duration) {
        self.engine.timeout(now);
    }
}

impl EngineIo {
    /// A server that calls this with each event. The server waits for it, so it must not take long, nor call the server in other ways
    /// than by the engine that it is given.
    pub fn new(
        config: Config,
        cors: Cors,
        handler: impl FnMut(&mut Engine<OsEntropy>, Event) + Send + 'static,
    ) -> Self {
        let engine = Engine::new(config, OsEntropy);
        Self { driver: Driver::new(Bare { engine, handler: Box::new(handler) }, cors) }
    }

    /// Calls this with the engine, to send from outside.
    pub fn with<R>(&self, call: impl FnOnce(&mut Engine<OsEntropy>) -> R) -> R {
        self.driver.with(|state, _| call(&mut state.layer.engine))
    }

    /// Closes all sessions, and refuses new ones.
    pub fn stop(&self) {
        self.driver.with(|state, now| state.layer.engine.stop(now));
    }

    /// Serves a request: it begins at once. Dropping the future says that its client is gone.
    pub fn serve<B: Body>(
        &self,
        request: Request<B>,
    ) -> impl Future<Output = Response<AnswerBody>> + use<B> {
        serve(self.driver.clone(), request)
    }
}

impl Clone for EngineIo {
    fn clone(&self) -> Self {
        Self { driver: self.driver.clone() }
    }
}

/// What a service answers with.
pub(super) type Answering =
    Pin<Box<dyn Future<Output = Result<Response<AnswerBody>, Infallible>> + Send>>;

impl<B> Service<Request<B>> for EngineIo
where
    B: Body<Data: Send, Error: Send> + Send + 'static,
{
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        let serving = self.serve(request);
        Box::pin(async move { Ok(serving.await) })
    }
}

impl fmt::Debug for EngineIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineIo").finish_non_exhaustive()
    }
}
