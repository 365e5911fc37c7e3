//! The codec of one header: against arithmetic that a child can follow, at every cut, and there and back.

use arbitrary::Arbitrary;
use sockless::frame::{Header, Violation};
use sockless::words::opcode::Opcode;

#[derive(Arbitrary, Debug)]
struct Input {
    header: (bool, u8, u8, Option<[u8; 4]>, u64, u8),
    bytes: Vec<u8>,
}

pub fn check(data: &[u8]) {
    decode(data);
    if let Some(Input { header, bytes }) = crate::input(data) {
        decode(&bytes);
        let (fin, rsv, opcode, mask, len, shift) = header;
        let Some(opcode) = Opcode::from_bits(opcode & 15) else { return };
        let len = (len & u64::MAX >> 1) >> (shift % 64);
        there_and_back(Header { fin, rsv: rsv & 7, opcode, mask, len });
    }
}

fn there_and_back(header: Header) {
    let bytes = header.encode();
    assert_eq!(Header::decode(&bytes), Ok(Some((header, bytes.len()))));
    let shortest = match header.len {
        0..=125 => 2,
        126..=0xFFFF => 4,
        _ => 10,
    };
    assert_eq!(bytes.len(), shortest + if header.mask.is_some() { 4 } else { 0 });
}

fn decode(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(20)];
    let expected = reference(bytes);
    assert_eq!(Header::decode(bytes), expected, "{bytes:?}");
    for cut in 0..bytes.len() {
        let part = Header::decode(&bytes[..cut]);
        assert_eq!(part, reference(&bytes[..cut]));
        match (part, expected) {
            (Ok(None), _) => {}
            // What is found early stays found.
            (found, expected) => assert_eq!(found, expected, "{bytes:?} cut at {cut}"),
        }
    }
    if let Ok(Some((header, len))) = expected {
        assert_eq!(*header.encode(), bytes[..len], "the form is the only one");
        there_and_back(header);
    }
}

/// Section 5.2 of RFC 6455, bit by bit.
fn reference(bytes: &[u8]) -> Result<Option<(Header, usize)>, Violation> {
    let mut bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1 == 1));
    let mut number = |count: usize| -> Option<u64> {
        let mut number = 0;
        for _ in 0..count {
            number = number * 2 + u64::from(bits.next()?);
        }
        Some(number)
    };
    let (Some(fin), Some(rsv), Some(opcode)) = (number(1), number(3), number(4)) else {
        return Ok(None);
    };
    if !matches!(opcode, 0 | 1 | 2 | 8 | 9 | 10) {
        return Err(Violation::ReservedOpcode);
    }
    let (Some(masked), Some(short)) = (number(1), number(7)) else { return Ok(None) };
    let (width, least) = match short {
        126 => (2, 126),
        127 => (8, 65_536),
        _ => (0, 0),
    };
    let mut len = if width == 0 { short } else { 0 };
    for missing in (0..width).rev() {
        let Some(byte) = number(8) else { return Ok(None) };
        len = len << 8 | byte;
        if width == 8 && missing == 7 && byte > 127 {
            return Err(Violation::LengthOverflow);
        }
        let most = u128::from(len + 1) * (1u128 << (8 * missing)) - 1;
        if most < least {
            return Err(Violation::NonMinimalLength);
        }
    }
    let mut mask = None;
    if masked == 1 {
        let mut key = [0; 4];
        for octet in &mut key {
            let Some(byte) = number(8) else { return Ok(None) };
            *octet = byte as u8;
        }
        mask = Some(key);
    }
    let opcode = Opcode::from_bits(opcode as u8).expect("one of the six");
    let end = 2 + width + if mask.is_some() { 4 } else { 0 };
    Ok(Some((Header { fin: fin == 1, rsv: rsv as u8, opcode, mask, len }, end)))
}
