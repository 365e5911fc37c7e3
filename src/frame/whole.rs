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
        if !self.is_between_messages() || second & MASKED != masked {
            return None;
        }
        let (len, header) = match second & LEN {
            LEN_16 => (usize::from(u16::from_be_bytes([a, b])), 4 + key_len),
            len if len < LEN_16 => (usize::from(len), 2 + key_len),
            _ => {
                let len = header::length(bytes.get(..10)?);
                (usize::try_from(len).ok().filter(|len| *len > 0xFFFF)?, 10 + key_len)
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
                    mask.apply(self.level(), payload);
                }
            }
            Kind::Text => {
                if !self.unmask_whole_text(mask, payload) {
                    self.fail(Violation::InvalidText);
                    return None;
                }
            }
        }
        Some((kind, payload))
    }

    fn unmask_whole_text(&self, mask: Mask, payload: &mut [u8]) -> bool {
        let mut utf8 = Utf8::new();
        let checked = match R::MASKS {
            true if payload.is_ascii() => Ok(()),
            true => utf8.push(payload),
            false => text::unmask(mask, self.level(), payload, &mut utf8),
        };
        checked.is_ok() && utf8.is_complete()
    }
}
