//! The sending half: messages in, bytes out (RFC 6455, sections 5.5 to 6.1 and 7).
//!
//! A message goes out if the gate, the encoder and the queue let it: `may_send_at_once` asks the three at once, for nearly all messages, and `admit`
//! one by one. Whether output is congested, and whether messages are to be held because of it (`holds`), is said here too. The files below this one are the
//! same half's pings and pongs, closing handshake, time, streamed and borrowed payloads, extension, and what the driver writes.

use alloc::boxed::Box;
use alloc::sync::Arc;
#[cfg(feature = "handshake")]
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::config::Config;
use super::counters::{Tally, Traffic};
use super::deadlines::Deadlines;
use super::keys::Side;
use super::output::{Output, SHARE};
use super::pings::Pings;
use super::send_error::{Refused, SendError};
use super::send_gate::SendGate;
use super::send_transform::SendTransform;
use crate::frame::{Encoder, Fragment, Misuse};
use crate::message::{Message, Prepared};
use crate::words::opcode::Kind;
use crate::words::role::Server;

mod closing;
mod pinging;
mod streaming;
mod time;
mod transforming;
mod writing;

pub use streaming::Borrowed;
pub use writing::Drain;

/// The sending half of a connection.
pub struct Sender<R: Side> {
    gate: SendGate,
    encoder: Encoder<R>,
    output: Output,
    keys: R::Keys,
    transform: SendTransform,
    pending: Option<Box<Pending>>,
    config: Arc<Config>,
    tally: Tally,
}

/// What a sending half has still to see to. It exists only while there is something.
#[derive(Debug, Default)]
struct Pending {
    pings: Pings,
    deadlines: Deadlines,
    /// Where our Close frame ends in the output, counted in bytes from the connection's beginning; 0 until it is queued.
    close_end: u64,
    /// Whether the receiving half has to be told that our Close frame is queued.
    close_untold: bool,
    /// Whether the transport has been half-closed.
    shut: bool,
}

/// Queues a whole message in one step if nothing stands in the way, or step by step. A macro, because a server's is to be compiled in line
/// and a client's not: a function in line in both costs a client a seventh more instructions.
macro_rules! send_at_once {
    ($self:ident, $kind:ident, $payload:ident) => {{
        if $self.may_send_at_once() {
            let room = Encoder::<R>::room_to_encode($payload.len());
            if let Some(batch) = $self.output.plain_batch($self.config.hard_limit, room) {
                let key = R::next_key(&mut $self.keys);
                $self.encoder.fast_encode($kind, $payload, key, batch);
                $self.tally.add_message($payload.len() as u64);
                return Ok(());
            }
        }
        $self.send_data(Some($kind), true, $payload)
    }};
}

impl<R: Side> Sender<R> {
    /// The sending half of a connection that has just been opened.
    pub fn new(config: impl Into<Arc<Config>>, keys: R::Keys) -> Self {
        let config = config.into();
        Self {
            gate: SendGate::new(false),
            encoder: Encoder::with_level(config.simd),
            output: Output::default(),
            keys,
            transform: SendTransform::default(),
            pending: None,
            config,
            tally: Tally::default(),
        }
    }

    /// Queues the head of an answer, ahead of everything else.
    #[cfg(feature = "handshake")]
    pub(super) fn begin_with(&mut self, head: Vec<u8>) {
        self.output = Output::new(head);
    }

