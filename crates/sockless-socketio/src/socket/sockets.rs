//! Who is where: the sockets of a server, in namespaces and rooms. What is sent to them is decided elsewhere.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use core::time::Duration;

use super::namespace::Namespace;
use crate::engine::Session;

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
    rooms: BTreeSet<Arc<str>>,
    /// The acknowledgements that are waited for, and until when.
    pub(super) acks: BTreeMap<u64, Duration>,
    pub(super) next_ack: u64,
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
    seats: BTreeMap<Socket, Seat>,
    places: BTreeMap<Namespace, Place>,
    next: u64,
}

impl Sockets {
    /// A new socket, which is not accepted yet.
    pub(super) fn add(&mut self, session: Session, namespace: Namespace, id: Arc<str>) -> Socket {
        self.next += 1;
        let socket = Socket(self.next);
        let seat = Seat {
            session,
            namespace,
            id,
            accepted: false,
            rooms: BTreeSet::new(),
            acks: BTreeMap::new(),
            next_ack: 0,
        };
        self.seats.insert(socket, seat);
        socket
    }

    pub(super) fn get(&self, socket: Socket) -> Option<&Seat> {
        self.seats.get(&socket)
    }

    pub(super) fn accepted(&mut self, socket: Socket) -> Option<&mut Seat> {
        self.seats.get_mut(&socket).filter(|seat| seat.accepted)
    }

    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    /// Accepts a socket. It is in the room that its id names, as in the reference.
    pub(super) fn accept(&mut self, socket: Socket) {
        let Some(seat) = self.seats.get_mut(&socket) else { return };
        seat.accepted = true;
        let (namespace, id) = (seat.namespace.clone(), seat.id.clone());
        self.places.entry(namespace).or_default().members.insert(socket);
        self.join(socket, &id);
    }

    pub(super) fn remove(&mut self, socket: Socket) -> Option<Seat> {
        let seat = self.seats.remove(&socket)?;
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

    pub(super) fn join(&mut self, socket: Socket, room: &str) -> bool {
        let Some(seat) = self.seats.get_mut(&socket).filter(|seat| seat.accepted) else {
            return false;
        };
        let Some(place) = self.places.get_mut(&seat.namespace) else { return false };
        // One string for a room, however many are in it.
        let room = match place.rooms.get_key_value(room) {
            Some((room, _)) => room.clone(),
            None => room.into(),
        };
        place.rooms.entry(room.clone()).or_default().insert(socket);
        seat.rooms.insert(room)
    }

    pub(super) fn leave(&mut self, socket: Socket, room: &str) -> bool {
        let Some(seat) = self.seats.get_mut(&socket) else { return false };
        if let Some(place) = self.places.get_mut(&seat.namespace) {
            place.leave(room, socket);
        }
        seat.rooms.remove(room)
    }

    /// The rooms of a socket.
    pub(super) fn rooms(&self, socket: Socket) -> impl Iterator<Item = &str> {
        let rooms = self.seats.get(&socket).map(|seat| seat.rooms.iter());
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
