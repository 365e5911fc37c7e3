//! Acknowledgements: asked for and waited for, of one socket or of many, and given.

use alloc::vec::Vec;
use core::time::Duration;

use super::decoder::is_reserved;
use super::output::{Asked, EmitError, Event, ReplyTo};
use super::packet::{Frames, Packet};
use super::payload::Payload;
use super::sending::Target;
use super::server::{Due, Server};
use super::sockets::Socket;
use crate::entropy::Entropy;

impl<E: Entropy> Server<E> {
    /// Sends an event that is to be acknowledged in time: an [`Event::Acked`](super::Event::Acked) says what has become of it.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn emit_with_ack(
        &mut self,
        socket: Socket,
        name: &str,
        payload: Payload,
        timeout: Duration,
        now: Duration,
    ) -> Result<Asked, EmitError> {
        if !self.may_ask(socket)? {
            return Err(EmitError::Acks);
        }
        if is_reserved(name) {
            return Err(EmitError::Reserved);
        }
        let asked = Asked { socket, id: self.next_ack };
        let frames = self.question(asked, name, &payload)?;
        self.send_after_what_was_written(socket, frames)?;
        self.next_ack += 1;
        self.wait_for(asked, now.saturating_add(timeout));
        Ok(asked)
    }

    /// The same at once, whatever was written to the stream of a cluster before.
    pub(super) fn ask_at_once(
        &mut self,
        socket: Socket,
        name: &str,
        payload: &Payload,
        timeout: Duration,
        now: Duration,
    ) -> Result<Asked, EmitError> {
        if !self.may_ask(socket)? {
            return Err(EmitError::Acks);
        }
        let asked = Asked { socket, id: self.next_ack };
        let frames = self.question(asked, name, payload)?;
        self.send_frames(socket, &frames, false)?;
        self.next_ack += 1;
        self.wait_for(asked, now.saturating_add(timeout));
        Ok(asked)
    }

    fn question(
        &mut self,
        asked: Asked,
        name: &str,
        payload: &Payload,
    ) -> Result<Frames, EmitError> {
        let seat = self.sockets.accepted(asked.socket).ok_or(EmitError::Disconnected)?;
        Ok(self.writer.event(&seat.namespace, Some(asked.id), name, payload))
    }

    /// Sends an event to many, and each is to acknowledge it in time: an [`Event::Acked`](super::Event::Acked) says for each what has become
    /// of it. It is written once. Returns what is waited for, and the sockets that have not got it, because too much waits for them, or because
    /// it was volatile. In a [cluster](super::cluster), these are sockets of this server: [`ask_all`](Self::ask_all) asks those of all.
    ///
    /// # Errors
    ///
    /// If the name is reserved.
    pub fn broadcast_with_ack(
        &mut self,
        target: &Target,
        name: &str,
        payload: &Payload,
        timeout: Duration,
        now: Duration,
    ) -> Result<(Vec<Asked>, Vec<Socket>), EmitError> {
        if is_reserved(name) {
            return Err(EmitError::Reserved);
        }
        let id = self.next_ack;
        self.next_ack += 1;
        let frames = self.writer.event(&target.namespace, Some(id), name, payload);
        let until = now.saturating_add(timeout);
        let (mut all, mut missed) = (Vec::new(), Vec::new());
        for socket in self.find(target) {
            let sent = self.may_ask(socket) == Ok(true)
                && self.send_frames(socket, &frames, target.volatile).is_ok();
            match sent {
                true => {
                    let asked = Asked { socket, id };
                    self.wait_for(asked, until);
                    all.push(asked);
                }
                false => missed.push(socket),
            }
        }
        Ok((all, missed))
    }

    /// Whether a socket may be asked for one more acknowledgement.
    fn may_ask(&mut self, socket: Socket) -> Result<bool, EmitError> {
        let seat = self.sockets.accepted(socket).ok_or(EmitError::Disconnected)?;
        Ok(seat.acks.len() < self.config.acks)
    }

    fn wait_for(&mut self, asked: Asked, until: Duration) {
        if let Some(seat) = self.sockets.accepted(asked.socket) {
            seat.acks.insert(asked.id, until);
            self.deadlines.insert((until, Due::Ack(asked)));
        }
    }

    /// What has become of an event that was to be acknowledged. Those that aren't waited for say nothing.
    pub(super) fn acked(&mut self, asked: Asked, mut payload: Option<Payload>) {
        let until =
            self.sockets.accepted(asked.socket).and_then(|seat| seat.acks.remove(&asked.id));
        if let Some(until) = until {
            self.deadlines.remove(&(until, Due::Ack(asked)));
            if !self.gathered(asked, &mut payload) {
                self.events.push_back(Event::Acked { asked, payload });
            }
        }
    }

    /// Acknowledges an event.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn reply(&mut self, to: ReplyTo, payload: Payload) -> Result<(), EmitError> {
        let seat = self.sockets.accepted(to.socket).ok_or(EmitError::Disconnected)?;
        let packet = Packet::Ack { namespace: seat.namespace.clone(), id: to.id, payload };
        let frames = self.writer.packet(&packet);
        self.send_after_what_was_written(to.socket, frames)
    }
}
