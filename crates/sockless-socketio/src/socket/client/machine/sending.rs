//! Sending events and acknowledgements, each once.

use core::time::Duration;

use super::{Client, Due};
use crate::socket::client::output::{Asked, Event, ReplyTo};
use crate::socket::decoder::is_reserved;
use crate::socket::namespace::Namespace;
use crate::socket::output::EmitError;
use crate::socket::packet::Packet;
use crate::socket::payload::Payload;

impl Client {
    /// Sends an event. While the namespace isn't connected, it is refused.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn emit(
        &mut self,
        namespace: &Namespace,
        name: &str,
        payload: Payload,
    ) -> Result<(), EmitError> {
        self.send_event(namespace, name, payload, None)
    }

    /// Sends an event, unless the transport is not ready at once: for what is worth nothing later.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn emit_volatile(
        &mut self,
        namespace: &Namespace,
        name: &str,
        payload: Payload,
    ) -> Result<(), EmitError> {
        if self.is_connected(namespace) && !self.engine.is_idle() {
            return Err(EmitError::NotReady);
        }
        self.send_event(namespace, name, payload, None)
    }

    /// Sends an event that is to be acknowledged in time: an [`Event::Acked`] says what has become of it.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn emit_with_ack(
        &mut self,
        namespace: &Namespace,
        name: &str,
        payload: Payload,
        timeout: Duration,
        now: Duration,
    ) -> Result<Asked, EmitError> {
        let most = self.config.acks;
        let place = self.places.get_mut(namespace).ok_or(EmitError::Disconnected)?;
        if place.acks.len() >= most {
            return Err(EmitError::Acks);
        }
        let id = place.number();
        self.send_event(namespace, name, payload, Some(id))?;
        let asked = Asked { namespace: namespace.clone(), id };
        self.wait_for(&asked, now.saturating_add(timeout));
        Ok(asked)
    }

    /// Acknowledges an event.
    ///
    /// # Errors
    ///
    /// Why it was not sent. In another session than that of the event, the namespace counts as disconnected.
    pub fn reply(&mut self, to: ReplyTo, payload: Payload) -> Result<(), EmitError> {
        if to.session != self.session || !self.is_connected(&to.namespace) {
            return Err(EmitError::Disconnected);
        }
        let packet = Packet::Ack { namespace: to.namespace, id: to.id, payload };
        Ok(self.engine.send(&self.writer.packet(&packet))?)
    }

    pub(super) fn send_event(
        &mut self,
        namespace: &Namespace,
        name: &str,
        payload: Payload,
        id: Option<u64>,
    ) -> Result<(), EmitError> {
        if is_reserved(name) {
            return Err(EmitError::Reserved);
        }
        if !self.is_connected(namespace) {
            return Err(EmitError::Disconnected);
        }
        Ok(self.engine.send(&self.writer.event(namespace, id, name, &payload))?)
    }

    /// An acknowledgement is waited for.
    pub(super) fn wait_for(&mut self, asked: &Asked, until: Duration) {
        if let Some(place) = self.places.get_mut(&asked.namespace) {
            place.acks.insert(asked.id, until);
            self.deadlines.insert((until, Due::Ack(asked.clone())));
        }
    }

    /// An acknowledgement isn't waited for any more: whether it was.
    pub(super) fn waited_for(&mut self, asked: &Asked) -> bool {
        let place = self.places.get_mut(&asked.namespace);
        let Some(until) = place.and_then(|place| place.acks.remove(&asked.id)) else {
            return false;
        };
        self.deadlines.remove(&(until, Due::Ack(asked.clone())));
        true
    }

    /// What has become of an event that was to be acknowledged. Those that aren't waited for say nothing.
    pub(super) fn acked(&mut self, asked: Asked, payload: Payload, now: Duration) {
        if self.waited_for(&asked) {
            let repeated = self.is_repeated(&asked);
            let namespace = asked.namespace.clone();
            self.events.push_back(Event::Acked { asked, payload: Some(payload) });
            if repeated {
                self.next_repeat(&namespace, now);
            }
        }
    }

    /// The time for an acknowledgement is up.
    pub(super) fn unanswered(&mut self, asked: Asked, now: Duration) {
        if self.waited_for(&asked) {
            match self.is_repeated(&asked) {
                true => self.repeat(&asked.namespace, now),
                false => self.events.push_back(Event::Acked { asked, payload: None }),
            }
        }
    }

    /// No acknowledgement comes any more in a namespace. What is repeated waits for the next session, if it may be sent again.
    pub(super) fn stop_waiting(&mut self, namespace: &Namespace) {
        let Some(place) = self.places.get_mut(namespace) else { return };
        let waiting = core::mem::take(&mut place.acks);
        for (id, until) in waiting {
            let asked = Asked { namespace: namespace.clone(), id };
            self.deadlines.remove(&(until, Due::Ack(asked.clone())));
            if !self.is_repeated(&asked) {
                self.events.push_back(Event::Acked { asked, payload: None });
            }
        }
        self.drop_exhausted(namespace);
    }
}
