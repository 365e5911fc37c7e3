//! Handlers by the name of the event, with arguments that are taken from it: beside the loop that a handler of a namespace may have itself.
//!
//! What can be an argument is in `extract`, what can be a handler in `handle`.

mod extract;
mod handle;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

pub use self::extract::{Auth, Call, Data, Extension, Extract, Reply, Unfit};
pub use self::handle::Handle;
use super::sender::Sender;
use super::socket::Socket;
use crate::socket::DisconnectReason;

/// What a handler does, as it is kept.
type Calling = Pin<Box<dyn Future<Output = ()> + Send>>;
type Handler = Box<dyn Fn(&mut Call) -> Result<Calling, Unfit> + Send + Sync>;
type Ended = Box<dyn FnOnce(Sender, DisconnectReason) -> Calling + Send>;
type Misfit = Box<dyn Fn(&Call, Unfit) + Send + Sync>;

/// What is done with the events of a socket, by their names.
///
/// A handler is a function with up to six arguments that [`Extract`] is there for: [`Data`] reads the event's arguments, [`Reply`]
/// acknowledges it, [`Sender`] sends to its socket, [`Auth`], [`Connecting`](super::Connecting) and [`Extension`] say who that is. What a
/// handler's future returns is dropped.
///
/// One event is handled after the other. What arrives meanwhile waits; acknowledgements that a handler waits for don't.
///
/// ```
/// use sockless_socketio::service::{Data, Events, Reply, Sender, Socket, SocketIo};
/// use sockless_socketio::socket::{DisconnectReason, Payload};
///
/// fn chat(socket: &Socket) -> Events {
///     let name = socket.connecting().query("name").unwrap_or_default();
///     Events::new()
///         .on("say", |socket: Sender, Data(text): Data<String>| async move {
///             socket.io().broadcast(&socket.others(), "said", Payload::new().with(&text)?)?;
///             Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
///         })
///         .on("add", |Data((a, b)): Data<(u32, u32)>, reply: Reply| async move {
///             reply.send(Payload::new().with(&(a + b))?)?;
///             Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
///         })
///         .on_end(|socket, reason: DisconnectReason| async move {
///             println!("{name}, {}, has gone: {reason}", socket.id());
///         })
/// }
///
/// let io = SocketIo::builder().on("/", chat).build();
/// ```
#[derive(Default)]
#[must_use = "`run` handles the events of a socket"]
pub struct Events {
    named: BTreeMap<String, Handler>,
    other: Option<Handler>,
    misfit: Option<Misfit>,
    end: Option<Ended>,
}

impl Events {
    /// Nothing is done with any event.
    pub fn new() -> Self {
        Self::default()
    }

    /// Handles events of this name.
    pub fn on<A, H: Handle<A>>(mut self, name: &str, handler: H) -> Self {
        self.named.insert(name.to_owned(), Box::new(move |call| handler.handle(call)));
        self
    }

    /// Handles all events that have no handler by their name.
    pub fn on_other<A, H: Handle<A>>(mut self, handler: H) -> Self {
        self.other = Some(Box::new(move |call| handler.handle(call)));
        self
    }

    /// What is done when an event doesn't fit the arguments of its handler, which is then not called. By default, nothing.
    pub fn on_unfit(mut self, misfit: impl Fn(&Call, Unfit) + Send + Sync + 'static) -> Self {
        self.misfit = Some(Box::new(misfit));
        self
    }

    /// What is done once the socket has gone.
    pub fn on_end<F, Fut>(mut self, end: F) -> Self
    where
        F: FnOnce(Sender, DisconnectReason) -> Fut + Send + 'static,
        Fut: Future + Send + 'static,
    {
        self.end = Some(Box::new(move |sender, reason| {
            let ending = end(sender, reason);
            Box::pin(async move { drop(ending.await) })
        }));
        self
    }

    /// Handles the events of a socket until it has gone.
    pub async fn run(self, mut socket: Socket) {
        let (mut sender, mut connecting) = (socket.sender(), socket.connecting().clone());
        while let Some(received) = socket.recv().await {
            let Some(handler) = self.named.get(received.name()).or(self.other.as_ref()) else {
                continue;
            };
            let mut call = Call::new(received, sender, connecting);
            let calling = handler(&mut call);
            let calling = calling.map_err(|unfit| {
                if let Some(misfit) = &self.misfit {
                    misfit(&call, unfit);
                }
            });
            (sender, connecting) = call.into_socket();
            if let Ok(calling) = calling {
                calling.await;
            }
        }
        if let (Some(end), Some(reason)) = (self.end, socket.reason()) {
            end(sender, reason).await;
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("names", &self.named.keys()).finish_non_exhaustive()
    }
}
