//! Messages out of the payloads of data frames that no extension has transformed: whole, or in parts as they arrive.

use alloc::vec::Vec;
use core::fmt;

use super::payload::Payload;
use super::text::Text;
use crate::frame::{Decoder, Input, Violation, decoder};
use crate::words::opcode::Kind;
use crate::words::role::Role;
use crate::words::utf8;

/// What an announced length may reserve before any byte of the payload has arrived.
const RESERVE: usize = 64 << 10;

/// What the first bytes of a message in fragments reserve, so that a handful of small ones doesn't move them time and again.
const FRAGMENTED: usize = 256;

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
pub struct TakenBuffer {
    /// What has arrived of the message so far. Append to it what the peer sends next, and nothing else.
    pub bytes: Vec<u8>,
    /// How many bytes may be appended: so many belong to the payload under way, and there is capacity for them.
    pub room: usize,
}

/// The memory of the incoming message.
pub(crate) struct Assembler {
    /// What has arrived of it; `None` while it is with the caller, who reads into it.
    bytes: Option<Vec<u8>>,
}

impl fmt::Debug for TakenBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TakenBuffer");
        shown.field("len", &self.bytes.len()).field("room", &self.room).finish()
    }
}

impl fmt::Debug for Assembler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Assembler");
        shown.field("len", &self.bytes.as_ref().map(Vec::len)).finish()
    }
}

impl Default for Assembler {
    fn default() -> Self {
        Self { bytes: Some(Vec::new()) }
    }
}

impl Assembler {
    /// Whether the buffer is with the caller, so that nothing can be decoded.
    pub(crate) fn is_taken(&self) -> bool {
        self.bytes.is_none()
    }

    /// The buffer, for an extension that appends to it.
    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        self.bytes.get_or_insert_default()
    }

    /// Takes the payload of the data frame under way as far as it has arrived; the message, once it is complete.
    pub(crate) fn whole<'b, R: Role>(
        &mut self,
        decoder: &mut Decoder<R>,
        input: &mut Input<'b>,
        fin: bool,
    ) -> Result<Option<Payload<'b>>, Violation> {
        let bytes = self.bytes_mut();
        let remaining = decoder.remaining();
        let complete = input.len() as u64 >= remaining;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# in absence of extensions, senders and receivers must not depend on the
        //# presence of specific frame boundaries.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# A fragmented message is conceptually equivalent to a single larger message
        //# whose payload is equal to the concatenation of the payloads of the fragments
        //# in order;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# Clients and servers MUST support receiving both fragmented and unfragmented
        //# messages.
        if fin && complete && bytes.is_empty() {
            let arrived = input.take(decoder::clamp(remaining));
            // What is wrong with it is reported by the decoder's next call.
            return match decoder.unmask(arrived) {
                Ok(()) => decoder.finish().map(|()| Some(Payload::borrowed(arrived))),
                Err(_) => Ok(None),
            };
        }
        let arrived = input.take_shared(decoder::clamp(remaining));
        grow(bytes, arrived.len(), remaining, fin);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# Message fragments MUST be delivered to the recipient in the order sent by the
        //# sender.
        match decoder.unmask_into(arrived, bytes) {
            Ok(()) => self.complete(decoder, fin),
            Err(_) => Ok(None),
        }
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
        Ok(fin.then(|| Payload::owned(core::mem::take(self.bytes_mut()))))
    }

    /// Lends memory for the messages to come; returns it if a message is being assembled, or if there is memory already.
    pub(crate) fn lend(&mut self, mut buffer: Vec<u8>) -> Result<(), Vec<u8>> {
        match &mut self.bytes {
            Some(bytes) if bytes.capacity() == 0 => {
                buffer.clear();
                *bytes = buffer;
                Ok(())
            }
            _ => Err(buffer),
        }
    }

    /// Gives back memory that no message has been put in.
    pub(crate) fn reclaim(&mut self) -> Option<Vec<u8>> {
        let bytes = self.bytes.as_mut()?;
        let unused = bytes.is_empty() && bytes.capacity() > 0;
        unused.then(|| core::mem::take(bytes))
    }

    /// Takes the buffer out, if a payload of which at least `least` bytes lack is being assembled.
    pub(crate) fn take_buffer<R: Role>(
        &mut self,
        decoder: &Decoder<R>,
        fin: bool,
        least: usize,
    ) -> Option<TakenBuffer> {
        let remaining = decoder.remaining();
        if remaining < least as u64 {
            return None;
        }
        let mut bytes = self.bytes.take()?;
        grow(&mut bytes, least, remaining, fin);
        let room = (bytes.capacity() - bytes.len()).min(decoder::clamp(remaining));
        Some(TakenBuffer { bytes, room })
    }

    /// Takes the buffer back with what has been read into it; its new bytes are unmasked and checked.
    ///
    /// # Errors
    ///
    /// The buffer, if none is out, or if it is shorter than it was or longer than the payload under way would make it.
    pub(crate) fn put_buffer<R: Role>(
        &mut self,
        decoder: &mut Decoder<R>,
        mut bytes: Vec<u8>,
    ) -> Result<(), Vec<u8>> {
        let start = decoder::clamp(decoder.arrived());
        let most = start.saturating_add(decoder::clamp(decoder.remaining()));
        if !self.is_taken() || bytes.len() < start || bytes.len() > most {
            return Err(bytes);
        }
        // What is wrong with it is reported by the decoder's next call.
        let _ = decoder.unmask(&mut bytes[start..]);
        self.bytes = Some(bytes);
        Ok(())
    }

    /// Forgets the message: the connection has ended. What is lent and unused can still be had back.
    pub(crate) fn clear(&mut self) {
        let unused = self.reclaim();
        self.bytes = Some(unused.unwrap_or_default());
    }
}

