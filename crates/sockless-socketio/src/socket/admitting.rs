//! Who is accepted: clients that are new, and those that come back and get what they have missed.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;
use sockless_channels::Epoch;

use super::namespace::Namespace;
use super::output::{DisconnectReason, EmitError};
use super::packet::Packet;
use super::payload::{Payload, ReadError};
use super::recovery::{Membership, Publication, Record};
use super::server::{Due, Server};
use super::sockets::{Kept, Resuming, Socket};
use crate::engine::{Frame, Session};
use crate::entropy::Entropy;
use crate::json_string::json_string;

/// What a client that comes back says, beside its authentication.
#[derive(Deserialize)]
struct Claim {
    pid: String,
    #[serde(default)]
    offset: Option<String>,
}

impl<E: Entropy> Server<E> {
    /// Accepts a client in the namespace that it has asked for. One that comes back gets what it has missed, if all of it is still there:
    /// [`is_recovered`](Self::is_recovered) says so.
    ///
    /// In a [cluster](super::cluster), what it has missed may have to be read first: an [`Event::Accepted`](super::Event::Accepted) says
    /// when it is accepted.
    ///
    /// # Errors
    ///
    /// If it has gone, or reads too slowly even for this: then its session is closed.
    pub fn accept(&mut self, socket: Socket, now: Duration) -> Result<(), EmitError> {
        if self.cluster.is_some() {
            return self.accept_in_cluster(socket, now);
        }
        let seat = self.sockets.get_mut(socket).filter(|seat| !seat.accepted);
        let seat = seat.ok_or(EmitError::Disconnected)?;
        let (session, namespace, id) = (seat.session, seat.namespace.clone(), seat.id.clone());
        let resuming = seat.resuming.take();
        if let Some(resuming) = resuming {
            self.sockets.forget_pid(&resuming.pid, socket);
            if let Some(resuming) = self.resume(resuming, session, now) {
                self.sockets.accept(socket);
                self.connected(session);
                self.restore(socket, resuming);
                return Ok(());
            }
        }
        let kept = self.history.is_some().then(|| {
            let (pid, fresh) = (self.engine.draw_id(), self.draw_epoch());
            let history = self.history.as_mut()?;
            let since = history.enter(&namespace, fresh, now);
            Some(Kept { pid, since, membership: Membership::new(since.offset()) })
        });
        let kept = kept.flatten();
        let data = granted(&id, kept.as_ref().map(|kept| &kept.pid));
        let packet = Packet::Connect { namespace: namespace.clone(), data };
        if let Err(error) = self.answer(session, &packet, now) {
            if kept.is_some() {
                self.leave_history(&namespace);
            }
            return Err(error);
        }
        self.sockets.accept(socket);
        self.connected(session);
        if let Some(kept) = kept {
            self.sockets.keep(socket, kept);
        }
        Ok(())
    }

    /// The client of a session is connected to a namespace.
    pub(super) fn connected(&mut self, session: Session) {
        if let Some(connection) = self.connections.get_mut(session.0)
            && let Some(by) = connection.by.take()
        {
            self.deadlines.remove(&(by, Due::Connect(session)));
        }
    }

    fn draw_epoch(&mut self) -> Epoch {
        Epoch::new(self.engine.draw_number())
    }

    /// What a client that asks for a namespace gets back, if it says who it was. One whose end was not noticed yet is taken over,
    /// whether it was accepted or has come back and waits for that.
    pub(super) fn resuming(
        &mut self,
        namespace: &Namespace,
        auth: Option<&str>,
        now: Duration,
    ) -> Option<Resuming> {
        let newest = self.history.as_ref()?.newest(namespace)?;
        let Claim { pid, offset } = serde_json::from_str(auth?).ok()?;
        if let Some(before) = self.sockets.by_pid(&pid) {
            let its = self.sockets.get(before).map(|seat| (seat.session, &seat.namespace));
            let (session, _) = its.filter(|(_, its)| *its == namespace)?;
            self.drop_session(session, DisconnectReason::ForcedServerClose, now);
        }
        let (record, until) = self.records.take(&pid)?;
        let from = record.resumes_at(offset.as_deref(), newest);
        match from.filter(|_| record.namespace == *namespace) {
            Some(from) => Some(Resuming { pid: pid.as_str().into(), record, from, until }),
            None => {
                self.forget_record(&record);
                None
            }
        }
    }

