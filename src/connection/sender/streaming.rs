//! Payloads that are not queued as whole messages: one borrowed from the caller for a single write, and one that comes in pieces, in a frame
//! of announced length.

use core::fmt;

use super::Sender;
use crate::connection::keys::Side;
use crate::connection::send_error::SendError;
use crate::frame::{Encoder, Fragment, HeaderBytes, Misuse};
use crate::words::mask::Mask;
use crate::words::opcode::Kind;
use crate::words::role::{Client, Server};

/// A message whose payload the caller still holds: write the slices, say how much was written, drop it. What has not been written
/// then is copied into the queue.
///
/// If something waits in the queue already, the message is queued after it at once, and there is nothing to write here.
///
/// One that is forgotten rather than dropped takes the rest of its message with it, and the stream is of no use any more.
#[must_use = "what is not written is copied into the queue"]
pub struct Borrowed<'s, 'p, R: Side> {
    sender: &'s mut Sender<R>,
    header: HeaderBytes,
    payload: &'p [u8],
    /// How much of header and payload has been written or queued.
    done: usize,
}

/// A message that has been admitted and counted, with its masking key.
#[derive(Clone, Copy)]
struct Begun {
    kind: Kind,
    key: Option<[u8; 4]>,
}

impl Begun {
    /// The header of the message, which is one frame.
    #[inline(always)]
    fn header<R: Side>(self, encoder: &Encoder<R>, payload: &[u8]) -> HeaderBytes {
        encoder.encode_whole_header(self.kind, payload.len(), self.key)
    }
}

impl<'s, 'p, R: Side> Borrowed<'s, 'p, R> {
    /// Leaves the message to the caller to write if nothing waits in the queue; otherwise queues it.
    #[inline(always)]
    fn new(sender: &'s mut Sender<R>, begun: Begun, payload: &'p [u8]) -> Self {
        // Nothing here takes the header's address: so it stays in registers until it is where the caller keeps it.
        let done = match sender.output.is_empty() {
            true => 0,
            false => Self::queue_all(sender, begun, payload),
        };
        let header = begun.header(&sender.encoder, payload);
        Self { sender, header, payload, done }
    }

    /// Queues all of the message, and returns how many bytes that is.
    #[cold]
    fn queue_all(sender: &mut Sender<R>, begun: Begun, payload: &[u8]) -> usize {
        let header = begun.header(&sender.encoder, payload);
        sender.queue_borrowed(&header, payload)
    }

    /// What is to be written: the header and the payload, less what has been written.
    #[inline]
    pub fn slices(&self) -> [&[u8]; 2] {
        if self.done == 0 {
            return [&self.header, self.payload];
        }
        let header = self.done.min(self.header.len());
        [&self.header[header..], &self.payload[(self.done - header).min(self.payload.len())..]]
    }

    /// Whether all has been written or queued.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.done == self.header.len() + self.payload.len()
    }

    /// Says that the first `count` bytes of the slices have been written. More than there are counts as all.
    #[inline]
    pub fn wrote(&mut self, count: usize) {
        let left = self.header.len() + self.payload.len() - self.done;
        let count = count.min(left);
        self.done += count;
        self.sender.tally.add_wire_bytes(count as u64);
    }

    /// Queues what has not been written.
    #[cold]
    fn queue_rest(&mut self) {
        let header = self.header;
        let at = self.done.min(header.len());
        let payload = &self.payload[(self.done - at).min(self.payload.len())..];
        self.done += self.sender.queue_borrowed(&header[at..], payload);
    }
}

impl<R: Side> Drop for Borrowed<'_, '_, R> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_empty() {
            self.queue_rest();
        }
    }
}

impl<R: Side> fmt::Debug for Borrowed<'_, '_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Borrowed");
        shown.field("len", &self.payload.len()).field("done", &self.done).finish()
    }
}

impl<R: Side> Sender<R> {
    /// Queues what has not been written of a borrowed message, and returns how many bytes that is.
    fn queue_borrowed(&mut self, header: &[u8], payload: &[u8]) -> usize {
        let left = header.len() + payload.len();
        let batch = self.output.batch(left);
        batch.extend_from_slice(header);
        batch.extend_from_slice(payload);
        left
    }

