//! What has to be stored, and what waits for it (section 10 of the specification). The form of a file lives in `journal`.

use alloc::vec::Vec;

use super::super::config::Config;
use super::super::message::Payload;
use super::saved;
use super::{Role, Session, Stage};

/// How much of a session a batch covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    accepted: u64,
    assigned: u64,
    /// A client's attempt: an opening that arrives late must not be taken for a newer one. A server's rides along.
    attempt: u64,
    /// Which life of the session it belongs to: a session can end and be opened again by the same hello.
    life: u64,
    /// 0 nothing at all, 1 its existence, 2 that it is established, 3 that it is ending, 4 that it has ended.
    stage: u8,
}

/// What is to be stored of a session, in one atomic step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The records, for [`Writer::frame`](crate::journal::Writer::frame) or for a store that has batches by itself.
    pub records: Vec<u8>,
    /// Whether they are the whole state, so that earlier records of this session aren't needed any more.
    pub snapshot: bool,
    /// What is to be said when they are stored.
    pub mark: Mark,
}

/// What has been handed out to be stored, and what is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage {
    recorded: Mark,
    stored: Mark,
    /// The ack and the attempt that were recorded last: they ride along, and nothing waits for them.
    acked: u64,
    attempt: u64,
}

impl Storage {
    /// Nothing is stored.
    pub(super) const fn empty(life: u64) -> Self {
        Self::settled(Mark { accepted: 0, assigned: 0, attempt: 0, life, stage: 0 })
    }

    /// All is stored.
    pub(super) const fn settled(mark: Mark) -> Self {
        Self { recorded: mark, stored: mark, acked: 0, attempt: 0 }
    }
}

const BEGUN: u8 = 1;
const ESTABLISHED: u8 = 2;
const ENDING: u8 = 3;
const ENDED: u8 = 4;

pub(super) const fn stage_number(stage: Stage) -> u8 {
    match stage {
        Stage::New => BEGUN,
        Stage::Established => ESTABLISHED,
        Stage::Ending => ENDING,
        Stage::Ended(_) => ENDED,
    }
}

impl<M: Payload> Session<M> {
    /// What is to be stored now, if anything is. Where nothing is stored there never is.
    ///
    /// Everything that the application has taken until this call is covered, so its own effects belong into the same atomic step: then
    /// each message is accepted exactly once. Batches have to be stored in the order in which they are taken.
    pub fn take_batch(&mut self) -> Option<Batch> {
        if !self.config.stored || !self.is_dirty() {
            return None;
        }
        let recorded = self.awake.as_ref()?.storage.recorded;
        if recorded.stage == 0 {
            return Some(self.snapshot());
        }
        let mark = self.mark();
        let mut records = Vec::new();
        let storage = self.awake.as_ref()?.storage;
        if self.attempt > storage.attempt {
            saved::put_attempt(&mut records, self.attempt);
        }
        if mark.stage != recorded.stage {
            saved::put_stage(&mut records, self.stage);
        }
        let awake = self.awake.as_ref()?;
        // After the end the messages are on their way back to the application.
        let last = if self.stage > Stage::Ending { recorded.assigned } else { mark.assigned };
        for number in recorded.assigned + 1..=last {
            let entry = awake.outbox.get((number - self.acked - 1) as usize)?;
            saved::put_message(&mut records, number, entry);
        }
        if mark.accepted > recorded.accepted {
            saved::put_accepted(&mut records, mark.accepted);
        }
        if self.acked > storage.acked {
            saved::put_acked(&mut records, self.acked);
        }
        let (acked, attempt) = (self.acked, self.attempt);
        let storage = &mut self.awake.as_mut()?.storage;
        (storage.recorded, storage.acked, storage.attempt) = (mark, acked, attempt);
        Some(Batch { records, snapshot: false, mark })
    }

