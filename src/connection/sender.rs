//! The sending half: messages in, bytes out (RFC 6455, sections 5.5 to 6.1 and 7).
//!
//! It decides what may be sent now, and keeps the queue. How a frame is encoded is the encoder's business.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use core::{error, fmt};

use bytes::Bytes;

use super::config::Config;
use super::counters::Traffic;
use super::keys::Side;
use super::outcome::{CloseStatus, Initiator, SenderEnd};
use super::output::{Output, SHARE};
use super::reply::{ControlPayload, Reply};
use super::state::Sending;
use crate::frame::{ControlFrame, Encoder, Fragment, Misuse};
use crate::message::{Message, Prepared};
use crate::words::close_code::CloseCode;
use crate::words::opcode::Kind;
use crate::words::role::Server;
use crate::words::time::Instant;

/// How many bytes of pongs may wait; of those beyond, only the latest is kept.
const PONG_RESERVE: usize = 2 << 10;

/// Why something could not be sent. The connection is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// It would have broken a rule of sending.
    Misuse(Misuse),
    /// The output queue is at its hard limit.
    QueueFull,
    /// The connection has failed.
    Failed,
}

/// A message that was not sent, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The message, given back.
    pub message: Message,
    /// Why it was not sent.
    pub reason: SendError,
}

/// A ping that has been sent, for [`Receiver::expect`](super::Receiver::expect).
#[derive(Clone, Copy, Debug)]
pub struct Probe(pub(crate) ControlPayload, pub(crate) Instant);

/// The sending half of a connection.
pub struct Sender<R: Side> {
    pub(super) encoder: Encoder<R>,
    pub(super) keys: R::Keys,
    pub(super) output: Output,
    pub(super) config: Arc<Config>,
    state: Sending,
    /// When the closing handshake has to be over.
    deadline: Option<Instant>,
    timed_out: bool,
    /// The latest of the pongs that found no room.
    late_pong: Option<Box<ControlPayload>>,
    /// The bytes of pongs that have been queued since none of them waited.
    pong_bytes: usize,
    /// How many bytes will have been written when the last of them has, and when the Close frame has.
    pongs_end: u64,
    close_end: u64,
    pub(super) counters: Traffic,
}

impl<R: Side> Sender<R> {
    /// The sending half of a connection that has just been opened.
    pub fn new(config: impl Into<Arc<Config>>, keys: R::Keys) -> Self {
        let config = config.into();
        Self {
            encoder: Encoder::with_level(config.simd),
            keys,
            output: Output::default(),
            config,
            state: Sending::Open,
            deadline: None,
            timed_out: false,
            late_pong: None,
            pong_bytes: 0,
            pongs_end: 0,
            close_end: 0,
            counters: Traffic::default(),
        }
    }

