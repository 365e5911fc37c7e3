//! Clients that go from a server of a cluster, and their records while they may come back.

use alloc::sync::Arc;
use core::time::Duration;

use sockless_channels::Position;

use crate::engine::Session;
use crate::entropy::Entropy;
use crate::socket::namespace::Namespace;
use crate::socket::output::{DisconnectReason, Event};
use crate::socket::recovery::Record;
use crate::socket::server::Server;
use crate::socket::sockets::{Kept, Socket};

impl<E: Entropy> Server<E> {
    /// A socket goes.
    pub(in crate::socket) fn remove_in_cluster(
        &mut self,
        socket: Socket,
        reason: DisconnectReason,
        now: Duration,
    ) -> Option<(Session, Namespace)> {
        let is_known = self.unask(socket);
        let seat = self.sockets.get_mut(socket)?;
        let (namespace, id) = (seat.namespace.clone(), seat.id.clone());
        let kept = seat.kept.take();
        let record = kept.map(|Kept { pid, since, membership }| {
            let (rooms, data) = (seat.rooms.clone(), seat.known_data.clone());
            let (namespace, id) = (namespace.clone(), id.clone());
            (pid, Record { namespace, id, since, rooms, membership, data })
        });
        let cluster = self.cluster.as_mut()?;
        let window = cluster.recovery.window;
        let stream = cluster.stream(&namespace);
        let at = stream.and_then(|stream| {
            let known = stream.known_to(&id);
            if stream.ids.get(&id) == Some(&socket) {
                stream.ids.remove(&id);
                stream.forget(&id);
            }
            known
        });
        if let (Some((pid, record)), Some(at)) = (record, at) {
            self.sockets.forget_pid(&pid, socket);
            match reason.is_recoverable() {
                true => self.keep_away(pid, record, at, now.saturating_add(window), now),
                false => {
                    self.unrecord(&namespace, &pid);
                    let by_client = matches!(
                        reason,
                        DisconnectReason::ClientNamespaceDisconnect | DisconnectReason::ParseError
                    );
                    if by_client {
                        self.write_gone(&namespace, id);
                    }
                }
            }
        }
        let place = self.unseat(socket);
        if is_known {
            self.events.push_back(Event::Disconnect { socket, reason });
        }
        self.unfollow(&namespace);
        place
    }

    /// A client of this server's is away, and may come back until a time. Its record is as of a position.
    pub(in crate::socket) fn keep_away(
        &mut self,
        pid: Arc<str>,
        record: Record,
        at: Position,
        until: Duration,
        now: Duration,
    ) {
        let Some(stream) = self.cluster.as_mut().and_then(|its| its.stream(&record.namespace))
        else {
            return;
        };
        let is_current = stream
            .known_to(&record.id)
            .is_some_and(|known| known.epoch() == at.epoch() && at.offset() >= known.offset());
        if !is_current || stream.ids.contains_key(&record.id) {
            let namespace = record.namespace.clone();
            return self.unrecord(&namespace, &pid);
        }
        stream.away.insert(record.id.clone(), pid.clone());
        stream.is_ahead(&record.id, at.offset());
        let namespace = record.namespace.clone();
        self.keep_record(pid.clone(), record, until, now);
        if self.records.get(&pid).is_some() {
            self.record(&namespace, &pid, now);
        }
    }

    /// A client doesn't come back any more.
    pub(in crate::socket) fn away_no_more(&mut self, record: &Record) {
        let stream = self.cluster.as_mut().and_then(|its| its.stream(&record.namespace));
        let pid = stream.and_then(|stream| {
            let pid = stream.away.remove(&record.id)?;
            stream.forget(&record.id);
            Some(pid)
        });
        if let Some(pid) = pid {
            self.unrecord(&record.namespace, &pid);
        }
        self.unfollow(&record.namespace);
    }

    /// A namespace that nobody here needs, and that wasn't named from the beginning, is followed no more.
    fn unfollow(&mut self, namespace: &Namespace) {
        if !self.known.contains(namespace)
            && let Some(cluster) = &mut self.cluster
        {
            cluster.unfollow(namespace);
        }
    }
}