/// Makes room for `count` bytes of the `remaining` ones of a frame's payload. The capacity stays below twice the bytes that have
/// arrived plus 64 KiB, whatever has been announced.
fn grow(bytes: &mut Vec<u8>, count: usize, remaining: u64, fin: bool) {
    let (len, capacity) = (bytes.len(), bytes.capacity());
    let needed = len + count;
    if needed <= capacity {
        return;
    }
    let announced = len.saturating_add(decoder::clamp(remaining));
    let wanted = match (capacity, fin) {
        (0, true) => announced.min(RESERVE),
        (0, false) => announced.clamp(FRAGMENTED, RESERVE),
        (_, true) => announced.min(capacity.saturating_mul(2)),
        (_, false) => capacity.saturating_mul(2),
    };
    bytes.reserve_exact(wanted.max(needed) - len);
}

impl<'b> Part<'b> {
    /// A part, unless there is nothing to tell.
    pub(crate) fn new(kind: Kind, payload: Payload<'b>, first: bool, last: bool) -> Option<Self> {
        let tells = last || !payload.is_empty();
        tells.then(|| Self { content: Content::new(kind, payload), first, last })
    }

    /// The same part, its content owned: copied if it was borrowed.
    pub(crate) fn into_owned(self) -> Part<'static> {
        let content = match self.content {
            Content::Text(text) => Content::Text(text.into_owned()),
            Content::Binary(payload) => Content::Binary(payload.into_owned()),
        };
        Part { content, first: self.first, last: self.last }
    }

    /// The next part of the message that the data frame under way belongs to, as far as its payload has arrived.
    pub(crate) fn next<R: Role>(
        decoder: &mut Decoder<R>,
        input: &mut Input<'b>,
        fin: bool,
    ) -> Option<Self> {
        let (kind, _) = decoder.message();
        let remaining = decoder::clamp(decoder.remaining());
        // A code point that was cut has been held back; in a binary message there is none.
        let cut = *decoder.utf8();
        let first = decoder.arrived() == cut.partial().len() as u64;
        let payload = if cut.is_complete() {
            let arrived = input.take(remaining);
            let good = match decoder.unmask(arrived) {
                Ok(()) => arrived.len(),
                Err(good) => good,
            };
            let good = match kind {
                Kind::Text => utf8::whole_code_points(&arrived[..good]),
                Kind::Binary => good,
            };
            Payload::borrowed(&mut arrived[..good])
        } else {
            let tail = input.take(cut.missing().min(remaining));
            match decoder.unmask(tail) {
                Ok(()) if decoder.utf8().is_complete() => Payload::code_point(cut.partial(), tail),
                _ => Payload::borrowed(&mut []),
            }
        };
        let ends = decoder.in_payload() && decoder.remaining() == 0;
        // What is wrong with it, or turns out to be at the frame's end, is reported by the decoder's next call.
        let last = ends && decoder.finish().is_ok() && fin;
        Self::new(kind, payload, first, last)
    }
}
