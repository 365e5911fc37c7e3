//! What a connection passes on to one of its halves, or to both, as it is.

use alloc::vec::Vec;
use core::time::Duration;

use bytes::BytesMut;

use super::Connection;
use crate::connection::keys::Side;
use crate::connection::loan::Loan;
use crate::connection::send_error::{Refused, SendError};
use crate::connection::sender::{Borrowed, Drain};
use crate::connection::written::Written;
use crate::extension::Agreed;
use crate::message::{Message, Prepared};
use crate::words::close_code::CloseCode;
use crate::words::opcode::Kind;
use crate::words::role::{Client, Server};

impl<R: Side> Connection<R> {
    /// The same connection with the extensions that a handshake agreed on. Only before anything is sent or polled: both halves begin anew.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //# If a server responds with a valid PMCE element in the "Sec-WebSocket-
    //# Extensions" header and _the WebSocket Connection is established_,
    //# both endpoints MUST use the algorithm described in Section 6 and the
    //# message payload transformation (compressing and decompressing)
    //# procedure of the PMCE configured with the "agreed parameters"
    //# returned by the server to exchange messages.
    pub fn with_extensions(self, agreed: Agreed) -> Self {
        let (receiver, sender) = self.split();
        Self::join(receiver.with_extensions(agreed), sender.with_extensions(agreed))
    }

    /// Sets whether messages that begin from now on are compressed, where the handshake has agreed on compression. At first they
    /// are. See [what to know](crate::extension::deflate#before-it-is-switched-on) about secrets.
    #[cfg(feature = "deflate")]
    pub fn set_compression(&mut self, on: bool) {
        self.sender.set_compression(on);
    }

    /// Gives back the memory that compression doesn't need between messages. Of the peer's messages the history stays, where the
    /// peer may refer to it; of ours nothing stays, and the next one is compressed by itself.
    #[cfg(feature = "deflate")]
    pub fn release(&mut self) {
        self.receiver.release();
        self.sender.release();
    }

    /// Takes out a buffer with room for the next bytes of a large message that is arriving, to read them straight from the transport into the
    /// message's memory: see [`Receiver::take_buffer`](crate::Receiver::take_buffer).
    pub fn take_buffer(&mut self) -> Option<BytesMut> {
        self.receiver.take_buffer()
    }

    /// Puts the buffer back with what has been read into it; then poll.
    ///
    /// # Errors
    ///
    /// The buffer: see [`Receiver::put_buffer`](crate::Receiver::put_buffer).
    pub fn put_buffer(&mut self, buffer: BytesMut) -> Result<(), BytesMut> {
        self.receiver.put_buffer(buffer)
    }

