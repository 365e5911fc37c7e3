//! Who is where: the sockets of a server, in namespaces and rooms. What is sent to them is decided elsewhere.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use core::time::Duration;

use sockless_channels::Position;

use super::namespace::Namespace;
use super::recovery::{Membership, Record};
use crate::engine::Session;
use crate::slots::Slots;

/// A client's place in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket(pub(super) u64);

/// What is known of a socket.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) session: Session,
    pub(super) namespace: Namespace,
    /// The id that the client knows.
    pub(super) id: Arc<str>,
    pub(super) accepted: bool,
    pub(super) rooms: BTreeSet<Arc<str>>,
    /// The acknowledgements that are waited for, and until when.
    pub(super) acks: BTreeMap<u64, Duration>,
    /// What the application has put there, as JSON.
    pub(super) data: Option<Arc<str>>,
    /// In a cluster, what of that everybody knows: what was put there by what has passed in the stream.
    pub(super) known_data: Option<Arc<str>>,
    /// What is known of an accepted client that may come back.
    pub(super) kept: Option<Kept>,
    /// What a client that asks gets back, if it is accepted.
    pub(super) resuming: Option<Resuming>,
    pub(super) recovered: bool,
}

/// What is known of a client that may come back.
#[derive(Debug)]
pub(super) struct Kept {
    /// The id that it comes back with. Nobody else knows it.
    pub(super) pid: Arc<str>,
    /// Its position when it got that.
    pub(super) since: Position,
    pub(super) membership: Membership,
}

/// A client that has come back, and is not accepted yet.
#[derive(Debug)]
pub(super) struct Resuming {
    pub(super) pid: Arc<str>,
    pub(super) record: Record,
    /// From where on it gets what was sent.
    pub(super) from: Position,
    /// Until when it may try again, if it is not accepted now.
    pub(super) until: Duration,
}

/// The sockets that were accepted in a namespace.
#[derive(Debug, Default)]
struct Place {
    members: BTreeSet<Socket>,
    rooms: BTreeMap<Arc<str>, BTreeSet<Socket>>,
}

/// All sockets of a server.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    seats: Slots<Box<Seat>>,
    places: BTreeMap<Namespace, Place>,
    /// The sockets of clients that may come back or have come back, by their private ids.
    pids: BTreeMap<Arc<str>, Socket>,
}

impl Sockets {
    /// A new socket, which is not accepted yet.
    pub(super) fn add(&mut self, session: Session, namespace: Namespace, id: Arc<str>) -> Socket {
        let seat = Seat {
            session,
            namespace,
            id,
            accepted: false,
            rooms: BTreeSet::new(),
            acks: BTreeMap::new(),
            data: None,
            known_data: None,
            kept: None,
            resuming: None,
            recovered: false,
        };
        Socket(self.seats.insert(Box::new(seat)))
    }

    pub(super) fn get(&self, socket: Socket) -> Option<&Seat> {
        self.seats.get(socket.0).map(|seat| &**seat)
    }

    pub(super) fn accepted(&mut self, socket: Socket) -> Option<&mut Seat> {
        self.get_mut(socket).filter(|seat| seat.accepted)
    }

    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    /// Accepts a socket. It is in the room that its id names, as in the reference.
    pub(super) fn accept(&mut self, socket: Socket) {
        let Some(seat) = self.seats.get_mut(socket.0) else { return };
        seat.accepted = true;
        let (namespace, id) = (seat.namespace.clone(), seat.id.clone());
        self.places.entry(namespace).or_default().members.insert(socket);
        self.join(socket, &id);
    }

    /// Remembers what an accepted client comes back with.
    pub(super) fn keep(&mut self, socket: Socket, kept: Kept) {
        if let Some(seat) = self.seats.get_mut(socket.0) {
            self.pids.insert(kept.pid.clone(), socket);
            seat.kept = Some(kept);
        }
    }

    /// A client that has come back asks to be accepted.
    pub(super) fn resume(&mut self, socket: Socket, resuming: Resuming) {
        if let Some(seat) = self.seats.get_mut(socket.0) {
            self.pids.insert(resuming.pid.clone(), socket);
            seat.data = resuming.record.data.clone();
            seat.resuming = Some(resuming);
        }
    }

    /// A private id doesn't mean this socket any more.
    pub(super) fn forget_pid(&mut self, pid: &str, socket: Socket) {
        if self.by_pid(pid) == Some(socket) {
            self.pids.remove(pid);
        }
    }

    /// The socket of the client with this private id: it was accepted, or asks to be.
    pub(super) fn by_pid(&self, pid: &str) -> Option<Socket> {
        self.pids.get(pid).copied()
    }

    pub(super) fn get_mut(&mut self, socket: Socket) -> Option<&mut Seat> {
        self.seats.get_mut(socket.0).map(|seat| &mut **seat)
    }

    pub(super) fn remove(&mut self, socket: Socket) -> Option<Box<Seat>> {
        let seat = self.seats.remove(socket.0)?;
        if let Some(place) = self.places.get_mut(&seat.namespace) {
            place.members.remove(&socket);
            for room in &seat.rooms {
                place.leave(room, socket);
            }
            if place.members.is_empty() {
                self.places.remove(&seat.namespace);
            }
        }
        Some(seat)
    }

    /// Returns the room if the socket wasn't there.
    pub(super) fn join(&mut self, socket: Socket, room: &str) -> Option<Arc<str>> {
        let seat = self.seats.get_mut(socket.0).filter(|seat| seat.accepted)?;
        let place = self.places.get_mut(&seat.namespace)?;
        // One string for a room, however many are in it.
        let room = match place.rooms.get_key_value(room) {
            Some((room, _)) => room.clone(),
            None => room.into(),
        };
        place.rooms.entry(room.clone()).or_default().insert(socket);
        seat.rooms.insert(room.clone()).then_some(room)
    }

    /// Returns the room if the socket was there.
    pub(super) fn leave(&mut self, socket: Socket, room: &str) -> Option<Arc<str>> {
        let seat = self.seats.get_mut(socket.0)?;
        if let Some(place) = self.places.get_mut(&seat.namespace) {
            place.leave(room, socket);
        }
        seat.rooms.take(room)
    }

    /// The rooms of a socket.
    pub(super) fn rooms(&self, socket: Socket) -> impl Iterator<Item = &str> {
        let rooms = self.seats.get(socket.0).map(|seat| seat.rooms.iter());
        rooms.into_iter().flatten().map(|room| &**room)
    }

    pub(super) fn members(&self, namespace: &Namespace) -> impl Iterator<Item = Socket> {
        let place = self.places.get(namespace);
        place.into_iter().flat_map(|place| place.members.iter().copied())
    }

    pub(super) fn room(&self, namespace: &Namespace, room: &str) -> Option<&BTreeSet<Socket>> {
        self.places.get(namespace)?.rooms.get(room)
    }
}

impl Place {
    fn leave(&mut self, room: &str, socket: Socket) {
        if let Some(sockets) = self.rooms.get_mut(room) {
            sockets.remove(&socket);
            if sockets.is_empty() {
                self.rooms.remove(room);
            }
        }
    }
}