    /// Begins a whole message that no extension transforms.
    #[inline(always)]
    fn begin_borrowed(&mut self, kind: Kind, len: usize) -> Result<Begun, SendError> {
        let at_once = self.may_send_at_once() && self.output.plain_len() < self.config.hard_limit;
        if !at_once {
            self.admit(&Fragment::whole(kind, len))?;
        }
        let key = R::octets(R::next_key(&mut self.keys));
        self.count_data_frame(&Fragment::whole(kind, len));
        Ok(Begun { kind, key })
    }

    /// Queues the header of a data frame whose payload of `len` bytes follows through
    /// [`stream_payload`](Self::stream_payload): a message of any length needs no memory. With `first`, the frame begins a
    /// message, otherwise it continues the open one, which must not be compressed; with `fin`, it is
    /// the message's last. Until the payload is complete nothing else can be sent; pongs and
    /// the reply to a Close frame wait for its end, and so does a keepalive's ping: whoever pauses inside a frame finds a peer that has vanished only
    /// when it goes on. No extension transforms the payload.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn stream_frame(
        &mut self,
        first: Option<Kind>,
        fin: bool,
        len: u64,
    ) -> Result<(), SendError> {
        let fragment = Fragment { first, fin, rsv1: false, len };
        self.admit(&fragment)?;
        if first.is_none() && self.transform.is_in_message() {
            return Err(SendError::Misuse(Misuse::MessageOpen));
        }
        let key = R::next_key(&mut self.keys);
        let header = self.encoder.begin(fragment, key).map_err(SendError::Misuse)?;
        self.output.batch(header.len()).extend_from_slice(&header);
        self.count_data_frame(&fragment);
        Ok(())
    }

    /// Queues the next bytes of the payload of the frame that [`stream_frame`](Self::stream_frame) began, masking them in place
    /// for a client.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn stream_payload(&mut self, payload: &mut [u8]) -> Result<(), SendError> {
        self.gate.check_payload()?;
        self.check_room()?;
        self.encoder.payload(payload).map_err(SendError::Misuse)?;
        self.output.batch(payload.len()).extend_from_slice(payload);
        self.catch_up();
        Ok(())
    }
}

impl Sender<Server> {
    /// Sends a text message without copying it, if nothing waits in the queue. No extension transforms it.
    ///
    /// # Errors
    ///
    /// Nothing has been sent; [`SendError`] says for each reason what to do.
    #[inline(always)]
    pub fn send_text_borrowed<'s, 'p>(
        &'s mut self,
        text: &'p str,
    ) -> Result<Borrowed<'s, 'p, Server>, SendError> {
        let begun = self.begin_borrowed(Kind::Text, text.len())?;
        Ok(Borrowed::new(self, begun, text.as_bytes()))
    }

    /// Sends a binary message without copying it, if nothing waits in the queue. No extension transforms it.
    ///
    /// # Errors
    ///
    /// Nothing has been sent; [`SendError`] says for each reason what to do.
    #[inline(always)]
    pub fn send_binary_borrowed<'s, 'p>(
        &'s mut self,
        bytes: &'p [u8],
    ) -> Result<Borrowed<'s, 'p, Server>, SendError> {
        let begun = self.begin_borrowed(Kind::Binary, bytes.len())?;
        Ok(Borrowed::new(self, begun, bytes))
    }
}

impl Sender<Client> {
    /// Sends a binary message without copying it, if nothing waits in the queue. It is masked in the caller's own memory. No extension
    /// transforms it.
    ///
    /// # Errors
    ///
    /// Nothing has been sent; `bytes` are unchanged. [`SendError`] says for each reason what to do.
    #[inline(always)]
    pub fn send_binary_borrowed<'s, 'p>(
        &'s mut self,
        bytes: &'p mut [u8],
    ) -> Result<Borrowed<'s, 'p, Client>, SendError> {
        let begun = self.begin_borrowed(Kind::Binary, bytes.len())?;
        let (_, level) = self.encoder.mask();
        Mask::new(begun.key.unwrap_or_default()).apply(level, bytes);
        Ok(Borrowed::new(self, begun, bytes))
    }
}
