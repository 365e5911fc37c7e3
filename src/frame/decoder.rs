//! The receiving machine of level 1: bytes in, decoded in place; pieces of frames out (RFC 6455, sections 5 and 8.1).
//!
//! It enforces every rule of receiving that can be kept without memory, at the first byte that breaks it. What a message's
//! pieces add up to, and what a control frame calls for, is for the layers above.

use core::fmt;
use core::marker::PhantomData;

use super::check::Check;
use super::header::{self, FIN, Header, MAX_LEN, OPCODE, RSV};
use super::input::Input;
use super::limits::Limits;
use super::rules;
use super::violation::Violation;
use crate::words::mask::Mask;
use crate::words::opcode::{Kind, Opcode};
use crate::words::role::Role;
use crate::words::simd::Level;
use crate::words::text;
use crate::words::utf8::Utf8;

/// The receiving machine for an endpoint in the role `R`.
///
/// ```text
///                first byte            last byte of a header              violation
/// Idle, Between ────────────▶ Header ─────────────────────────▶ Payload ─────────────▶ Failed
///        ▲                      └── violation ────────────────────┼─────────────────────▲
///        └───────────────────────── last byte of the payload ─────┘── at the frame's end┘
/// ```
#[derive(Clone, Debug)]
pub struct Decoder<R> {
    state: State,
    /// The payload bytes that the frames of the message under way have announced.
    announced: u64,
    /// The data message under way.
    message: Option<Message>,
    /// The RSV bits that an extension claims for the first frame of a data message, where they stand in a header.
    claims: u8,
    level: Level,
    /// The text checked so far; in a Close frame, its reason.
    utf8: Utf8,
    role: PhantomData<R>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing has been seen of a message.
    Idle,
    /// Nothing has been seen of the next frame of a message under way.
    Between,
    /// Some bytes of a header have been seen.
    Header {
        bytes: [u8; MAX_LEN],
        have: u8,
    },
    Payload(Payload),
    Failed(Violation),
    /// Nothing is to be decoded any more, for a reason that lies elsewhere.
    #[cfg(feature = "alloc")]
    Stopped,
}

/// Where in a frame's payload the decoder stands.
#[derive(Clone, Copy, Debug)]
struct Payload {
    /// The header's first byte.
    first: u8,
    check: Check,
    mask: Mask,
    /// How many bytes still lack; as bytes, so that the whole state takes no more than 16.
    remaining: [u8; 8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Message {
    kind: Kind,
    /// Whether an extension's bits were set on the first frame.
    transformed: bool,
}

/// A piece of a frame, as far as its payload has arrived.
pub struct Piece<'b> {
    /// What the frame is.
    pub opcode: Opcode,
    /// Whether the frame is the last of its message.
    pub fin: bool,
    /// The reserved bits, as the three lowest bits of a number: RSV1 is 4.
    pub rsv: u8,
    /// Whether this is the frame's first piece. Every frame has one, if need be an empty one.
    pub begins: bool,
    /// The payload bytes of this piece, unmasked.
    pub payload: &'b mut [u8],
    /// The payload bytes of the frame that are still to come. With zero the frame is complete.
    pub remaining: u64,
}

impl<R: Role> Decoder<R> {
    /// A decoder at the beginning of a connection without extensions.
    pub fn new() -> Self {
        Self::with_level(Level::detect())
    }

    /// A decoder whose kernels run at this SIMD level.
    pub fn with_level(level: Level) -> Self {
        Self {
            state: State::Idle,
            announced: 0,
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

    /// Lets an extension claim RSV1 for the first frame of a data message. Text of such messages is not checked here, and
    /// their length not limited: they are not what the application will see.
    #[must_use]
    pub fn claiming_rsv1(mut self) -> Self {
        self.claims = header::RSV1;
        self
    }

    /// Decodes the next piece of a frame, in place. `None` when all of `input` has been consumed.
    ///
    /// # Errors
    ///
    /// The violation, at the first byte that shows it and after all pieces before it; from then on the same at every call, with
    /// no further byte looked at.
    pub fn decode<'b>(
        &mut self,
        input: &mut Input<'b>,
        limits: &Limits,
    ) -> Result<Option<Piece<'b>>, Violation> {
        let begins = !self.in_payload();
        if begins && self.header(input, limits)?.is_none() {
            return Ok(None);
        }
        let State::Payload(frame) = self.state else {
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
            rsv: (frame.first & RSV) >> 4,
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

    /// Whether no frame and no message has begun that is not complete, and the decoder has not stopped.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
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
        matches!(self.state, State::Payload(_))
    }

    /// Whether there may be something to decode without further input: the end of a payload, or a violation that has been found.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn has_more(&self) -> bool {
        matches!(self.state, State::Payload(_) | State::Failed(_))
    }

    /// Whether the open frame's payload is complete, or a violation has been found: what is to be said of it waits for no further input.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        match self.state {
            State::Payload(frame) => frame.remaining() == 0,
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

