//! What this server answers to the questions of all: which sockets it has, and what they acknowledge. And what it does with what is said to all
//! and is worth nothing later.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::{Buf, Bytes};

use super::asking::Gathering;
use crate::entropy::Entropy;
use crate::socket::fields::{put, put_all, put_payload, take_event};
use crate::socket::namespace::Namespace;
use crate::socket::output::{Asked, Event};
use crate::socket::payload::Payload;
use crate::socket::recovery::Audience;
use crate::socket::server::Server;
use crate::socket::sockets::Socket;

impl<E: Entropy> Server<E> {
    /// Something was said to all servers that follow a namespace. What can't be read says nothing.
    pub(super) fn said(&mut self, namespace: &Namespace, mut bytes: Bytes) -> Option<()> {
        let by = Self::sender(&mut bytes)?;
        match bytes.try_get_u8().ok()? {
            b'V' => {
                let audience = Audience::take(&mut bytes)?;
                let (name, payload) = take_event(&mut bytes)?;
                let newest = self.newest(namespace)?;
                let payload = payload.after(newest);
                let frames = self.writer.event(namespace, None, &name, &payload);
                for socket in self.meant(namespace, &audience, newest) {
                    let session = self.session(socket)?;
                    if self.engine.is_idle(session) && !self.is_coming(socket) {
                        let _ = self.engine.send(session, &frames);
                    }
                }
            }
            b'F' => {
                let number = bytes.try_get_u64().ok()?;
                let audience = Audience::take(&mut bytes)?;
                let newest = self.newest(namespace)?;
                let sockets = self.meant(namespace, &audience, newest);
                let seats: Vec<_> =
                    sockets.into_iter().filter_map(|socket| self.sockets.get(socket)).collect();
                let mut answer = self.header(b'F');
                answer.extend_from_slice(&number.to_be_bytes());
                let seats: Vec<Vec<u8>> = seats
                    .into_iter()
                    .map(|seat| {
                        let mut bytes = Vec::new();
                        put(&mut bytes, seat.id.as_bytes());
                        put_all(&mut bytes, seat.rooms.iter().map(|room| room.as_bytes()));
                        let data: Vec<&[u8]> =
                            seat.data.iter().map(|data| data.as_bytes()).collect();
                        put_all(&mut bytes, data.into_iter());
                        bytes
                    })
                    .collect();
                put_all(&mut answer, seats.iter().map(|seat| &seat[..]));
                self.cluster.as_mut()?.answer(&by, answer);
            }
            b'S' => {
                let (name, payload) = take_event(&mut bytes)?;
                if by != self.cluster.as_ref()?.server {
                    let namespace = namespace.clone();
                    self.events.push_back(Event::ServerMessage { namespace, name, payload });
                }
            }
            _ => {}
        }
        Some(())
    }

    /// Asks sockets of this server for acknowledgements, which another one gathers.
    #[allow(clippy::too_many_arguments, reason = "it is one entry of a stream")]
    pub(super) fn ask_here(
        &mut self,
        by: Arc<str>,
        question: u64,
        sockets: &[Socket],
        name: &str,
        payload: &Payload,
        timeout: Duration,
        now: Duration,
    ) {
        let key = (by, question);
        let mut gathering = Gathering::default();
        for socket in sockets {
            gathering.asked += 1;
            let asked = self.ask_at_once(*socket, name, payload, timeout, now);
            if let (Ok(asked), Some(cluster)) = (asked, &mut self.cluster) {
                gathering.left.insert(asked);
                cluster.asking.acks.insert(asked, key.clone());
            }
        }
        if let Some(cluster) = &mut self.cluster {
            cluster.asking.gathering.insert(key.clone(), gathering);
        }
        self.send_gathered(&key);
    }

    /// A socket of this server has acknowledged something, or won't. Returns whether another server has asked for it.
    pub(in crate::socket) fn gathered(
        &mut self,
        asked: Asked,
        payload: &mut Option<Payload>,
    ) -> bool {
        let id = self.sockets.get(asked.socket).map(|seat| seat.id.clone());
        let Some(cluster) = &mut self.cluster else { return false };
        let Some(key) = cluster.asking.acks.remove(&asked) else { return false };
        if let Some(gathering) = cluster.asking.gathering.get_mut(&key) {
            gathering.left.remove(&asked);
            if let (Some(id), Some(payload)) = (id, payload.take()) {
                gathering.answers.push((id, payload));
            }
        }
        self.send_gathered(&key);
        true
    }

    /// Sends what was gathered, if it is all.
    fn send_gathered(&mut self, key: &(Arc<str>, u64)) {
        let mut answer = self.header(b'A');
        let Some(cluster) = &mut self.cluster else { return };
        let Some(gathering) = cluster.asking.gathering.get(key).filter(|its| its.left.is_empty())
        else {
            return;
        };
        answer.extend_from_slice(&key.1.to_be_bytes());
        answer.extend_from_slice(&(gathering.asked as u64).to_be_bytes());
        let answers: Vec<Vec<u8>> = gathering
            .answers
            .iter()
            .map(|(id, payload)| {
                let mut bytes = Vec::new();
                put(&mut bytes, id.as_bytes());
                put_payload(&mut bytes, payload);
                bytes
            })
            .collect();
        put_all(&mut answer, answers.iter().map(|answer| &answer[..]));
        cluster.asking.gathering.remove(key);
        cluster.answer(&key.0, answer);
    }
}
