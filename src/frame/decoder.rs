//! The receiving machine of level 1: bytes in, decoded in place; pieces of frames out (RFC 6455, sections 5 and 8.1).
//!
//! It enforces every rule of receiving that can be kept without memory, at the first byte that breaks it. What a message's
//! pieces add up to, and what a control frame calls for, is for the layers above.

use core::marker::PhantomData;

use super::header::{self, FIN, Header, LEN, LEN_16, MASKED, MAX_CONTROL, MAX_LEN, OPCODE, RSV};
use super::input::Input;
use super::limits::Limits;
use super::violation::Violation;
use crate::words::close_code::CloseCode;
use crate::words::mask::Mask;
use crate::words::opcode::{Kind, Opcode};
use crate::words::role::Role;
use crate::words::simd::Level;
use crate::words::utf8::Utf8;

/// The receiving machine for an endpoint in the role `R`.
///
/// ```text
///           last byte of a header              violation
/// Header ─────────────────────────▶ Payload ─────────────▶ Failed
///   ▲  │                               │                     ▲
///   │  └── violation ──────────────────┼─────────────────────┤
///   └───── last byte of the payload ───┘── at the frame's end┘
/// ```
#[derive(Clone, Debug)]
pub struct Decoder<R> {
    state: State,
    /// The data message under way.
    message: Message,
    /// The RSV bits that an extension claims for the first frame of a data message, where they stand in a header.
    claims: u8,
    level: Level,
    /// The text checked so far; in a Close frame, its reason.
    utf8: Utf8,
    role: PhantomData<R>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Header { bytes: [u8; MAX_LEN], have: u8 },
    Payload(Payload),
    Failed(Violation),
}

/// Where in a frame's payload the decoder stands.
#[derive(Clone, Copy, Debug)]
struct Payload {
    first: u8,
    check: Check,
    mask: Mask,
    remaining: u64,
}

/// What has to be true of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Nothing,
    Text,
    /// A Close body of which so much has been seen: nothing, the first byte of its code, or all of the code.
    Close,
    CloseAfter(u8),
    Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Message {
    kind: Option<Kind>,
    /// Whether an extension's bits were set on the first frame.
    transformed: bool,
    /// The payload bytes of its earlier frames.
    len: u64,
}

const NO_MESSAGE: Message = Message {
    kind: None,
    transformed: false,
    len: 0,
};
const NO_HEADER: State = State::Header {
    bytes: [0; MAX_LEN],
    have: 0,
};

