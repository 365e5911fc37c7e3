//! The state of a session as bytes: the records that a batch is made of, and a session made of records again.
//!
//! A record is a tag and its fields. Numbers are written with seven bits in each octet, the lowest first, and the eighth bit set in
//! all but the last; what has a length has it before itself. What protects records from damage, and from being cut, lives in
//! `journal`.
//!
//! | tag | fields | meaning |
//! |---|---|---|
//! | 1 | version (1), role, id (16 octets), stage, attempt, accepted, acked, assigned, sent, count, messages | all there was |
//! | 2 | number, form, its number, kind, length, payload | a message has got this number |
//! | 3 | number | everything up to it is accepted |
//! | 4 | number | everything up to it is acknowledged |
//! | 5 | number | the attempt |
//! | 6 | stage | the stage |

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::super::config::Config;
use super::super::id::SessionId;
use super::super::message::{Kind, Payload};
use super::super::outbox::{Entry, Form, Outbox};
use super::ending::End;
use super::fields::{Fields, SavedError, put, stage_index};
use super::{Role, Session, Stage};

const VERSION: u64 = 1;

const SNAPSHOT: u8 = 1;
const MESSAGE: u8 = 2;
const ACCEPTED: u8 = 3;
const ACKED: u8 = 4;
const ATTEMPT: u8 = 5;
const STAGE: u8 = 6;

pub(super) fn put_accepted(records: &mut Vec<u8>, number: u64) {
    records.push(ACCEPTED);
    put(records, number);
}

pub(super) fn put_acked(records: &mut Vec<u8>, number: u64) {
    records.push(ACKED);
    put(records, number);
}

pub(super) fn put_attempt(records: &mut Vec<u8>, number: u64) {
    records.push(ATTEMPT);
    put(records, number);
}

pub(super) fn put_stage(records: &mut Vec<u8>, stage: Stage) {
    records.push(STAGE);
    records.push(stage_index(stage));
}

pub(super) fn put_message<M: Payload>(records: &mut Vec<u8>, number: u64, entry: &Entry<M>) {
    records.push(MESSAGE);
    put(records, number);
    let (form, other) = match entry.form {
        Form::Message => (0, 0),
        Form::Request => (1, 0),
        Form::Reply(to) => (2, to),
        Form::Rejection(to) => (3, to),
        Form::Gap(count) => (4, count),
    };
    records.push(form);
    put(records, other);
    let (kind, bytes) = match &entry.payload {
        Some(payload) => (payload.kind(), payload.as_bytes()),
        None => (Kind::Text, &[][..]),
    };
    records.push(u8::from(kind == Kind::Binary));
    put(records, bytes.len() as u64);
    records.extend_from_slice(bytes);
}

impl<M: Payload> Session<M> {
    /// The whole state as records, for a copy that nothing depends on: before an orderly stop, say. What is restored from it goes on
    /// exactly only if nothing was exchanged after it was made.
    pub fn export(&self) -> Vec<u8> {
        let mut records = Vec::new();
        records.push(SNAPSHOT);
        put(&mut records, VERSION);
        records.push(u8::from(self.role == Role::Server));
        records.extend_from_slice(&self.id.to_bytes());
        records.push(stage_index(self.stage));
        // What is there may go out without a further record.
        let sent = if self.stage == Stage::New { 0 } else { self.unambiguous(self.assigned) };
        let first = self.assigned - self.queued() as u64;
        for number in [self.attempt, self.accepted, first, self.assigned, sent] {
            put(&mut records, number);
        }
        put(&mut records, self.queued() as u64);
        let entries = self.awake.iter().flat_map(|awake| awake.outbox.iter());
        for (number, entry) in (first + 1..).zip(entries) {
            put_message(&mut records, number, entry);
        }
        records
    }

    /// The session that was saved, asleep. Its requests aren't waited for any more; their replies will be [late](super::Received::Late).
    pub fn restore(config: Arc<Config>, saved: Saved<M>) -> Self {
        let Saved { role, id, stage, attempt, accepted, acked, assigned, sent, outbox } = saved;
        // The byes were not exchanged: nobody can say what the peer has accepted since.
        let stage = if stage == Stage::Ending { Stage::Ended(End::Local) } else { stage };
        let received = accepted;
        let awake = None;
        let mut session = Self {
            config,
            role,
            stage,
            doubtful: false,
            id,
            attempt,
            received,
            accepted,
            acked,
            assigned,
            sent,
            awake,
        };
        if outbox.len() > 0 {
            session.wake().outbox = outbox;
        }
        // Where nothing is stored, this may be an old state: then all of it may have gone out since. But a number that was given
        // after the last connection may have been given twice.
        if !session.config.stored {
            (session.sent, session.doubtful) = (assigned, true);
            if sent < assigned {
                session.wake().floor = Some(sent);
            }
        }
        session
    }
}

/// A session made of its records.
pub struct Saved<M> {
    role: Role,
    id: SessionId,
    stage: Stage,
    attempt: u64,
    accepted: u64,
    acked: u64,
    assigned: u64,
    sent: u64,
    outbox: Outbox<M>,
}

