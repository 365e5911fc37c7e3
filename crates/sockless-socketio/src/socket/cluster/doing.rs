//! From a call to an entry of a stream. What the entry does is in `passing`.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use sockless_channels::Misuse;

use super::deed::{Deed, Entry};
use super::snapshot::Snapshot;
use super::state::{record_name, side_name, stream_name};
use super::stream::Aim;
use crate::entropy::Entropy;
use crate::socket::decoder::is_reserved;
use crate::socket::namespace::Namespace;
use crate::socket::output::EmitError;
use crate::socket::packet::Frames;
use crate::socket::payload::Payload;
use crate::socket::recovery::{Audience, Record};
use crate::socket::server::Server;
use crate::socket::sockets::{Kept, Socket};

impl<E: Entropy> Server<E> {
    /// Writes an entry. Where there are as many as may wait, changes still have room when events have none.
    pub(super) fn write(
        &mut self,
        namespace: &Namespace,
        audience: Audience,
        deed: Deed,
        aim: Aim,
    ) -> Result<(), EmitError> {
        let Some(cluster) = &mut self.cluster else { return Err(EmitError::Disconnected) };
        cluster.follow(namespace).map_err(refusal)?;
        let Some(stream) = cluster.streams.get_mut(namespace) else {
            return Err(EmitError::Disconnected);
        };
        let entry = Entry { by: cluster.server.clone(), number: stream.next(), audience, deed };
        let name = stream_name(namespace);
        let written = cluster.node.publish(&name, None, entry.encode(), cluster.now);
        let publication = written.map_err(refusal)?;
        cluster.publications.insert(publication, (namespace.clone(), stream.next()));
        stream.wrote(aim);
        Ok(())
    }

    /// An event to those whom an audience means, on all servers.
    pub(in crate::socket) fn write_event(
        &mut self,
        namespace: &Namespace,
        audience: Audience,
        name: &str,
        payload: Payload,
        volatile: bool,
    ) -> Result<(), EmitError> {
        if is_reserved(name) {
            return Err(EmitError::Reserved);
        }
        if volatile {
            return self.say_volatile(namespace, audience, name, payload);
        }
        let deed = Deed::Event { name: name.into(), payload };
        self.write(namespace, audience, deed, Aim::Event(name.into()))
    }

    /// A socket joins a room, or leaves it. Returns whether that is another wish than before.
    pub(in crate::socket) fn write_room(
        &mut self,
        socket: Socket,
        room: &str,
        joined: bool,
    ) -> bool {
        let Some((namespace, id)) = self.whose(socket) else { return false };
        if self.is_to_be_in(socket, room) == joined {
            return false;
        }
        let rooms = Vec::from([String::from(room)]);
        let deed = if joined { Deed::Join(rooms) } else { Deed::Leave(rooms) };
        if self.write_change(socket, &namespace, Aim::Change(id.clone()), deed)
            && let Some(stream) = self.cluster.as_mut().and_then(|its| its.stream(&namespace))
        {
            stream.changes(&id, room, joined);
        }
        true
    }

    /// Something is put to a socket.
    pub(in crate::socket) fn write_data(&mut self, socket: Socket, json: Arc<str>) {
        if self.cluster.is_some()
            && let Some((namespace, id)) = self.whose(socket)
        {
            self.write_change(socket, &namespace, Aim::Data(id), Deed::Data(json));
        }
    }

    /// A change of one socket. If it can't be written, the socket isn't what the application takes it for, and is closed.
    fn write_change(
        &mut self,
        socket: Socket,
        namespace: &Namespace,
        aim: Aim,
        deed: Deed,
    ) -> bool {
        let (Aim::Change(id) | Aim::Data(id)) = &aim else { return false };
        let audience = Audience::One(id.clone());
        let written = self.write(namespace, audience, deed, aim).is_ok();
        if !written {
            let now = self.cluster.as_ref().map_or(Duration::ZERO, |cluster| cluster.now);
            self.lose_socket(socket, now);
        }
        written
    }

    /// A socket is disconnected once what was written before has passed.
    pub(in crate::socket) fn write_disconnect(
        &mut self,
        socket: Socket,
        close: bool,
        now: Duration,
    ) -> bool {
        let Some((namespace, id)) = self.whose(socket) else { return false };
        let aim = Aim::Disconnect { socket, close };
        let deed = Deed::Disconnect { close };
        let written = self.write(&namespace, Audience::One(id), deed, aim);
        if written.is_err() {
            self.disconnect_now(socket, close, now);
        }
        true
    }

    /// A client has gone for good.
    pub(super) fn write_gone(&mut self, namespace: &Namespace, id: Arc<str>) {
        // If it can't be written, its record expires.
        let deed = Deed::Disconnect { close: false };
        let _ = self.write(namespace, Audience::One(id), deed, Aim::Nothing);
    }

