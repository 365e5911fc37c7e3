//! A server's sessions: the table that all tasks share, whom it admits, and what ends by itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use sockless::{CloseCode, Server};
use sockless_session::reliable::{
    Admission, Config, Denial, Link, MOST_OPENINGS, Opening, Refusal, SUBPROTOCOL, Session,
    SessionId, Table, Violation,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, mpsc};

use super::carry::carry;
use super::event::Event;
use super::hub::{Hub, Place, lock};
use super::options::Options;
use super::payload::{Body, incoming};
use super::reliable::Reliable;
use crate::clock::Clock;
use crate::socket::WebSocket;

/// The sessions of a server, given out one after the other as they begin.
#[derive(Debug)]
pub struct Sessions {
    server: SessionsServer,
    new: mpsc::UnboundedReceiver<Reliable>,
}

/// What serves a server's connections, for any number of tasks.
#[derive(Clone, Debug)]
pub struct SessionsServer {
    shelf: Arc<Shelf>,
}

/// The table, with what belongs to each session.
pub(super) struct Shelf {
    inner: Mutex<Inner>,
    config: Arc<Config>,
    clock: Clock,
    new: mpsc::UnboundedSender<Reliable>,
    /// There may be an earlier deadline.
    changed: Notify,
    #[cfg(feature = "journal")]
    journal: Option<super::Journal>,
}

struct Inner {
    table: Table<Body>,
    /// Those that have ended, as long as their end isn't stored.
    ending: HashMap<SessionId, Session<Body>>,
    hubs: HashMap<SessionId, Arc<Hub>>,
}

/// What has become of an opening.
enum Admitted {
    Yes {
        hub: Arc<Hub>,
        link: Link,
        resumed: bool,
    },
    Refused {
        text: String,
        full: bool,
    },
    /// Its end is being stored.
    Later,
}

impl Sessions {
    /// No sessions yet; or those that the journal has, which are given out first. To be called in a runtime.
    pub fn new(options: Options) -> Self {
        let config = options.shared();
        let clock = Clock::start();
        let (sender, new) = mpsc::unbounded_channel();
        let table = Table::new(Arc::clone(&config), options.limits);
        let inner = Inner { table, ending: HashMap::new(), hubs: HashMap::new() };
        let shelf = Arc::new(Shelf {
            inner: Mutex::new(inner),
            config,
            clock,
            new: sender,
            changed: Notify::new(),
            #[cfg(feature = "journal")]
            journal: options.journal.clone(),
        });
        #[cfg(feature = "journal")]
        if let Some(journal) = &options.journal {
            for saved in journal.take_server() {
                shelf.restore(saved);
            }
        }
        tokio::spawn(look_after(Arc::downgrade(&shelf)));
        Self { server: SessionsServer { shelf }, new }
    }

    /// The next session that has begun. The future may be dropped at any time.
    pub async fn accept(&mut self) -> Option<Reliable> {
        self.new.recv().await
    }

    /// What serves connections.
    pub fn clone_server(&self) -> SessionsServer {
        self.server.clone()
    }
}

/// Says that no connection carries the session any more.
struct Served<'a> {
    hub: Arc<Hub>,
    shelf: &'a Shelf,
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        // Another connection may carry it already.
        if self.hub.with(|session| session.current_link()).flatten().is_none() {
            self.hub.tell(Event::Lost);
        }
        self.shelf.changed.notify_one();
    }
}

