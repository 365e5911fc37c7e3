//! The sending machine of level 1: headers out, payload masked in place (RFC 6455, sections 5 and 6.1).
//!
//! It enforces every rule of sending: a call that would break one returns an error and changes nothing. It stores no bytes: the caller
//! writes what it returns, in the order of the calls.

use core::marker::PhantomData;

pub use super::control_frame::ControlFrame;
use super::header::{Header, HeaderBytes, MAX_CONTROL};
use super::misuse::Misuse;
use crate::words::close_code::CloseCode;
use crate::words::mask::Mask;
use crate::words::opcode::{Kind, Opcode};
use crate::words::role::Role;
use crate::words::simd::Level;
use crate::words::utf8::Utf8;

/// The longest reason of a Close frame, which follows the two bytes of its code.
const MAX_REASON: usize = MAX_CONTROL - 2;

/// The sending machine for an endpoint in the role `R`.
///
/// ```text
///                  begin                 last byte of the payload, fin = false
/// Idle, Message ──────────▶ InFrame ─┬──────────────────────────────────────────▶ Message
///      │                             └──────────────────────────────────────────▶ Idle
///      │ close                            last byte of the payload, fin = true
///      ▼
///    Closed
/// ```
///
/// A frame without payload is complete when it begins. Pings and pongs change nothing: they can be sent in `Idle` and `Message`, pongs
/// in `Closed` too. Inside a frame nothing but its payload can be sent.
#[derive(Clone, Debug)]
pub struct Encoder<R: Role> {
    state: State,
    /// The kind of the last message that was begun.
    kind: Kind,
    /// Whether the text of that message is checked here.
    checks: bool,
    mask: Mask,
    level: Level,
    utf8: Utf8,
    role: PhantomData<R>,
}

/// What has been begun and is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No message.
    Idle,
    /// A message, and none of its frames.
    Message,
    /// A frame. `remaining` is the number of its payload bytes that have not been sent, never zero.
    InFrame { fin: bool, remaining: Count },
    /// A Close frame has been sent.
    Closed { in_message: bool },
}

/// A number in an array of bytes, since an aligned one would make the encoder larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count([u8; 8]);

impl Count {
    const fn new(count: u64) -> Self {
        Self(count.to_ne_bytes())
    }

    const fn get(self) -> u64 {
        u64::from_ne_bytes(self.0)
    }
}

impl State {
    /// The state inside a data frame of whose payload this much remains; if nothing does, the state after the frame.
    #[inline]
    const fn in_frame(fin: bool, remaining: u64) -> Self {
        match (remaining, fin) {
            (0, true) => Self::Idle,
            (0, false) => Self::Message,
            _ => Self::InFrame { fin, remaining: Count::new(remaining) },
        }
    }
}

/// A data frame to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The kind of the message that the frame begins, or `None` if it continues the open message.
    pub first: Option<Kind>,
    /// Whether the frame is the last of its message.
    pub fin: bool,
    /// Whether RSV1 is set: an extension has transformed the message. Only on the first frame.
    pub rsv1: bool,
    /// The length of the payload.
    pub len: u64,
}

impl Fragment {
    /// A whole message in one frame.
    #[inline]
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
    //# An unfragmented message consists of a single frame with the FIN bit set (Section
    //# 5.2) and an opcode other than 0.
    pub const fn whole(kind: Kind, len: usize) -> Self {
        Self { first: Some(kind), fin: true, rsv1: false, len: len as u64 }
    }
}

impl<R: Role> Encoder<R> {
    /// An encoder for a connection that has just been opened.
    pub fn new() -> Self {
        Self::with_level(Level::detect())
    }

    /// An encoder for a connection that has just been opened, which masks at this SIMD level.
    #[doc(hidden)]
    pub fn with_level(level: Level) -> Self {
        Self {
            state: State::Idle,
            kind: Kind::Binary,
            checks: false,
            mask: Mask::new([0; 4]),
            level,
            utf8: Utf8::new(),
            role: PhantomData,
        }
    }

