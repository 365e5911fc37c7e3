//! Messages out of the payloads of data frames that no extension has transformed: whole, or in parts as they arrive.

use alloc::vec::Vec;

use super::payload::Payload;
use super::text::Text;
use crate::frame::{Decoder, Input, Violation, decoder};
use crate::words::opcode::Kind;
use crate::words::role::Role;
use crate::words::utf8;

/// What an announced length may reserve before any byte of the payload has arrived.
const RESERVE: usize = 64 << 10;

/// A part of a message, delivered as it arrives.
#[derive(Debug)]
pub struct Part<'b> {
    /// What has arrived, never cut inside a code point. It can be empty in the last part.
    pub content: Content<'b>,
    /// Whether this is the message's first part.
    pub first: bool,
    /// Whether this is the message's last part.
    pub last: bool,
}

/// The content of a part of a message.
#[derive(Debug)]
pub enum Content<'b> {
    /// Of a text message.
    Text(Text<'b>),
    /// Of a binary message.
    Binary(Payload<'b>),
}

impl<'b> Content<'b> {
    /// Content of this kind, its text checked.
    #[inline]
    pub(crate) fn new(kind: Kind, payload: Payload<'b>) -> Self {
        match kind {
            Kind::Text => Self::Text(Text::checked(payload)),
            Kind::Binary => Self::Binary(payload),
        }
    }

    /// The content's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(payload) => payload,
        }
    }
}

/// A message's own buffer, taken out so that the caller can read into it without a copy in between.
#[derive(Debug)]
pub struct TakenBuffer {
    /// What has arrived of the message so far. Append to it what the peer sends next, and nothing else.
    pub bytes: Vec<u8>,
    /// How many bytes may be appended: so many belong to the payload under way, and there is capacity for them.
    pub room: usize,
}

/// The memory of the incoming message.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    bytes: Vec<u8>,
    /// Whether the buffer is with the caller.
    taken: bool,
    /// Whether a part of the message has been delivered.
    begun: bool,
}

