//! The server of Socket.IO, as a program has it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::answers::Answers;
use super::driver::{Driver, OsEntropy};
use super::engine_io::Answering;
use super::events::Events;
use super::live::Live;
#[cfg(feature = "redis")]
use super::many::Redis;
use super::refuse::Refuse;
use super::requests::{AnswerBody, serve};
use super::route::{Connecting, Route};
use super::sender::Sender;
use super::socket::Socket;
use crate::engine::{self, Cors, Engine};
use crate::socket::{self, EmitError, Namespace, Payload, Server, Target};

/// A server of Socket.IO: a tower service that serves it, and what sends to its clients. Cloning it gives another handle.
///
/// ```
/// use axum::Router;
/// use sockless_socketio::service::{Socket, SocketIo};
/// use sockless_socketio::socket::Payload;
///
/// async fn chat(mut socket: Socket) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     socket.emit("welcome", Payload::new().with(socket.id())?)?;
///     while let Some(mut event) = socket.recv().await {
///         if event.name() == "say" {
///             let (text,): (String,) = event.read()?;
///             socket.io().broadcast(&socket.others(), "said", Payload::new().with(&text)?)?;
///             event.reply(Payload::new())?;
///         }
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let io = SocketIo::builder().namespace("/", chat).build();
/// let router: Router = Router::new().route_service("/socket.io/", io);
/// # }
/// ```
pub struct SocketIo {
    pub(super) driver: Driver<Live>,
}

/// What a server is made of.
#[derive(Default)]
#[must_use = "`build` makes the server"]
pub struct Builder {
    engine: engine::Config,
    socket: socket::Config,
    cors: Cors,
    routes: HashMap<Namespace, Route>,
    others: Option<Route>,
    #[cfg(feature = "redis")]
    pub(super) redis: Option<Redis>,
}

impl SocketIo {
    /// What a server is made with.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn on(driver: Driver<Live>) -> Self {
        Self { driver }
    }

    /// Sends an event to many: see [`Target`]. It is written once. Returns how many have got it, and how many have not, because too much
    /// waits for them, or because it was volatile. With many servers it goes to the sockets of all, and both numbers are 0.
    ///
    /// # Errors
    ///
    /// If the event's name is a reserved one, or too much waits to be written.
    pub fn broadcast(
        &self,
        target: &Target,
        name: &str,
        payload: Payload,
    ) -> Result<(usize, usize), EmitError> {
        self.driver.with(|state, now| state.layer.server.broadcast(target, name, payload, now))
    }

    /// Sends an event to many, and each is to acknowledge it in this time. It is written once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sockless_socketio::service::SocketIo;
    /// use sockless_socketio::socket::{EmitError, Namespace, Payload, Target};
    ///
    /// async fn roll_call(io: &SocketIo) -> Result<(), EmitError> {
    ///     let all = Target::all(Namespace::main());
    ///     let asked = io.broadcast_with_ack(&all, "here?", Payload::new(), Duration::from_secs(5))?;
    ///     let (answers, missing) = asked.all().await;
    ///     println!("{} are here, {} don't answer", answers.len(), missing.len());
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the event's name is a reserved one.
    pub fn broadcast_with_ack(
        &self,
        target: &Target,
        name: &str,
        payload: Payload,
        timeout: Duration,
    ) -> Result<Answers, EmitError> {
        Answers::ask(&self.driver, target, name, &payload, timeout)
    }

    /// The sockets that something would be sent to.
    pub fn find(&self, target: &Target) -> Vec<Sender> {
        self.driver.look(|live| {
            let sockets = live.server.find(target).into_iter();
            sockets.filter_map(|socket| live.sender(socket, &self.driver)).collect()
        })
    }

    /// Lets many join a room: in a cluster, on all servers, and those who are away as well.
    ///
    /// # Errors
    ///
    /// If too much waits to be written.
    pub fn join_all(&self, target: &Target, room: &str) -> Result<(), EmitError> {
        self.driver.with(|state, _| state.layer.server.join_all(target, room))
    }

    /// Lets many leave a room: in a cluster, on all servers, and those who are away as well.
    ///
    /// # Errors
    ///
    /// If too much waits to be written.
    pub fn leave_all(&self, target: &Target, room: &str) -> Result<(), EmitError> {
        self.driver.with(|state, _| state.layer.server.leave_all(target, room))
    }

    /// Disconnects many from their namespace, or closes their sessions: in a cluster, on all servers.
    ///
    /// # Errors
    ///
    /// If too much waits to be written.
    pub fn disconnect_all(&self, target: &Target, close: bool) -> Result<(), EmitError> {
        self.driver.with(|state, now| state.layer.server.disconnect_all(target, close, now))
    }

    /// How many sockets there are, in all namespaces.
    pub fn sockets(&self) -> usize {
        self.driver.look(|live| live.server.sockets())
    }

    /// Closes all sessions, after what waits to be sent, and refuses new ones. Sockets end with `ServerShuttingDown`.
    pub fn stop(&self) {
        self.driver.with(|state, now| state.layer.server.stop(now));
    }

    /// Serves a request: it begins at once. Dropping the future says that its client is gone.
    pub fn serve<B: Body>(
        &self,
        request: Request<B>,
    ) -> impl Future<Output = Response<AnswerBody>> + use<B> {
        serve(self.driver.clone(), request)
    }
}

