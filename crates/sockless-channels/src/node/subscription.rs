//! One subscriber: where it is in its channel, and what it gets next. When something is read for it is decided in `following`.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use bytes::Bytes;

use super::channel::Channel;
use crate::delivery::{Delivery, Loss, Recovery, Start};
use crate::history::History;
use crate::position::{Epoch, Position};
use crate::request::Page;

/// A subscriber of a channel.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) channel: Arc<str>,
    state: State,
    /// What it gets before anything else.
    notice: Option<Notice>,
    /// Publications that were read for it alone, because the node's copy doesn't reach back to them.
    page: VecDeque<(u64, Bytes)>,
    /// Whether such a reading is wanted or on its way.
    pub(super) reading: bool,
    /// Which of its readings counts. Answers to earlier ones are void.
    pub(super) serial: u64,
}

/// ```text
/// Starting --(the copy, or the broker, says how)--> At
/// ```
#[derive(Clone, Copy, Debug)]
enum State {
    Starting(Start),
    At(Position),
}

#[derive(Clone, Copy, Debug)]
enum Notice {
    Started(Position, Recovery),
    Gap { after: Position, position: Position, loss: Loss },
}

/// What there is for a subscriber.
pub(super) enum Next {
    /// This.
    Delivery(Delivery),
    /// Nothing now.
    Nothing,
    /// Nothing before something has been read for it.
    Read,
}

impl Subscription {
    pub(super) fn new(channel: Arc<str>, from: Start) -> Self {
        Self {
            channel,
            state: State::Starting(from),
            notice: None,
            page: VecDeque::new(),
            reading: false,
            serial: 0,
        }
    }

    /// Where it wants to begin, if it hasn't yet.
    pub(super) fn starting(&self) -> Option<Start> {
        match self.state {
            State::Starting(from) => Some(from),
            State::At(_) => None,
        }
    }

    /// The position after which something has to be read for it; `None` if that is everything.
    pub(super) fn wanted(&self) -> Option<Position> {
        match self.state {
            State::Starting(Start::After(position)) | State::At(position) => Some(position),
            State::Starting(Start::Now | Start::Oldest) => None,
        }
    }

    /// Starts it, if the node's copy alone says how. What the copy doesn't have, only the broker can say is gone.
    pub(super) fn start_from(&mut self, copy: &History) -> bool {
        let State::Starting(from) = self.state else { return true };
        match from {
            Start::Now => self.start(copy.position(), Recovery::Fresh),
            Start::After(position) if reaches(copy, position) => {
                self.start(position, Recovery::Recovered);
            }
            Start::After(_) | Start::Oldest => return false,
        }
        true
    }

    fn start(&mut self, position: Position, recovery: Recovery) {
        self.state = State::At(position);
        self.notice = Some(Notice::Started(position, recovery));
    }

    /// The next thing that it gets.
    pub(super) fn next(&mut self, channel: &Channel) -> Next {
        match self.notice.take() {
            Some(Notice::Started(position, recovery)) => {
                return Next::Delivery(Delivery::Started { position, recovery });
            }
            Some(Notice::Gap { after, position, loss }) => {
                return Next::Delivery(Delivery::Gap { after, position, loss });
            }
            None => {}
        }
        let (State::At(at), Some(copy)) = (self.state, &channel.copy) else { return Next::Nothing };
        let next = at.offset().saturating_add(1);
        match self.page.pop_front() {
            Some((offset, payload)) if offset == next => {
                return self.publication(at.epoch(), next, payload);
            }
            Some(_) => self.page.clear(),
            None => {}
        }
        if self.reading || at.epoch() != copy.epoch() || at.offset() >= copy.top() {
            return Next::Nothing;
        }
        if let Some(payload) = copy.payload(next) {
            return self.publication(at.epoch(), next, payload.clone());
        }
        if let Some(offset) = channel.past_hole(at.offset()) {
            let position = Position::new(at.epoch(), offset);
            self.state = State::At(position);
            return Next::Delivery(Delivery::Gap { after: at, position, loss: Loss::Trimmed });
        }
        Next::Read
    }