    /// Queues a text message.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.send_whole(Kind::Text, text.as_bytes())
    }

    /// Queues a binary message.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    #[inline]
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.send_whole(Kind::Binary, bytes)
    }

    /// Queues a message that is owned. A server copies nothing from 4 KiB on.
    ///
    /// # Errors
    ///
    /// The message is given back, with the reason; [`SendError`] says what to do about it.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Refused> {
        let message = message.into();
        let sent = if R::MASKS || message.as_bytes().len() < SHARE {
            self.send_whole(message.kind(), message.as_bytes())
        } else {
            self.send_shared(&message)
        };
        sent.map_err(|reason| Refused { message, reason })
    }

    /// Queues a whole message whose payload, unless an extension transforms it, is not copied.
    fn send_shared(&mut self, message: &Message) -> Result<(), SendError> {
        let len = message.as_bytes().len();
        let fragment = Fragment::whole(message.kind(), len);
        self.admit(&fragment)?;
        if self.transforms(&fragment) && self.send_transformed(fragment, message.as_bytes()) {
            return Ok(());
        }
        self.queue_header(fragment, 0);
        self.encoder.written(len);
        self.output.queue_shared(message.clone().into_bytes());
        Ok(())
    }

    /// Queues the first fragment of a text message; with `last`, it is the last too.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn begin_text(&mut self, text: &str, last: bool) -> Result<(), SendError> {
        self.send_data(Some(Kind::Text), last, text.as_bytes())
    }

    /// Queues the first fragment of a binary message; with `last`, it is the last too.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn begin_binary(&mut self, bytes: &[u8], last: bool) -> Result<(), SendError> {
        self.send_data(Some(Kind::Binary), last, bytes)
    }

    /// Queues the next fragment of the open text message; with `last`, the last.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn continue_text(&mut self, text: &str, last: bool) -> Result<(), SendError> {
        self.check_open_message(Kind::Text)?;
        self.send_data(None, last, text.as_bytes())
    }

    /// Queues the next fragment of the open binary message; with `last`, the last.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn continue_binary(&mut self, bytes: &[u8], last: bool) -> Result<(), SendError> {
        self.check_open_message(Kind::Binary)?;
        self.send_data(None, last, bytes)
    }

    /// Whether the open message, if there is one, can go on with a fragment of this kind.
    fn check_open_message(&self, kind: Kind) -> Result<(), SendError> {
        match self.encoder.message() {
            Some(open) if open != kind => Err(SendError::Misuse(Misuse::OtherKind)),
            // A streamed frame may end inside a code point; what follows it then is no `str`.
            Some(Kind::Text) if self.encoder.ends_inside_code_point() => {
                Err(SendError::Misuse(Misuse::InvalidText))
            }
            _ => Ok(()),
        }
    }

    /// Queues a whole message.
    #[inline(always)]
    fn send_whole(&mut self, kind: Kind, payload: &[u8]) -> Result<(), SendError> {
        if R::MASKS {
            return self.send_masked(kind, payload);
        }
        send_at_once!(self, kind, payload)
    }

    /// [`send_whole`](Self::send_whole) for a client.
    #[inline]
    fn send_masked(&mut self, kind: Kind, payload: &[u8]) -> Result<(), SendError> {
        send_at_once!(self, kind, payload)
    }

    /// Queues a data frame step by step, transformed where the extension says so.
    #[inline(never)]
    fn send_data(
        &mut self,
        first: Option<Kind>,
        fin: bool,
        payload: &[u8],
    ) -> Result<(), SendError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# An endpoint MUST encapsulate the /data/ in a WebSocket frame as defined in
        //# Section 5.2.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# To _Send a WebSocket Message_ comprising of /data/ over a WebSocket
        //# connection, an endpoint MUST perform the following steps.
        let fragment = Fragment { first, fin, rsv1: false, len: payload.len() as u64 };
        self.admit(&fragment)?;
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
        //# An endpoint MUST use the following algorithm to send a message in the
        //# form of an uncompressed message.
        if self.transforms(&fragment) && self.send_transformed(fragment, payload) {
            return Ok(());
        }
        self.queue_header(fragment, payload.len());
        //= https://www.rfc-editor.org/rfc/rfc6455#section-10.3
        //# In short, once transmission of a frame begins, the contents must not be
        //# modifiable by the remote script (application).
        self.queue_payload(payload);
        Ok(())
    }

    /// Whether a whole message may be queued in one step, as far as there is room: the gate is clear, no frame or message of ours is open, and
    /// nothing is queued beside the batch.
    #[inline(always)]
    pub(super) fn may_send_at_once(&self) -> bool {
        self.gate.is_clear() & self.encoder.is_idle() & self.output.is_plain()
    }

    /// Whether a data frame may be queued now.
    #[inline]
    fn admit(&self, fragment: &Fragment) -> Result<(), SendError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# If at any point the state of the WebSocket connection changes, the endpoint
        //# MUST abort the following steps.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# The endpoint MUST ensure the WebSocket connection is in the OPEN state (cf.
        //# Sections 4.1 and 4.2.2.)
        self.gate.check_data()?;
        self.encoder.check_data(fragment).map_err(SendError::Misuse)?;
        self.check_room()
    }

    /// Whether less than the hard limit waits.
    fn check_room(&self) -> Result<(), SendError> {
        if self.output.len() >= self.config.hard_limit {
            return Err(SendError::QueueFull);
        }
        Ok(())
    }

    /// Queues a data frame's header, with room for `room` bytes after it, and counts the frame.
    #[inline]
    fn queue_header(&mut self, fragment: Fragment, room: usize) {
        let key = R::next_key(&mut self.keys);
        let header = self.encoder.begin_checked(fragment, key);
        self.output.batch(header.len() + room).extend_from_slice(&header);
        self.count_data_frame(&fragment);
    }

    /// Counts a data frame that is queued: its message with the last frame, its payload with each.
    #[inline]
    fn count_data_frame(&mut self, fragment: &Fragment) {
        if fragment.fin {
            self.tally.add_message(fragment.len);
        } else {
            self.tally.add_frame_ending_no_message();
            self.tally.add_payload(fragment.len);
        }
    }

    /// Queues bytes of the payload whose header is queued, masking them for a client while they are copied.
    #[inline]
    fn queue_payload(&mut self, payload: &[u8]) {
        let batch = self.output.batch(payload.len());
        if R::MASKS {
            let (mask, level) = self.encoder.mask();
            mask.append(level, payload, batch);
        } else {
            batch.extend_from_slice(payload);
        }
        self.encoder.written(payload.len());
    }

    /// Replaces the configuration. The SIMD level stays.
    pub fn set_config(&mut self, config: impl Into<Arc<Config>>) {
        self.config = config.into();
    }

    /// Whether as much output waits as the configuration's soft limit: whoever produces messages of their own accord pauses while it is. An empty queue
    /// is not congested, whatever the limit.
    #[inline]
    pub fn is_congested(&self) -> bool {
        let queued = self.output.len();
        queued > 0 && queued >= self.config.soft_limit
    }

    /// Whether the configuration lets congestion hold messages on the receiving side.
    #[inline]
    pub(super) fn may_hold(&self) -> bool {
        self.config.holding.holds(R::MASKS)
    }

    /// Whether messages are to be held on the receiving side now.
    #[inline]
    pub(super) fn holds(&self) -> bool {
        self.is_congested() && self.may_hold()
    }

    /// Whether the connection has been congested since the last call.
    pub(super) fn take_congestion(&mut self) -> bool {
        self.output.take_congestion()
    }

    /// Whether a message may be given out without a look at this half: it has no deadline, and is not congested. May give
    /// false negatives.
    #[inline(always)]
    pub(super) fn is_calm(&self) -> bool {
        self.pending.is_none() & self.output.is_surely_below(self.config.soft_limit)
    }

    /// What this half has still to see to, made if there was nothing: until `drop_pending_if_done` the half is not calm.
    fn ensure_pending(&mut self) -> &mut Pending {
        self.pending.get_or_insert_default()
    }

    /// Where what is queued ends in the output, counted in bytes from the connection's beginning.
    fn queued_end(&self) -> u64 {
        self.tally.wire_bytes() + self.output.len() as u64
    }

    /// What has been sent: frames, messages and payload bytes are counted when they are queued, `wire_bytes` when they have been written.
    pub fn traffic(&self) -> Traffic {
        self.tally.traffic()
    }
}

impl Sender<Server> {
    /// Queues the frame of a prepared message, from 4 KiB on without copying it. The caller has admitted it, and counts it.
    fn queue_frame(&mut self, frame: &Bytes) {
        if frame.len() < SHARE {
            self.output.batch(frame.len()).extend_from_slice(frame);
        } else {
            self.output.queue_shared(frame.clone());
        }
    }

    /// Queues a prepared message: from 4 KiB on without copying it, and never encoding it again. Its compressed form, if it has one, goes out only where the
    /// handshake agreed on compression and the peer's window is large enough for it, the plain one everywhere else.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn send_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        let frame: &Bytes = message.frame();
        let fragment = Fragment::whole(message.kind(), message.payload_len());
        self.admit(&fragment)?;
        let transformed = self.transform.take_prepared(message);
        self.queue_frame(transformed.unwrap_or(frame));
        self.count_data_frame(&fragment);
        Ok(())
    }
}

impl<R: Side> fmt::Debug for Sender<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Sender");
        shown.field("state", &self.gate.state()).field("queued", &self.output.len()).finish()
    }
}
