//! The receiving machine of level 1: bytes in, decoded in place; pieces of frames out (RFC 6455, sections 5 and 8.1).
//!
//! It enforces every rule of receiving that needs no memory, at the first byte that breaks it. The layers above assemble messages and
//! answer control frames.

use core::marker::PhantomData;

use super::check::{BadByte, Check};
use super::header::{self, Header, MAX_LEN};
use super::input::Input;
use super::limits::Limits;
use super::open_frame::OpenFrame;
use super::open_message::OpenMessage;
pub use super::piece::Piece;
use super::rules;
use super::violation::Violation;
use crate::words::opcode::{Kind, Opcode};
use crate::words::role::Role;
use crate::words::simd::Level;
use crate::words::utf8::Utf8;

/// The receiving machine for an endpoint in the role `R`.
///
/// ```text
///                first byte            last byte of a header
/// Idle, Between ────────────▶ Header ─────────────────────────▶ InFrame
///     ▲   ▲                                                      │   │
///     │   └─────── last byte of the payload, fin = false ────────┘   │
///     └─────────── last byte of the payload, fin = true ─────────────┘
/// ```
///
/// A control frame leads back to where it came from, `Idle` or `Between`. A violation leads from each of these states to `Failed`, for
/// good. When a layer above ends the connection, every state, `Failed` included, goes to `Stopped`.
#[derive(Clone, Debug)]
pub struct Decoder<R> {
    state: State,
    /// The data message that has begun, until its last frame is complete.
    message: Option<OpenMessage>,
    /// The RSV bits that an extension claims for the first frame of a data message, where they stand in a header.
    claims: u8,
    level: Level,
    /// The text that has been checked: the open message's, or a Close frame's reason.
    utf8: Utf8,
    role: PhantomData<R>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// No message is open, and nothing has been seen of a frame.
    Idle,
    /// A message is open. Nothing has been seen of its next frame.
    Between,
    /// Some bytes of a header have been seen.
    Header { bytes: [u8; MAX_LEN], have: u8 },
    /// The header is complete, the payload is not.
    InFrame(OpenFrame),
    /// The peer has broken a rule.
    Failed(Violation),
    /// A layer above has ended the connection.
    #[cfg(feature = "alloc")]
    Stopped,
}

impl<R: Role> Decoder<R> {
    /// A decoder for a connection that has just been opened, without extensions.
    pub fn new() -> Self {
        Self::with_level(Level::detect())
    }

    /// A decoder for a connection that has just been opened, without extensions, which unmasks and checks at this SIMD level.
    #[doc(hidden)]
    pub fn with_level(level: Level) -> Self {
        Self {
            state: State::Idle,
            message: None,
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.8
            //# The endpoints of a connection MUST negotiate the use of any extensions
            //# during the opening handshake.
            claims: 0,
            level,
            utf8: Utf8::new(),
            role: PhantomData,
        }
    }

    /// Lets an extension use RSV1 on the first frame of a data message. In messages that have it set, text is not checked and the length
    /// is not limited here, since the application will see something else.
    #[must_use]
    pub fn claiming_rsv1(mut self) -> Self {
        self.claims = header::RSV1;
        self
    }

