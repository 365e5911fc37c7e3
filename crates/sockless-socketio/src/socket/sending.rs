//! Sending events: to one socket, and to many. Those that are to be acknowledged are in `acknowledging`.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use sockless_channels::Position;

use super::decoder::is_reserved;
use super::namespace::Namespace;
use super::output::{DisconnectReason, EmitError};
use super::payload::Payload;
use super::recovery::{Audience, Publication};
use super::server::Server;
use super::sockets::Socket;
use crate::engine::Frame;
use crate::entropy::Entropy;

/// To whom something is sent: those in a namespace, or in rooms of it, with exceptions.
///
/// ```
/// use sockless_socketio::socket::{Namespace, Target};
///
/// let target = Target::all(Namespace::main()).to("news").except("muted");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(super) namespace: Namespace,
    rooms: Vec<String>,
    except: Vec<String>,
    except_sockets: Vec<Socket>,
    pub(super) volatile: bool,
}

impl Target {
    /// All sockets of a namespace.
    pub fn all(namespace: Namespace) -> Self {
        Self {
            namespace,
            rooms: Vec::new(),
            except: Vec::new(),
            except_sockets: Vec::new(),
            volatile: false,
        }
    }

    /// Only those in this room; with several, those in any of them.
    #[must_use]
    pub fn to(mut self, room: &str) -> Self {
        self.rooms.push(room.into());
        self
    }

    /// None of those in this room.
    #[must_use]
    pub fn except(mut self, room: &str) -> Self {
        self.except.push(room.into());
        self
    }

    /// Not this socket: usually the one that has sent what is sent on.
    #[must_use]
    pub fn except_socket(mut self, socket: Socket) -> Self {
        self.except_sockets.push(socket);
        self
    }

    /// Only those whose transport is ready at once: for what is worth nothing later.
    #[must_use]
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }
}

impl Target {
    pub(super) fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

impl<E: Entropy> Server<E> {
    /// Sends an event to a socket.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn emit(
        &mut self,
        socket: Socket,
        name: &str,
        payload: Payload,
        now: Duration,
    ) -> Result<(), EmitError> {
        let seat = self.sockets.accepted(socket).ok_or(EmitError::Disconnected)?;
        if self.cluster.is_some() {
            let (namespace, audience) = (seat.namespace.clone(), Audience::One(seat.id.clone()));
            return self.write_event(&namespace, audience, name, payload, false);
        }
        let next = self.history.as_ref().and_then(|history| history.next(&seat.namespace));
        let Some(position) = next else { return self.send_event(socket, name, payload, None) };
        let (namespace, id) = (seat.namespace.clone(), seat.id.clone());
        self.send_event(socket, name, payload.clone().after(position), None)?;
        let audience = Audience::One(id);
        self.publish(&namespace, Publication { audience, name: name.into(), payload }, now);
        Ok(())
    }

    /// Keeps what is sent for those who come back.
    fn publish(&mut self, namespace: &Namespace, publication: Publication, now: Duration) {
        if let Some(history) = &mut self.history {
            history.publish(namespace, publication.encode(), now);
        }
    }

