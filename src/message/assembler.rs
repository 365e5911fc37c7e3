//! Assembling whole messages from the payloads of their frames, as far as no extension has transformed them.
//!
//! Delivery in parts is in `part`. How long a message may get is decided by `frame::open_message`; here its memory is kept in proportion
//! to what has arrived of it, in `reserve_for`.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use bytes::{Bytes, BytesMut};

use super::payload::Payload;
use crate::frame::{Decoder, Input, Violation, decoder};
use crate::words::role::Role;

/// The most bytes that an announced length reserves before any byte of the payload has arrived.
const RESERVE: usize = 64 << 10;

/// The least that the first fragment of a message reserves, so that a few small fragments don't move the bytes again and again.
const FRAGMENTED: usize = 256;

/// The memory of the incoming message: what has arrived of it.
#[derive(Default)]
pub(crate) struct Assembler(Memory);

enum Memory {
    /// In a vector, which can grow.
    Whole(Vec<u8>),
    /// In a form whose free end can be given out and joined again without a copy.
    Split(Box<Split>),
}

struct Split {
    /// What has been checked. Whoever has the room after it has no way to reach it.
    checked: BytesMut,
    /// Whether the caller has the room.
    is_out: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self::Whole(Vec::new())
    }
}

impl From<Memory> for Vec<u8> {
    fn from(memory: Memory) -> Self {
        match memory {
            Memory::Whole(bytes) => bytes,
            // That copies only if the caller keeps a part of the room.
            Memory::Split(split) => split.checked.into(),
        }
    }
}

impl fmt::Debug for Assembler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Assembler");
        shown.field("len", &self.len()).field("taken", &self.is_taken()).finish()
    }
}

impl Assembler {
    /// Whether the caller has the room, so that nothing can be decoded.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(&self.0, Memory::Split(split) if split.is_out)
    }

    fn len(&self) -> usize {
        match &self.0 {
            Memory::Whole(bytes) => bytes.len(),
            Memory::Split(split) => split.checked.len(),
        }
    }

    /// What has arrived of the message, to append to it. `None` while the caller has the room.
    pub(crate) fn bytes_mut(&mut self) -> Option<&mut Vec<u8>> {
        if matches!(&self.0, Memory::Split(split) if !split.is_out) {
            self.0 = Memory::Whole(self.take());
        }
        match &mut self.0 {
            Memory::Whole(bytes) => Some(bytes),
            Memory::Split(_) => None,
        }
    }

    /// Takes out what has arrived of the message.
    fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.0).into()
    }

    /// Takes what has arrived of the current frame's payload; returns the message once it is complete.
    pub(crate) fn assemble<'b, R: Role>(
        &mut self,
        decoder: &mut Decoder<R>,
        input: &mut Input<'b>,
        fin: bool,
    ) -> Result<Option<Payload<'b>>, Violation> {
        let Some(bytes) = self.bytes_mut() else { return Ok(None) };
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
        Ok(fin.then(|| Payload::owned(self.take())))
    }

    /// Takes memory for the messages to come; gives it back if a message is being assembled, or if there is memory already.
    pub(crate) fn lend(&mut self, mut buffer: Vec<u8>) -> Result<(), Vec<u8>> {
        match &mut self.0 {
            Memory::Whole(bytes) if bytes.capacity() == 0 => {
                buffer.clear();
                *bytes = buffer;
                Ok(())
            }
            _ => Err(buffer),
        }
    }

    /// Gives back memory that no message uses.
    pub(crate) fn reclaim(&mut self) -> Option<Vec<u8>> {
        let bytes = self.bytes_mut()?;
        let unused = bytes.is_empty() && bytes.capacity() > 0;
        unused.then(|| core::mem::take(bytes))
    }

    /// Takes out the room after what has arrived: for `least` bytes at least, and for the rest of the current frame's payload at most. `None` if
    /// less than `least` is still to come, or if the room is out. `fin` says that the frame is the last: nothing is reserved for others.
    pub(crate) fn take_buffer<R: Role>(
        &mut self,
        decoder: &Decoder<R>,
        fin: bool,
        least: usize,
    ) -> Option<BytesMut> {
        let remaining = decoder.remaining();
        if self.is_taken() || remaining < least as u64 {
            return None;
        }
        let mut split = match core::mem::take(&mut self.0) {
            Memory::Split(split) if split.checked.capacity() - split.checked.len() >= least => {
                split
            }
            memory => {
                let mut bytes = Vec::from(memory);
                reserve_for(&mut bytes, least, remaining, fin);
                Box::new(Split { checked: Bytes::from(bytes).into(), is_out: false })
            }
        };
        let mut room = split.checked.split_off(split.checked.len());
        let most = decoder::clamp(remaining);
        if room.capacity() > most {
            drop(room.split_off(most));
        }
        split.is_out = true;
        self.0 = Memory::Split(split);
        Some(room)
    }

    /// Takes the room back, unmasks and checks what has been read into it, and returns how many bytes that is. What is wrong with them is
    /// reported by the decoder's next call. Bytes in other memory are copied.
    ///
    /// # Errors
    ///
    /// The buffer, if none was taken out, or if it has more bytes than the current payload allows.
    pub(crate) fn put_buffer<R: Role>(
        &mut self,
        decoder: &mut Decoder<R>,
        room: BytesMut,
    ) -> Result<u64, BytesMut> {
        let count = room.len() as u64;
        match &mut self.0 {
            Memory::Split(split) if split.is_out && count <= decoder.remaining() => {
                let start = split.checked.len();
                split.checked.unsplit(room);
                split.is_out = false;
                // An error is kept by the decoder.
                let _ = decoder.unmask(&mut split.checked[start..]);
                Ok(count)
            }
            _ => Err(room),
        }
    }

    /// Drops the message, when the connection has ended. Memory that was lent and no message uses can still be given back.
    pub(crate) fn clear(&mut self) {
        self.0 = Memory::Whole(self.reclaim().unwrap_or_default());
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