    /// The payload bytes that the frame under way still lacks.
    #[inline]
    pub(crate) fn remaining(&self) -> u64 {
        match self.state {
            State::Payload(frame) => frame.remaining(),
            _ => 0,
        }
    }

    /// The text validator, which knows what code point is incomplete.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn utf8(&self) -> &Utf8 {
        &self.utf8
    }

    /// The payload bytes of the message under way that have arrived.
    #[cfg(feature = "alloc")]
    pub(crate) fn arrived(&self) -> u64 {
        self.announced - self.remaining()
    }

    /// The message that the data frame under way belongs to.
    #[inline]
    pub(crate) fn message(&self) -> (Kind, bool) {
        self.message.map_or((Kind::Binary, false), |message| (message.kind, message.transformed))
    }

    /// The frame under way: its opcode, and whether it is the last of its message.
    #[cfg(feature = "alloc")]
    pub(crate) fn frame(&self) -> Option<(Opcode, bool)> {
        match self.state {
            State::Payload(frame) => Some((frame.opcode(), frame.fin())),
            _ => None,
        }
    }

    /// Whether the next byte belongs to a data frame, as far as can be said: false before the frame's first byte has arrived.
    #[cfg(feature = "alloc")]
    pub(crate) fn is_data_next(&self, input: &Input<'_>) -> bool {
        let first = match self.state {
            State::Idle | State::Between => match input.peek() {
                [first, ..] => *first,
                [] => return false,
            },
            State::Header { bytes: [first, ..], .. } => first,
            State::Payload(frame) => frame.first,
            State::Failed(_) | State::Stopped => return false,
        };
        first & header::CONTROL == 0
    }

    /// Consumes a header, as far as it has arrived. With `Some`, the payload is next.
    pub(crate) fn header(
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
        if have == 0
            && let Some(len) = self.good_header(input.peek())
        {
            return self.begin(input.take(len), limits).map(Some).map_err(|v| self.fail(v));
        }
        while let Some(byte) = input.take_byte() {
            bytes[usize::from(have)] = byte;
            have += 1;
            let [first, second, ..] = bytes;
            let seen = usize::from(have);
            //= https://www.rfc-editor.org/rfc/rfc6455#section-10.7
            //# Incoming data MUST always be validated by both clients and servers.
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# Incoming data MUST be parsed as WebSocket frames as defined in Section
            //# 5.2.
            let checked = match seen {
                1 => rules::first_byte(first, self.claims, self.message.is_some()),
                2 => rules::second_byte::<R>(first, second),
                _ => header::check_length(&bytes[2..seen.min(header::length_end(second))], second),
            };
            if let Err(violation) = checked {
                return Err(self.fail(violation));
            }
            if seen >= 2 && seen == header::header_len(second) {
                return self.begin(&bytes[..seen], limits).map(Some).map_err(|v| self.fail(v));
            }
        }
        self.state = State::Header { bytes, have };
        Ok(None)
    }

    /// The length of the header that lies whole at the front of `bytes`, if it breaks no rule. One that does is read byte by byte, so
    /// that it fails at the right one.
    fn good_header(&self, bytes: &[u8]) -> Option<usize> {
        let &[first, second, ..] = bytes else {
            return None;
        };
        let extended = bytes.get(2..header::length_end(second))?;
        let len = header::header_len(second);
        let good = bytes.len() >= len
            && rules::first_byte(first, self.claims, self.message.is_some()).is_ok()
            && rules::second_byte::<R>(first, second).is_ok()
            && header::check_length(extended, second).is_ok();
        good.then_some(len)
    }

    /// Takes a complete header whose bytes have been checked.
    fn begin(&mut self, bytes: &[u8], limits: &Limits) -> Result<Header, Violation> {
        let Some((header, _)) = Header::decode(bytes)? else {
            return Err(Violation::ReservedOpcode);
        };
        let check = match header.opcode {
            Opcode::Ping | Opcode::Pong => Check::Nothing,
            Opcode::Close => {
                self.utf8 = Utf8::new();
                Check::Close
            }
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# Upon receiving a data frame (Section 5.6), the endpoint MUST note the
            //# /type/ of the data as defined by the opcode (frame-opcode) from Section
            //# 5.2.
            Opcode::Text => self.begin_message(Kind::Text, header.rsv != 0),
            Opcode::Binary => self.begin_message(Kind::Binary, header.rsv != 0),
            Opcode::Continuation => self.check(),
        };
        if !header.opcode.is_control() {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-10.4
            //# Implementations that have implementation- and/or platform-specific
            //# limitations regarding the frame size or total message size after
            //# reassembly from multiple frames MUST protect themselves against
            //# exceeding those limits.
            if header.len > limits.frame {
                return Err(Violation::FrameTooLong);
            }
            self.announced = self.announced.saturating_add(header.len);
            let (_, transformed) = self.message();
            if !transformed && self.announced > limits.message {
                return Err(Violation::MessageTooLong);
            }
        }
        self.state = State::Payload(Payload {
            first: bytes[0],
            check,
            mask: Mask::new(header.mask.unwrap_or_default()),
            remaining: header.len.to_ne_bytes(),
        });
        Ok(header)
    }