    /// Sends an event, unless the socket's transport is not ready at once: for what is worth nothing later.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn emit_volatile(
        &mut self,
        socket: Socket,
        name: &str,
        payload: Payload,
    ) -> Result<(), EmitError> {
        let seat = self.sockets.accepted(socket).ok_or(EmitError::Disconnected)?;
        let (session, namespace, id) = (seat.session, seat.namespace.clone(), seat.id.clone());
        // A client that has come from a server that is further keeps its position.
        let position = match &self.cluster {
            Some(cluster) => cluster.known_to(&namespace, &id),
            None => self.newest(&namespace),
        };
        if !self.engine.is_idle(session) {
            return Err(EmitError::NotReady);
        }
        let payload = position.into_iter().fold(payload, Payload::after);
        self.send_event(socket, name, payload, None)
    }

    /// The newest position of a namespace, if what is sent there is kept.
    pub(super) fn newest(&self, namespace: &Namespace) -> Option<Position> {
        match &self.cluster {
            Some(cluster) => cluster.newest(namespace),
            None => self.history.as_ref()?.newest(namespace),
        }
    }

    /// What isn't kept says the newest position all the same: clients take the last argument for a position, whatever it is.
    fn at_newest(&self, namespace: &Namespace, payload: Payload) -> Payload {
        match self.newest(namespace) {
            Some(position) => payload.after(position),
            None => payload,
        }
    }

    /// Sends an event to many. It is written once. Returns how many have got it, and how many have not, because too much waits for them, or
    /// because it was volatile.
    ///
    /// With [recovery](super::Config::with_recovery), the session of a socket for which too much waits is closed: nothing comes after what is
    /// missing, and its client comes back for it.
    ///
    /// In a [cluster](super::cluster) nobody has got it when this returns: it is written, for the sockets of all servers, and both numbers are 0.
    ///
    /// # Errors
    ///
    /// If the name is reserved, or too much waits to be written.
    pub fn broadcast(
        &mut self,
        target: &Target,
        name: &str,
        payload: Payload,
        now: Duration,
    ) -> Result<(usize, usize), EmitError> {
        if is_reserved(name) {
            return Err(EmitError::Reserved);
        }
        let namespace = &target.namespace;
        if self.cluster.is_some() {
            let (namespace, audience) = (namespace.clone(), self.audience(target));
            self.write_event(&namespace, audience, name, payload, target.volatile)?;
            return Ok((0, 0));
        }
        let next = self.history.as_ref().and_then(|history| history.next(namespace));
        let kept = next.filter(|_| !target.volatile);
        let sent = match kept {
            Some(position) => {
                let sent = payload.clone().after(position);
                let audience = self.audience(target);
                self.publish(namespace, Publication { audience, name: name.into(), payload }, now);
                sent
            }
            None => self.at_newest(namespace, payload),
        };
        let frames = self.writer.event(namespace, None, name, &sent);
        let (mut sent, mut missed) = (0, 0);
        for socket in self.find(target) {
            match self.send_frames(socket, &frames, target.volatile) {
                Ok(()) => sent += 1,
                Err(error) => {
                    missed += 1;
                    if error == EmitError::Full && kept.is_some() {
                        self.fall_behind(socket, now);
                    }
                }
            }
        }
        Ok((sent, missed))
    }

    /// A client has not got what it can come back for.
    fn fall_behind(&mut self, socket: Socket, now: Duration) {
        if let Some(session) = self.session(socket) {
            self.drop_session(session, DisconnectReason::ForcedServerClose, now);
        }
    }

    /// Who is meant by a target, also among those who are not there.
    pub(super) fn audience(&self, target: &Target) -> Audience {
        let ids = target.except_sockets.iter().filter_map(|socket| self.sockets.get(*socket));
        let except_ids = ids.map(|seat| seat.id.clone()).collect();
        let (rooms, except) = (target.rooms.clone(), target.except.clone());
        Audience::Many { rooms, except, except_ids }
    }

    pub(super) fn send_frames(
        &mut self,
        socket: Socket,
        frames: &[Frame],
        volatile: bool,
    ) -> Result<(), EmitError> {
        let session = self.sockets.get(socket).ok_or(EmitError::Disconnected)?.session;
        if volatile && !self.engine.is_idle(session) {
            return Err(EmitError::NotReady);
        }
        Ok(self.engine.send(session, frames)?)
    }

    /// The sockets that something would be sent to.
    pub fn find(&self, target: &Target) -> Vec<Socket> {
        let namespace = &target.namespace;
        let rooms = |names: &[String]| -> BTreeSet<Socket> {
            let rooms = names.iter().filter_map(|room| self.sockets.room(namespace, room));
            rooms.flatten().copied().collect()
        };
        let left_out = rooms(&target.except);
        let wanted =
            |socket: &Socket| !left_out.contains(socket) && !target.except_sockets.contains(socket);
        match target.rooms.is_empty() {
            true => self.sockets.members(namespace).filter(wanted).collect(),
            false => rooms(&target.rooms).into_iter().filter(wanted).collect(),
        }
    }

    /// Sends an event that is kept for nobody.
    pub(crate) fn send_event(
        &mut self,
        socket: Socket,
        name: &str,
        payload: Payload,
        id: Option<u64>,
    ) -> Result<(), EmitError> {
        if is_reserved(name) {
            return Err(EmitError::Reserved);
        }
        let seat = self.sockets.accepted(socket).ok_or(EmitError::Disconnected)?;
        let frames = self.writer.event(&seat.namespace, id, name, &payload);
        Ok(self.engine.send(seat.session, &frames)?)
    }
}