    /// Sends a client all that it has missed. `None` if it can't be proven to be all, or is too much: it gets nothing then.
    fn resume(&mut self, resuming: Resuming, session: Session, now: Duration) -> Option<Resuming> {
        let frames = self.missed(&resuming, now);
        let sent = frames.is_some_and(|frames| self.engine.send(session, &frames).is_ok());
        if !sent {
            self.forget_record(&resuming.record);
        }
        sent.then_some(resuming)
    }

    /// The answer to a client that comes back, and what it has missed.
    fn missed(&mut self, resuming: &Resuming, now: Duration) -> Option<Vec<Frame>> {
        let Resuming { pid, record, from, .. } = resuming;
        let publications = self.history.as_mut()?.after(&record.namespace, *from, now)?;
        let mut rooms = record.membership.since(from.offset(), record.rooms.clone())?;
        let data = granted(&record.id, Some(pid));
        let granted = Packet::Connect { namespace: record.namespace.clone(), data };
        let mut frames = self.writer.packet(&granted).to_vec();
        for (position, bytes) in publications {
            let Publication { audience, name, payload } = Publication::decode(bytes)?;
            if audience.has(&record.id, rooms.at(position.offset())) {
                let payload = payload.after(position);
                let event = self.writer.event(&record.namespace, None, &name, &payload);
                frames.extend_from_slice(&event);
            }
        }
        Some(frames)
    }

    /// An accepted client has its rooms again.
    fn restore(&mut self, socket: Socket, resuming: Resuming) {
        let Resuming { pid, record, .. } = resuming;
        // It is in the room that its id names unless it has left it.
        if !record.rooms.contains(&record.id) {
            self.sockets.leave(socket, &record.id);
        }
        for room in &record.rooms {
            self.sockets.join(socket, room);
        }
        if let Some(seat) = self.sockets.get_mut(socket) {
            seat.recovered = true;
        }
        let Record { since, membership, .. } = record;
        self.sockets.keep(socket, Kept { pid, since, membership });
    }

    /// Refuses a client the namespace that it has asked for: it gets an error with this message, and data.
    ///
    /// # Errors
    ///
    /// If serde can't write the data. A client that has gone is no error.
    pub fn refuse<T: serde::Serialize>(
        &mut self,
        socket: Socket,
        message: &str,
        data: Option<&T>,
        now: Duration,
    ) -> Result<(), ReadError> {
        let data = match data {
            Some(data) => {
                let data = Payload::new().with(data)?;
                format!(",\"data\":{}", &data.json()[1..data.json().len() - 1])
            }
            None => String::new(),
        };
        let data = Some(format!("{{\"message\":{}{data}}}", json_string(message)));
        if self.sockets.get(socket).is_some_and(|seat| !seat.accepted)
            && let Some((session, namespace)) = self.give_back(socket, now)
        {
            // If it can't be told, its session is closed.
            let _ = self.answer(session, &Packet::ConnectError { namespace, data }, now);
        }
        Ok(())
    }

    /// A client that was not accepted may come back another time.
    fn give_back(&mut self, socket: Socket, now: Duration) -> Option<(Session, Namespace)> {
        let resuming = self.sockets.get_mut(socket).and_then(|seat| seat.resuming.take());
        self.unask(socket);
        if let Some(Resuming { pid, record, until, .. }) = resuming {
            self.sockets.forget_pid(&pid, socket);
            self.keep_record(pid, record, until, now);
        }
        self.unseat(socket)
    }
}

/// What an accepted client is answered with.
pub(super) fn granted(id: &str, pid: Option<&Arc<str>>) -> Option<String> {
    let id = json_string(id);
    let pid = pid.map(|pid| format!(",\"pid\":{}", json_string(pid)));
    Some(format!("{{\"sid\":{id}{}}}", pid.unwrap_or_default()))
}
