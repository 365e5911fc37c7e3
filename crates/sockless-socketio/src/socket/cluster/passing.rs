//! What an entry of a stream does here: to the sockets of this server, and to the records of its clients that are away. Who has written it
//! doesn't matter but where it says so.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use sockless_channels::{Fate, Position};

use super::deed::{Deed, Entry};
use super::stream::Aim;
use crate::entropy::Entropy;
use crate::socket::namespace::Namespace;
use crate::socket::output::{DisconnectReason, EmitError, Event};
use crate::socket::payload::Payload;
use crate::socket::recovery::Audience;
use crate::socket::server::Server;
use crate::socket::sockets::Socket;

impl<E: Entropy> Server<E> {
    /// An entry of a namespace's stream passes.
    pub(super) fn pass(
        &mut self,
        namespace: &Namespace,
        position: Position,
        bytes: Bytes,
        now: Duration,
    ) {
        let len = bytes.len();
        let Some(cluster) = &mut self.cluster else { return };
        let Some(stream) = cluster.streams.get_mut(namespace) else { return };
        let Some(Entry { by, number, audience, deed }) = Entry::decode(bytes) else {
            return self.lose(namespace, position, now);
        };
        let own = (by == cluster.server).then_some(number);
        stream.passed(position, len, own);
        match deed {
            Deed::Event { name, payload } => {
                self.deliver(namespace, position, &audience, name, payload, now);
            }
            Deed::Ask { question, timeout, name, payload } => {
                let timeout = Duration::from_millis(timeout);
                let mut sockets = self.meant(namespace, &audience, position);
                // Whoever comes from another server may have got it there: that ends with this server's claim.
                sockets.retain(|socket| !self.is_coming(*socket));
                self.ask_here(by, question, &sockets, &name, &payload, timeout, now);
            }
            Deed::Join(rooms) => self.change(namespace, &audience, position, &rooms, true, now),
            Deed::Leave(rooms) => self.change(namespace, &audience, position, &rooms, false, now),
            Deed::Data(json) => {
                for socket in self.meant(namespace, &audience, position) {
                    self.put(namespace, socket, &json);
                    self.record_socket(socket, now);
                }
                for pid in self.meant_away(namespace, &audience, position) {
                    self.records.change(&pid, |record| record.data = Some(json.clone()));
                    self.record(namespace, &pid, now);
                }
            }
            Deed::Disconnect { close } => {
                for socket in self.meant(namespace, &audience, position) {
                    self.disconnect_now(socket, close, now);
                }
                for pid in self.meant_away(namespace, &audience, position) {
                    self.forget_away(&pid);
                }
            }
            Deed::Moved if own.is_none() => self.moved(namespace, &audience, position, now),
            Deed::Moved => {}
        }
        self.unpark(namespace);
        self.renew_records(namespace, now);
    }

    /// The sockets of this server to whom an entry is done.
    pub(super) fn meant(
        &self,
        namespace: &Namespace,
        audience: &Audience,
        position: Position,
    ) -> Vec<Socket> {
        let stream = self.cluster.as_ref().and_then(|its| its.streams.get(namespace));
        let Some(stream) = stream else { return Vec::new() };
        let is_new = |socket: &Socket| {
            let seat = self.sockets.get(*socket);
            seat.is_some_and(|seat| stream.is_new_to(&seat.id, position.offset()))
        };
        match audience {
            Audience::One(id) => stream.ids.get(id).copied().filter(is_new).into_iter().collect(),
            Audience::Many { rooms, except, except_ids } => {
                let inside = |names: &[String]| -> BTreeSet<Socket> {
                    let rooms = names.iter().filter_map(|room| self.sockets.room(namespace, room));
                    rooms.flatten().copied().collect()
                };
                let mut left_out = inside(except);
                left_out.extend(except_ids.iter().filter_map(|id| stream.ids.get(id)));
                let wanted = |socket: &Socket| !left_out.contains(socket) && is_new(socket);
                match rooms.is_empty() {
                    true => self.sockets.members(namespace).filter(wanted).collect(),
                    false => inside(rooms).into_iter().filter(wanted).collect(),
                }
            }
        }
    }

