//! Sending until it is acknowledged: at least once, in order, one at a time, over any number of sessions.

use core::time::Duration;

use super::Client;
use crate::socket::client::output::{Asked, Event, Repeat};
use crate::socket::client::place::Repeated;
use crate::socket::decoder::is_reserved;
use crate::socket::namespace::Namespace;
use crate::socket::output::EmitError;
use crate::socket::payload::Payload;

impl Client {
    /// Sends an event until it is acknowledged: again when an acknowledgement doesn't come in time, and in the next session. One is sent
    /// after the other, and each arrives at least once, or an [`Event::Acked`] without payload says that it may not have. The server may
    /// get one more than once: what it does then has to be the same as if it got it once.
    ///
    /// # Errors
    ///
    /// If the namespace isn't wanted, or as many wait as may wait.
    pub fn emit_repeatedly(
        &mut self,
        namespace: &Namespace,
        name: &str,
        payload: Payload,
        repeat: Repeat,
        now: Duration,
    ) -> Result<Asked, EmitError> {
        if is_reserved(name) {
            return Err(EmitError::Reserved);
        }
        let (most, most_bytes) = self.config.repeats;
        let place = self.places.get_mut(namespace).ok_or(EmitError::Disconnected)?;
        let len = place.repeats_len.saturating_add(payload.len());
        if place.repeats.len() >= most || len > most_bytes {
            return Err(EmitError::Full);
        }
        let id = place.number();
        let Repeat { tries, timeout } = repeat;
        place.repeats_len = len;
        place.repeats.push_back(Repeated { id, name: name.into(), payload, tries, timeout });
        if place.repeats.len() == 1 {
            self.repeat(namespace, now);
        }
        Ok(Asked { namespace: namespace.clone(), id })
    }

    /// Whether this is the event that is being sent until it is acknowledged.
    pub(super) fn is_repeated(&self, asked: &Asked) -> bool {
        let place = self.places.get(&asked.namespace);
        let first = place.and_then(|place| place.repeats.front());
        first.is_some_and(|first| first.id == asked.id)
    }

    /// Sends the first that waits, as often as it may be.
    pub(super) fn repeat(&mut self, namespace: &Namespace, now: Duration) {
        loop {
            self.drop_exhausted(namespace);
            let Some(place) = self.places.get(namespace) else { return };
            let (true, Some(first)) = (place.is_connected(), place.repeats.front()) else { return };
            let asked = Asked { namespace: namespace.clone(), id: first.id };
            let (name, payload, until) =
                (first.name.clone(), first.payload.clone(), now.saturating_add(first.timeout));
            let sent = self.send_event(namespace, &name, payload, Some(asked.id));
            let Some(place) = self.places.get_mut(namespace) else { return };
            let Some(first) = place.repeats.front_mut() else { return };
            match sent {
                Ok(()) => first.tries -= 1,
                // It never can be: it is given up, and the next has its turn.
                Err(EmitError::TooLarge) => {
                    first.tries = 0;
                    continue;
                }
                // It is tried again when the time is up.
                Err(_) => {}
            }
            return self.wait_for(&asked, until);
        }
    }

    /// The first has been acknowledged.
    pub(super) fn next_repeat(&mut self, namespace: &Namespace, now: Duration) {
        self.take_first(namespace);
        self.repeat(namespace, now);
    }

    fn take_first(&mut self, namespace: &Namespace) -> Option<Repeated> {
        let place = self.places.get_mut(namespace)?;
        let first = place.repeats.pop_front()?;
        place.repeats_len -= first.payload.len();
        Some(first)
    }

    /// Gives up the first if it may not be sent again, while no acknowledgement is waited for.
    pub(super) fn drop_exhausted(&mut self, namespace: &Namespace) {
        let place = self.places.get(namespace);
        let first = place.and_then(|place| place.repeats.front());
        if first.is_some_and(|first| first.tries == 0)
            && let Some(first) = self.take_first(namespace)
        {
            let asked = Asked { namespace: namespace.clone(), id: first.id };
            self.events.push_back(Event::Acked { asked, payload: None });
        }
    }

    /// A namespace isn't wanted any more.
    pub(super) fn give_up_repeats(&mut self, namespace: &Namespace) {
        while let Some(first) = self.take_first(namespace) {
            let asked = Asked { namespace: namespace.clone(), id: first.id };
            self.waited_for(&asked);
            self.events.push_back(Event::Acked { asked, payload: None });
        }
    }
}