    /// Queues a text message.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.send_data(Some(Kind::Text), true, text.as_bytes())
    }

    /// Queues a binary message.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    #[inline]
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.send_data(Some(Kind::Binary), true, bytes)
    }

    /// Queues a message that is owned. A server copies nothing from 4 KiB on.
    ///
    /// # Errors
    ///
    /// The message is given back.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Refused> {
        let message = message.into();
        let sent = if R::MASKS || message.as_bytes().len() < SHARE {
            self.send_data(Some(message.kind()), true, message.as_bytes())
        } else {
            self.share(&message)
        };
        sent.map_err(|reason| Refused { message, reason })
    }

    fn share(&mut self, message: &Message) -> Result<(), SendError> {
        let len = message.as_bytes().len();
        let fragment = Fragment::whole(message.kind(), len);
        self.admit(&fragment)?;
        self.header(fragment, 0);
        self.encoder.written(len);
        self.output.share(message.clone().into_bytes());
        Ok(())
    }

    /// Queues the first fragment of a text message.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    pub fn begin_text(&mut self, text: &str) -> Result<(), SendError> {
        self.send_data(Some(Kind::Text), false, text.as_bytes())
    }

    /// Queues the first fragment of a binary message.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    pub fn begin_binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.send_data(Some(Kind::Binary), false, bytes)
    }

    /// Queues the next fragment of the text message under way; with `last`, the last.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    pub fn continue_text(&mut self, text: &str, last: bool) -> Result<(), SendError> {
        self.check_under_way(Kind::Text)?;
        self.send_data(None, last, text.as_bytes())
    }

    /// Queues the next fragment of the binary message under way; with `last`, the last.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    pub fn continue_binary(&mut self, bytes: &[u8], last: bool) -> Result<(), SendError> {
        self.check_under_way(Kind::Binary)?;
        self.send_data(None, last, bytes)
    }

    fn check_under_way(&self, kind: Kind) -> Result<(), SendError> {
        match self.encoder.message() {
            Some(open) if open != kind => Err(SendError::Misuse(Misuse::NoMessage)),
            _ => Ok(()),
        }
    }

    #[inline]
    fn send_data(
        &mut self,
        first: Option<Kind>,
        fin: bool,
        payload: &[u8],
    ) -> Result<(), SendError> {
        let fragment = Fragment {
            first,
            fin,
            rsv1: false,
            len: payload.len() as u64,
        };
        self.admit(&fragment)?;
        self.header(fragment, payload.len());
        self.append(payload);
        Ok(())
    }

    /// Whether a data frame may be queued now.
    #[inline]
    pub(super) fn admit(&self, fragment: &Fragment) -> Result<(), SendError> {
        match self.state {
            Sending::Failed { .. } => return Err(SendError::Failed),
            Sending::Held { reply: Some(_) } => return Err(SendError::Misuse(Misuse::Closed)),
            _ => {}
        }
        self.encoder
            .check_data(fragment)
            .map_err(SendError::Misuse)?;
        if self.output.len() >= self.config.hard_limit {
            return Err(SendError::QueueFull);
        }
        Ok(())
    }

    /// Queues a header, with room for so many bytes behind it.
    #[inline]
    pub(super) fn header(&mut self, fragment: Fragment, room: usize) {
        let key = R::next_key(&mut self.keys);
        let header = self.encoder.begin_checked(fragment, key);
        self.output
            .batch(header.len() + room)
            .extend_from_slice(&header);
        self.counters.frames += 1;
        self.counters.messages += u64::from(fragment.first.is_some());
        self.counters.payload_bytes += fragment.len;
    }

    /// Queues bytes of the payload whose header is queued, masking them for a client while they are copied.
    #[inline]
    pub(super) fn append(&mut self, payload: &[u8]) {
        let batch = self.output.batch(payload.len());
        if R::MASKS {
            let (mask, level) = self.encoder.mask();
            mask.append(level, payload, batch);
        } else {
            batch.extend_from_slice(payload);
        }
        self.encoder.written(payload.len());
    }

    /// Queues a ping. Its round-trip time is told with the pong if the probe is handed to the receiving half.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    pub fn ping(&mut self, payload: &[u8], now: Duration) -> Result<Probe, SendError> {
        self.check_open()?;
        let probe = ControlPayload::new(payload);
        let probe = probe.ok_or(SendError::Misuse(Misuse::LongControl))?;
        let key = R::next_key(&mut self.keys);
        let frame = self.encoder.ping(payload, key).map_err(SendError::Misuse)?;
        self.control(&frame);
        self.counters.pings = self.counters.pings.saturating_add(1);
        Ok(Probe(probe, Instant::new(now)))
    }

    /// Queues a pong that no ping has asked for.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        let key = R::next_key(&mut self.keys);
        let frame = self.encoder.pong(payload, key).map_err(SendError::Misuse)?;
        self.control(&frame);
        Ok(())
    }

    fn check_open(&self) -> Result<(), SendError> {
        match self.state {
            Sending::Failed { .. } => Err(SendError::Failed),
            Sending::Closed { .. } | Sending::Held { .. } => Err(SendError::Misuse(Misuse::Closed)),
            Sending::Open if self.output.len() >= self.config.hard_limit => {
                Err(SendError::QueueFull)
            }
            Sending::Open => Ok(()),
        }
    }

    fn control(&mut self, frame: &ControlFrame) {
        self.output.batch(frame.len()).extend_from_slice(frame);
        self.counters.frames += 1;
    }

    /// Begins the closing handshake, or answers the peer's Close frame where that is held back: no message can be sent any more.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    pub fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
        now: Duration,
    ) -> Result<(), SendError> {
        let first = match self.state {
            Sending::Open => true,
            Sending::Held { reply: None } => false,
            Sending::Held { reply: Some(_) } | Sending::Closed { .. } => {
                return Err(SendError::Misuse(Misuse::Closed));
            }
            Sending::Failed { .. } => return Err(SendError::Failed),
        };
        self.close_now(code.into(), reason, first)
            .map_err(SendError::Misuse)?;
        self.begin_closing(now);
        Ok(())
    }

    fn close_now(
        &mut self,
        code: Option<CloseCode>,
        reason: &str,
        first: bool,
    ) -> Result<(), Misuse> {
        self.queue_close(code, reason)?;
        self.state = Sending::Closed {
            status: code.into(),
            first,
            answered: !first,
        };
        Ok(())
    }

    fn queue_close(&mut self, code: Option<CloseCode>, reason: &str) -> Result<(), Misuse> {
        let key = R::next_key(&mut self.keys);
        let frame = self.encoder.close(code, reason, key)?;
        self.control(&frame);
        self.close_end = self.queued_end();
        Ok(())
    }

    fn begin_closing(&mut self, now: Duration) {
        let deadline = Instant::new(now).after(self.config.close);
        self.deadline.get_or_insert(deadline);
    }

    /// How many bytes will have been written when all that waits now has.
    fn queued_end(&self) -> u64 {
        self.counters.wire_bytes + self.output.len() as u64
    }

    /// Does what the receiving half has found to be due.
    pub fn apply(&mut self, reply: Reply, now: Duration) {
        match reply {
            Reply::Pong(payload) => self.answer(payload),
            Reply::Ping(payload) => {
                if self.state == Sending::Open {
                    let _ = self.ping(&payload, now);
                }
            }
            Reply::Leave => {
                let _ = self.close(CloseCode::GOING_AWAY, "idle", now);
            }
            Reply::Close { code, hold } => self.peer_closed(code, hold, now),
            Reply::Fail(failure) => {
                self.fail(failure.close_code());
                self.begin_closing(now);
            }
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //# If an endpoint receives a Close frame and did not previously send a
    //# Close frame, the endpoint MUST send a Close frame in response.
    fn peer_closed(&mut self, code: Option<CloseCode>, hold: bool, now: Duration) {
        self.late_pong = None;
        match &mut self.state {
            Sending::Open if hold => self.state = Sending::Held { reply: None },
            Sending::Open => {
                self.begin_closing(now);
                if self.close_now(code, "", false).is_err() {
                    self.state = Sending::Held {
                        reply: Some(code.into()),
                    };
                }
            }
            Sending::Closed { answered, .. } => *answered = true,
            Sending::Held { .. } | Sending::Failed { .. } => {}
        }
    }

    fn fail(&mut self, code: Option<CloseCode>) {
        self.late_pong = None;
        self.state = match self.state {
            Sending::Open => {
                let sent = code.map(|code| self.queue_close(Some(code), ""));
                let status = match sent {
                    Some(Ok(())) => code.into(),
                    _ => CloseStatus::Absent,
                };
                Sending::Failed {
                    status,
                    blocked: matches!(sent, Some(Err(_))),
                }
            }
            Sending::Closed { status, .. } => Sending::Failed {
                status,
                blocked: false,
            },
            Sending::Held { .. } => Sending::Failed {
                status: CloseStatus::Absent,
                blocked: false,
            },
            failed @ Sending::Failed { .. } => failed,
        };
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2
    //# Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
    //# response, unless it already received a Close frame.
    fn answer(&mut self, payload: ControlPayload) {
        match self.state {
            Sending::Open
            | Sending::Closed {
                answered: false, ..
            } => {}
            _ => return,
        }
        if self.counters.wire_bytes >= self.pongs_end {
            self.pong_bytes = 0;
        }
        let waits = self.late_pong.is_some() || self.encoder.remaining() > 0;
        if waits || self.pong_bytes + payload.len() + 6 > PONG_RESERVE {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
            //# If an endpoint receives a Ping frame and has not yet sent Pong
            //# frame(s) in response to previous Ping frame(s), the endpoint MAY
            //# elect to send a Pong frame for only the most recently processed Ping
            //# frame.
            self.late_pong = Some(Box::new(payload));
            return;
        }
        let key = R::next_key(&mut self.keys);
        if let Ok(frame) = self.encoder.pong(&payload, key) {
            self.control(&frame);
            self.pong_bytes += frame.len();
            self.pongs_end = self.queued_end();
        }
    }

    /// Sends what had to wait: for the pongs before it to be written, or for the frame under way to be complete.
    pub(super) fn catch_up(&mut self) {
        if self.encoder.remaining() > 0 {
            return;
        }
        if let Sending::Held {
            reply: Some(status),
        } = self.state
        {
            let _ = self.close_now(status.code(), "", false);
        }
        if self.counters.wire_bytes >= self.pongs_end {
            if let Some(payload) = self.late_pong.take() {
                self.answer(*payload);
            }
        }
    }

    /// The first slice of the bytes that wait to be written; empty when none do.
    #[inline]
    pub fn output(&self) -> &[u8] {
        self.output.first()
    }

    /// All slices of the bytes that wait to be written, in order.
    pub fn output_slices(&self) -> impl Iterator<Item = &[u8]> {
        self.output.slices()
    }

    /// The slices of the bytes that wait to be written, for a vectored write: how many of `slices` have been filled.
    #[cfg(feature = "std")]
    pub fn output_io_slices<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (place, slice) in slices.iter_mut().zip(self.output.slices()) {
            *place = std::io::IoSlice::new(slice);
            filled += 1;
        }
        filled
    }

    /// How many bytes wait to be written.
    #[inline]
    pub fn queued(&self) -> usize {
        self.output.len()
    }

    /// Takes note that the first `count` bytes of the output have been written. More than wait counts as all.
    #[inline]
    pub fn wrote(&mut self, count: usize) {
        let count = count.min(self.output.len());
        self.output.wrote(count);
        self.counters.wire_bytes += count as u64;
        if self.late_pong.is_some() {
            self.catch_up();
        }
    }

    /// Lends a buffer for output, to be used in place of memory of this connection's own until it is taken back.
    ///
    /// # Errors
    ///
    /// The buffer, if output waits already or a buffer is lent.
    pub fn lend(&mut self, buffer: Vec<u8>) -> Result<(), Vec<u8>> {
        self.output.lend(buffer)
    }

    /// Takes the lent buffer back; `None` if none is lent, or if output waits in it.
    pub fn reclaim(&mut self) -> Option<Vec<u8>> {
        self.output.reclaim()
    }

    /// When the closing handshake has to be over.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
            .filter(|_| !self.timed_out)
            .map(Instant::since_origin)
    }

    /// Takes note of the time: whether the closing handshake has taken too long.
    pub fn timeout(&mut self, now: Duration) -> bool {
        self.timed_out |= self.deadline.is_some_and(|at| Instant::new(now) >= at);
        self.timed_out
    }

    /// Takes note that the peer's stream has ended: what waits to be written has only the time of a closing handshake left.
    pub(super) fn peer_gone(&mut self, now: Duration) {
        self.begin_closing(now);
    }

    /// Replaces the configuration. The SIMD level stays.
    pub fn set_config(&mut self, config: impl Into<Arc<Config>>) {
        self.config = config.into();
    }

    /// Whether as much output waits as the configuration's soft limit.
    pub fn is_congested(&self) -> bool {
        self.output.len() >= self.config.soft_limit
    }

    /// What has been sent.
    pub fn traffic(&self) -> Traffic {
        self.counters
    }

    /// How this half stands; with the other half's, an [`Outcome`](super::Outcome).
    pub fn end(&self) -> SenderEnd {
        let status = self.state.status();
        let written = self.counters.wire_bytes >= self.close_end;
        let initiator = match self.state {
            Sending::Closed { first: true, .. } => Some(Initiator::Local),
            Sending::Closed { first: false, .. } | Sending::Held { .. } => Some(Initiator::Remote),
            Sending::Failed { status, .. } if status.is_present() => Some(Initiator::Local),
            _ => None,
        };
        SenderEnd {
            sent: if written { status } else { CloseStatus::Absent },
            initiator,
            closed: matches!(self.state, Sending::Closed { .. } | Sending::Failed { .. }),
            close_blocked: matches!(self.state, Sending::Failed { blocked: true, .. }),
            timed_out: self.timed_out,
        }
    }
}

impl Sender<Server> {
    /// Queues a prepared message: from 4 KiB on without copying it, and never encoding it again.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    pub fn send_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        let frame: &Bytes = message.frame();
        let fragment = Fragment::whole(message.kind(), message.payload_len());
        self.admit(&fragment)?;
        if frame.len() < SHARE {
            self.output.batch(frame.len()).extend_from_slice(frame);
        } else {
            self.output.share(frame.clone());
        }
        self.counters.frames += 1;
        self.counters.messages += 1;
        self.counters.payload_bytes += fragment.len;
        Ok(())
    }
}

impl<R: Side> fmt::Debug for Sender<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Sender");
        shown
            .field("state", &self.state)
            .field("queued", &self.output.len())
            .finish()
    }
}

impl From<Misuse> for SendError {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::QueueFull => f.write_str("the output queue is at its hard limit"),
            Self::Failed => f.write_str("the connection has failed"),
        }
    }
}

impl error::Error for SendError {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl error::Error for Refused {}
