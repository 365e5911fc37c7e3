//! The decoder's fast path: a whole message in one frame, all of which has arrived, with no reserved bit set and within the limits.
//!
//! Everything else is left to the general path, which also reports every violation.

use super::decoder::Decoder;
use super::header::{self, FIN, LEN_16, MASKED};
use super::input::Input;
use super::limits::Limits;
use super::violation::Violation;
use crate::words::mask::Mask;
use crate::words::opcode::{Kind, Opcode};
use crate::words::role::Role;
use crate::words::text;
use crate::words::utf8::Utf8;

const TEXT: u8 = FIN | Opcode::Text.bits();
const BINARY: u8 = FIN | Opcode::Binary.bits();

/// Which messages may take the fast path as far as the limits on their length are concerned. Made once for each change of the limits,
/// so that a short message, whose length is in the header's second byte, takes a single comparison.
///
/// The number is the first length of a short payload that may not take it. With zero no message may, however long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FastLimit(u8);

impl FastLimit {
    /// No message may take the fast path.
    pub(crate) const NONE: Self = Self(0);

    /// Messages within these limits may take the fast path.
    pub(crate) fn new(limits: &Limits) -> Self {
        let beyond = limits.frame.min(limits.message).saturating_add(1);
        Self(u8::try_from(beyond).map_or(LEN_16, |beyond| beyond.min(LEN_16)))
    }
}

impl<R: Role> Decoder<R> {
    /// What the peer sets in a header's second byte besides the length.
    const MASKED: u8 = if R::MASKS { 0 } else { MASKED };
    /// How long the peer's masking keys are.
    const KEY_LEN: usize = if R::MASKS { 0 } else { 4 };
    /// How long the header of a short message is.
    const SHORT_LEN: usize = 2 + Self::KEY_LEN;

    /// Decodes a data message that arrived whole, in one frame: nearly all messages do. `None` if the general path has to decode what
    /// comes next; then either nothing has been consumed, or a violation has been found, which the general path reports.
    #[inline(always)]
    pub(crate) fn fast_decode<'b, 'l>(
        &mut self,
        input: &mut Input<'b>,
        fast: FastLimit,
        limits: impl FnOnce() -> &'l Limits,
    ) -> Option<(Kind, &'b mut [u8])> {
        if !self.is_idle() {
            return None;
        }
        match input.copied_front() {
            // No frame that is still to be copied is shorter than these two bytes.
            None => self.fast_decode_in_place(input, fast, limits),
            Some(front) => self.fast_decode_copied(*front, input, fast, limits),
        }
    }

    /// [`fast_decode`](Self::fast_decode) for an input that lies in its place.
    #[inline(always)]
    fn fast_decode_in_place<'b, 'l>(
        &mut self,
        input: &mut Input<'b>,
        fast: FastLimit,
        limits: impl FnOnce() -> &'l Limits,
    ) -> Option<(Kind, &'b mut [u8])> {
        let &[first, second] = input.place().first_chunk()?;
        let kind = kind_of_whole(first)?;
        let (header, payload) = match Self::decode_short_length(second, fast) {
            Some(len) => input.take_frame(Self::SHORT_LEN, len),
            None => {
                let (header, len) = Self::decode_lengths(input.place(), fast, limits())?;
                input.take_frame(header, len)
            }
        }?;
        // Each kind returns by itself, so that the caller's code for it is reached without another branch.
        match kind {
            Kind::Binary => {
                if !R::MASKS {
                    Mask::new(*header.last_chunk()?).apply(self.level(), payload);
                }
                Some((Kind::Binary, payload))
            }
            Kind::Text => {
                if !self.unmask_text(header, None, payload) {
                    self.fail(Violation::InvalidText);
                    return None;
                }
                Some((Kind::Text, payload))
            }
        }
    }

    /// [`fast_decode`](Self::fast_decode) for an input that is still to be copied into its place.
    #[inline(always)]
    fn fast_decode_copied<'b, 'l>(
        &mut self,
        [first, second]: [u8; 2],
        input: &mut Input<'b>,
        fast: FastLimit,
        limits: impl FnOnce() -> &'l Limits,
    ) -> Option<(Kind, &'b mut [u8])> {
        let kind = kind_of_whole(first)?;
        let (header, from, payload) = match Self::decode_short_length(second, fast) {
            Some(len) => input.take_copied_frame(Self::SHORT_LEN, len),
            None => {
                let (header, len) = Self::decode_lengths(input.peek(), fast, limits())?;
                input.take_copied_frame(header, len)
            }
        }?;
        match kind {
            Kind::Binary => {
                if R::MASKS {
                    payload.copy_from_slice(from);
                } else {
                    Mask::new(*header.last_chunk()?).copy(self.level(), from, payload);
                }
                Some((Kind::Binary, payload))
            }
            Kind::Text => {
                if !self.unmask_text(header, Some(from), payload) {
                    self.fail(Violation::InvalidText);
                    return None;
                }
                Some((Kind::Text, payload))
            }
        }
    }

    /// Decodes the payload's length out of the header's second byte. `None` if it isn't there, or is over the limit.
    #[inline(always)]
    fn decode_short_length(second: u8, fast: FastLimit) -> Option<usize> {
        // If the mask bit is not as it has to be, the result has the highest bit, and is over every limit.
        let len = second ^ Self::MASKED;
        (len < fast.0).then_some(len.into())
    }

    /// Decodes the length of the header and that of its payload, for a header of any length. `None` if the header is incomplete, breaks a
    /// rule on lengths or masking, or announces more than the limits allow.
    #[inline(always)]
    fn decode_lengths(bytes: &[u8], fast: FastLimit, limits: &Limits) -> Option<(usize, usize)> {
        if fast == FastLimit::NONE || bytes[1] & MASKED != Self::MASKED {
            return None;
        }
        let (length_end, len) = header::decode_length(bytes)?;
        if len > limits.frame || len > limits.message {
            return None;
        }
        Some((length_end + Self::KEY_LEN, usize::try_from(len).ok()?))
    }

    /// Unmasks a whole text, which is copied first if it doesn't lie in its place; whether it is UTF-8.
    #[inline(never)]
    fn unmask_text(&self, header: &[u8], from: Option<&[u8]>, payload: &mut [u8]) -> bool {
        let mut utf8 = Utf8::new();
        let checked = if R::MASKS {
            from.into_iter().for_each(|from| payload.copy_from_slice(from));
            if payload.is_ascii() { Ok(()) } else { utf8.push(payload) }
        } else {
            let Some(key) = header.last_chunk() else { return false };
            let mask = Mask::new(*key);
            text::unmask_from(mask, self.level(), from, payload, &mut utf8)
        };
        checked.is_ok() && utf8.is_complete()
    }
}

/// The kind of a message whose only frame begins with this byte. `None` for every other frame.
#[inline(always)]
fn kind_of_whole(first: u8) -> Option<Kind> {
    match first {
        BINARY => Some(Kind::Binary),
        TEXT => Some(Kind::Text),
        _ => None,
    }
}
