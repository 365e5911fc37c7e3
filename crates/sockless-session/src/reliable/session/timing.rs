//! What time brings: requests without a reply, silent peers, and when to look next.

use core::time::Duration;

use super::super::config::Probe;
use super::super::error::CloseReason;
use super::super::message::Payload;
use super::link::{Link, LinkState, Phase};
use super::{Awake, Session, Stage};
use crate::time::Instant;

/// What time, or room, has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The request with this number has not been answered by its deadline. Nothing is known about it.
    TimedOut {
        /// The request's number.
        request: u64,
    },
    /// The connection is to be closed with this reason: the peer has been silent for too long. It has been given up already.
    Dead(Link, CloseReason),
    /// After a message was refused because the queue was full: half of it is free again.
    Room,
}

impl<M: Payload> Session<M> {
    /// What has happened until now, one thing after the other, until `None`.
    pub fn poll(&mut self, now: Duration) -> Option<Event> {
        let now = Instant::new(now);
        self.look_at_silence(now);
        let awake = self.awake.as_mut()?;
        if let Some(link) = awake.dead.take() {
            self.doze();
            return Some(Event::Dead(link, CloseReason::Silent));
        }
        // The earliest isn't the first: there are few, and a deadline is asked for once a turn.
        let late = awake.requests.iter().find(|(_, deadline)| **deadline <= now);
        if let Some(request) = late.map(|(number, _)| *number) {
            awake.requests.remove(&request);
            self.doze();
            return Some(Event::TimedOut { request });
        }
        if awake.room_wanted
            && awake.outbox.len() <= self.config.queue_messages / 2
            && awake.outbox.bytes() <= self.config.queue_bytes as u64 / 2
        {
            awake.room_wanted = false;
            self.doze();
            return Some(Event::Room);
        }
        None
    }

    /// When to look again, if nothing happens before: [`poll`](Self::poll), then [`poll_output`](Self::poll_output).
    pub fn deadline(&self) -> Option<Duration> {
        let awake = self.awake.as_ref()?;
        let mut earliest = awake.requests.values().min().copied();
        let mut consider = |at: Option<Instant>| {
            earliest = [earliest, at].into_iter().flatten().min();
        };
        if let Some(link) = &awake.link {
            consider(self.silent_at(link));
            let ready = self.stored_accepted().min(link.next_in - 1) > link.inflow.ack_sent;
            // An ack whose batch is being stored has nothing to wait for but that.
            if self.stage <= Stage::Established && (ready || self.is_dirty()) {
                consider(link.ack_due);
            }
        }
        earliest.map(Instant::since_origin)
    }

    /// When the silence of the peer calls for something.
    fn silent_at(&self, link: &LinkState) -> Option<Instant> {
        if self.stage > Stage::Established {
            return link.bye.until;
        }
        match (link.phase, self.config.probe) {
            (Phase::OpeningSent, _) => Some(link.since.after(self.config.opening)),
            (Phase::Open, Some(Probe { interval, timeout })) => {
                Some(link.since.after(if link.probed { timeout } else { interval }))
            }
            _ => None,
        }
    }

    fn look_at_silence(&mut self, now: Instant) {
        let due = self.link().and_then(|link| self.silent_at(link)).is_some_and(|at| at <= now);
        if !due {
            return;
        }
        let name = Link(self.attempt);
        let speaks = self.stage <= Stage::Established;
        let Some(link) = self.link_mut() else { return };
        if link.phase == Phase::Open && !link.probed && speaks {
            (link.probed, link.probe_due, link.since) = (true, true, now);
            return;
        }
        if let Some(Awake { dead, .. }) = self.awake.as_deref_mut() {
            *dead = Some(name);
        }
        self.drop_link();
    }
}
