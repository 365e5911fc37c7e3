//! The queue of messages that are numbered and not acknowledged. When they may go out is the session's business.

use alloc::collections::VecDeque;

use super::message::Payload;
use super::output::Head;
use super::wire::DLE;

/// For how many messages an empty queue keeps room: what the first one takes. A burst must not keep its own for ever, nor a connection that has
/// been quiet since.
const KEPT: usize = 4;

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
    /// An ordinary message: nearly all are.
    #[inline]
    pub(crate) fn message(payload: M) -> Self {
        let len = payload.as_bytes().len() as u64 + u64::from(is_escaped(&payload));
        Self { form: Form::Message, payload: Some(payload), len }
    }

    pub(crate) fn new(form: Form, payload: Option<M>) -> Self {
        let mut entry = Self { form, payload, len: 0 };
        entry.measure();
        entry
    }

    #[inline]
    fn measure(&mut self) {
        let payload = self.payload.as_ref().map_or(0, |payload| payload.as_bytes().len());
        self.len = self.head().as_bytes().len() as u64 + payload as u64;
    }

    /// What precedes the payload on the wire.
    #[inline]
    pub(crate) fn head(&self) -> Head {
        match (self.form, &self.payload) {
            (Form::Message, Some(payload)) if is_escaped(payload) => Head::escape(),
            (Form::Message, _) => Head::NONE,
            (form, _) => form.head(),
        }
    }

    /// Its length on the wire.
    #[inline]
    pub(crate) fn wire_len(&self) -> u64 {
        self.len
    }
}

/// Whether an ordinary message could be taken for one of the session's own.
#[inline]
fn is_escaped(payload: &impl Payload) -> bool {
    payload.as_bytes().first() == Some(&DLE)
}

impl Form {
    /// What precedes a payload of this form, whatever that is.
    fn head(self) -> Head {
        match self {
            Form::Message => Head::NONE,
            Form::Request => Head::letter(b'q'),
            Form::Reply(number) => Head::number(b'y', number).spaced(),
            Form::Rejection(number) => Head::number(b'e', number).spaced(),
            Form::Gap(count) => Head::number(b'g', count),
        }
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

    #[inline]
    pub(crate) fn push(&mut self, entry: Entry<M>) {
        self.bytes += entry.wire_len();
        self.entries.push_back(entry);
    }

    /// Takes the oldest out.
    pub(crate) fn pop(&mut self) -> Option<Entry<M>> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.wire_len();
        self.shrink();
        Some(entry)
    }

    /// Drops the oldest, as many as `count`: the octets of the first `outstanding` of them.
    pub(crate) fn release(&mut self, count: usize, outstanding: usize) -> u64 {
        let (mut all, mut first) = (0, 0);
        for (index, entry) in self.entries.drain(..count).enumerate() {
            all += entry.len;
            if index < outstanding {
                first += entry.len;
            }
        }
        self.bytes -= all;
        self.shrink();
        first
    }

    fn shrink(&mut self) {
        if self.entries.is_empty() && self.entries.capacity() > KEPT {
            self.entries = VecDeque::new();
        }
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