    /// Decodes the next piece of a frame, in place. `None` when all of `input` has been consumed: inside a frame too, and inside its header, so whoever
    /// sees the end of the stream asks whether the decoder [is idle](Self::is_idle).
    ///
    /// # Errors
    ///
    /// The violation, at the first byte that shows it and after all pieces before it; from then on the same at every call, with
    /// no further byte looked at. Send a Close frame with its [code](Violation::close_code), and close the stream. If it is a limit that the peer went
    /// over, [`announced`](Self::announced) says by how much.
    pub fn decode<'b>(
        &mut self,
        input: &mut Input<'b>,
        limits: &Limits,
    ) -> Result<Option<Piece<'b>>, Violation> {
        let begins = !self.in_payload();
        if begins && self.decode_header(input, limits)?.is_none() {
            return Ok(None);
        }
        let State::InFrame(frame) = self.state else {
            return Ok(None);
        };
        if !begins && input.is_empty() {
            return Ok(None);
        }
        let remaining = frame.remaining();
        let payload = input.take(clamp(remaining));
        let good = match self.unmask(payload) {
            Ok(()) => payload.len(),
            Err(good) => good,
        };
        let piece = Piece {
            opcode: frame.opcode(),
            fin: frame.fin(),
            rsv: frame.rsv(),
            begins,
            payload: &mut payload[..good],
            remaining: remaining - good as u64,
        };
        if self.in_payload() && self.remaining() == 0 {
            // A violation that only the frame's end shows is reported by the next call.
            let _ = self.finish();
        }
        match self.state {
            State::Failed(violation) if good == 0 && !begins => Err(violation),
            _ => Ok(Some(piece)),
        }
    }

    /// Whether everything that has begun is complete: no header, no payload and no message of several frames is open, and no rule has been broken. A
    /// stream that ends elsewhere has been cut.
    ///
    /// ```
    /// use sockless::frame::{Decoder, Input, Limits};
    /// use sockless::words::role::Server;
    ///
    /// let mut decoder = Decoder::<Server>::new();
    /// // A ping, and the first byte of a frame's header.
    /// let mut arrived = *b"\x89\x80\0\0\0\0\x82";
    /// let mut input = Input::new(&mut arrived);
    /// while let Some(piece) = decoder.decode(&mut input, &Limits::default())? {
    ///     assert_eq!(piece.remaining, 0);
    /// }
    /// assert!(!decoder.is_idle());
    /// # Ok::<(), sockless::frame::Violation>(())
    /// ```
    #[inline(always)]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// How many bytes the frame has announced, or its message so far, that went over a limit: after [`FrameTooLong`](Violation::FrameTooLong) the frame,
    /// after [`MessageTooLong`](Violation::MessageTooLong) the frames of the message together. `None` where nothing like that has happened.
    pub fn announced(&self) -> Option<u64> {
        match (self.state, self.message) {
            (State::Failed(Violation::FrameTooLong | Violation::MessageTooLong), Some(message)) => {
                Some(message.announced())
            }
            _ => None,
        }
    }

    /// The same, once the decoder has stopped because of a limit: what the headers of the open message have announced. `None` where its length is
    /// not what counts, because an extension has transformed it.
    #[cfg(feature = "alloc")]
    pub(crate) fn announced_before_the_end(&self, violation: Violation) -> Option<u64> {
        let message = self.message?;
        match violation {
            Violation::FrameTooLong => Some(message.announced()),
            Violation::MessageTooLong if !message.is_transformed() => Some(message.announced()),
            _ => None,
        }
    }

    /// The SIMD level of the kernels.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// Whether a frame's header is complete and its payload is not.
    #[inline]
    pub(crate) fn in_payload(&self) -> bool {
        matches!(self.state, State::InFrame(_))
    }

    /// Whether decoding may yield something without further input: the end of a payload, or a violation that has been found.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn has_more(&self) -> bool {
        matches!(self.state, State::InFrame(_) | State::Failed(_))
    }

    /// Whether decoding does yield something without further input: the open frame's payload is complete, or a violation has been found.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        match self.state {
            State::InFrame(frame) => frame.remaining() == 0,
            State::Failed(_) => true,
            _ => false,
        }
    }

    /// Whether a violation has been found.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.state, State::Failed(_))
    }

    /// How many payload bytes of the open frame have not arrived.
    #[inline]
    pub(crate) fn remaining(&self) -> u64 {
        match self.state {
            State::InFrame(frame) => frame.remaining(),
            _ => 0,
        }
    }

    /// The validator of the text that has arrived: it knows the code point that is incomplete.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn utf8(&self) -> &Utf8 {
        &self.utf8
    }

    /// How many payload bytes of the open message have arrived. Inside a control frame it says nothing.
    #[cfg(feature = "alloc")]
    pub(crate) fn arrived(&self) -> u64 {
        let announced = self.message.map_or(0, |message| message.announced());
        announced.saturating_sub(self.remaining())
    }

    /// The kind of the open message, and whether an extension has transformed it.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn message(&self) -> (Kind, bool) {
        let describe = |message: OpenMessage| (message.kind(), message.is_transformed());
        self.message.map_or((Kind::Binary, false), describe)
    }

    /// The open frame's opcode, and whether the frame is the last of its message.
    #[cfg(feature = "alloc")]
    pub(crate) fn open_frame(&self) -> Option<(Opcode, bool)> {
        match self.state {
            State::InFrame(frame) => Some((frame.opcode(), frame.fin())),
            _ => None,
        }
    }

    /// Whether the next byte belongs to a data frame. False as long as that can't be known, because the frame's first byte has not arrived.
    #[cfg(feature = "alloc")]
    pub(crate) fn is_data_next(&self, input: &Input<'_>) -> bool {
        let is_data = |first: u8| first & header::CONTROL == 0;
        match self.state {
            State::Idle | State::Between => {
                input.peek().first().is_some_and(|first| is_data(*first))
            }
            State::Header { bytes: [first, ..], .. } => is_data(first),
            State::InFrame(frame) => !frame.is_control(),
            State::Failed(_) | State::Stopped => false,
        }
    }

    /// Consumes a header as far as it has arrived. The header, once it is complete; then the payload is next.
    pub(crate) fn decode_header(
        &mut self,
        input: &mut Input<'_>,
        limits: &Limits,
    ) -> Result<Option<Header>, Violation> {
        let (mut bytes, mut have) = match self.state {
            State::Idle | State::Between if input.is_empty() => return Ok(None),
            State::Idle | State::Between => ([0; MAX_LEN], 0),
            State::Header { bytes, have } => (bytes, have),
            State::Failed(violation) => return Err(violation),
            _ => return Ok(None),
        };
        let in_message = self.message.is_some();
        if have == 0
            && let Some(len) = rules::good_header_len::<R>(input.peek(), self.claims, in_message)
        {
            return self.begin(input.take(len), limits).map(Some).map_err(|v| self.fail(v));
        }
        while let Some(byte) = input.take_byte() {
            bytes[usize::from(have)] = byte;
            have += 1;
            let seen = &bytes[..usize::from(have)];
            //= https://www.rfc-editor.org/rfc/rfc6455#section-10.7
            //# Incoming data MUST always be validated by both clients and servers.
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# Incoming data MUST be parsed as WebSocket frames as defined in Section
            //# 5.2.
            if let Err(violation) = rules::check_last_byte::<R>(seen, self.claims, in_message) {
                return Err(self.fail(violation));
            }
            if header::is_complete(seen) {
                return self.begin(seen, limits).map(Some).map_err(|v| self.fail(v));
            }
        }
        self.state = State::Header { bytes, have };
        Ok(None)
    }

    /// Opens the frame with this header, which is complete and has been checked.
    fn begin(&mut self, bytes: &[u8], limits: &Limits) -> Result<Header, Violation> {
        let Some((header, _)) = Header::decode(bytes)? else {
            return Err(Violation::ReservedOpcode);
        };
        match header.opcode {
            Opcode::Close => self.utf8 = Utf8::new(),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# Upon receiving a data frame (Section 5.6), the endpoint MUST note the
            //# /type/ of the data as defined by the opcode (frame-opcode) from Section
            //# 5.2.
            Opcode::Text => self.begin_message(Kind::Text, header.rsv != 0),
            Opcode::Binary => self.begin_message(Kind::Binary, header.rsv != 0),
            Opcode::Continuation | Opcode::Ping | Opcode::Pong => {}
        }
        let check = match (header.opcode, &mut self.message) {
            (Opcode::Close, _) => Check::Close,
            (Opcode::Text | Opcode::Binary | Opcode::Continuation, Some(message)) => {
                message.add_frame(header.len, limits)?;
                message.payload_check()
            }
            _ => Check::Nothing,
        };
        self.state = State::InFrame(OpenFrame::new(bytes[0], header.mask, header.len, check));
        Ok(header)
    }

    /// Opens a data message, before the first of its frames.
    fn begin_message(&mut self, kind: Kind, transformed: bool) {
        self.utf8 = Utf8::new();
        self.message = Some(OpenMessage::new(kind, transformed));
    }

    /// Unmasks and checks the next payload bytes of the open frame, in place. They are no more than remain of it.
    ///
    /// # Errors
    ///
    /// How many bytes are good; the byte after them has failed the decoder.
    pub(crate) fn unmask(&mut self, payload: &mut [u8]) -> Result<(), usize> {
        let State::InFrame(frame) = &mut self.state else {
            return Err(0);
        };
        let checked = frame.unmask::<R>(self.level, payload, &mut self.utf8);
        checked.map_err(|bad| self.fail_after(bad))
    }

    /// Unmasks, checks and appends the next payload bytes of the open frame. They are no more than remain of it.
    ///
    /// # Errors
    ///
    /// How many bytes are good; the byte after them has failed the decoder.
    #[cfg(feature = "alloc")]
    pub(crate) fn unmask_into(
        &mut self,
        payload: &[u8],
        out: &mut alloc::vec::Vec<u8>,
    ) -> Result<(), usize> {
        let State::InFrame(frame) = &mut self.state else {
            return Err(0);
        };
        let checked = frame.unmask_into::<R>(self.level, payload, out, &mut self.utf8);
        checked.map_err(|bad| self.fail_after(bad))
    }

    /// Fails for good, and says how many bytes were good.
    fn fail_after(&mut self, (good, violation): BadByte) -> usize {
        self.fail(violation);
        good
    }

    /// Ends the open frame, whose payload is complete.
    ///
    /// # Errors
    ///
    /// The text, or the reason of a Close frame, ends inside a code point.
    pub(crate) fn finish(&mut self) -> Result<(), Violation> {
        let State::InFrame(frame) = self.state else {
            return Ok(());
        };
        frame.check_end(&self.utf8).map_err(|violation| self.fail(violation))?;
        if !frame.is_control() && frame.fin() {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# Subsequent data frames MUST be interpreted as belonging to a new WebSocket
            //# message.
            self.message = None;
        }
        self.state = if self.message.is_some() { State::Between } else { State::Idle };
        Ok(())
    }

    /// Stops decoding: nothing is consumed any more.
    #[cfg(feature = "alloc")]
    pub(crate) fn stop(&mut self) {
        self.state = State::Stopped;
    }

    /// Fails for good.
    pub(crate) fn fail(&mut self, violation: Violation) -> Violation {
        self.state = State::Failed(violation);
        violation
    }
}

impl<R: Role> Default for Decoder<R> {
    fn default() -> Self {
        Self::new()
    }
}

/// The number as a length in memory, or the greatest such length if it is greater.
#[inline]
pub(crate) fn clamp(remaining: u64) -> usize {
    usize::try_from(remaining).unwrap_or(usize::MAX)
}