impl Builder {
    /// With other times and limits of transports.
    pub fn with_engine(mut self, config: engine::Config) -> Self {
        self.engine = config;
        self
    }

    /// With other times and limits of sockets.
    pub fn with_sockets(mut self, config: socket::Config) -> Self {
        self.socket = config;
        self
    }

    /// For scripts of other origins.
    pub fn with_cors(mut self, cors: Cors) -> Self {
        self.cors = cors;
        self
    }

    /// A namespace. The handler is called with each client, in a task; what it returns is dropped, and the client is disconnected then.
    ///
    /// # Panics
    ///
    /// If it can't be the name of a namespace: if it doesn't begin with `/`, or has a comma.
    pub fn namespace<F, Fut>(self, name: &str, handler: F) -> Self
    where
        F: Fn(Socket) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
    {
        self.route(name, Route::new(handler))
    }

    /// A namespace for those clients that this function accepts.
    ///
    /// # Panics
    ///
    /// As [`namespace`](Self::namespace).
    pub fn namespace_if<C, Checking, F, Fut>(self, name: &str, check: C, handler: F) -> Self
    where
        C: Fn(Connecting) -> Checking + Send + Sync + 'static,
        Checking: Future<Output = Result<(), Refuse>> + Send + 'static,
        F: Fn(Socket) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
    {
        self.route(name, Route::new(handler).with_check(check))
    }

    /// A namespace whose events have handlers by their names: this is called with each client, and what it returns handles the client's
    /// events.
    ///
    /// # Panics
    ///
    /// As [`namespace`](Self::namespace).
    pub fn on<F>(self, name: &str, connected: F) -> Self
    where
        F: Fn(&Socket) -> Events + Send + Sync + 'static,
    {
        self.namespace(name, move |socket| connected(&socket).run(socket))
    }

    /// The same for those clients that this function accepts.
    ///
    /// # Panics
    ///
    /// As [`namespace`](Self::namespace).
    pub fn on_if<C, Checking, F>(self, name: &str, check: C, connected: F) -> Self
    where
        C: Fn(Connecting) -> Checking + Send + Sync + 'static,
        Checking: Future<Output = Result<(), Refuse>> + Send + 'static,
        F: Fn(&Socket) -> Events + Send + Sync + 'static,
    {
        self.namespace_if(name, check, move |socket| connected(&socket).run(socket))
    }

    /// All other namespaces, for those clients that this function accepts: it looks at the name.
    pub fn others_if<C, Checking, F, Fut>(mut self, check: C, handler: F) -> Self
    where
        C: Fn(Connecting) -> Checking + Send + Sync + 'static,
        Checking: Future<Output = Result<(), Refuse>> + Send + 'static,
        F: Fn(Socket) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
    {
        self.others = Some(Route::new(handler).with_check(check));
        self
    }

    fn route(mut self, name: &str, route: Route) -> Self {
        let Some(namespace) = Namespace::new(name) else {
            panic!("{name:?} can't be the name of a namespace");
        };
        self.routes.insert(namespace, route);
        self
    }

    /// The server.
    ///
    /// # Panics
    ///
    /// If it is one of many, and not made inside a tokio runtime.
    pub fn build(self) -> SocketIo {
        #[cfg(feature = "redis")]
        let recovery = self.socket.recovery().unwrap_or_default();
        let engine = Engine::new(self.engine, OsEntropy);
        let mut server = Server::new(self.socket, engine, self.routes.keys().cloned());
        if self.others.is_some() {
            server = server.with_dynamic_namespaces();
        }
        #[cfg(feature = "redis")]
        if let Some(redis) = &self.redis {
            server = server.with_cluster(redis.cluster(), Duration::ZERO);
        }
        let live = Live::new(server, self.routes, self.others);
        let io = SocketIo { driver: Driver::new(live, self.cors) };
        #[cfg(feature = "redis")]
        if let Some(redis) = self.redis {
            io.join(redis, &recovery);
        }
        io
    }
}

impl Clone for SocketIo {
    fn clone(&self) -> Self {
        Self { driver: self.driver.clone() }
    }
}

impl<B> Service<Request<B>> for SocketIo
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

impl fmt::Debug for SocketIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIo").finish_non_exhaustive()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("namespaces", &self.routes.keys()).finish_non_exhaustive()
    }
}
