//! What arrives: messages of sessions become packets, and packets become events.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::decoder::Decoder;
use super::namespace::Namespace;
use super::output::{Asked, DisconnectReason, Event, ReplyTo};
use super::packet::Packet;
use super::server::{Connection, Due, Server};
use crate::engine::{Message, Session};
use crate::entropy::Entropy;

impl<E: Entropy> Server<E> {
    pub(super) fn opened(&mut self, session: Session, now: Duration) {
        let by = now.saturating_add(self.config.connect_timeout);
        self.deadlines.insert((by, Due::Connect(session)));
        let connection = Connection {
            decoder: Decoder::default(),
            sockets: Vec::new(),
            left: BTreeSet::new(),
            by: Some(by),
        };
        self.connections.insert_beside(session.0, connection);
    }

    pub(super) fn received(&mut self, session: Session, message: Message, now: Duration) {
        let Some(connection) = self.connections.get_mut(session.0) else { return };
        let decoded = match message {
            Message::Text(text) => connection.decoder.text(text, &self.config),
            Message::Binary(bytes) => connection.decoder.binary(bytes, &self.config),
        };
        match decoded {
            Ok(Some(packet)) => self.packet(session, packet, now),
            Ok(None) => {}
            Err(_) => self.drop_session(session, DisconnectReason::ParseError, now),
        }
    }

    fn packet(&mut self, session: Session, packet: Packet, now: Duration) {
        let Some(connection) = self.connections.get(session.0) else { return };
        let namespace = packet.namespace();
        let place = connection.sockets.iter().find(|(its, _)| its == namespace);
        let Some(&(_, socket)) = place else {
            let left = connection.left.contains(namespace);
            return match packet {
                Packet::Connect { namespace, data } => self.asks(session, namespace, data, now),
                // It was on its way when the server disconnected the client.
                Packet::Event { .. } | Packet::Ack { .. } | Packet::Disconnect { .. } if left => {}
                _ => self.drop_session(session, DisconnectReason::ForcedServerClose, now),
            };
        };
        let accepted = self.sockets.get(socket).is_some_and(|seat| seat.accepted);
        match packet {
            Packet::Event { id, name, payload, .. } if accepted => {
                let reply = id.map(|id| ReplyTo { socket, id });
                self.events.push_back(Event::Message { socket, name, payload, reply });
            }
            Packet::Ack { id, payload, .. } if accepted => {
                self.acked(Asked { socket, id }, Some(payload));
            }
            Packet::Disconnect { .. } => {
                self.remove(socket, DisconnectReason::ClientNamespaceDisconnect, now);
            }
            _ => self.drop_session(session, DisconnectReason::ForcedServerClose, now),
        }
    }

    /// A client asks for a namespace.
    fn asks(
        &mut self,
        session: Session,
        namespace: Namespace,
        auth: Option<String>,
        now: Duration,
    ) {
        if !self.dynamic && !self.known.contains(&namespace) {
            let data = Some("{\"message\":\"Invalid namespace\"}".into());
            let _ = self.answer(session, &Packet::ConnectError { namespace, data }, now);
            return;
        }
        let Some(connection) = self.connections.get_mut(session.0) else { return };
        if connection.sockets.len() >= self.config.namespaces {
            return self.drop_session(session, DisconnectReason::ForcedServerClose, now);
        }
        connection.left.remove(&namespace);
        if self.cluster.is_some() {
            return self.asks_in_cluster(session, namespace, auth, now);
        }
        let resuming = self.resuming(&namespace, auth.as_deref(), now);
        let id = resuming.as_ref().map(|resuming| resuming.record.id.clone());
        let id = id.unwrap_or_else(|| self.engine.draw_id());
        let socket = self.sockets.add(session, namespace.clone(), id);
        if let Some(resuming) = resuming {
            self.sockets.resume(socket, resuming);
        }
        let Some(connection) = self.connections.get_mut(session.0) else { return };
        connection.sockets.push((namespace.clone(), socket));
        self.events.push_back(Event::Connect { socket, namespace, auth });
    }
}