    /// Begins a data frame, and returns its header. The payload follows through [`payload`](Self::payload).
    ///
    /// # Errors
    ///
    /// [`Misuse::Closed`], [`Misuse::FrameOpen`], [`Misuse::MessageOpen`], [`Misuse::NoMessage`] or
    /// [`Misuse::LengthOverflow`]; nothing has changed then. [`Misuse`] says for each what to do.
    pub fn begin(&mut self, fragment: Fragment, key: R::Key) -> Result<HeaderBytes, Misuse> {
        self.check_data(&fragment)?;
        let ends = fragment.fin && fragment.len == 0;
        if fragment.first.is_none() && ends && self.checks && !self.utf8.is_complete() {
            return Err(Misuse::InvalidText);
        }
        Ok(self.begin_checked(fragment, key))
    }

    /// Checks that this data frame may be sent now: that it fits the open message, and that neither a frame is open nor a Close frame
    /// sent. The length is checked too, the text isn't.
    ///
    /// # Errors
    ///
    /// [`Misuse::Closed`], [`Misuse::FrameOpen`], [`Misuse::MessageOpen`], [`Misuse::NoMessage`] or [`Misuse::LengthOverflow`].
    #[inline]
    pub(crate) fn check_data(&self, fragment: &Fragment) -> Result<(), Misuse> {
        match (self.state, fragment.first) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
            //# The application MUST NOT send any more data frames after sending a
            //# Close frame.
            (State::Closed { .. }, _) => return Err(Misuse::Closed),
            (State::InFrame { .. }, _) => return Err(Misuse::FrameOpen),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //# The fragments of one message MUST NOT be interleaved between the
            //# fragments of another message unless an extension has been
            //# negotiated that can interpret the interleaving.
            (State::Message, Some(_)) => return Err(Misuse::MessageOpen),
            (State::Idle, None) => return Err(Misuse::NoMessage),
            (State::Idle, Some(_)) | (State::Message, None) => {}
        }
        if fragment.len >> 63 != 0 {
            return Err(Misuse::LengthOverflow);
        }
        Ok(())
    }

    /// Begins a data frame that [`check_data`](Self::check_data) has allowed, and returns its header.
    #[inline]
    pub(crate) fn begin_checked(&mut self, fragment: Fragment, key: R::Key) -> HeaderBytes {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# The opcode (frame-opcode) of the first frame containing the data MUST be set
        //# to the appropriate value from Section 5.2 for data that is to be interpreted
        //# by the recipient as text or binary data.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# A fragmented message consists of a single frame with the FIN bit clear and an
        //# opcode other than 0, followed by zero or more frames with the FIN bit clear
        //# and the opcode set to 0, and terminated by a single frame with the FIN bit set
        //# and an opcode of 0.
        let opcode = fragment.first.map_or(Opcode::Continuation, Kind::opcode);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
        //# To avoid confusing network intermediaries (such as intercepting proxies) and
        //# for security reasons that are further discussed in Section 10.3, a client
        //# MUST mask all frames that it sends to the server
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
        //# A server MUST NOT mask any frames that it sends to
        //# the client.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# If the data is being sent by the client, the frame(s) MUST be masked as
        //# defined in Section 5.3.
        let mask = R::octets(key);
        let rsv = if fragment.rsv1 && fragment.first.is_some() { 4 } else { 0 };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# The FIN bit (frame-fin) of the last frame containing the data MUST be set to 1
        //# as defined in Section 5.2.
        let header = Header { fin: fragment.fin, rsv, opcode, mask, len: fragment.len };
        if let Some(kind) = fragment.first {
            self.utf8 = Utf8::new();
            self.kind = kind;
            self.checks = kind == Kind::Text && !fragment.rsv1;
        }
        self.state = State::in_frame(fragment.fin, fragment.len);
        self.mask = Mask::new(mask.unwrap_or_default());
        header.encode()
    }

    /// Takes the next bytes of the open frame's payload, which the caller then writes. A client's are masked in place.
    ///
    /// # Errors
    ///
    /// [`Misuse::FrameOverrun`] or [`Misuse::InvalidText`]; the payload and the encoder are unchanged then. [`Misuse`] says for each what to do.
    pub fn payload(&mut self, payload: &mut [u8]) -> Result<(), Misuse> {
        let count = payload.len() as u64;
        if count > self.remaining() {
            return Err(Misuse::FrameOverrun);
        }
        if self.checks {
            let mut utf8 = self.utf8;
            let good = utf8.push(payload).is_ok();
            let last = State::InFrame { fin: true, remaining: Count::new(count) };
            let ends = self.state == last;
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.6
            //# Note that a particular text frame might include a partial UTF-8
            //# sequence; however, the whole message MUST contain valid UTF-8.
            if !good || (ends && !utf8.is_complete()) {
                return Err(Misuse::InvalidText);
            }
            self.utf8 = utf8;
        }
        if R::MASKS {
            self.mask.apply(self.level, payload);
        }
        self.written(payload.len());
        Ok(())
    }

    /// Counts payload bytes of the open frame as sent, no more than remain.
    #[inline]
    pub(crate) fn written(&mut self, count: usize) {
        debug_assert!(count as u64 <= self.remaining());
        self.mask = self.mask.advanced(count);
        if let State::InFrame { fin, remaining } = self.state {
            self.state = State::in_frame(fin, remaining.get() - count as u64);
        }
    }

    /// The key as it meets the next payload byte, and the level to mask at.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn mask(&self) -> (Mask, Level) {
        (self.mask, self.level)
    }

    /// Whether neither a frame nor a message is open, and no Close frame has been sent: a whole message may be sent.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// How many payload bytes of the open frame have not been sent. Nothing else can be sent before they are.
    #[inline]
    pub fn remaining(&self) -> u64 {
        match self.state {
            State::InFrame { remaining, .. } => remaining.get(),
            _ => 0,
        }
    }

    /// The kind of the open message, until its last frame begins.
    pub fn message(&self) -> Option<Kind> {
        match self.state {
            State::Message
            | State::InFrame { fin: false, .. }
            | State::Closed { in_message: true } => Some(self.kind),
            _ => None,
        }
    }

    /// Whether the text that [`payload`](Self::payload) has taken so far ends inside a code point.
    #[cfg(feature = "alloc")]
    pub(crate) fn ends_inside_code_point(&self) -> bool {
        self.checks && !self.utf8.is_complete()
    }

    /// Whether a Close frame has been sent.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// Encodes a Ping frame.
    ///
    /// # Errors
    ///
    /// [`Misuse::Closed`], [`Misuse::FrameOpen`] or [`Misuse::LongControl`]. [`Misuse`] says for each what to do.
    pub fn ping(&mut self, payload: &[u8], key: R::Key) -> Result<ControlFrame, Misuse> {
        if self.is_closed() {
            return Err(Misuse::Closed);
        }
        self.control(Opcode::Ping, &[payload], key)
    }

    /// Encodes a Pong frame. It may follow our Close frame, as long as the peer's has not arrived.
    ///
    /// # Errors
    ///
    /// [`Misuse::FrameOpen`] or [`Misuse::LongControl`]. [`Misuse`] says for each what to do.
    pub fn pong(&mut self, payload: &[u8], key: R::Key) -> Result<ControlFrame, Misuse> {
        self.control(Opcode::Pong, &[payload], key)
    }

    /// Encodes a Close frame. Nothing but pongs can be sent after it.
    ///
    /// # Errors
    ///
    /// [`Misuse::Closed`], [`Misuse::FrameOpen`], [`Misuse::LongReason`] or [`Misuse::ReasonWithoutCode`]. [`Misuse`] says for each what to do.
    pub fn close(
        &mut self,
        code: Option<CloseCode>,
        reason: &str,
        key: R::Key,
    ) -> Result<ControlFrame, Misuse> {
        if self.is_closed() {
            return Err(Misuse::Closed);
        }
        if reason.len() > MAX_REASON {
            return Err(Misuse::LongReason);
        }
        let frame = match code {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
            //# If there is a body, the first two bytes of
            //# the body MUST be a 2-byte unsigned integer (in network byte order)
            //# representing a status code with value /code/ defined in
            //# Section 7.4.
            Some(code) => {
                self.control(Opcode::Close, &[&code.get().to_be_bytes(), reason.as_bytes()], key)?
            }
            None if reason.is_empty() => self.control(Opcode::Close, &[], key)?,
            None => return Err(Misuse::ReasonWithoutCode),
        };
        self.state = State::Closed { in_message: self.message().is_some() };
        Ok(frame)
    }

    /// Encodes a control frame, unless a data frame is open.
    fn control(
        &mut self,
        opcode: Opcode,
        payload: &[&[u8]],
        key: R::Key,
    ) -> Result<ControlFrame, Misuse> {
        if self.remaining() > 0 {
            return Err(Misuse::FrameOpen);
        }
        ControlFrame::encode(opcode, payload, R::octets(key), self.level)
    }
}

impl<R: Role> Default for Encoder<R> {
    fn default() -> Self {
        Self::new()
    }
}
