//! Who goes: sockets and sessions, by whoever ends them, and what is kept of those that may come back.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::namespace::Namespace;
use super::output::{Asked, DisconnectReason, EmitError, Event};
use super::packet::Packet;
use super::recovery::Record;
use super::server::{Due, Server};
use super::sockets::{Kept, Resuming, Socket};
use crate::engine::Session;
use crate::entropy::Entropy;

impl<E: Entropy> Server<E> {
    /// Disconnects a socket from its namespace. Its session goes on.
    pub fn disconnect(&mut self, socket: Socket, now: Duration) {
        if self.cluster.is_none() || !self.write_disconnect(socket, false, now) {
            self.put_out(socket, now);
        }
    }

    pub(super) fn put_out(&mut self, socket: Socket, now: Duration) {
        let reason = DisconnectReason::ServerNamespaceDisconnect;
        if let Some((session, namespace)) = self.remove(socket, reason, now) {
            let most = self.config.namespaces;
            if let Some(connection) = self.connections.get_mut(session.0) {
                if connection.left.len() >= most {
                    connection.left.pop_first();
                }
                connection.left.insert(namespace.clone());
            }
            let _ = self.answer(session, &Packet::Disconnect { namespace }, now);
        }
    }

    /// Closes the session of a socket, after what waits to be sent, and disconnects all its sockets.
    pub fn close(&mut self, socket: Socket, now: Duration) {
        if self.cluster.is_some() && self.write_disconnect(socket, true, now) {
            return;
        }
        if let Some(session) = self.session(socket) {
            self.drop_session(session, DisconnectReason::ServerNamespaceDisconnect, now);
        }
    }

    /// Closes all sessions, and refuses new ones.
    pub fn stop(&mut self, now: Duration) {
        let sessions: Vec<_> = self.connections.keys().map(Session).collect();
        for session in sessions {
            self.drop_session(session, DisconnectReason::ServerShuttingDown, now);
        }
        if let Some(cluster) = &mut self.cluster {
            cluster.leave_servers();
        }
        self.engine.stop(now);
    }

    /// Sends a packet of the protocol. A client that reads too slowly even for these is given up.
    pub(super) fn answer(
        &mut self,
        session: Session,
        packet: &Packet,
        now: Duration,
    ) -> Result<(), EmitError> {
        let sent = self.engine.send(session, &self.writer.packet(packet));
        if sent.is_err() {
            self.drop_session(session, DisconnectReason::ForcedServerClose, now);
        }
        Ok(sent?)
    }

    /// The server ends a session.
    pub(super) fn drop_session(
        &mut self,
        session: Session,
        reason: DisconnectReason,
        now: Duration,
    ) {
        self.engine.close(session, now);
        self.forget(session, reason, now);
    }

    /// A session has ended.
    pub(super) fn forget(&mut self, session: Session, reason: DisconnectReason, now: Duration) {
        let Some(connection) = self.connections.remove_beside(session.0) else { return };
        if let Some(by) = connection.by {
            self.deadlines.remove(&(by, Due::Connect(session)));
        }
        for (_, socket) in connection.sockets {
            self.remove(socket, reason, now);
        }
    }

    /// A socket goes: what it waits for doesn't come any more. Whether it may come back is said by the reason.
    pub(super) fn remove(
        &mut self,
        socket: Socket,
        reason: DisconnectReason,
        now: Duration,
    ) -> Option<(Session, Namespace)> {
        if let Some(seat) = self.sockets.accepted(socket) {
            let acks: Vec<_> = seat.acks.keys().copied().collect();
            acks.into_iter().for_each(|id| self.acked(Asked { socket, id }, None));
        }
        if self.cluster.is_some() {
            return self.remove_in_cluster(socket, reason, now);
        }
        let seat = self.sockets.get_mut(socket)?;
        let record = match (seat.kept.take(), seat.resuming.take()) {
            (Some(Kept { pid, since, membership }), _) => {
                let record = Record {
                    namespace: seat.namespace.clone(),
                    id: seat.id.clone(),
                    since,
                    rooms: seat.rooms.clone(),
                    membership,
                    data: seat.data.clone(),
                };
                let window = self.config.recovery.map_or(Duration::ZERO, |its| its.window);
                Some((pid, record, now.saturating_add(window)))
            }
            // It hasn't got what it has missed.
            (None, Some(Resuming { pid, record, until, .. })) => Some((pid, record, until)),
            (None, None) => None,
        };
        if let Some((pid, record, until)) = record {
            self.sockets.forget_pid(&pid, socket);
            match reason.is_recoverable() {
                true => self.keep_record(pid, record, until, now),
                false => self.forget_record(&record),
            }
        }
        let place = self.unseat(socket)?;
        self.events.push_back(Event::Disconnect { socket, reason });
        Some(place)
    }

    /// A client that has gone may come back.
    pub(super) fn keep_record(
        &mut self,
        pid: Arc<str>,
        record: Record,
        until: Duration,
        now: Duration,
    ) {
        let Some(recovery) = &self.config.recovery else { return };
        if until <= now {
            return self.forget_record(&record);
        }
        let over: Vec<_> = self.records.keep(pid, record, until, recovery).collect();
        over.iter().for_each(|record| self.forget_record(record));
    }

    /// A client doesn't come back any more.
    pub(super) fn forget_record(&mut self, record: &Record) {
        self.away_no_more(record);
        self.leave_history(&record.namespace);
    }

    pub(super) fn leave_history(&mut self, namespace: &Namespace) {
        if let Some(history) = &mut self.history {
            history.leave(namespace);
        }
    }

    pub(super) fn unseat(&mut self, socket: Socket) -> Option<(Session, Namespace)> {
        let seat = self.sockets.remove(socket)?;
        if let Some(connection) = self.connections.get_mut(seat.session.0) {
            connection.sockets.retain(|(_, its)| *its != socket);
        }
        Some((seat.session, seat.namespace))
    }
}