impl SessionsServer {
    /// Serves a connection, which carries one session of a client after its opening, until it ends. Where the future is dropped, the connection
    /// is lost, and the session goes on.
    ///
    /// A connection without the subprotocol is closed with 1008.
    #[allow(
        clippy::manual_async_fn,
        reason = "an async function keeps room for its arguments twice"
    )]
    pub fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut socket: WebSocket<S, Server>,
    ) -> impl Future<Output = ()> {
        async move { self.serve_for(&mut socket, None).await }
    }

    /// The same for a connection whose client is known: a session that it opens is this owner's ([`ReliableSender::owner`]), and it
    /// can resume only what is. For anybody else there is no such session, whatever id he names; so an id that was stolen, or left in a
    /// browser by another user, is of no use.
    ///
    /// Owners are not in the journal: sessions that come out of it have none, and can be resumed by [`serve`](Self::serve) alone.
    ///
    /// [`ReliableSender::owner`]: super::ReliableSender::owner
    #[allow(
        clippy::manual_async_fn,
        reason = "an async function keeps room for its arguments twice"
    )]
    pub fn serve_as<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut socket: WebSocket<S, Server>,
        owner: &str,
    ) -> impl Future<Output = ()> {
        async move { self.serve_for(&mut socket, Some(owner)).await }
    }

    async fn serve_for<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: &mut WebSocket<S, Server>,
        owner: Option<&str>,
    ) {
        if socket.subprotocol() != Some(SUBPROTOCOL) {
            close(socket, 1008, "subprotocol").await;
            return;
        }
        // In memory of its own: the task that goes on with the socket would keep room for all of this.
        let opening = Box::pin(self.open(socket, owner));
        let Some((hub, link, resumed)) = opening.await else { return };
        // The one that was carried before looks, and finds itself superseded.
        hub.change(|_| {});
        hub.tell(Event::Connected { resumed });
        let served = Served { hub, shelf: &self.shelf };
        carry(socket, &served.hub, link, || {}).await;
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        lock(&self.shelf.inner).table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits for an opening that is admitted.
    async fn open<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: &mut WebSocket<S, Server>,
        owner: Option<&str>,
    ) -> Option<(Arc<Hub>, Link, bool)> {
        let clock = self.shelf.clock;
        let until = clock.now() + self.shelf.config.opening;
        for _ in 0..MOST_OPENINGS {
            let message = tokio::select! {
                message = socket.recv() => message?.ok()?,
                () = clock.sleep_until(Some(until)) => {
                    close(socket, 4408, "").await;
                    return None;
                }
            };
            let opening = match incoming(&message).map(Opening::parse) {
                Some(Ok(opening)) => opening,
                Some(Err(violation)) => {
                    close(socket, 4400, violation.reason()).await;
                    return None;
                }
                None => continue,
            };
            match self.shelf.admit(&opening, owner) {
                Admitted::Yes { hub, link, resumed } => return Some((hub, link, resumed)),
                Admitted::Refused { text, full } => {
                    socket.send(text).await.ok()?;
                    if full {
                        close(socket, 1013, "").await;
                        return None;
                    }
                }
                Admitted::Later => {
                    close(socket, 1013, "").await;
                    return None;
                }
            }
        }
        // What follows would be one too many.
        let _ = socket.recv().await;
        close(socket, 4400, Violation::TooManyOpenings.reason()).await;
        None
    }
}

impl Shelf {
    pub(super) fn with<R>(
        &self,
        id: SessionId,
        work: impl FnOnce(&mut Session<Body>) -> R,
    ) -> Option<R> {
        let mut inner = lock(&self.inner);
        match inner.ending.get_mut(&id) {
            Some(session) => Some(work(session)),
            None => inner.table.with(id, self.clock.now(), work),
        }
    }