    /// The whole state, to be stored instead of all batches that were taken before: for a new journal, or for a store that keeps no
    /// single records.
    pub fn snapshot(&mut self) -> Batch {
        let (mark, records) = (self.mark(), self.export());
        let (acked, attempt) = (self.acked, self.attempt);
        if self.config.stored {
            let storage = &mut self.wake().storage;
            (storage.recorded, storage.acked, storage.attempt) = (mark, acked, attempt);
        }
        Batch { records, snapshot: true, mark }
    }

    /// The batch with this mark, and all that were taken before it, are on stable storage.
    pub fn synced(&mut self, mark: Mark) {
        let Some(awake) = &mut self.awake else { return };
        let Storage { recorded, stored, .. } = &mut awake.storage;
        if mark.life != stored.life {
            return;
        }
        stored.accepted = stored.accepted.max(mark.accepted).min(recorded.accepted);
        stored.assigned = stored.assigned.max(mark.assigned).min(recorded.assigned);
        stored.attempt = stored.attempt.max(mark.attempt).min(recorded.attempt);
        stored.stage = stored.stage.max(mark.stage).min(recorded.stage);
        self.doze();
    }

    /// Whether something waits for being stored: [`take_batch`](Self::take_batch) has something to give.
    pub fn wants_sync(&self) -> bool {
        self.config.stored && self.is_dirty()
    }

    /// The last number that the application has accepted and that couldn't be forgotten: what an ack may cover.
    pub fn stored_accepted(&self) -> u64 {
        match &self.awake {
            Some(awake) if self.config.stored => awake.storage.stored.accepted,
            _ => self.accepted,
        }
    }

    /// The last number of a message of our own that couldn't be forgotten: what may go out.
    #[inline]
    pub fn stored_assigned(&self) -> u64 {
        match &self.awake {
            Some(awake) if self.config.stored => awake.storage.stored.assigned,
            _ => self.assigned,
        }
    }

    /// The last message of our own that has been handed out to be stored.
    pub(super) fn recorded_assigned(&self) -> u64 {
        match &self.awake {
            Some(awake) if self.config.stored => awake.storage.recorded.assigned,
            _ => 0,
        }
    }

    /// Whether all is stored.
    pub(super) fn is_stored(&self) -> bool {
        self.awake.as_ref().is_none_or(|awake| awake.storage.stored == self.mark())
    }

    /// Whether the session's existence is stored, and the attempt that a client is about to make.
    pub(super) fn is_begun(&self) -> bool {
        let attempt = match &self.awake {
            Some(awake) if self.config.stored => awake.storage.stored.attempt,
            _ => self.attempt,
        };
        self.has_stored(BEGUN) && attempt >= self.attempt
    }

    /// Whether it is stored that the session is established.
    pub(super) fn may_speak(&self) -> bool {
        self.has_stored(ESTABLISHED)
    }

    /// The same, for a caller that has borrowed a part.
    #[inline]
    pub(super) fn speaks(config: &Config, storage: &Storage) -> bool {
        !config.stored || storage.stored.stage >= ESTABLISHED
    }

    /// Whether it is stored that the session ends, and with it what has been accepted.
    pub(super) fn is_end_stored(&self) -> bool {
        self.has_stored(ENDING)
    }

    /// Whether the session has ended for good: where the state is stored, the end is, too. Before that a death could bring the session
    /// back, so nothing is said of what it couldn't deliver.
    pub fn is_final(&self) -> bool {
        matches!(self.stage, Stage::Ended(_)) && self.has_stored(ENDED)
    }

    #[inline]
    fn has_stored(&self, stage: u8) -> bool {
        match &self.awake {
            Some(awake) if self.config.stored => awake.storage.stored.stage >= stage,
            _ => true,
        }
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.awake.as_ref().is_some_and(|awake| awake.storage.recorded != self.mark())
    }

    /// How much there is to store.
    pub(super) fn mark(&self) -> Mark {
        let Self { accepted, assigned, stage, attempt, .. } = *self;
        let life = self.awake.as_ref().map_or(attempt, |awake| awake.storage.stored.life);
        let attempt = if self.role == Role::Client { attempt } else { 0 };
        Mark { accepted, assigned, attempt, life, stage: stage_number(stage) }
    }
}
