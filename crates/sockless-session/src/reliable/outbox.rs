//! The queue of messages that are numbered and not acknowledged. When they may go out is the session's business.

use alloc::collections::VecDeque;

use super::message::Payload;
use super::output::Head;
use super::wire::DLE;

/// For how many messages an empty queue keeps room: a burst must not keep its own for ever.
const KEPT: usize = 64;

/// What a message is, beside its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Message,
    Request,
    Reply(u64),
    Rejection(u64),
    /// So many messages have been left out here.
    Gap(u64),
}

/// A message that waits.
#[derive(Clone, Debug)]
pub(crate) struct Entry<M> {
    pub(crate) form: Form,
    /// Absent in a gap.
    pub(crate) payload: Option<M>,
    /// Its length on the wire, so that the payload isn't looked at again when it is sent and acknowledged.
    len: u64,
}

impl<M: Payload> Entry<M> {
    #[inline]
    pub(crate) fn new(form: Form, payload: Option<M>) -> Self {
        let mut entry = Self { form, payload, len: 0 };
        entry.measure();
        entry
    }

    fn measure(&mut self) {
        let payload = self.payload.as_ref().map_or(0, |payload| payload.as_bytes().len());
        self.len = self.head().as_bytes().len() as u64 + payload as u64;
    }

    /// What precedes the payload on the wire.
    #[inline]
    pub(crate) fn head(&self) -> Head {
        match self.form {
            Form::Message => match &self.payload {
                Some(payload) if payload.as_bytes().first() == Some(&DLE) => Head::escape(),
                _ => Head::NONE,
            },
            Form::Request => Head::letter(b'q'),
            Form::Reply(number) => Head::number(b'y', number).spaced(),
            Form::Rejection(number) => Head::number(b'e', number).spaced(),
            Form::Gap(count) => Head::number(b'g', count),
        }
    }

    /// Its length on the wire.
    #[inline]
    pub(crate) fn wire_len(&self) -> u64 {
        self.len
    }
}

/// The messages that are numbered and not acknowledged, oldest first.
#[derive(Debug)]
pub(crate) struct Outbox<M> {
    entries: VecDeque<Entry<M>>,
    bytes: u64,
}

impl<M: Payload> Outbox<M> {
    pub(crate) const fn new() -> Self {
        Self { entries: VecDeque::new(), bytes: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All octets that wait, as they are on the wire.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn push(&mut self, entry: Entry<M>) {
        self.bytes += entry.wire_len();
        self.entries.push_back(entry);
    }

    /// Takes the oldest out.
    pub(crate) fn pop(&mut self) -> Option<Entry<M>> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.wire_len();
        if self.entries.is_empty() && self.entries.capacity() > KEPT {
            self.entries = VecDeque::new();
        }
        Some(entry)
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&Entry<M>> {
        self.entries.get(index)
    }

    /// Adds to the gap at the end, if there is one.
    pub(crate) fn widen_gap(&mut self, more: u64) -> bool {
        let Some(entry) = self.entries.back_mut() else { return false };
        let Form::Gap(count) = entry.form else { return false };
        self.bytes -= entry.wire_len();
        entry.form = Form::Gap(count.saturating_add(more).min(super::number::LAST));
        entry.measure();
        self.bytes += entry.wire_len();
        true
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry<M>> {
        self.entries.iter()
    }
}
