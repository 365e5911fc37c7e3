//! The sending machine of level 1: headers out, payload masked in place (RFC 6455, sections 5 and 6.1).
//!
//! It enforces every rule of sending, and changes nothing when a call would break one. It holds no bytes: what it returns
//! is to be written by the caller, in the order of the calls.

use core::fmt;
use core::ops::Deref;

use super::header::{Header, HeaderBytes, MAX_CONTROL};
use super::misuse::Misuse;
use crate::words::close_code::CloseCode;
use crate::words::mask::Mask;
use crate::words::opcode::{Kind, Opcode};
use crate::words::role::Role;
use crate::words::simd::Level;
use crate::words::utf8::Utf8;

/// The longest reason of a Close frame, beside its code.
const MAX_REASON: usize = MAX_CONTROL - 2;
/// The longest control frame, of a client.
const MAX_CONTROL_FRAME: usize = 2 + 4 + MAX_CONTROL;

/// The sending machine for an endpoint in the role `R`.
///
/// ```text
///        begin, fin = false
/// Idle ─────────────────────▶ Message
///  ▲ └ begin, fin = true: Idle │ └ begin, first = None, fin = false: Message
///  └───────────────────────────┘
///     begin, first = None, fin = true
/// ```
///
/// In either state a frame may be open, whose payload is not complete; then nothing else can be sent. After a Close frame
/// only pongs can.
#[derive(Clone, Debug)]
pub struct Encoder<R: Role> {
    /// The message whose last frame has not begun.
    message: Option<Kind>,
    /// The payload bytes that the frame under way still lacks.
    remaining: u64,
    mask: Mask,
    level: Level,
    /// Whether the frame under way belongs to a text message that is checked here.
    checks: bool,
    /// Whether the frame under way is the last of its message.
    fin: bool,
    closed: bool,
    /// Whether a whole message may be sent with nothing else asked: see [`allow_whole`](Self::allow_whole).
    #[cfg(feature = "alloc")]
    pub(super) takes_whole: bool,
    utf8: Utf8,
    role: core::marker::PhantomData<R>,
}