/// A piece of a frame, as far as its payload has arrived.
#[derive(Debug)]
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
            state: NO_HEADER,
            message: NO_MESSAGE,
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
        let payload = input.take(clamp(frame.remaining));
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
            remaining: frame.remaining - good as u64,
        };
        if let State::Payload(Payload { remaining: 0, .. }) = self.state {
            // A violation that only the frame's end shows is reported by the next call.
            let _ = self.finish();
        }
        match self.state {
            State::Failed(violation) if good == 0 && !begins => Err(violation),
            _ => Ok(Some(piece)),
        }
    }

    /// Whether a frame's header is complete and its payload is not.
    #[inline]
    pub(crate) fn in_payload(&self) -> bool {
        matches!(self.state, State::Payload(_))
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
            State::Payload(frame) => frame.remaining,
            _ => 0,
        }
    }

    /// Whether nothing has been seen of a frame or a message that is not complete.
    #[cfg(feature = "alloc")]
    pub(crate) fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Header { have: 0, .. }) && self.message.kind.is_none()
    }

    /// The text validator, which knows what code point is incomplete.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn utf8(&self) -> &Utf8 {
        &self.utf8
    }

    /// The payload bytes that the frames of the message under way have announced, the frame under way included.
    #[cfg(feature = "alloc")]
    pub(crate) fn message_len(&self) -> u64 {
        self.message.len
    }

    /// The message that the data frame under way belongs to.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn message(&self) -> (Kind, bool) {
        (
            self.message.kind.unwrap_or(Kind::Binary),
            self.message.transformed,
        )
    }

    /// The frame under way: its opcode, and whether it is the last of its message.
    #[cfg(feature = "alloc")]
    pub(crate) fn frame(&self) -> Option<(Opcode, bool)> {
        match self.state {
            State::Payload(frame) => Some((frame.opcode(), frame.fin())),
            _ => None,
        }
    }

    /// Consumes a header, as far as it has arrived. With `Some`, the payload is next.
    pub(crate) fn header(
        &mut self,
        input: &mut Input<'_>,
        limits: &Limits,
    ) -> Result<Option<Header>, Violation> {
        let State::Header {
            mut bytes,
            mut have,
        } = self.state
        else {
            return match self.state {
                State::Failed(violation) => Err(violation),
                _ => Ok(None),
            };
        };
        while let Some(byte) = input.take_byte() {
            bytes[usize::from(have)] = byte;
            have += 1;
            let [first, second, ..] = bytes;
            let seen = usize::from(have);
            let checked = match seen {
                1 => self.check_first(first),
                2 => self.check_second(first, second),
                _ => header::check_length(&bytes[2..seen.min(header::length_end(second))], second),
            };
            if let Err(violation) = checked {
                return Err(self.fail(violation));
            }
            if seen >= 2 && seen == header::header_len(second) {
                return self
                    .begin(&bytes[..seen], limits)
                    .map(Some)
                    .map_err(|v| self.fail(v));
            }
        }
        self.state = State::Header { bytes, have };
        Ok(None)
    }

    fn check_first(&self, first: u8) -> Result<(), Violation> {
        let Some(opcode) = Opcode::from_bits(first & OPCODE) else {
            return Err(Violation::ReservedOpcode);
        };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# MUST be 0 unless an extension is negotiated that defines meanings
        //# for non-zero values.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# If a nonzero value is received and none of
        //# the negotiated extensions defines the meaning of such a nonzero
        //# value, the receiving endpoint MUST _Fail the WebSocket
        //# Connection_.
        let claimed = if matches!(opcode, Opcode::Text | Opcode::Binary) {
            self.claims
        } else {
            0
        };
        if first & RSV & !claimed != 0 {
            return Err(Violation::ReservedBits);
        }
        match (opcode, self.message.kind) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5
            //# All control frames MUST have a payload length of 125 bytes or less
            //# and MUST NOT be fragmented.
            _ if opcode.is_control() && first & FIN == 0 => Err(Violation::FragmentedControl),
            (Opcode::Continuation, None) => Err(Violation::UnexpectedContinuation),
            (Opcode::Text | Opcode::Binary, Some(_)) => Err(Violation::InterruptedMessage),
            _ => Ok(()),
        }
    }

    fn check_second(&self, first: u8, second: u8) -> Result<(), Violation> {
        match (R::MASKS, second & MASKED != 0) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
            //# The server MUST close the connection upon receiving a
            //# frame that is not masked.
            (false, false) => return Err(Violation::UnmaskedFrame),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
            //# A client MUST close a connection if it detects a masked
            //# frame.
            (true, true) => return Err(Violation::MaskedFrame),
            _ => {}
        }
        let len = second & LEN;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5
        //# All control frames MUST have a payload length of 125 bytes or less
        //# and MUST NOT be fragmented.
        if first & 0x8 != 0 && len >= LEN_16 {
            return Err(Violation::LongControl);
        }
        if first & OPCODE == Opcode::Close.bits() && len == 1 {
            return Err(Violation::TruncatedCloseCode);
        }
        Ok(())
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
            Opcode::Text => self.begin_message(Kind::Text, header.rsv != 0),
            Opcode::Binary => self.begin_message(Kind::Binary, header.rsv != 0),
            Opcode::Continuation => self.message.check(),
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
            self.message.len = self.message.len.saturating_add(header.len);
            if !self.message.transformed && self.message.len > limits.message {
                return Err(Violation::MessageTooLong);
            }
        }
        self.state = State::Payload(Payload {
            first: bytes[0],
            check,
            mask: Mask::new(header.mask.unwrap_or_default()),
            remaining: header.len,
        });
        Ok(header)
    }

    fn begin_message(&mut self, kind: Kind, transformed: bool) -> Check {
        self.utf8 = Utf8::new();
        self.message = Message {
            kind: Some(kind),
            transformed,
            len: 0,
        };
        self.message.check()
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
        debug_assert!(payload.len() as u64 <= frame.remaining);
        let checked = if frame.check == Check::Text {
            self.unmask_text(frame.mask, payload)
        } else {
            if !R::MASKS {
                //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
                //# The server MUST remove masking for data frames received from a
                //# client as described in Section 5.3.
                frame.mask.apply(self.level, payload);
            }
            self.check_close(&mut frame.check, payload)
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
        debug_assert!(payload.len() as u64 <= frame.remaining);
        let start = out.len();
        if R::MASKS {
            out.extend_from_slice(payload);
        } else {
            frame.mask.append(self.level, payload, out);
        }
        let checked = match frame.check {
            Check::Text => self
                .utf8
                .push(&out[start..])
                .map_err(|at| (at, Violation::InvalidText)),
            _ => self.check_close(&mut frame.check, &out[start..]),
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
        frame.remaining -= count as u64;
        self.state = State::Payload(frame);
        Ok(())
    }

    fn unmask_text(&mut self, mask: Mask, payload: &mut [u8]) -> Result<(), (usize, Violation)> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-8.1
        //# When an endpoint is to interpret a byte stream as UTF-8 but finds
        //# that the byte stream is not, in fact, a valid UTF-8 stream, that
        //# endpoint MUST _Fail the WebSocket Connection_.
        let ascii = if R::MASKS {
            false
        } else {
            mask.apply_and_check_ascii(self.level, payload)
        };
        if ascii && self.utf8.is_complete() {
            return Ok(());
        }
        self.utf8
            .push(payload)
            .map_err(|at| (at, Violation::InvalidText))
    }

    /// Checks the next bytes of a Close body, if the frame under way has one.
    fn check_close(&mut self, check: &mut Check, body: &[u8]) -> Result<(), (usize, Violation)> {
        let mut rest = body;
        while let (Check::Close | Check::CloseAfter(_), [byte, tail @ ..]) = (*check, rest) {
            *check = match *check {
                Check::CloseAfter(high) => {
                    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.2
                    //# Status codes in the range 0-999 are not used.
                    if CloseCode::new(u16::from_be_bytes([high, *byte])).is_none() {
                        return Err((body.len() - rest.len(), Violation::ForbiddenCloseCode));
                    }
                    Check::Reason
                }
                _ => Check::CloseAfter(*byte),
            };
            rest = tail;
        }
        if *check == Check::Reason {
            let code = body.len() - rest.len();
            return self
                .utf8
                .push(rest)
                .map_err(|at| (code + at, Violation::InvalidReason));
        }
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
        let cut = !self.utf8.is_complete();
        if frame.check == Check::Reason && cut {
            return Err(self.fail(Violation::InvalidReason));
        }
        if !frame.opcode().is_control() && frame.fin() {
            if frame.check == Check::Text && cut {
                return Err(self.fail(Violation::InvalidText));
            }
            self.message = NO_MESSAGE;
        }
        self.state = NO_HEADER;
        Ok(())
    }

    /// Fails for good.
    pub(crate) fn fail(&mut self, violation: Violation) -> Violation {
        self.state = State::Failed(violation);
        violation
    }

    /// A data message that lies whole in `input`, in one frame with nothing remarkable about it: the way of nearly all
    /// messages. `None`, with nothing consumed, for everything else, which then takes the general way.
    ///
    /// # Errors
    ///
    /// The payload and how much of it is good, of a text that isn't UTF-8.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn whole<'b>(
        &mut self,
        input: &mut Input<'b>,
        limits: &Limits,
    ) -> Option<Result<(Kind, &'b mut [u8]), (&'b mut [u8], usize)>> {
        const TEXT: u8 = FIN | Opcode::Text.bits();
        const BINARY: u8 = FIN | Opcode::Binary.bits();
        let masked = if R::MASKS { 0 } else { MASKED };
        let key_len = if R::MASKS { 0 } else { 4 };

        let bytes = input.peek();
        let &[first, second, a, b, ..] = bytes else {
            return None;
        };
        let kind = match first {
            TEXT => Kind::Text,
            BINARY => Kind::Binary,
            _ => return None,
        };
        let State::Header { have: 0, .. } = self.state else {
            return None;
        };
        if self.message.kind.is_some() || second & MASKED != masked {
            return None;
        }
        let (len, header) = match second & LEN {
            LEN_16 => (usize::from(u16::from_be_bytes([a, b])), 4 + key_len),
            len if len < LEN_16 => (usize::from(len), 2 + key_len),
            _ => {
                let len = header::length(bytes.get(..10)?);
                (
                    usize::try_from(len).ok().filter(|len| *len > 0xFFFF)?,
                    10 + key_len,
                )
            }
        };
        if len as u64 > limits.frame.min(limits.message)
            || (second & LEN == LEN_16 && len < usize::from(LEN_16))
            || bytes.len() < len.checked_add(header)?
        {
            return None;
        }
        let mask = Mask::new(header::four(&bytes[header - key_len..header]));
        let payload = input.take_frame(header, len);
        match kind {
            Kind::Binary => {
                if !R::MASKS {
                    mask.apply(self.level, payload);
                }
            }
            Kind::Text => {
                let mut utf8 = Utf8::new();
                let ascii = if R::MASKS {
                    payload.is_ascii()
                } else {
                    mask.apply_and_check_ascii(self.level, payload)
                };
                if !ascii {
                    let good = match utf8.push(payload) {
                        Ok(()) if utf8.is_complete() => None,
                        Ok(()) => Some(payload.len()),
                        Err(good) => Some(good),
                    };
                    if let Some(good) = good {
                        self.utf8 = utf8;
                        self.fail(Violation::InvalidText);
                        return Some(Err((payload, good)));
                    }
                }
            }
        }
        Some(Ok((kind, payload)))
    }
}

impl<R: Role> Default for Decoder<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl Payload {
    fn opcode(&self) -> Opcode {
        Opcode::from_bits(self.first & OPCODE).unwrap_or(Opcode::Continuation)
    }

    fn fin(&self) -> bool {
        self.first & FIN != 0
    }
}

impl Message {
    fn check(&self) -> Check {
        if self.kind == Some(Kind::Text) && !self.transformed {
            Check::Text
        } else {
            Check::Nothing
        }
    }
}

/// As much of `remaining` as a slice can have.
#[inline]
pub(crate) fn clamp(remaining: u64) -> usize {
    usize::try_from(remaining).unwrap_or(usize::MAX)
}

const _: () = assert!(MAX_CONTROL == LEN_16 as usize - 1);