    fn publication(&mut self, epoch: Epoch, offset: u64, payload: Bytes) -> Next {
        let position = Position::new(epoch, offset);
        self.state = State::At(position);
        Next::Delivery(Delivery::Publication { position, payload })
    }

    /// The channel has another epoch: what it had says nothing any more.
    pub(super) fn renewed(&mut self, epoch: Epoch, base: u64) {
        let State::At(at) = self.state else { return };
        if at.epoch() == epoch {
            return;
        }
        self.page.clear();
        self.void();
        self.gap(at, Position::new(epoch, base), Loss::Epoch);
    }

    /// Answers to readings that are on their way don't count any more.
    fn void(&mut self) {
        self.reading = false;
        self.serial += 1;
    }

    /// Goes on at `position`, and says that what lies between may be missing.
    fn gap(&mut self, after: Position, position: Position, loss: Loss) {
        self.state = State::At(position);
        self.notice = Some(match self.notice {
            None => Notice::Gap { after, position, loss },
            Some(Notice::Gap { after, loss, .. }) => Notice::Gap { after, position, loss },
            Some(Notice::Started(_, Recovery::NotRecovered(loss))) => {
                Notice::Started(position, Recovery::NotRecovered(loss))
            }
            Some(Notice::Started(..)) => Notice::Started(position, Recovery::NotRecovered(loss)),
        });
    }

    /// What was read for it has come back, in the epoch that the copy has, too. Returns `false` if the broker contradicts itself.
    pub(super) fn read(&mut self, page: Page, copy: &History) -> bool {
        self.reading = false;
        // The first offset from which on there is something: at the broker, or in the copy, which may have kept more.
        let oldest = page.entries.first().map_or(page.top.saturating_add(1), |entry| entry.0);
        let last = |least: u64| {
            let copied = copy.len() > 0 && copy.first() > least;
            let kept = if copied { oldest.min(copy.first()) } else { oldest };
            Position::new(page.epoch, kept.saturating_sub(1).max(least))
        };
        match self.state {
            State::At(at) if page.top < at.offset() => return false,
            State::At(at) => {
                let next = at.offset().saturating_add(1);
                if oldest > next && copy.payload(next).is_none() {
                    let position = last(at.offset());
                    if position != at {
                        self.gap(at, position, Loss::Trimmed);
                    }
                }
            }
            State::Starting(Start::After(position)) if position.epoch() != page.epoch => {
                self.start(last(page.base), Recovery::NotRecovered(Loss::Epoch));
            }
            State::Starting(Start::After(position)) if position.offset() > page.top => {
                let top = Position::new(page.epoch, page.top);
                self.start(top, Recovery::NotRecovered(Loss::Ahead));
            }
            State::Starting(Start::After(position)) => {
                let next = position.offset().saturating_add(1);
                if position.offset() == page.top || oldest == next || copy.payload(next).is_some() {
                    self.start(position, Recovery::Recovered);
                } else {
                    let recovery = Recovery::NotRecovered(Loss::Trimmed);
                    self.start(last(position.offset()), recovery);
                }
            }
            State::Starting(Start::Oldest | Start::Now) => self.start(last(0), Recovery::Fresh),
        }
        let State::At(at) = self.state else { return true };
        self.page = page.entries.into();
        while self.page.front().is_some_and(|entry| entry.0 <= at.offset()) {
            self.page.pop_front();
        }
        true
    }

    /// How much was read for it and hasn't been taken: publications and bytes.
    pub(super) fn held(&self) -> (usize, usize) {
        (self.page.len(), self.page.iter().map(|entry| entry.1.len()).sum())
    }
}

/// Whether everything after `position` is in the copy.
fn reaches(copy: &History, position: Position) -> bool {
    position.epoch() == copy.epoch()
        && (position.offset() == copy.top()
            || position.offset() < copy.top() && position.offset() + 1 >= copy.first())
}
