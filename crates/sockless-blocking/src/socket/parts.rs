//! Messages in parts, for those that are too long for memory: received as a `Read`, sent as a `Write`.

use std::io::{self, Read, Write};
use std::{fmt, mem};

use bytes::{Buf as _, Bytes};
use sockless::connection::Side;
use sockless::message::Content;
use sockless::{Event, Kind};

use super::WebSocket;
use super::turn::Goal;
use crate::error::Error;
use crate::message::Message;
use crate::stream::Stream;

/// The most bytes of a fragment that is sent.
const FRAGMENT: usize = 64 << 10;

/// A part of a message.
#[derive(Debug)]
pub(super) struct Part {
    kind: Kind,
    bytes: Bytes,
    last: bool,
}

/// A message that is received in parts, as they arrive: a [`Read`], whose end is that of the message. What has not been read when this is dropped is
/// thrown away.
///
/// A read whose time is over fails with [`TimedOut`](io::ErrorKind::TimedOut) and loses nothing: the next one goes on.
pub struct MessageReader<'s, S: Stream, R: Side> {
    socket: &'s mut WebSocket<S, R>,
    part: Part,
}

/// A binary message that is sent in parts: a [`Write`]. [`finish`](Self::finish) ends the message.
///
/// One that is dropped before leaves the message open: the next [`send_writer`](WebSocket::send_writer) goes on with it, and nothing else can be sent
/// meanwhile.
pub struct MessageWriter<'s, S: Stream, R: Side> {
    socket: &'s mut WebSocket<S, R>,
}

impl<S: Stream, R: Side> WebSocket<S, R> {
    /// The next message, to be read in parts: in constant memory, however long it is. The limits hold for it as well: for messages over 16 MiB they have to be
    /// raised (`with_max_message` of the options). What arrives while this side sends is put aside whole: so read a long message before you answer it.
    ///
    /// ```
    /// # use sockless_blocking::{Server, Stream, WebSocket};
    /// # fn f<S: Stream>(socket: &mut WebSocket<S, Server>) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Some(mut upload) = socket.recv_reader().transpose()? {
    ///     let mut file = std::io::sink();
    ///     std::io::copy(&mut upload, &mut file)?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_reader(&mut self) -> Option<Result<MessageReader<'_, S, R>, Error>> {
        if let Some(message) = self.take_stashed() {
            let part = Part::whole(message);
            return Some(Ok(MessageReader { socket: self, part }));
        }
        self.set_patient(false);
        self.set_parts(true);
        loop {
            match self.part() {
                // What is left of a message that nobody wanted comes first.
                Some(Ok(part)) if mem::replace(&mut self.seen.inside, !part.last) => {}
                Some(Ok(part)) => return Some(Ok(MessageReader { socket: self, part })),
                end => {
                    self.set_parts(false);
                    return end.map(|error| Err(error.err().unwrap_or(Error::Closed)));
                }
            }
        }
    }

    /// A binary message to be sent in parts: in constant memory, however long it is.
    ///
    /// ```
    /// # use sockless_blocking::{Server, Stream, WebSocket};
    /// # fn f<S: Stream>(socket: &mut WebSocket<S, Server>) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut file = std::io::empty();
    /// let mut download = socket.send_writer();
    /// std::io::copy(&mut file, &mut download)?;
    /// download.finish()?;
    /// # Ok(()) }
    /// ```
    pub fn send_writer(&mut self) -> MessageWriter<'_, S, R> {
        MessageWriter { socket: self }
    }

    /// The next part; `None` once the connection has ended.
    fn part(&mut self) -> Option<Result<Part, Error>> {
        if self.state.over {
            return None;
        }
        let ends = self.time.ends(self.clock);
        match self.turns(Goal::Part, ends) {
            Ok(_) => self.part.take().map(Ok),
            Err(error) => Some(Err(error)),
        }
    }

    /// Looks for the next part in what has been read: whether there is one.
    pub(super) fn find_part(&mut self) -> bool {
        let found = self.poll_for(|seen, event| {
            Some(match event {
                Event::Part(part) => {
                    let last = part.last;
                    let (kind, bytes) = match part.content {
                        Content::Text(text) => (Kind::Text, text.into_utf8_bytes().into_bytes()),
                        Content::Binary(bytes) => (Kind::Binary, bytes.into_bytes()),
                    };
                    // Some of it may have come before parts were asked for.
                    Part { kind, bytes: seen.with_gathered(bytes), last }
                }
                event => Part::whole(seen.see(event)?),
            })
        });
        self.part = found;
        self.part.is_some()
    }

    /// Queues a fragment of the open message, or the first one, once there is room: how much of the bytes it has.
    fn send_fragment(&mut self, bytes: &[u8], last: bool) -> Result<usize, Error> {
        let ends = self.time.ends(self.clock);
        self.wait_for(Goal::Room, ends)?;
        let bytes = &bytes[..bytes.len().min(FRAGMENT)];
        let sent = match self.state.writes {
            true => self.connection.continue_binary(bytes, last),
            false => self.connection.begin_binary(bytes, last),
        };
        sent.map_err(|reason| self.refuse(reason))?;
        self.state.writes = !last;
        Ok(bytes.len())
    }
}

impl Part {
    /// A whole message as its only part.
    fn whole(message: Message) -> Self {
        let kind = if message.is_text() { Kind::Text } else { Kind::Binary };
        Self { kind, bytes: message.into_data(), last: true }
    }
}

impl<S: Stream, R: Side> MessageReader<'_, S, R> {
    /// Whether it is text or binary. Text is checked; a read may end inside a character.
    pub fn kind(&self) -> Kind {
        self.part.kind
    }
}

impl<S: Stream, R: Side> Read for MessageReader<'_, S, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.bytes.is_empty() && !self.part.last {
            match self.socket.part() {
                Some(part) => self.part = part?,
                // It can't have ended without an error; nothing is left to be read.
                None => return Err(self.socket.ended().into()),
            }
            self.socket.seen.inside = !self.part.last;
        }
        let count = self.part.bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.part.bytes[..count]);
        self.part.bytes.advance(count);
        Ok(count)
    }
}

impl<S: Stream, R: Side> Drop for MessageReader<'_, S, R> {
    fn drop(&mut self) {
        self.socket.set_parts(false);
    }
}

impl<S: Stream, R: Side> MessageWriter<'_, S, R> {
    /// Ends the message, and waits until all of it has been written to the stream.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if there was no room in time for the message's end: it is open still, and another [`send_writer`](WebSocket::send_writer) ends it.
    /// [`Error::Unwritten`] if it has ended, and was not written in time: it will be sent by the calls that follow. Others if the connection has ended.
    pub fn finish(self) -> Result<(), Error> {
        self.socket.send_fragment(&[], true)?;
        match self.socket.flush() {
            Err(Error::TimedOut) => Err(Error::Unwritten),
            flushed => flushed,
        }
    }
}

impl<S: Stream, R: Side> Write for MessageWriter<'_, S, R> {
    /// Queues at most 64 KiB, once there is room.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        Ok(self.socket.send_fragment(bytes, false)?)
    }

    /// Waits until what has been written so far is in the stream.
    fn flush(&mut self) -> io::Result<()> {
        Ok(self.socket.flush()?)
    }
}

impl<S: Stream, R: Side> fmt::Debug for MessageReader<'_, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageReader").field("kind", &self.part.kind).finish_non_exhaustive()
    }
}

impl<S: Stream, R: Side> fmt::Debug for MessageWriter<'_, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter").finish_non_exhaustive()
    }
}