/// A data frame to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The message that the frame begins, or `None` if it continues the one under way.
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
    /// An encoder at the beginning of a connection.
    pub fn new() -> Self {
        Self::with_level(Level::detect())
    }

    /// An encoder whose kernels run at this SIMD level.
    pub fn with_level(level: Level) -> Self {
        Self {
            message: None,
            remaining: 0,
            mask: Mask::new([0; 4]),
            level,
            checks: false,
            fin: true,
            closed: false,
            #[cfg(feature = "alloc")]
            takes_whole: false,
            utf8: Utf8::new(),
            role: core::marker::PhantomData,
        }
    }

    /// Begins a data frame: the header. The payload follows through [`payload`](Self::payload).
    ///
    /// # Errors
    ///
    /// [`Misuse::Closed`], [`Misuse::FrameOpen`], [`Misuse::MessageOpen`], [`Misuse::NoMessage`] or
    /// [`Misuse::LengthOverflow`]; nothing has changed then.
    pub fn begin(&mut self, fragment: Fragment, key: R::Key) -> Result<HeaderBytes, Misuse> {
        self.check_data(&fragment)?;
        let ends = fragment.fin && fragment.len == 0;
        if fragment.first.is_none() && ends && self.checks && !self.utf8.is_complete() {
            return Err(Misuse::InvalidText);
        }
        Ok(self.begin_checked(fragment, key))
    }

    /// Whether such a data frame may be sent now.
    #[inline]
    pub(crate) fn check_data(&self, fragment: &Fragment) -> Result<(), Misuse> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
        //# The application MUST NOT send any more data frames after sending a
        //# Close frame.
        if self.closed {
            return Err(Misuse::Closed);
        }
        if self.remaining > 0 {
            return Err(Misuse::FrameOpen);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# The fragments of one message MUST NOT be interleaved between the
        //# fragments of another message unless an extension has been
        //# negotiated that can interpret the interleaving.
        match (self.message, fragment.first) {
            (Some(_), Some(_)) => return Err(Misuse::MessageOpen),
            (None, None) => return Err(Misuse::NoMessage),
            _ => {}
        }
        if fragment.len >> 63 != 0 {
            return Err(Misuse::LengthOverflow);
        }
        Ok(())
    }

    /// Begins a data frame that [`check_data`](Self::check_data) has allowed.
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
        if fragment.first.is_some() {
            self.utf8 = Utf8::new();
            self.checks = fragment.first == Some(Kind::Text) && !fragment.rsv1;
        }
        self.message = match fragment.fin {
            true => None,
            false => fragment.first.or(self.message),
        };
        self.fin = fragment.fin;
        self.remaining = fragment.len;
        self.forbid_whole();
        self.mask = Mask::new(mask.unwrap_or_default());
        header.encode()
    }

    #[inline]
    fn forbid_whole(&mut self) {
        #[cfg(feature = "alloc")]
        {
            self.takes_whole = false;
        }
    }

    /// Masks the next bytes of the frame's payload in place, for a client; for a server they stay as they are. Then they are
    /// to be written.
    ///
    /// # Errors
    ///
    /// [`Misuse::FrameOverrun`] or [`Misuse::InvalidText`]; the payload and the encoder are unchanged then.
    pub fn payload(&mut self, payload: &mut [u8]) -> Result<(), Misuse> {
        let count = payload.len() as u64;
        if count > self.remaining {
            return Err(Misuse::FrameOverrun);
        }
        if self.checks {
            let mut utf8 = self.utf8;
            let good = utf8.push(payload).is_ok();
            let ends = self.fin && count == self.remaining;
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

    /// Takes note of payload bytes that have been masked, of a frame that has so many left.
    #[inline]
    pub(crate) fn written(&mut self, count: usize) {
        self.mask = self.mask.advanced(count);
        self.remaining -= count as u64;
    }

    /// The masking of the next payload byte.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn mask(&self) -> (Mask, Level) {
        (self.mask, self.level)
    }

    /// The payload bytes that the frame under way still lacks. Nothing else can be sent before they are complete.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The message under way, whose last frame has not begun.
    pub fn message(&self) -> Option<Kind> {
        self.message
    }

    /// Whether the text sent so far ends inside a code point, which only [`payload`](Self::payload) can complete.
    #[cfg(feature = "alloc")]
    pub(crate) fn ends_inside_code_point(&self) -> bool {
        self.checks && !self.utf8.is_complete()
    }

    /// Whether a Close frame has been sent.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// A Ping frame.
    ///
    /// # Errors
    ///
    /// [`Misuse::Closed`], [`Misuse::FrameOpen`] or [`Misuse::LongControl`].
    pub fn ping(&mut self, payload: &[u8], key: R::Key) -> Result<ControlFrame, Misuse> {
        if self.closed {
            return Err(Misuse::Closed);
        }
        self.control(Opcode::Ping, &[payload], key)
    }

    /// A Pong frame. It may follow our Close frame, as long as the peer's has not arrived.
    ///
    /// # Errors
    ///
    /// [`Misuse::FrameOpen`] or [`Misuse::LongControl`].
    pub fn pong(&mut self, payload: &[u8], key: R::Key) -> Result<ControlFrame, Misuse> {
        self.control(Opcode::Pong, &[payload], key)
    }

    /// A Close frame. Nothing but pongs can be sent after it.
    ///
    /// # Errors
    ///
    /// [`Misuse::Closed`], [`Misuse::FrameOpen`], [`Misuse::LongReason`] or [`Misuse::ReasonWithoutCode`].
    pub fn close(
        &mut self,
        code: Option<CloseCode>,
        reason: &str,
        key: R::Key,
    ) -> Result<ControlFrame, Misuse> {
        if self.closed {
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
        self.closed = true;
        self.forbid_whole();
        Ok(frame)
    }

    fn control(
        &mut self,
        opcode: Opcode,
        payload: &[&[u8]],
        key: R::Key,
    ) -> Result<ControlFrame, Misuse> {
        if self.remaining > 0 {
            return Err(Misuse::FrameOpen);
        }
        let len = payload.iter().map(|part| part.len()).sum::<usize>();
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5
        //# All control frames MUST have a payload length of 125 bytes or less
        //# and MUST NOT be fragmented.
        if len > MAX_CONTROL {
            return Err(Misuse::LongControl);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
        //# Close frames sent from client to server must be masked as per Section 5.3.
        let mask = R::octets(key);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# As control frames cannot be fragmented, an intermediary MUST NOT attempt to
        //# change the fragmentation of a control frame.
        let header = Header { fin: true, rsv: 0, opcode, mask, len: len as u64 }.encode();
        let mut frame = ControlFrame { bytes: [0; MAX_CONTROL_FRAME], len: 0 };
        frame.push(&header);
        for part in payload {
            frame.push(part);
        }
        if let Some(key) = mask {
            let masked = header.len()..usize::from(frame.len);
            Mask::new(key).apply(self.level, &mut frame.bytes[masked]);
        }
        Ok(frame)
    }
}

impl<R: Role> Default for Encoder<R> {
    fn default() -> Self {
        Self::new()
    }
}

/// A whole control frame, encoded.
#[derive(Clone, Copy)]
pub struct ControlFrame {
    bytes: [u8; MAX_CONTROL_FRAME],
    len: u8,
}

impl ControlFrame {
    fn push(&mut self, part: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + part.len()].copy_from_slice(part);
        self.len += part.len() as u8;
    }
}

impl Deref for ControlFrame {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl AsRef<[u8]> for ControlFrame {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for ControlFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlFrame").field("len", &self.len).finish()
    }
}
