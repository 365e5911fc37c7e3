//! Publishing: from the caller's call to the request. What waits is kept in `outbox`.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::{LONGEST_KEY, Node, What, checked_name};
use crate::delivery::{Event, PublicationId};
use crate::entropy::Entropy;
use crate::misuse::Misuse;
use crate::request::Request;

impl<E: Entropy> Node<E> {
    /// Publishes. What became of it is an [`Event`], sooner or later, whatever happens to the connection.
    ///
    /// `key` is the idempotency key: a publication with a key that the channel remembers isn't made again, whoever makes it. Without one
    /// the node draws one, so that it can send the publication again by itself.
    ///
    /// What a node publishes in a channel keeps its order. There is one exception: a publication that the broker has refused, the
    /// answer lost with the connection, is sent again, and those after it may be there already.
    ///
    /// The payload is kept as it is, not copied: a small slice of a large buffer keeps the whole buffer.
    pub fn publish(
        &mut self,
        channel: &str,
        key: Option<&[u8]>,
        payload: Bytes,
        now: Duration,
    ) -> Result<PublicationId, Misuse> {
        let name = checked_name(channel)?;
        if key.is_some_and(|key| key.is_empty() || key.len() > LONGEST_KEY) {
            return Err(Misuse::Key);
        }
        if payload.len() > self.config.payload {
            return Err(Misuse::Payload);
        }
        if self.outbox.len() >= self.config.publications
            || self.outbox.bytes() + payload.len() > self.config.publication_bytes
        {
            return Err(Misuse::Full);
        }
        let key = match key {
            Some(key) => Bytes::copy_from_slice(key),
            None => self.draw_key(),
        };
        let name = self.channels.get(name).map_or_else(|| Arc::from(name), |c| c.name.clone());
        let expires = now.saturating_add(self.config.persistence);
        Ok(self.outbox.add(name, key, payload, expires))
    }

    /// The next event.
    pub fn event(&mut self) -> Option<Event> {
        self.outbox.event()
    }

    fn draw_key(&mut self) -> Bytes {
        let mut key = Vec::with_capacity(16);
        for _ in 0..2 {
            key.extend_from_slice(&self.entropy.number().to_be_bytes());
        }
        key.into()
    }

    pub(super) fn request_publish(&mut self) -> Option<(What, Request)> {
        let (id, waiting) = self.outbox.send()?;
        let channel = waiting.channel.clone();
        let (key, payload) = (waiting.key.clone(), waiting.payload.clone());
        let seen = self.channels.get(&channel).and_then(super::channel::Channel::position);
        let fresh = self.fresh();
        let request = Request::Publish { channel: channel.clone(), key, payload, seen, fresh };
        Some((What::Publish(id, channel), request))
    }
}