    /// The private ids of this server's clients that are away and to whom an entry is done.
    fn meant_away(
        &self,
        namespace: &Namespace,
        audience: &Audience,
        position: Position,
    ) -> Vec<Arc<str>> {
        let stream = self.cluster.as_ref().and_then(|its| its.streams.get(namespace));
        let Some(stream) = stream else { return Vec::new() };
        let its = |(id, pid): (&Arc<str>, &Arc<str>)| {
            let record = self.records.get(pid)?;
            let new = stream.is_new_to(id, position.offset());
            (new && audience.has(id, &record.rooms)).then(|| pid.clone())
        };
        match audience {
            Audience::One(id) => stream.away.get_key_value(id).and_then(its).into_iter().collect(),
            Audience::Many { .. } => stream.away.iter().filter_map(its).collect(),
        }
    }

    fn deliver(
        &mut self,
        namespace: &Namespace,
        position: Position,
        audience: &Audience,
        name: String,
        payload: Payload,
        now: Duration,
    ) {
        let sockets = self.meant(namespace, audience, position);
        if sockets.is_empty() {
            return;
        }
        let payload = payload.after(position);
        let frames = self.writer.event(namespace, None, &name, &payload);
        for socket in sockets {
            let Some(session) = self.session(socket) else { continue };
            if self.engine.send(session, &frames).is_err() {
                // It comes back for it.
                self.drop_session(session, DisconnectReason::ForcedServerClose, now);
            }
        }
    }

    fn change(
        &mut self,
        namespace: &Namespace,
        audience: &Audience,
        position: Position,
        rooms: &[String],
        joined: bool,
        now: Duration,
    ) {
        let most = self.cluster.as_ref().map_or(0, |cluster| cluster.recovery.changes);
        for socket in self.meant(namespace, audience, position) {
            for room in rooms {
                let changed = match joined {
                    true => self.sockets.join(socket, room),
                    false => self.sockets.leave(socket, room),
                };
                let kept = self.sockets.get_mut(socket).and_then(|seat| seat.kept.as_mut());
                if let (Some(room), Some(kept)) = (changed, kept) {
                    kept.membership.note(position.offset(), room, joined, most);
                }
            }
            self.record_socket(socket, now);
        }
        for pid in self.meant_away(namespace, audience, position) {
            self.records.change(&pid, |record| record.change(rooms, joined, position, most));
            self.record(namespace, &pid, now);
        }
    }

    /// Something is put to a socket. The application doesn't see it if it has put something newer there.
    fn put(&mut self, namespace: &Namespace, socket: Socket, json: &Arc<str>) {
        let stream = self.cluster.as_ref().and_then(|its| its.streams.get(namespace));
        let Some(seat) = self.sockets.get_mut(socket) else { return };
        seat.known_data = Some(json.clone());
        if stream.is_some_and(|stream| !stream.has_data_coming(&seat.id)) {
            seat.data = Some(json.clone());
        }
    }

    /// A client of this server's is at another one, perhaps.
    fn moved(
        &mut self,
        namespace: &Namespace,
        audience: &Audience,
        position: Position,
        now: Duration,
    ) {
        for socket in self.meant(namespace, audience, position) {
            let ours = self.whose(socket).is_some_and(|(_, id)| self.is_claiming(namespace, &id));
            if !ours {
                self.let_go(socket, now);
            }
        }
        for pid in self.meant_away(namespace, audience, position) {
            self.keep_for_claimant(&pid);
            self.forget_away(&pid);
        }
    }

    /// Whether a socket's client may still have got something from another server.
    pub(super) fn is_coming(&self, socket: Socket) -> bool {
        let seat = self.sockets.get(socket);
        seat.is_some_and(|seat| self.is_claiming(&seat.namespace, &seat.id))
    }

    /// Whether this server has written that it has a client, and that hasn't passed.
    fn is_claiming(&self, namespace: &Namespace, id: &Arc<str>) -> bool {
        let stream = self.cluster.as_ref().and_then(|its| its.streams.get(namespace));
        stream.is_some_and(|stream| stream.is_claiming(id))
    }

    /// A socket goes, and is nothing that this server keeps.
    pub(super) fn let_go(&mut self, socket: Socket, now: Duration) {
        if let Some(seat) = self.sockets.get_mut(socket)
            && let Some(kept) = seat.kept.take()
        {
            let namespace = seat.namespace.clone();
            self.sockets.forget_pid(&kept.pid, socket);
            self.unrecord(&namespace, &kept.pid);
        }
        if let Some(session) = self.session(socket) {
            self.drop_session(session, DisconnectReason::ForcedServerClose, now);
        }
    }

    /// A socket isn't what it should be: it goes, and its client isn't recovered.
    pub(super) fn lose_socket(&mut self, socket: Socket, now: Duration) {
        if let Some((namespace, id)) = self.whose(socket) {
            self.let_go(socket, now);
            self.write_gone(&namespace, id);
        }
    }

