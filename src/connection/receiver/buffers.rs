//! The memory of incoming messages, where the caller has a hand in it: what it lends for them, and the buffer of the one that is arriving, taken out
//! to read into it.

use alloc::vec::Vec;

use bytes::BytesMut;

use super::Receiver;
use crate::words::role::Role;

impl<R: Role> Receiver<R> {
    /// Lends memory for the next message that has to be assembled because it doesn't lie whole in one input: one spare buffer can
    /// serve all connections of a thread. What is delivered then owns the buffer; to lend it again, get it out of the event with
    /// [`Payload::into_vec`](crate::message::Payload::into_vec) or [`Text::into_string`](crate::message::Text::into_string).
    ///
    /// # Errors
    ///
    /// The buffer, if a message is being assembled, or if a buffer is lent already.
    pub fn lend(&mut self, buffer: Vec<u8>) -> Result<(), Vec<u8>> {
        self.incoming.lend(buffer)
    }

    /// Takes the lent buffer back; `None` if none is lent, if a message is being assembled in it, or if it went out with one.
    pub fn reclaim(&mut self) -> Option<Vec<u8>> {
        self.incoming.reclaim()
    }

    /// Takes out a buffer with room for the next bytes of the message that is arriving, if much of its open frame is still to come, so that they
    /// can be read straight from the transport into the message's memory. The buffer is empty; up to its capacity may be appended, and what
    /// has arrived before can't be reached from it. Input that is handed in before [`put_buffer`](Self::put_buffer) gives it back is copied: it
    /// comes after what is read into the buffer.
    pub fn take_buffer(&mut self) -> Option<BytesMut> {
        // What is kept comes first.
        if !self.gate.is_open() || self.aside.has_kept() {
            return None;
        }
        self.incoming.take_buffer()
    }

    /// Puts the buffer back with what has been read into it. The message, or what is wrong with it, comes with the next
    /// [`poll`](Self::poll). Another buffer will do as well; its bytes are copied.
    ///
    /// # Errors
    ///
    /// The buffer, if none was taken, or if it has more bytes than the payload's rest; nothing has changed then.
    pub fn put_buffer(&mut self, buffer: BytesMut) -> Result<(), BytesMut> {
        let read = self.incoming.put_buffer(buffer)?;
        self.tally.add_wire_bytes(read);
        if read > 0 {
            self.liveness.heard_data();
        }
        Ok(())
    }
}
