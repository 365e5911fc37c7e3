//! What a connection tells the application. Which reply of the sending half's an event calls for is decided by `Receiver::reply_to`.

use core::time::Duration;

use super::failure::Failure;
use crate::message::{Part, Payload, Text};
use crate::words::close_code::CloseCode;

/// What happened. An event borrows the caller's buffer, never the connection: a handler may send while it holds one.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'b> {
    /// A text message.
    Text(Text<'b>),
    /// A binary message.
    Binary(Payload<'b>),
    /// A part of a message, with [`Delivery::Parts`](super::Delivery::Parts).
    Part(Part<'b>),
    /// A ping. Its pong is queued already, unless the configuration says otherwise.
    Ping(Payload<'b>),
    /// A pong, asked for or not.
    Pong(Pong<'b>),
    /// The peer's Close frame: it will send no more. The reply is queued already, unless the configuration says otherwise.
    Closing(Closing<'b>),
    /// Nothing has arrived for the keepalive interval, though input was welcome. A ping is queued already; inside a streamed frame it will
    /// be with the frame's end. The time for an answer runs from when the ping has been written. After our Close frame
    /// there is no ping: the closing handshake has its own timer.
    Quiet,
    /// No data frame has arrived for the idle time. A Close frame is queued already, or will be with the end of a streamed frame.
    Idle,
    /// The connection has failed: nothing further is looked at. The Close frame is queued already, where one may be sent.
    Failed(Failure),
}

/// A Pong frame.
#[derive(Debug)]
#[non_exhaustive]
pub struct Pong<'b> {
    /// The payload: that of the ping it answers.
    pub payload: Payload<'b>,
    /// The time since the ping with this payload, if it was one of the last that were sent.
    pub round_trip: Option<Duration>,
}

/// The peer's Close frame.
#[derive(Debug)]
#[non_exhaustive]
pub struct Closing<'b> {
    /// Why the peer closes, if it says so.
    pub code: Option<CloseCode>,
    /// The peer's words for it, for a log: not to be shown to end users.
    pub reason: Text<'b>,
}

impl Event<'_> {
    /// The same event, its payload owned: copied if it was borrowed. For events out of input that is kept, which can't outlive the call.
    pub(super) fn into_owned(self) -> Event<'static> {
        match self {
            Self::Text(text) => Event::Text(text.into_owned()),
            Self::Binary(payload) => Event::Binary(payload.into_owned()),
            Self::Part(part) => Event::Part(part.into_owned()),
            Self::Ping(payload) => Event::Ping(payload.into_owned()),
            Self::Pong(Pong { payload, round_trip }) => {
                Event::Pong(Pong { payload: payload.into_owned(), round_trip })
            }
            Self::Closing(Closing { code, reason }) => {
                Event::Closing(Closing { code, reason: reason.into_owned() })
            }
            Self::Quiet => Event::Quiet,
            Self::Idle => Event::Idle,
            Self::Failed(failure) => Event::Failed(failure),
        }
    }
}