    /// Queues a text message.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.sender.send_text(text)
    }

    /// Queues a binary message.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    #[inline]
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.sender.send_binary(bytes)
    }

    /// Queues a message that is owned. A server copies nothing from 4 KiB on.
    ///
    /// # Errors
    ///
    /// The message is given back, with the reason; [`SendError`] says what to do about it.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Refused> {
        self.sender.send(message)
    }

    /// Queues the first fragment of a text message; with `last`, it is the last too.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn begin_text(&mut self, text: &str, last: bool) -> Result<(), SendError> {
        self.sender.begin_text(text, last)
    }

    /// Queues the first fragment of a binary message; with `last`, it is the last too.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn begin_binary(&mut self, bytes: &[u8], last: bool) -> Result<(), SendError> {
        self.sender.begin_binary(bytes, last)
    }

    /// Queues the next fragment of the open text message; with `last`, the last.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn continue_text(&mut self, text: &str, last: bool) -> Result<(), SendError> {
        self.sender.continue_text(text, last)
    }

    /// Queues the next fragment of the open binary message; with `last`, the last.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn continue_binary(&mut self, bytes: &[u8], last: bool) -> Result<(), SendError> {
        self.sender.continue_binary(bytes, last)
    }

    /// Queues the header of a frame whose payload follows in pieces: see [`Sender::stream_frame`](crate::Sender::stream_frame).
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
        self.sender.stream_frame(first, fin, len)
    }

    /// Queues the next bytes of the payload of a streamed frame: see [`Sender::stream_payload`](crate::Sender::stream_payload).
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn stream_payload(&mut self, payload: &mut [u8]) -> Result<(), SendError> {
        self.sender.stream_payload(payload)
    }

    /// Queues a ping. The pong tells its round-trip time.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn ping(&mut self, payload: &[u8], now: Duration) -> Result<(), SendError> {
        let probe = self.sender.ping(payload, now)?;
        self.receiver.expect(probe);
        Ok(())
    }

    /// Queues a pong that no ping has asked for.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.sender.pong(payload)
    }

    /// Begins the closing handshake, or answers the peer's Close frame where that is held back. No message can be sent any more;
    /// messages of the peer's still arrive until its Close frame does.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
        now: Duration,
    ) -> Result<(), SendError> {
        self.sender.close(code, reason, now)
    }

    /// The first slice of the bytes that wait to be written; empty when none do. Where a server's payloads of 4 KiB or more wait, other slices follow
    /// it: write until there is none.
    #[inline]
    pub fn output(&self) -> &[u8] {
        self.sender.output()
    }

    /// All slices of the bytes that wait to be written, in order.
    pub fn output_slices(&self) -> impl Iterator<Item = &[u8]> {
        self.sender.output_slices()
    }

    /// The bytes that wait to be written, as a [`Buf`](bytes::Buf), whose `chunks_vectored` is for vectored writes. Advancing it says that they have
    /// been written, as [`wrote`](Self::wrote) does; dropping it takes nothing out.
    pub fn drain(&mut self) -> Drain<'_, R> {
        self.sender.drain()
    }

    /// Says how much of the output has been written: a number of bytes, or what the call returned that wrote them. More than wait counts as all
    /// that wait, in [every slice](Self::output_slices) and not in the first alone.
    ///
    /// Of an `io::Result`, a timeout or an interruption means that nothing has been written for now. A stream that takes no bytes though some wait,
    /// and any other error, are a stream that is [lost](Self::lost).
    ///
    #[cfg_attr(feature = "std", doc = "```")]
    #[cfg_attr(not(feature = "std"), doc = "```ignore")]
    /// # use std::io::Write;
    /// # use sockless::{Config, Connection};
    /// # let mut connection = Connection::server(Config::default());
    /// # let mut stream = Vec::new();
    /// connection.send_text("hi")?;
    /// while !connection.output().is_empty() {
    ///     connection.wrote(stream.write(connection.output()));
    /// }
    /// assert_eq!(stream, b"\x81\x02hi");
    /// # Ok::<(), sockless::SendError>(())
    /// ```
    #[inline]
    pub fn wrote(&mut self, written: impl Written) {
        match written.count() {
            Some(count) => self.sender.wrote(count),
            None if self.output().is_empty() => {}
            None => self.lost(),
        }
    }

    /// How many bytes wait to be written.
    pub fn queued(&self) -> usize {
        self.sender.queued()
    }

    /// Whether as much output waits as the configuration's soft limit: who produces messages of their own accord pauses while it is. A driver has
    /// nothing to do about it.
    pub fn is_congested(&self) -> bool {
        self.sender.is_congested()
    }

    /// Lends memory, so that one spare buffer can serve all connections of a thread: lend it before a connection is served, and
    /// [`reclaim`](Self::reclaim) it after. What a [`Loan`] for output and one for messages mean is said there.
    ///
    /// # Errors
    ///
    /// The buffer, if it can't be used now: something is in such memory already, or a buffer is lent.
    #[inline]
    pub fn lend(&mut self, loan: Loan, buffer: Vec<u8>) -> Result<(), Vec<u8>> {
        match loan {
            Loan::Output => self.sender.lend(buffer),
            Loan::Message => self.receiver.lend(buffer),
        }
    }

    /// Takes lent memory back; `None` if none is lent, or if something is in it.
    #[inline]
    pub fn reclaim(&mut self, loan: Loan) -> Option<Vec<u8>> {
        match loan {
            Loan::Output => self.sender.reclaim(),
            Loan::Message => self.receiver.reclaim(),
        }
    }
}

impl Connection<Server> {
    /// Queues a prepared message: from 4 KiB on without copying it, and never encoding it again. Its compressed form, if it has one, goes out only where the
    /// handshake agreed on compression and the peer's window is large enough for it, the plain one everywhere else.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn send_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        self.sender.send_prepared(message)
    }

    /// Sends a text message without copying it, if nothing waits in the queue.
    ///
    /// # Errors
    ///
    /// Nothing has been sent; [`SendError`] says for each reason what to do.
    #[inline]
    pub fn send_text_borrowed<'s, 'p>(
        &'s mut self,
        text: &'p str,
    ) -> Result<Borrowed<'s, 'p, Server>, SendError> {
        self.sender.send_text_borrowed(text)
    }

    /// Sends a binary message without copying it, if nothing waits in the queue.
    ///
    /// # Errors
    ///
    /// Nothing has been sent; [`SendError`] says for each reason what to do.
    #[inline]
    pub fn send_binary_borrowed<'s, 'p>(
        &'s mut self,
        bytes: &'p [u8],
    ) -> Result<Borrowed<'s, 'p, Server>, SendError> {
        self.sender.send_binary_borrowed(bytes)
    }
}

impl Connection<Client> {
    /// Sends a binary message without copying it, if nothing waits in the queue. It is masked in the caller's own memory.
    ///
    /// # Errors
    ///
    /// Nothing has been sent; `bytes` are unchanged. [`SendError`] says for each reason what to do.
    #[inline]
    pub fn send_binary_borrowed<'s, 'p>(
        &'s mut self,
        bytes: &'p mut [u8],
    ) -> Result<Borrowed<'s, 'p, Client>, SendError> {
        self.sender.send_binary_borrowed(bytes)
    }
}