    fn begin_message(&mut self, kind: Kind, transformed: bool) -> Check {
        self.utf8 = Utf8::new();
        self.message = Some(Message { kind, transformed });
        self.announced = 0;
        self.check()
    }

    /// What has to be true of the payload of the message under way.
    fn check(&self) -> Check {
        match self.message() {
            (Kind::Text, false) => Check::Text,
            _ => Check::Nothing,
        }
    }

    /// Unmasks and checks the next payload bytes of the frame under way, in place. The frame has at least that many left.
    ///
    /// # Errors
    ///
    /// How many bytes are good; the one behind them fails the connection, which the decoder remembers.
    pub(crate) fn unmask(&mut self, payload: &mut [u8]) -> Result<(), usize> {
        let State::Payload(mut frame) = self.state else {
            return Err(0);
        };
        let checked = if !R::MASKS && frame.check == Check::Text {
            text::unmask(frame.mask, self.level, payload, &mut self.utf8).map_err(broken_text)
        } else {
            if !R::MASKS {
                //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
                //# A server MUST remove masking for data frames received from a client
                //# as described in Section 5.3.
                frame.mask.apply(self.level, payload);
            }
            frame.check.apply(&mut self.utf8, payload)
        };
        self.advance(frame, payload.len(), checked)
    }

    /// Unmasks, checks and appends the next payload bytes of the frame under way. The frame has at least that many left.
    ///
    /// # Errors
    ///
    /// As [`unmask`](Self::unmask).
    #[cfg(feature = "alloc")]
    pub(crate) fn unmask_into(
        &mut self,
        payload: &[u8],
        out: &mut alloc::vec::Vec<u8>,
    ) -> Result<(), usize> {
        let State::Payload(mut frame) = self.state else {
            return Err(0);
        };
        let start = out.len();
        let checked = if !R::MASKS && frame.check == Check::Text {
            text::append(frame.mask, self.level, payload, out, &mut self.utf8).map_err(broken_text)
        } else {
            match R::MASKS {
                true => out.extend_from_slice(payload),
                false => frame.mask.append(self.level, payload, out),
            }
            frame.check.apply(&mut self.utf8, &out[start..])
        };
        self.advance(frame, payload.len(), checked)
    }

    /// Takes note of payload bytes that have been unmasked.
    fn advance(
        &mut self,
        mut frame: Payload,
        count: usize,
        checked: Result<(), (usize, Violation)>,
    ) -> Result<(), usize> {
        if let Err((good, violation)) = checked {
            self.fail(violation);
            return Err(good);
        }
        frame.mask = frame.mask.advanced(count);
        frame.remaining = frame.remaining().saturating_sub(count as u64).to_ne_bytes();
        self.state = State::Payload(frame);
        Ok(())
    }

    /// Ends the frame under way, whose payload is complete.
    ///
    /// # Errors
    ///
    /// What only the end of the frame shows: text or a reason cut inside a code point.
    pub(crate) fn finish(&mut self) -> Result<(), Violation> {
        let State::Payload(frame) = self.state else {
            return Ok(());
        };
        let data = !frame.opcode().is_control();
        if !data || frame.fin() {
            frame.check.end(&self.utf8).map_err(|violation| self.fail(violation))?;
        }
        if data && frame.fin() {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# Subsequent data frames MUST be interpreted as belonging to a new WebSocket
            //# message.
            self.message = None;
        }
        self.state = if self.message.is_some() { State::Between } else { State::Idle };
        Ok(())
    }

    /// Decodes nothing any more.
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

impl fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece")
            .field("opcode", &self.opcode)
            .field("fin", &self.fin)
            .field("rsv", &self.rsv)
            .field("begins", &self.begins)
            .field("len", &self.payload.len())
            .field("remaining", &self.remaining)
            .finish()
    }
}

impl<R: Role> Default for Decoder<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl Payload {
    fn remaining(&self) -> u64 {
        u64::from_ne_bytes(self.remaining)
    }

    fn opcode(&self) -> Opcode {
        Opcode::from_bits(self.first & OPCODE).unwrap_or(Opcode::Continuation)
    }

    fn fin(&self) -> bool {
        self.first & FIN != 0
    }
}

fn broken_text(good: usize) -> (usize, Violation) {
    (good, Violation::InvalidText)
}

/// As much of `remaining` as a slice can have.
#[inline]
pub(crate) fn clamp(remaining: u64) -> usize {
    usize::try_from(remaining).unwrap_or(usize::MAX)
}
