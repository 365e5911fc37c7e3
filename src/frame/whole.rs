//! The fast way of the decoder: a message that lies whole in the input, in one frame with nothing remarkable about it.

use super::decoder::Decoder;
use super::header::{self, FIN, LEN_16, LEN_64, MASKED};
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

/// What may go the fast way, worked out beforehand, so that one comparison tells it of a short message: a payload of fewer bytes
/// than this, of those whose length stands in a header's second byte. If it is none, no longer one may either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quick(u8);

impl Quick {
    /// No message may.
    pub(crate) const NOTHING: Self = Self(0);
}

impl<R: Role> Decoder<R> {
    /// What the peer sets in a header's second byte beside the length.
    const MASKED: u8 = if R::MASKS { 0 } else { MASKED };
    /// How long the peer's masking keys are.
    const KEY: usize = if R::MASKS { 0 } else { 4 };
    /// The length of the shortest header.
    const SHORT: usize = 2 + Self::KEY;

    /// What may go the fast way until the state or the limits change: nothing while a frame or a message is under way.
    pub(crate) fn quick(&self, limits: &Limits) -> Quick {
        if !self.is_between_messages() {
            return Quick::NOTHING;
        }
        let beyond = limits.frame.min(limits.message).saturating_add(1);
        Quick(u8::try_from(beyond).map_or(LEN_16, |beyond| beyond.min(LEN_16)))
    }

    /// A data message that lies whole in `input`, in one frame with nothing remarkable about it: the way of nearly all
    /// messages. `None` for everything else, which then takes the general way: with nothing consumed, or with a violation that is
    /// reported there.
    #[inline(always)]
    pub(crate) fn whole<'b, 'l>(
        &mut self,
        input: &mut Input<'b>,
        quick: Quick,
        limits: impl FnOnce() -> &'l Limits,
    ) -> Option<(Kind, &'b mut [u8])> {
        debug_assert!(quick == Quick::NOTHING || self.is_between_messages());
        match input.copied_front() {
            // What has fewer bytes left has no whole frame, wherever they lie.
            None => self.whole_in_place(input, quick, limits),
            Some(front) => self.whole_copied(*front, input, quick, limits),
        }
    }

    #[inline(always)]
    fn whole_in_place<'b, 'l>(
        &mut self,
        input: &mut Input<'b>,
        quick: Quick,
        limits: impl FnOnce() -> &'l Limits,
    ) -> Option<(Kind, &'b mut [u8])> {
        let &[first, second] = input.place().first_chunk()?;
        let kind = kind(first)?;
        let (header, payload) = match Self::short(second, quick) {
            Some(len) => input.take_frame(Self::SHORT, len),
            None => {
                let (header, len) = Self::long(input.place(), quick, limits())?;
                input.take_frame(header, len)
            }
        }?;
        // Two ways out, so that what becomes of each kind needn't ask for it again.
        match kind {
            Kind::Binary => {
                if !R::MASKS {
                    Mask::new(*header.last_chunk()?).apply(self.level(), payload);
                }
                Some((Kind::Binary, payload))
            }
            Kind::Text => {
                if !self.unmask_whole_text(header, None, payload) {
                    self.fail(Violation::InvalidText);
                    return None;
                }
                Some((Kind::Text, payload))
            }
        }
    }

    /// The same of an input that is still to be copied into its place.
    #[inline(always)]
    fn whole_copied<'b, 'l>(
        &mut self,
        [first, second]: [u8; 2],
        input: &mut Input<'b>,
        quick: Quick,
        limits: impl FnOnce() -> &'l Limits,
    ) -> Option<(Kind, &'b mut [u8])> {
        let kind = kind(first)?;
        let (header, from, payload) = match Self::short(second, quick) {
            Some(len) => input.take_copied_frame(Self::SHORT, len),
            None => {
                let (header, len) = Self::long(input.peek(), quick, limits())?;
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
                if !self.unmask_whole_text(header, Some(from), payload) {
                    self.fail(Violation::InvalidText);
                    return None;
                }
                Some((Kind::Text, payload))
            }
        }
    }

    /// The length of the payload, if it is short enough to stand in the header's second byte.
    #[inline(always)]
    fn short(second: u8, quick: Quick) -> Option<usize> {
        // Without the bit that has to be set, it is greater than any.
        let len = second ^ Self::MASKED;
        (len < quick.0).then_some(len.into())
    }

    /// The lengths in a header whose second byte has not room for that of its payload.
    #[inline(always)]
    fn long(bytes: &[u8], quick: Quick, limits: &Limits) -> Option<(usize, usize)> {
        if quick == Quick::NOTHING {
            return None;
        }
        let (header, least, len) = match bytes[1] ^ Self::MASKED {
            LEN_16 => {
                let &[_, _, a, b, ..] = bytes else { return None };
                (4, u64::from(LEN_16), u64::from(u16::from_be_bytes([a, b])))
            }
            LEN_64 => (10, 1 << 16, header::length(bytes.get(..10)?)),
            _ => return None,
        };
        if len < least || len > limits.frame || len > limits.message {
            return None;
        }
        Some((header + Self::KEY, usize::try_from(len).ok()?))
    }

    #[inline(never)]
    fn unmask_whole_text(&self, header: &[u8], from: Option<&[u8]>, payload: &mut [u8]) -> bool {
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

/// The kind of a message whose only frame begins with this byte, and asks for no attention.
#[inline(always)]
fn kind(first: u8) -> Option<Kind> {
    match first {
        BINARY => Some(Kind::Binary),
        TEXT => Some(Kind::Text),
        _ => None,
    }
}
