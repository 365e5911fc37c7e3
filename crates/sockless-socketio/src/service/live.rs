//! The server of Socket.IO as it runs: which task serves which socket.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

#[cfg(feature = "redis")]
use super::cluster::Member;
use super::driver::{Driver, Layer, Openings, OsEntropy, Tasks};
use super::ids::Ids;
use super::mailbox::Mailbox;
use super::received::{Owed, Received};
use super::route::{Connecting, Route};
use super::sender::{Place, Sender};
use super::signal::Woken;
use super::socket::Socket;
use crate::engine::{Engine, Session};
use crate::socket::{self, Asked, EmitError, Event, Namespace, Payload, Server};

/// From how many events on that nobody receives a client has to wait, and how few let it go on.
pub(super) const MANY: usize = 64;
pub(super) const FEW: usize = 32;

/// The server, and the tasks of its sockets.
pub(super) struct Live {
    pub(super) server: Server<OsEntropy>,
    pub(super) acks: Ids<Asked, Waits>,
    routes: HashMap<Namespace, Route>,
    others: Option<Route>,
    guests: Ids<socket::Socket, Guest>,
    /// Sockets for which their session is held.
    held: BTreeSet<(Session, socket::Socket)>,
    /// Handlers that wait until their socket is accepted, in a cluster.
    accepting: HashMap<socket::Socket, oneshot::Sender<()>>,
    #[cfg(feature = "redis")]
    pub(super) member: Option<Member>,
}

/// Who waits for an acknowledgement. Without one, it is dropped.
pub(super) enum Waits {
    One(oneshot::Sender<Payload>),
    /// Those of many sockets go to one place.
    Many(mpsc::UnboundedSender<(Asked, Payload)>),
}

/// What is known of a socket's task.
struct Guest {
    session: Session,
    mailbox: Arc<Mailbox>,
}

impl Live {
    pub(super) fn new(
        server: Server<OsEntropy>,
        routes: HashMap<Namespace, Route>,
        others: Option<Route>,
    ) -> Self {
        Self {
            server,
            acks: Ids::default(),
            routes,
            others,
            guests: Ids::default(),
            held: BTreeSet::new(),
            accepting: HashMap::new(),
            #[cfg(feature = "redis")]
            member: None,
        }
    }

    fn take(&mut self, event: Event, woken: &mut Woken, driver: &Driver<Self>, now: Duration) {
        match event {
            // It begins a task, which is not done here.
            Event::Connect { .. } => {}
            Event::Message { socket, name, payload, reply } => {
                let Some(guest) = self.guests.get(&socket) else { return };
                let owed = reply.map(|to| Owed { driver: driver.clone(), to });
                let received = Received { name, payload, owed };
                let (waiting, waker) = guest.mailbox.put(received);
                woken.add(waker);
                if waiting >= MANY {
                    self.held.insert((guest.session, socket));
                    self.server.engine_mut().hold(guest.session, true, now);
                }
            }
            Event::Acked { asked, payload } => {
                // Without a payload, whoever waits hears that nothing comes.
                match (self.acks.remove(&asked), payload) {
                    (Some(Waits::One(waits)), Some(payload)) => drop(waits.send(payload)),
                    (Some(Waits::Many(waits)), Some(payload)) => drop(waits.send((asked, payload))),
                    _ => {}
                }
            }
            Event::Accepted { socket, .. } => {
                if let Some(waits) = self.accepting.remove(&socket) {
                    // Its task may be gone.
                    let _ = waits.send(());
                }
            }
            #[cfg(feature = "redis")]
            Event::Unsent { .. }
            | Event::Found { .. }
            | Event::Answered { .. }
            | Event::ServerMessage { .. } => {
                if let Some(member) = &mut self.member {
                    member.take(event);
                }
            }
            #[cfg(not(feature = "redis"))]
            Event::Unsent { .. }
            | Event::Found { .. }
            | Event::Answered { .. }
            | Event::ServerMessage { .. } => {}
            Event::Disconnect { socket, reason } => {
                self.accepting.remove(&socket);
                if let Some(guest) = self.guests.remove(&socket) {
                    woken.add(guest.mailbox.close(reason));
                    self.unhold(guest.session, socket, now);
                }
            }
        }
    }