    fn admit(self: &Arc<Self>, opening: &Opening, owner: Option<&str>) -> Admitted {
        let now = self.clock.now();
        let mut inner = lock(&self.inner);
        if inner.ending.contains_key(&opening.id) {
            return Admitted::Later;
        }
        let other = |hub: &Arc<Hub>| hub.owner.get().map(AsRef::as_ref) != owner;
        if inner.hubs.get(&opening.id).is_some_and(other) {
            let refusal = Refusal { denial: Denial::Unknown, number: 0 };
            return Admitted::Refused { text: refusal.text(), full: false };
        }
        match inner.table.admit(opening, now) {
            Admission::Opened(link) => {
                let (hub, session) = self.hub(opening.id);
                if let Some(owner) = owner {
                    // It is new: nobody else has set one.
                    let _ = hub.owner.set(owner.into());
                }
                inner.hubs.insert(opening.id, Arc::clone(&hub));
                // A server that takes no sessions any more drops them here, which needs the table.
                drop(inner);
                drop(self.new.send(session));
                Admitted::Yes { hub, link, resumed: false }
            }
            Admission::Resumed { link, .. } => match inner.hubs.get(&opening.id) {
                Some(hub) => Admitted::Yes { hub: Arc::clone(hub), link, resumed: true },
                None => Admitted::Later,
            },
            Admission::Refused(refusal) => {
                Admitted::Refused { text: refusal.text(), full: refusal.denial == Denial::Full }
            }
        }
    }

    fn hub(self: &Arc<Self>, id: SessionId) -> (Arc<Hub>, Reliable) {
        let place = Place::Shelf(Arc::downgrade(self));
        #[cfg(feature = "journal")]
        let hub = {
            let entry = self.journal.as_ref().map(super::Journal::entry);
            let hub = Hub::new(id, place, self.clock, entry);
            if let Some(journal) = &self.journal {
                journal.keep(&hub);
            }
            hub
        };
        #[cfg(not(feature = "journal"))]
        let hub = Hub::new(id, place, self.clock);
        let session = Reliable::new(Arc::clone(&hub));
        (hub, session)
    }

    #[cfg(feature = "journal")]
    fn restore(self: &Arc<Self>, saved: sockless_session::reliable::Saved<Body>) {
        let (id, ended) = (saved.id(), saved.is_ended());
        let session = Session::restore(Arc::clone(&self.config), saved);
        let (hub, reliable) = self.hub(id);
        {
            let mut inner = lock(&self.inner);
            inner.hubs.insert(id, hub);
            if ended {
                inner.ending.insert(id, session);
            } else if let Err(session) = inner.table.insert(session, self.clock.now()) {
                // There is no room for it: its sender learns what was not delivered.
                let mut session = session;
                session.expire();
                inner.ending.insert(id, session);
            }
        }
        drop(self.new.send(reliable));
        self.reap();
    }

    /// Sees to what has ended.
    pub(super) fn reap(&self) {
        let now = self.clock.now();
        let mut inner = lock(&self.inner);
        while let Some(session) = inner.table.poll(now) {
            if let Some(hub) = inner.hubs.get(&session.id()) {
                hub.store(session.wants_sync());
            }
            inner.ending.insert(session.id(), session);
        }
        if inner.ending.is_empty() {
            return;
        }
        let Inner { table, ending, hubs } = &mut *inner;
        ending.retain(|id, session| {
            if !session.is_final() {
                return true;
            }
            table.remember(session);
            if let Some(hub) = hubs.remove(id) {
                hub.finish(session);
            }
            false
        });
    }
}

/// Ends what has slept for too long, as long as the server is there.
async fn look_after(shelf: std::sync::Weak<Shelf>) {
    loop {
        let Some(strong) = shelf.upgrade() else { return };
        strong.reap();
        let deadline = lock(&strong.inner).table.deadline();
        let clock = strong.clock;
        // It must not be kept alive by this.
        let most = clock.now() + std::time::Duration::from_secs(1);
        let until = deadline.map_or(most, |deadline| deadline.min(most));
        tokio::select! {
            () = strong.changed.notified() => {}
            () = clock.sleep_until(Some(until)) => {}
        }
    }
}

async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocket<S, Server>,
    code: u16,
    reason: &str,
) {
    // There is nobody left to tell.
    let _ = socket.close(CloseCode::new(code), reason).await;
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("table", &lock(&self.inner).table).finish_non_exhaustive()
    }
}
