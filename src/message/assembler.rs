//! Assembling whole messages from the payloads of their frames, as far as no extension has transformed them.
//!
//! Delivery in parts is in `part`. How long a message may get is decided by `frame::open_message`; here its memory is kept in proportion
//! to what has arrived of it, in `reserve_for`.

use alloc::vec::Vec;
use core::fmt;

use super::payload::Payload;
use crate::frame::{Decoder, Input, Violation, decoder};
use crate::words::role::Role;

/// The most bytes that an announced length reserves before any byte of the payload has arrived.
const RESERVE: usize = 64 << 10;

/// The least that the first fragment of a message reserves, so that a few small fragments don't move the bytes again and again.
const FRAGMENTED: usize = 256;

/// The buffer of an incomplete message, taken out so that the caller can read into it without another copy.
pub struct TakenBuffer {
    /// What has arrived of the message so far. Append to it what the peer sends next, and nothing else.
    pub bytes: Vec<u8>,
    /// How many bytes may be appended: they belong to the payload of the current frame, and there is capacity for them.
    pub room: usize,
}

/// The memory of the incoming message.
pub(crate) struct Assembler {
    /// What has arrived of it; `None` while the caller has the buffer, to read into it.
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
    /// Whether the caller has the buffer, so that nothing can be decoded.
    pub(crate) fn is_taken(&self) -> bool {
        self.bytes.is_none()
    }

    /// The buffer, for an extension that appends to it.
    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        self.bytes.get_or_insert_default()
    }

    /// Takes what has arrived of the current frame's payload; returns the message once it is complete.
    pub(crate) fn assemble<'b, R: Role>(
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
        reserve_for(bytes, arrived.len(), remaining, fin);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# Message fragments MUST be delivered to the recipient in the order sent by the
        //# sender.
        match decoder.unmask_into(arrived, bytes) {
            Ok(()) => self.end_frame(decoder, fin),
            Err(_) => Ok(None),
        }
    }

    /// Ends the current frame if its payload is complete; returns the message if this frame is its last.
    pub(crate) fn end_frame<'b, R: Role>(
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

    /// Takes memory for the messages to come; gives it back if a message is being assembled, or if there is memory already.
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

    /// Gives back memory that no message uses.
    pub(crate) fn reclaim(&mut self) -> Option<Vec<u8>> {
        let bytes = self.bytes.as_mut()?;
        let unused = bytes.is_empty() && bytes.capacity() > 0;
        unused.then(|| core::mem::take(bytes))
    }

    /// Takes the buffer out, if at least `least` bytes of the current frame's payload are still to come.
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
        reserve_for(&mut bytes, least, remaining, fin);
        let room = (bytes.capacity() - bytes.len()).min(decoder::clamp(remaining));
        Some(TakenBuffer { bytes, room })
    }

    /// Takes the buffer back with what has been read into it, and unmasks and checks the new bytes.
    ///
    /// # Errors
    ///
    /// The buffer, if none was taken out, or if it is shorter than it was or longer than the current payload allows.
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

    /// Drops the message, when the connection has ended. Memory that was lent and no message uses can still be given back.
    pub(crate) fn clear(&mut self) {
        let unused = self.reclaim();
        self.bytes = Some(unused.unwrap_or_default());
    }
}

/// Reserves room for the next `count` of the `remaining` bytes of a frame's payload. Whatever length was announced, the capacity
/// stays below twice the bytes that have arrived plus 64 KiB.
fn reserve_for(bytes: &mut Vec<u8>, count: usize, remaining: u64, fin: bool) {
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