    /// A client asks for a namespace: who serves it, and its socket.
    fn begin(
        &mut self,
        socket: socket::Socket,
        namespace: Namespace,
        auth: Option<String>,
        openings: &Openings,
        driver: &Driver<Self>,
    ) -> Option<(Route, Socket)> {
        let route = self.routes.get(&namespace).or(self.others.as_ref())?.clone();
        let session = self.server.session(socket)?;
        let opening = Arc::clone(openings.get(&session)?);
        let sender = self.sender(socket, driver)?;
        let connecting = Connecting::new(namespace, auth, opening);
        let mailbox = Arc::new(Mailbox::default());
        self.guests.insert(socket, Guest { session, mailbox: Arc::clone(&mailbox) });
        Some((route, Socket::new(sender, connecting, mailbox)))
    }

    /// Accepts a socket: what it has to wait for until it is, if it has to.
    pub(super) fn accept(
        &mut self,
        socket: socket::Socket,
        now: Duration,
    ) -> Result<Option<oneshot::Receiver<()>>, EmitError> {
        self.server.accept(socket, now)?;
        if !self.server.is_in_cluster() {
            return Ok(None);
        }
        let (sends, receives) = oneshot::channel();
        self.accepting.insert(socket, sends);
        Ok(Some(receives))
    }

    /// A socket's events have been received, but for a few.
    pub(super) fn release(&mut self, socket: socket::Socket, now: Duration) {
        if let Some(guest) = self.guests.get(&socket) {
            self.unhold(guest.session, socket, now);
        }
    }

    fn unhold(&mut self, session: Session, socket: socket::Socket, now: Duration) {
        if !self.held.remove(&(session, socket)) {
            return;
        }
        let others = self.held.iter().any(|(held, _)| *held == session);
        if !others {
            self.server.engine_mut().hold(session, false, now);
        }
    }

    /// The task of a socket has ended.
    pub(super) fn leave(&mut self, socket: socket::Socket, now: Duration) {
        if let Some(guest) = self.guests.remove(&socket) {
            self.unhold(guest.session, socket, now);
        }
        self.server.disconnect(socket, now);
    }

    pub(super) fn sender(&self, socket: socket::Socket, driver: &Driver<Self>) -> Option<Sender> {
        let id = self.server.id(socket)?.into();
        let namespace = self.server.namespace(socket)?.clone();
        let kept = self.server.keeps_events();
        Some(Sender::new(Place { driver: driver.clone(), socket, id, namespace, kept }))
    }
}

impl Layer for Live {
    fn engine(&mut self) -> &mut Engine<OsEntropy> {
        self.server.engine_mut()
    }

    fn is_settled(&self) -> bool {
        self.server.is_settled()
    }

    fn settle(
        &mut self,
        begun: &mut Tasks,
        woken: &mut Woken,
        openings: &Openings,
        driver: &Driver<Self>,
        now: Duration,
    ) {
        while let Some(event) = self.server.event(now) {
            if let Event::Connect { socket, namespace, auth } = event {
                let serving = self.begin(socket, namespace, auth, openings, driver);
                match serving {
                    Some((route, socket)) => begun.push(Box::pin(route.run(socket))),
                    None => drop(self.server.refuse::<()>(socket, "Invalid namespace", None, now)),
                }
            } else {
                self.take(event, woken, driver, now);
            }
        }
        #[cfg(feature = "redis")]
        if let (Some(member), Some(channels)) = (&mut self.member, self.server.channels_mut()) {
            woken.add(member.collect(channels, now));
        }
    }

    fn deadline(&self) -> Option<Duration> {
        self.server.deadline()
    }

    fn timeout(&mut self, now: Duration) {
        self.server.timeout(now);
    }
}
