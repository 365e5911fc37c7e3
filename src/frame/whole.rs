//! The fast way of the decoder: a message that lies whole in the input, in one frame with nothing remarkable about it.

use super::decoder::Decoder;
use super::header::{self, FIN, LEN, LEN_16, MASKED};
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

impl<R: Role> Decoder<R> {
    /// A data message that lies whole in `input`, in one frame with nothing remarkable about it: the way of nearly all
    /// messages. `None` for everything else, which then takes the general way: with nothing consumed, or with a violation that is
    /// reported there.
    #[inline(always)]
    pub(crate) fn whole<'b>(
        &mut self,
        input: &mut Input<'b>,
        limits: &Limits,
    ) -> Option<(Kind, &'b mut [u8])> {
        let (first, header, len) = self.plain_header(input.place(), limits)?;
        // Two ways out, so that what becomes of each kind needn't ask for it again.
        match first {
            BINARY => {
                let (header, payload) = input.take_frame(header, len)?;
                if !R::MASKS {
                    Mask::new(*header.last_chunk()?).apply(self.level(), payload);
                }
                Some((Kind::Binary, payload))
            }
            TEXT => {
                let (header, payload) = input.take_frame(header, len)?;
                if !self.unmask_whole_text(header, None, payload) {
                    self.fail(Violation::InvalidText);
                    return None;
                }
                Some((Kind::Text, payload))
            }
            _ => None,
        }
    }

    /// As [`whole`](Self::whole), of an input that is still to be copied into its place.
    #[inline]
    pub(crate) fn whole_copied<'b>(
        &mut self,
        input: &mut Input<'b>,
        limits: &Limits,
    ) -> Option<(Kind, &'b mut [u8])> {
        let (first, header, len) = self.plain_header(input.peek(), limits)?;
        let kind = match first {
            BINARY => Kind::Binary,
            TEXT => Kind::Text,
            _ => return None,
        };
        let (header, from, payload) = input.take_copied_frame(header, len)?;
        match kind {
            Kind::Binary if R::MASKS => payload.copy_from_slice(from),
            Kind::Binary => {
                Mask::new(*header.last_chunk()?).copy(self.level(), from, payload);
            }
            Kind::Text => {
                if !self.unmask_whole_text(header, Some(from), payload) {
                    self.fail(Violation::InvalidText);
                    return None;
                }
            }
        }
        Some((kind, payload))
    }

    /// The first byte of a header that asks for no attention, its length, and the length of its payload.
    #[inline(always)]
    fn plain_header(&self, bytes: &[u8], limits: &Limits) -> Option<(u8, usize, usize)> {
        let masked = if R::MASKS { 0 } else { MASKED };
        let key_len = if R::MASKS { 0 } else { 4 };
        let &[first, second, a, b, ..] = bytes else {
            return None;
        };
        if !self.is_between_messages() || second & MASKED != masked {
            return None;
        }
        let (len, header) = match second & LEN {
            LEN_16 => {
                let len = u16::from_be_bytes([a, b]);
                if len < u16::from(LEN_16) {
                    return None;
                }
                (usize::from(len), 4 + key_len)
            }
            len if len < LEN_16 => (usize::from(len), 2 + key_len),
            _ => {
                let len = header::length(bytes.get(..10)?);
                (usize::try_from(len).ok().filter(|len| *len > 0xFFFF)?, 10 + key_len)
            }
        };
        if len as u64 > limits.frame || len as u64 > limits.message {
            return None;
        }
        Some((first, header, len))
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
