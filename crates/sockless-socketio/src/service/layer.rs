//! The server before all routes: a layer of tower.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::{Request, Response};
use http_body::Body;
use http_body_util::Either;
use tower_layer::Layer;
use tower_service::Service;

use super::requests::AnswerBody;
use super::socket_io::SocketIo;

/// Serves Socket.IO at one path, and leaves all other requests to the service below: see [`SocketIo::layer`].
#[derive(Clone)]
pub struct SocketIoLayer {
    io: SocketIo,
    path: Arc<str>,
}

/// A service below Socket.IO, made by [`SocketIoLayer`].
#[derive(Clone)]
pub struct WithSocketIo<S> {
    io: SocketIo,
    path: Arc<str>,
    below: S,
}

impl SocketIo {
    /// This server as a layer, for requests with this path, with or without a slash at its end.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use sockless_socketio::service::{Socket, SocketIo};
    ///
    /// async fn chat(mut socket: Socket) {
    ///     while let Some(event) = socket.recv().await {
    ///         println!("{}", event.name());
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let io = SocketIo::builder().namespace("/", chat).build();
    /// let router: Router =
    ///     Router::new().route("/", get(|| async { "hello" })).layer(io.layer("/socket.io/"));
    /// # }
    /// ```
    pub fn layer(&self, path: &str) -> SocketIoLayer {
        SocketIoLayer { io: self.clone(), path: without_end(path).into() }
    }
}

/// A path without the slash at its end.
fn without_end(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

impl<S> Layer<S> for SocketIoLayer {
    type Service = WithSocketIo<S>;

    fn layer(&self, below: S) -> WithSocketIo<S> {
        WithSocketIo { io: self.io.clone(), path: Arc::clone(&self.path), below }
    }
}

impl<S, B, R> Service<Request<B>> for WithSocketIo<S>
where
    S: Service<Request<B>, Response = Response<R>, Future: Send + 'static>,
    B: Body<Data: Send, Error: Send> + Send + 'static,
{
    type Response = Response<Either<AnswerBody, R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.below.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if without_end(request.uri().path()) == &*self.path {
            let serving = self.io.serve(request);
            Box::pin(async move { Ok(serving.await.map(Either::Left)) })
        } else {
            let serving = self.below.call(request);
            Box::pin(async move { Ok(serving.await?.map(Either::Right)) })
        }
    }
}

impl fmt::Debug for SocketIoLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIoLayer").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for WithSocketIo<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("WithSocketIo");
        shown.field("path", &self.path).field("below", &self.below).finish_non_exhaustive()
    }
}