    /// The namespace and the id of an accepted socket.
    pub(super) fn whose(&mut self, socket: Socket) -> Option<(Namespace, Arc<str>)> {
        let seat = self.sockets.accepted(socket)?;
        Some((seat.namespace.clone(), seat.id.clone()))
    }

    /// What is still to happen to the rooms of a socket, by what was written and hasn't passed.
    pub(in crate::socket) fn coming_rooms(
        &self,
        socket: Socket,
    ) -> impl Iterator<Item = (&Arc<str>, bool)> {
        let cluster = self.cluster.as_ref();
        let seat = cluster.and_then(|_| self.sockets.get(socket));
        seat.into_iter().flat_map(move |seat| {
            let stream = cluster.and_then(|cluster| cluster.streams.get(&seat.namespace));
            stream.into_iter().flat_map(|stream| stream.coming(&seat.id))
        })
    }

    /// Whether a socket is in a room once all that was written has passed.
    fn is_to_be_in(&self, socket: Socket, room: &str) -> bool {
        let last = self.coming_rooms(socket).filter(|(its, _)| ***its == *room).last();
        let is_in = || self.sockets.get(socket).is_some_and(|seat| seat.rooms.contains(room));
        last.map_or_else(is_in, |(_, joined)| joined)
    }

    /// Sends something from here to a socket of this server, after what was written before.
    pub(in crate::socket) fn send_after_what_was_written(
        &mut self,
        socket: Socket,
        frames: Frames,
    ) -> Result<(), EmitError> {
        let seat = self.sockets.accepted(socket).ok_or(EmitError::Disconnected)?;
        let session = seat.session;
        let mut frames = Some(frames);
        if let Some(cluster) = &mut self.cluster
            && let Some(stream) = cluster.streams.get_mut(&seat.namespace)
        {
            if stream.parked() >= MOST_PARKED {
                return Err(EmitError::Full);
            }
            frames = frames.and_then(|frames| stream.park(socket, frames));
        }
        match frames {
            Some(frames) => Ok(self.engine.send(session, &frames)?),
            None => Ok(()),
        }
    }

    /// Writes the record of a client: of an accepted socket, or of one that is away. Returns whether there is one.
    pub(super) fn record(&mut self, namespace: &Namespace, pid: &Arc<str>, now: Duration) -> bool {
        let record = match self.sockets.by_pid(pid) {
            Some(socket) => self.record_of(socket),
            None => self.records.get(pid).cloned(),
        };
        let (Some(mut record), Some(cluster)) = (record, &mut self.cluster) else { return false };
        let Some(stream) = cluster.streams.get_mut(namespace) else { return false };
        let Some(at) = stream.known_to(&record.id) else { return false };
        stream.recorded(pid, now);
        // What came before can't be asked for.
        let oldest = at.offset().saturating_sub(cluster.recovery.events as u64);
        record.membership.forget_before(oldest);
        let info = Snapshot { record, at }.encode();
        let lifetime = cluster.recovery.window.saturating_mul(2);
        // One that doesn't fit can't come back elsewhere.
        let _ = cluster.node.enter_for(&record_name(pid), &cluster.server, info, lifetime);
        true
    }

    fn record_of(&self, socket: Socket) -> Option<Record> {
        let seat = self.sockets.get(socket)?;
        let Kept { since, membership, .. } = seat.kept.as_ref()?;
        Some(Record {
            namespace: seat.namespace.clone(),
            id: seat.id.clone(),
            since: *since,
            rooms: seat.rooms.clone(),
            membership: membership.clone(),
            data: seat.known_data.clone(),
        })
    }

    /// A record isn't this server's any more.
    pub(super) fn unrecord(&mut self, namespace: &Namespace, pid: &str) {
        if let Some(cluster) = &mut self.cluster {
            cluster.node.leave(&record_name(pid), &cluster.server);
            if let Some(stream) = cluster.streams.get_mut(namespace) {
                stream.unrecorded(pid);
            }
        }
    }

    /// Says something to all servers that follow a namespace, which isn't kept.
    pub(super) fn say(
        &mut self,
        namespace: &Namespace,
        bytes: bytes::Bytes,
    ) -> Result<(), EmitError> {
        let Some(cluster) = &mut self.cluster else { return Err(EmitError::Disconnected) };
        let said = cluster.node.publish(&side_name(namespace), None, bytes, cluster.now);
        said.map(drop).map_err(refusal)
    }
}

/// How much may wait for what was written before.
const MOST_PARKED: usize = 4_096;

fn refusal(misuse: Misuse) -> EmitError {
    match misuse {
        Misuse::Payload => EmitError::TooLarge,
        _ => EmitError::Full,
    }
}
