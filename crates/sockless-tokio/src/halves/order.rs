//! What the two tasks tell each other.

use std::io;

use sockless::connection::{
    self, Entropy, Notice, Probe, Reply, SendError, SenderEnd, Side, Traffic,
};
use sockless::{Client, CloseCode, Connection, Kind, Prepared, Server};

use crate::message::Message;

/// What the writing task is to do.
#[derive(Debug)]
pub(super) enum Order {
    Send(Message),
    Prepared(Prepared),
    Close(Option<CloseCode>, Box<str>),
    /// Boxed, because it is rare and longer than the others.
    Reply(Box<Reply>),
}

/// What the writing task has to say.
#[derive(Debug)]
pub(super) enum Note {
    Notice(Notice),
    /// A ping has been queued.
    Probe(Box<Probe>),
    /// Replies are welcome again.
    Room,
    /// It has ended, like this; perhaps because the stream has failed; and this is what it has sent.
    Ended(SenderEnd, Option<io::ErrorKind>, Box<Traffic>),
}

/// A role, as far as the halves tell the two apart.
pub trait Role: Side {
    /// Queues a prepared message.
    #[doc(hidden)]
    fn send_prepared(
        sender: &mut connection::Sender<Self>,
        message: &Prepared,
    ) -> Result<(), SendError>
    where
        Self: Sized;

    /// Queues a prepared message on a whole connection.
    #[doc(hidden)]
    fn send_prepared_whole(
        connection: &mut Connection<Self>,
        message: &Prepared,
    ) -> Result<(), SendError>
    where
        Self: Sized;

    /// The keys of a sending half that sends nothing.
    #[doc(hidden)]
    fn no_keys() -> Self::Keys;
}

/// No entropy: for a half that is dropped.
struct None;

impl Entropy for None {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

impl Role for Server {
    fn send_prepared(
        sender: &mut connection::Sender<Self>,
        message: &Prepared,
    ) -> Result<(), SendError> {
        sender.send_prepared(message)
    }

    fn send_prepared_whole(
        connection: &mut Connection<Self>,
        message: &Prepared,
    ) -> Result<(), SendError> {
        connection.send_prepared(message)
    }

    fn no_keys() {}
}

impl Role for Client {
    /// Nobody gets here: the handles of clients send no prepared messages.
    fn send_prepared(_: &mut connection::Sender<Self>, _: &Prepared) -> Result<(), SendError> {
        Err(SendError::Failed)
    }

    /// A client masks each message: what was prepared is encoded again.
    fn send_prepared_whole(
        connection: &mut Connection<Self>,
        message: &Prepared,
    ) -> Result<(), SendError> {
        let frame = message.frame();
        let payload = &frame[frame.len() - message.payload_len()..];
        match std::str::from_utf8(payload) {
            Ok(text) if message.kind() == Kind::Text => connection.send_text(text),
            _ => connection.send_binary(payload),
        }
    }

    fn no_keys() -> Self::Keys {
        Box::new(None)
    }
}
