//! The rules of receiving that a frame's header can break (RFC 6455, sections 5.1, 5.2, 5.4 and 5.5), at the first byte that breaks
//! them.

use super::header::{self, FIN, LEN, LEN_16, MASKED, OPCODE, RSV};
use super::violation::Violation;
use crate::words::opcode::Opcode;
use crate::words::role::Role;

/// The length of the header at the beginning of `bytes`, if all of it is there and it breaks no rule. A header that breaks one is to be
/// checked byte by byte, so that it fails at the right byte.
pub(super) fn good_header_len<R: Role>(
    bytes: &[u8],
    claims: u8,
    in_message: bool,
) -> Option<usize> {
    let &[first, second, ..] = bytes else {
        return None;
    };
    header::decode_length(bytes)?;
    let len = header::header_len(second);
    let good = bytes.len() >= len
        && check_first_byte(first, claims, in_message).is_ok()
        && check_second_byte::<R>(first, second).is_ok();
    good.then_some(len)
}

/// Checks the last of the header's bytes that have been seen; those before it have been checked.
pub(super) fn check_last_byte<R: Role>(
    seen: &[u8],
    claims: u8,
    in_message: bool,
) -> Result<(), Violation> {
    match *seen {
        [] => Ok(()),
        [first] => check_first_byte(first, claims, in_message),
        [first, second] => check_second_byte::<R>(first, second),
        [_, second, ..] => {
            let end = seen.len().min(header::length_end(second));
            header::check_length(&seen[2..end], second)
        }
    }
}

/// Checks a header's first byte: the reserved bits, the opcode, and whether a frame with this opcode may come now. `claims` are the
/// reserved bits that an extension has claimed for the first frame of a data message; `in_message` says whether a data message is open.
#[inline]
fn check_first_byte(first: u8, claims: u8, in_message: bool) -> Result<(), Violation> {
    let Some(opcode) = Opcode::from_bits(first & OPCODE) else {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# If an unknown opcode is received, the receiving endpoint MUST _Fail the
        //# WebSocket Connection_.
        return Err(Violation::ReservedOpcode);
    };
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //# frame-rsv1 = %x0 / %x1 ; 1 bit in length, MUST be 0 unless ; negotiated otherwise
    //# frame-rsv2 = %x0 / %x1 ; 1 bit in length, MUST be 0 unless ; negotiated otherwise
    //# frame-rsv3 = %x0 / %x1 ; 1 bit in length, MUST be 0 unless ; negotiated otherwise
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //# MUST be 0 unless an extension is negotiated that defines meanings
    //# for non-zero values.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //# If a nonzero value is received and none of
    //# the negotiated extensions defines the meaning of such a nonzero
    //# value, the receiving endpoint MUST _Fail the WebSocket
    //# Connection_.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
    //# An endpoint
    //# receiving such a frame MUST _Fail the WebSocket Connection_.
    let claimed = if matches!(opcode, Opcode::Text | Opcode::Binary) { claims } else { 0 };
    if first & RSV & !claimed != 0 {
        return Err(Violation::ReservedBits);
    }
    match (opcode, in_message) {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5
        //# All control frames MUST have a payload length of 125 bytes or less
        //# and MUST NOT be fragmented.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# Control frames themselves MUST NOT be fragmented.
        _ if opcode.is_control() && first & FIN == 0 => Err(Violation::FragmentedControl),
        (Opcode::Continuation, false) => Err(Violation::UnexpectedContinuation),
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# Since control frames cannot be fragmented, the type for all fragments in a
        //# message MUST be either text, binary, or one of the reserved opcodes.
        (Opcode::Text | Opcode::Binary, true) => Err(Violation::InterruptedMessage),
        _ => Ok(()),
    }
}

/// Checks a header's second byte, in the role `R`: the mask bit, and the length of a control frame.
#[inline]
fn check_second_byte<R: Role>(first: u8, second: u8) -> Result<(), Violation> {
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
