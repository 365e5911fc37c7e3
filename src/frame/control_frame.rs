//! A control frame to be sent, encoded (RFC 6455, section 5.5).
//!
//! Whether it may be sent now is decided by [`Encoder`](super::Encoder).

use core::fmt;
use core::ops::Deref;

use super::header::{Header, MAX_CONTROL};
use super::misuse::Misuse;
use crate::words::mask::Mask;
use crate::words::opcode::Opcode;
use crate::words::simd::Level;

/// The longest control frame: a client's, whose header has a masking key.
const MAX_LEN: usize = 2 + 4 + MAX_CONTROL;

/// A whole control frame, encoded.
#[derive(Clone, Copy)]
pub struct ControlFrame {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl ControlFrame {
    /// Encodes a frame whose payload is the concatenation of these parts, and masks it if there is a key.
    #[inline]
    pub(super) fn encode(
        opcode: Opcode,
        payload: &[&[u8]],
        key: Option<[u8; 4]>,
        level: Level,
    ) -> Result<Self, Misuse> {
        let len = payload.iter().map(|part| part.len()).sum::<usize>();
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5
        //# All control frames MUST have a payload length of 125 bytes or less
        //# and MUST NOT be fragmented.
        if len > MAX_CONTROL {
            return Err(Misuse::LongControl);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
        //# Close frames sent from client to server must be masked as per Section 5.3.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# As control frames cannot be fragmented, an intermediary MUST NOT attempt to
        //# change the fragmentation of a control frame.
        let header = Header { fin: true, rsv: 0, opcode, mask: key, len: len as u64 }.encode();
        let mut frame = Self { bytes: [0; MAX_LEN], len: 0 };
        frame.push(&header);
        for part in payload {
            frame.push(part);
        }
        if let Some(key) = key {
            let masked = header.len()..usize::from(frame.len);
            Mask::new(key).apply(level, &mut frame.bytes[masked]);
        }
        Ok(frame)
    }

    /// Appends a part of the frame, which fits.
    #[inline]
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