impl<M: Payload> Saved<M> {
    /// Which session it is.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Which side of it.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The last number that one of its messages has been given.
    pub fn assigned(&self) -> u64 {
        self.assigned
    }

    /// Whether it has ended.
    pub fn is_ended(&self) -> bool {
        self.stage > Stage::Established
    }

    /// Adds the records of one batch to what those before have made.
    ///
    /// # Errors
    ///
    /// They don't fit. What there was is unusable, too.
    pub fn apply(saved: Option<Self>, records: &[u8]) -> Result<Self, SavedError> {
        let mut fields = Fields(records);
        let mut saved = saved;
        while let Some(tag) = fields.tag() {
            if tag == SNAPSHOT {
                let snapshot = Self::read_snapshot(&mut fields)?;
                if saved.as_ref().is_some_and(|saved| saved.id != snapshot.id) {
                    return Err(SavedError::OutOfOrder);
                }
                saved = Some(snapshot);
            } else {
                saved.as_mut().ok_or(SavedError::NoSnapshot)?.apply_record(tag, &mut fields)?;
            }
        }
        saved.ok_or(SavedError::NoSnapshot)
    }

    fn read_snapshot(fields: &mut Fields<'_>) -> Result<Self, SavedError> {
        if fields.number()? != VERSION {
            return Err(SavedError::Version);
        }
        let role = match fields.octet()? {
            0 => Role::Client,
            1 => Role::Server,
            _ => return Err(SavedError::Malformed),
        };
        let id = SessionId::from_bytes(fields.id()?);
        let stage = fields.stage()?;
        let mut saved = Self {
            role,
            id,
            stage,
            attempt: fields.number()?,
            accepted: fields.number()?,
            acked: fields.number()?,
            assigned: 0,
            sent: 0,
            outbox: Outbox::new(),
        };
        let (assigned, sent, count) = (fields.number()?, fields.number()?, fields.number()?);
        if saved.acked.checked_add(count) != Some(assigned) || sent > assigned {
            return Err(SavedError::Malformed);
        }
        saved.assigned = saved.acked;
        for _ in 0..count {
            if fields.octet()? != MESSAGE {
                return Err(SavedError::Malformed);
            }
            saved.read_message(fields)?;
        }
        saved.sent = sent;
        if sent < saved.acked {
            return Err(SavedError::Malformed);
        }
        Ok(saved)
    }

    fn apply_record(&mut self, tag: u8, fields: &mut Fields<'_>) -> Result<(), SavedError> {
        match tag {
            MESSAGE => self.read_message(fields)?,
            ACCEPTED => {
                let accepted = fields.number()?;
                if accepted <= self.accepted {
                    return Err(SavedError::OutOfOrder);
                }
                self.accepted = accepted;
            }
            ACKED => {
                let acked = fields.number()?;
                if acked < self.acked || acked > self.assigned {
                    return Err(SavedError::OutOfOrder);
                }
                while self.acked < acked && self.outbox.pop().is_some() {
                    self.acked += 1;
                }
            }
            ATTEMPT => {
                let attempt = fields.number()?;
                if attempt < self.attempt {
                    return Err(SavedError::OutOfOrder);
                }
                self.attempt = attempt;
            }
            STAGE => {
                let stage = fields.stage()?;
                if stage <= self.stage {
                    return Err(SavedError::OutOfOrder);
                }
                self.stage = stage;
            }
            _ => return Err(SavedError::Malformed),
        }
        // Once there has been a welcome, what is stored may have gone out.
        if self.stage == Stage::Established {
            self.sent = self.assigned;
        }
        Ok(())
    }

    fn read_message(&mut self, fields: &mut Fields<'_>) -> Result<(), SavedError> {
        let number = fields.number()?;
        if number != self.assigned + 1 {
            return Err(SavedError::OutOfOrder);
        }
        let (form, other) = (fields.octet()?, fields.number()?);
        let form = match form {
            0 => Form::Message,
            1 => Form::Request,
            2 => Form::Reply(other),
            3 => Form::Rejection(other),
            4 => Form::Gap(other),
            _ => return Err(SavedError::Malformed),
        };
        let kind = fields.octet()?;
        let bytes = fields.bytes()?;
        let payload = match (form, kind) {
            (Form::Gap(_), _) => None,
            (_, 0) => {
                let text = core::str::from_utf8(bytes).map_err(|_| SavedError::Malformed)?;
                Some(M::from_text(text))
            }
            (_, 1) => Some(M::from_binary(bytes)),
            _ => return Err(SavedError::Malformed),
        };
        self.outbox.push(Entry::new(form, payload));
        self.assigned = number;
        Ok(())
    }
}

impl<M> fmt::Debug for Saved<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Saved");
        shown.field("id", &self.id).field("role", &self.role).field("stage", &self.stage);
        shown.finish_non_exhaustive()
    }
}