impl Assembler {
    /// Whether the buffer is with the caller, so that nothing can be decoded.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// How many bytes of the message are here.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The buffer, for an extension that appends to it.
    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Takes the payload of the data frame under way as far as it has arrived; the message, once it is complete.
    pub(crate) fn whole<'b, R: Role>(
        &mut self,
        decoder: &mut Decoder<R>,
        input: &mut Input<'b>,
        fin: bool,
    ) -> Result<Option<Payload<'b>>, Violation> {
        let remaining = decoder.remaining();
        let arrived = input.take(decoder::clamp(remaining));
        let complete = arrived.len() as u64 == remaining;
        if fin && complete && self.bytes.is_empty() {
            return match decoder.unmask(arrived) {
                Ok(()) => decoder.finish().map(|()| Some(Payload::borrowed(arrived))),
                Err(_) => decoder.finish().map(|()| None),
            };
        }
        self.grow(arrived.len(), remaining, fin);
        if decoder.unmask_into(arrived, &mut self.bytes).is_err() {
            self.bytes = Vec::new();
            return Ok(None);
        }
        self.complete(decoder, fin)
    }

    /// Ends the frame under way if its payload is complete; the message, if it is complete with it.
    pub(crate) fn complete<'b, R: Role>(
        &mut self,
        decoder: &mut Decoder<R>,
        fin: bool,
    ) -> Result<Option<Payload<'b>>, Violation> {
        if decoder.remaining() > 0 {
            return Ok(None);
        }
        decoder.finish()?;
        Ok(fin.then(|| Payload::owned(core::mem::take(&mut self.bytes))))
    }

    /// Makes room for `count` bytes of the `remaining` ones of a frame's payload. The capacity stays below twice the bytes that
    /// have arrived plus 64 KiB, whatever has been announced.
    fn grow(&mut self, count: usize, remaining: u64, fin: bool) {
        let (len, capacity) = (self.bytes.len(), self.bytes.capacity());
        let needed = len + count;
        if needed <= capacity {
            return;
        }
        let announced = len.saturating_add(decoder::clamp(remaining));
        let wanted = match (capacity, fin) {
            (0, _) => announced.min(RESERVE),
            (_, true) => announced.min(capacity.saturating_mul(2)),
            (_, false) => capacity.saturating_mul(2),
        };
        self.bytes.reserve_exact(wanted.max(needed) - len);
    }

    /// Takes the payload of the data frame under way as far as it has arrived; a part of the message, if there is something to
    /// deliver.
    pub(crate) fn part<'b, R: Role>(
        &mut self,
        decoder: &mut Decoder<R>,
        input: &mut Input<'b>,
        fin: bool,
    ) -> Result<Option<Part<'b>>, Violation> {
        let (kind, _) = decoder.message();
        let remaining = decoder.remaining();
        let cut = *decoder.utf8();
        let is_cut = kind == Kind::Text && !cut.is_complete();
        let payload = if is_cut {
            let tail = input.take(cut.missing().min(decoder::clamp(remaining)));
            match decoder.unmask(tail) {
                Err(_) => return Ok(None),
                Ok(()) if decoder.utf8().is_complete() => Payload::code_point(cut.partial(), tail),
                Ok(()) => Payload::borrowed(&mut []),
            }
        } else {
            let arrived = input.take(decoder::clamp(remaining));
            let good = match decoder.unmask(arrived) {
                Ok(()) => arrived.len(),
                Err(good) => good,
            };
            let good = match kind {
                Kind::Text => utf8::complete_prefix(&arrived[..good]),
                Kind::Binary => good,
            };
            Payload::borrowed(&mut arrived[..good])
        };
        let ends = decoder.in_payload() && decoder.remaining() == 0;
        // What only the frame's end shows to be wrong is reported by the decoder's next call, after this part.
        let last = ends && decoder.finish().is_ok() && fin;
        Ok(self.deliver(kind, payload, last))
    }

    /// A part, unless there is nothing to tell.
    pub(crate) fn deliver<'b>(
        &mut self,
        kind: Kind,
        payload: Payload<'b>,
        last: bool,
    ) -> Option<Part<'b>> {
        if payload.is_empty() && !last {
            return None;
        }
        let first = !core::mem::replace(&mut self.begun, !last);
        Some(Part {
            content: Content::new(kind, payload),
            first,
            last,
        })
    }

    /// Takes the buffer out, if a payload of which more than `least` bytes lack is being assembled.
    pub(crate) fn take_buffer<R: Role>(
        &mut self,
        decoder: &Decoder<R>,
        fin: bool,
        least: usize,
    ) -> Option<TakenBuffer> {
        let remaining = decoder.remaining();
        if self.taken || remaining < least as u64 {
            return None;
        }
        if self.bytes.len() == self.bytes.capacity() {
            self.grow(1, remaining, fin);
        }
        let bytes = core::mem::take(&mut self.bytes);
        let room = (bytes.capacity() - bytes.len()).min(decoder::clamp(remaining));
        self.taken = true;
        Some(TakenBuffer { bytes, room })
    }

    /// Takes the buffer back with what has been read into it; its new bytes are unmasked and checked.
    ///
    /// # Errors
    ///
    /// The buffer, if none is out, or if it is shorter than it was or longer than the payload.
    pub(crate) fn put_buffer<R: Role>(
        &mut self,
        decoder: &mut Decoder<R>,
        mut bytes: Vec<u8>,
    ) -> Result<(), Vec<u8>> {
        let start = decoder::clamp(decoder.message_len() - decoder.remaining());
        let most = start.saturating_add(decoder::clamp(decoder.remaining()));
        if !self.taken || bytes.len() < start || bytes.len() > most {
            return Err(bytes);
        }
        self.taken = false;
        // A violation is remembered by the decoder and reported by the next poll.
        if decoder.unmask(&mut bytes[start..]).is_ok() {
            self.bytes = bytes;
        }
        Ok(())
    }

    /// Forgets the message: the connection has ended.
    pub(crate) fn clear(&mut self) {
        self.bytes = Vec::new();
    }
}