    pub(super) fn disconnect_now(&mut self, socket: Socket, close: bool, now: Duration) {
        let reason = DisconnectReason::ServerNamespaceDisconnect;
        let Some(session) = self.session(socket) else { return };
        if !close {
            return self.put_out(socket, now);
        }
        let others = self.connections.get(session.0).map(|its| its.sockets.clone());
        for (namespace, other) in others.into_iter().flatten() {
            if other != socket
                && let Some((_, id)) = self.whose(other)
            {
                self.write_gone(&namespace, id);
            }
        }
        self.drop_session(session, reason, now);
    }

    /// A client that is away doesn't come back to this server.
    fn forget_away(&mut self, pid: &Arc<str>) {
        if let Some((record, _)) = self.records.take(pid) {
            self.forget_record(&record);
        }
    }

    /// Sends what has waited for what was written before it.
    pub(super) fn unpark(&mut self, namespace: &Namespace) {
        while let Some(cluster) = &mut self.cluster
            && let Some((socket, frames)) = cluster.stream(namespace).and_then(|its| its.unpark())
        {
            if let Some(session) = self.session(socket) {
                // Nobody waits for the result any more: a client that reads too slowly is given up where it is found out.
                let sent = self.engine.send(session, &frames);
                if sent.is_err_and(|error| EmitError::from(error) == EmitError::Full) {
                    let now = self.cluster.as_ref().map_or(Duration::ZERO, |cluster| cluster.now);
                    self.drop_session(session, DisconnectReason::ForcedServerClose, now);
                }
            }
        }
    }

    fn record_socket(&mut self, socket: Socket, now: Duration) {
        if let Some(seat) = self.sockets.get(socket)
            && let Some(kept) = &seat.kept
        {
            let (namespace, pid) = (seat.namespace.clone(), kept.pid.clone());
            self.record(&namespace, &pid, now);
        }
    }

    /// Writes again what has grown old.
    pub(super) fn renew_records(&mut self, namespace: &Namespace, now: Duration) {
        while let Some(cluster) = &self.cluster
            && let Some(stream) = cluster.streams.get(namespace)
            && let Some(pid) = stream.aging(&cluster.recovery, now)
        {
            let is_here = self.sockets.by_pid(&pid).is_some() || self.records.get(&pid).is_some();
            if !is_here || !self.record(namespace, &pid, now) {
                self.unrecord(namespace, &pid);
            }
        }
    }

    /// Something may be missing before a position: nobody in this namespace can be told that it isn't.
    pub(super) fn lose(&mut self, namespace: &Namespace, position: Position, now: Duration) {
        let Some(cluster) = &mut self.cluster else { return };
        let Some(stream) = cluster.streams.get_mut(namespace) else { return };
        stream.skipped_to(position);
        let (sockets, away): (Vec<_>, Vec<_>) =
            (stream.ids.values().copied().collect(), stream.away.values().cloned().collect());
        sockets.into_iter().for_each(|socket| self.let_go(socket, now));
        away.iter().for_each(|pid| self.forget_away(pid));
        self.unpark(namespace);
    }

    /// An entry of this server's can't be written.
    pub(super) fn unwritten(
        &mut self,
        namespace: &Namespace,
        number: u64,
        fate: Fate,
        now: Duration,
    ) {
        let stream = self.cluster.as_mut().and_then(|its| its.streams.get_mut(namespace));
        let Some(pending) = stream.and_then(|stream| stream.settle(number)) else { return };
        match pending.aim {
            Aim::Event(name) => {
                let namespace = namespace.clone();
                self.events.push_back(Event::Unsent { namespace, name, fate });
            }
            Aim::Change(id) | Aim::Data(id) => {
                let stream = self.cluster.as_ref().and_then(|its| its.streams.get(namespace));
                if let Some(socket) = stream.and_then(|stream| stream.ids.get(&id)).copied() {
                    self.lose_socket(socket, now);
                }
            }
            Aim::Claim { id } => {
                let stream = self.cluster.as_ref().and_then(|its| its.streams.get(namespace));
                if let Some(session) = stream
                    .and_then(|stream| stream.ids.get(&id))
                    .and_then(|socket| self.session(*socket))
                {
                    self.drop_session(session, DisconnectReason::ForcedServerClose, now);
                }
            }
            Aim::Disconnect { socket, close } => self.disconnect_now(socket, close, now),
            Aim::Nothing => {}
        }
        self.unpark(namespace);
    }
}
