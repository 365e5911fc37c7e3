//! What carries out the decisions of a client: the lock, the timer, and the tasks of requests.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{Mutex as Turn, Notify};
use tokio::time::Instant;

use super::requests::{Line, Server};
use super::state::{Orders, State};
use super::websocket::{self, Wakes};
use crate::engine::client::Request;
use crate::socket::{EmitError, Namespace};

/// What a namespace is asked for with, as JSON.
pub(super) type Authenticate = Arc<dyn Fn(Namespace) -> Authenticating + Send + Sync>;
pub(super) type Authenticating =
    Pin<Box<dyn Future<Output = Result<Option<String>, EmitError>> + Send>>;

/// A client that runs. Cloning it gives another handle.
#[derive(Clone)]
pub(super) struct Driver(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    server: Server,
    authenticate: Authenticate,
    runtime: Handle,
    start: Instant,
    alarm: Arc<Notify>,
    poll: Turn<Line>,
    post: Turn<Line>,
}

impl Driver {
    /// A client that hasn't begun. This is called in a runtime.
    pub(super) fn new(state: State, server: Server, authenticate: Authenticate) -> Self {
        let alarm = Arc::new(Notify::new());
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            server,
            authenticate,
            runtime: Handle::current(),
            start: Instant::now(),
            alarm: Arc::clone(&alarm),
            poll: Turn::default(),
            post: Turn::default(),
        });
        tokio::spawn(watch(Arc::downgrade(&shared), alarm));
        Self(shared)
    }

    pub(super) fn server(&self) -> &Server {
        &self.0.server
    }

    /// Changes the client, and carries out what comes of it.
    pub(super) fn with<R>(&self, call: impl FnOnce(&mut State, Duration) -> R) -> R {
        let now = self.0.start.elapsed();
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let returned = call(&mut state, now);
        let mut orders = Orders::default();
        state.settle(self, &mut orders, now);
        let session = state.session;
        for order in orders {
            let is_request = matches!(order, Order::Poll(_) | Order::Post(..));
            let task = self.0.runtime.spawn(self.task(order, session));
            if is_request {
                state.keep(task.abort_handle());
            }
        }
        let sooner = state.is_sooner();
        drop(state);
        if sooner {
            self.0.alarm.notify_one();
        }
        returned
    }

    /// The same, if the session is still the same.
    pub(super) fn within<R>(
        &self,
        session: u64,
        call: impl FnOnce(&mut State, Duration) -> R,
    ) -> Option<R> {
        self.with(|state, now| (state.session == session).then(|| call(state, now)))
    }

    /// Looks at the client without changing it.
    pub(super) fn look<R>(&self, call: impl FnOnce(&State) -> R) -> R {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        call(&state)
    }

    /// The task that carries out an order.
    fn task(&self, order: Order, session: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let driver = self.clone();
        match order {
            Order::Poll(query) => {
                Box::pin(async move { driver.request(Request::Poll, session, query, None).await })
            }
            Order::Post(query, body) => Box::pin(async move {
                driver.request(Request::Post, session, query, Some(body)).await;
            }),
            Order::Open(query, wakes) => {
                Box::pin(async move { websocket::run(driver, session, query, wakes).await })
            }
            Order::Authenticate(namespace) => Box::pin(async move {
                let auth = (driver.0.authenticate)(namespace.clone()).await;
                driver.within(session, |state, now| {
                    let asked = auth.and_then(|auth| state.client.connect(&namespace, auth, now));
                    if let Err(reason) = asked {
                        state.unsent(&namespace, reason, now);
                    }
                });
            }),
        }
    }

    async fn request(&self, kind: Request, session: u64, query: String, body: Option<Bytes>) {
        let line = match kind {
            Request::Poll => &self.0.poll,
            Request::Post => &self.0.post,
        };
        let answer = line.lock().await.request(&self.0.server, &query, body).await;
        self.within(session, |state, now| {
            let engine = state.client.engine_mut();
            match answer {
                Ok((status, body)) => engine.answered(kind, status, body, now),
                Err(error) => {
                    engine.failed(kind, now);
                    state.note(&error);
                }
            }
        });
    }
}

/// What a task is to do.
pub(super) enum Order {
    Poll(String),
    Post(String, Bytes),
    Open(String, Arc<Wakes>),
    Authenticate(Namespace),
}

/// The timer of a client: it ends with it.
async fn watch(shared: Weak<Shared>, alarm: Arc<Notify>) {
    loop {
        let Some(driver) = shared.upgrade().map(Driver) else { return };
        driver.with(State::timeout);
        let at = driver.with(|state, now| state.sleep_until(now));
        let at = driver.0.start + at;
        drop(driver);
        tokio::select! {
            () = tokio::time::sleep_until(at) => {}
            () = alarm.notified() => {}
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.alarm.notify_one();
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
