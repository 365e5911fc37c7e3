//! The connection between a server and the broker: requests one way, answers the other, in order; pushes in any order. It is slow, is
//! cut, falls silent, and loses pushes without a word.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use sockless_channels::{Answer, Push, Request, RequestId};

use crate::seeds::Random;
use crate::world::millis;

/// What can go wrong with a link.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// The longest way, in milliseconds.
    pub(crate) delay: u64,
    /// Of this many pushes one is lost; none if 0. The next two are meant in the same way.
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
}

/// A link in all its lives.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Which connection this is. What was sent over an earlier one doesn't arrive any more.
    life: u64,
    pub(crate) up: bool,
    /// When an attempt to connect is over.
    pub(crate) dialing: Option<Duration>,
    /// Until when nothing moves, though the connection seems well.
    pub(crate) stalled: Duration,
    /// Until when no push arrives, though answers do.
    pub(crate) deaf: Duration,
    pub(crate) fed: BTreeSet<String>,
    requests: VecDeque<Sent>,
    answers: VecDeque<(Duration, RequestId, Answer)>,
    pushes: Vec<(Duration, Push)>,
}

#[derive(Debug)]
struct Sent {
    due: Duration,
    life: u64,
    id: RequestId,
    request: Request,
}

impl Link {
    pub(crate) fn connect(&mut self) {
        self.life += 1;
        (self.up, self.dialing) = (true, None);
    }

    /// The connection ends. Some of what was sent arrives all the same, sooner or later; its answers don't.
    pub(crate) fn cut(&mut self, random: &mut Random) {
        (self.up, self.dialing) = (false, None);
        (self.stalled, self.deaf) = (Duration::ZERO, Duration::ZERO);
        self.fed.clear();
        self.answers.clear();
        self.pushes.clear();
        let arriving = random.of(0..self.requests.len() as u64 + 1) as usize;
        self.requests.truncate(arriving);
        for sent in &mut self.requests {
            sent.life = 0;
        }
    }

    /// The broker dies: nothing that was sent arrives any more.
    pub(crate) fn forget(&mut self, random: &mut Random) {
        self.cut(random);
        self.requests.clear();
    }

    pub(crate) fn send(
        &mut self,
        id: RequestId,
        request: Request,
        now: Duration,
        faults: &Faults,
        random: &mut Random,
    ) {
        let last = self.requests.back().map_or(Duration::ZERO, |sent| sent.due);
        let due = last.max(now + millis(random.of(0..faults.delay + 1))).max(self.stalled);
        self.requests.push_back(Sent { due, life: self.life, id, request });
    }

    /// The next request that arrives by now; whether its answer can come back is in the life.
    pub(crate) fn arrived(&mut self, now: Duration) -> Option<(u64, RequestId, Request)> {
        if self.requests.front()?.due > now {
            return None;
        }
        self.requests.pop_front().map(|sent| (sent.life, sent.id, sent.request))
    }

    pub(crate) fn reply(
        &mut self,
        life: u64,
        id: RequestId,
        answer: Answer,
        now: Duration,
        faults: &Faults,
        random: &mut Random,
    ) {
        if !self.up || life != self.life {
            return;
        }
        let last = self.answers.back().map_or(Duration::ZERO, |sent| sent.0);
        let due = last.max(now + millis(random.of(0..faults.delay + 1))).max(self.stalled);
        self.answers.push_back((due, id, answer));
    }

    pub(crate) fn push(
        &mut self,
        push: &Push,
        now: Duration,
        faults: &Faults,
        random: &mut Random,
    ) {
        let happens = |count: u64, random: &mut Random| count > 0 && random.one_in(count);
        if !self.up || now < self.deaf || !self.fed.contains(&**push.channel()) {
            return;
        }
        if happens(faults.lost, random) {
            return;
        }
        let times = if happens(faults.doubled, random) { 2 } else { 1 };
        for _ in 0..times {
            let due = (now + millis(random.of(0..faults.delay + 1))).max(self.stalled);
            self.pushes.push((due, push.clone()));
        }
    }

    pub(crate) fn answer(&mut self, now: Duration) -> Option<(RequestId, Answer)> {
        if self.answers.front()?.0 > now {
            return None;
        }
        self.answers.pop_front().map(|(_, id, answer)| (id, answer))
    }

    pub(crate) fn pushed(&mut self, now: Duration) -> Option<Push> {
        let index = self.pushes.iter().position(|push| push.0 <= now)?;
        Some(self.pushes.swap_remove(index).1)
    }

    /// When something moves next.
    pub(crate) fn next(&self) -> Option<Duration> {
        let requests = self.requests.front().map(|sent| sent.due);
        let answers = self.answers.front().map(|sent| sent.0);
        let pushes = self.pushes.iter().map(|push| push.0).min();
        [requests, answers, pushes, self.dialing].into_iter().flatten().min()
    }

    pub(crate) fn is_life(&self, life: u64) -> bool {
        self.up && self.life == life
    }
}
