//! What a peer makes of compressed messages, by another library: the same stream of frames, as if nothing had been compressed.
//!
//! It judges no frame. What it leaves as it was, the reference decoder sees.

use sockless::connection::Side;
use sockless::extension::Agreed;

use crate::inflation::Inflater;
use crate::wire::frame;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;

/// A frame that is complete.
struct Frame {
    first: u8,
    key: Option<[u8; 4]>,
    payload: Vec<u8>,
}

/// Takes the first frame off `bytes`, if it is complete.
fn take(bytes: &mut &[u8]) -> Option<Frame> {
    let [first, second, rest @ ..] = *bytes else { return None };
    let width = match second & 127 {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let (extended, rest) = rest.split_at_checked(width)?;
    let len = match width {
        0 => usize::from(second & 127),
        _ => extended.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)),
    };
    let (key, rest) = rest.split_at_checked(if *second > 127 { 4 } else { 0 })?;
    let (payload, rest) = rest.split_at_checked(len)?;
    *bytes = rest;
    let key: Option<[u8; 4]> = key.try_into().ok();
    let mask = key.unwrap_or_default();
    let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    Some(Frame { first: *first, key, payload })
}

/// What an endpoint in the role `R` has written: the bit of compression is taken off the first frame of a message, and all of what
/// the message inflates to stands in its last.
pub(crate) fn inflated<R: Side>(mut wire: &[u8], agreed: &Agreed) -> Vec<u8> {
    let parameters = agreed.deflate.expect("compression was agreed on");
    let (bits, alone) = match R::MASKS {
        true => (parameters.client_max_window_bits, parameters.client_no_context_takeover),
        false => (parameters.server_max_window_bits, parameters.server_no_context_takeover),
    };
    let mut inflater = Inflater::new(bits.map_or(15, |bits| bits.get()), !alone);
    let mut plain = Vec::new();
    // What has been seen of a compressed message.
    let mut under_way: Option<Vec<u8>> = None;
    while let Some(Frame { first, key, payload }) = take(&mut wire) {
        let opcode = first & 15;
        let begins = matches!(opcode, 1 | 2) && first & RSV1 != 0;
        if begins {
            assert!(under_way.is_none(), "a message inside another one");
            under_way = Some(Vec::new());
        }
        match &mut under_way {
            Some(message) if opcode < 8 => {
                message.extend_from_slice(&payload);
                let ends = first & FIN != 0;
                let message = under_way.take_if(|_| ends).map(|message| inflater.inflate(&message));
                let first = if begins { first & !RSV1 } else { first };
                plain.extend(frame(first, key, &message.unwrap_or_default()));
            }
            _ => plain.extend(frame(first, key, &payload)),
        }
    }
    if under_way.is_none() && wire.first().is_none_or(|first| first & RSV1 == 0) {
        plain.extend_from_slice(wire);
    }
    plain
}
