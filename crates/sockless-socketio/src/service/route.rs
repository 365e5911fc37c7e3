//! Who serves which namespace.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use ::http::{HeaderMap, Uri};
use serde::de::DeserializeOwned;

use super::opening::Opening;
use super::refuse::Refuse;
use super::socket::Socket;
use crate::engine::query_value;
use crate::socket::{Namespace, ReadError};

/// A client that asks for a namespace: what is known of it. Cloning it is cheap.
#[derive(Clone)]
pub struct Connecting(Arc<Known>);

struct Known {
    namespace: Namespace,
    auth: Option<String>,
    opening: Opening,
}

impl Connecting {
    pub(super) fn new(namespace: Namespace, auth: Option<String>, opening: Opening) -> Self {
        Self(Arc::new(Known { namespace, auth, opening }))
    }

    /// The namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.0.namespace
    }

    /// What the client has sent for its authentication, as JSON: an object, empty if it has sent nothing.
    pub fn auth_json(&self) -> &str {
        self.0.auth.as_deref().unwrap_or("{}")
    }

    /// What the client has sent for its authentication.
    ///
    /// # Errors
    ///
    /// If it is something else.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        serde_json::from_str(self.auth_json()).map_err(ReadError::from)
    }

    /// The fields of the request that has opened the session.
    pub fn headers(&self) -> &HeaderMap {
        self.0.opening.headers()
    }

    /// The address of the request that has opened the session.
    pub fn uri(&self) -> &Uri {
        self.0.opening.uri()
    }

    /// What a layer of the HTTP server has put to that request, if there is something of this type.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.opening.extensions().get()
    }

    /// What the query of that address gives for a name.
    pub fn query(&self, name: &str) -> Option<String> {
        query_value(self.uri().query()?, name)
    }
}

impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").field("namespace", self.namespace()).finish_non_exhaustive()
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Check = dyn Fn(Connecting) -> Boxed<Result<(), Refuse>> + Send + Sync;
type Serve = dyn Fn(Socket) -> Boxed<()> + Send + Sync;

/// What is done with the clients of a namespace.
#[derive(Clone)]
pub(super) struct Route {
    check: Option<Arc<Check>>,
    serve: Arc<Serve>,
}

impl Route {
    pub(super) fn new<F, Fut>(serve: F) -> Self
    where
        F: Fn(Socket) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
    {
        let serve = move |socket| -> Boxed<()> {
            let serving = serve(socket);
            Box::pin(async move { drop(serving.await) })
        };
        Self { check: None, serve: Arc::new(serve) }
    }

    pub(super) fn with_check<F, Fut>(mut self, check: F) -> Self
    where
        F: Fn(Connecting) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Refuse>> + Send + 'static,
    {
        self.check = Some(Arc::new(move |connecting| Box::pin(check(connecting))));
        self
    }

    /// Serves a client from its question to its end.
    pub(super) async fn run(self, socket: Socket) {
        let accepted = match &self.check {
            Some(check) => match check(socket.connecting().clone()).await {
                Ok(()) => socket.accept().await,
                Err(refuse) => return socket.refuse(refuse),
            },
            None => socket.accept().await,
        };
        if accepted {
            (self.serve)(socket).await;
        }
    }
}
