//! Inputs at the edges of rules, which coverage alone doesn't lead to, held against the same checks.

use sockless_fuzz::{close_body, header, inflate, utf8};

#[test]
fn every_close_code_is_judged() {
    for code in (0..=5100u16).chain([u16::MAX]) {
        close_body::check(&code.to_be_bytes());
    }
    for body in [&b"\x03"[..], b"\x03\xE8\xED\xA0\x80", b"\x03\xE8\xF4\x90", b"\x03\xE8\xE2\x82"] {
        close_body::check(body);
    }
}

#[test]
fn every_form_of_length_is_judged_at_its_edges() {
    let long =
        [0, 125, 126, 127, 255, 256, 65_535, 65_536, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX];
    for second in 0..=255u8 {
        for len in long {
            let short = (len as u16).to_be_bytes();
            let extended =
                if second & 127 == 126 { short.to_vec() } else { len.to_be_bytes().into() };
            header::check(&[&[0x82, second][..], &extended, &[1, 2, 3, 4]].concat());
        }
    }
    (0..=255u8).for_each(|first| header::check(&[first, 0]));
}

#[test]
fn every_pair_and_the_edges_of_longer_code_points_are_judged() {
    for first in 0x7F..=0xFFu8 {
        for second in (0..=0xFFu8).step_by(if first < 0xC0 { 64 } else { 1 }) {
            utf8::check(&[first, second]);
        }
        for second in [0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0] {
            for third in [0x7F, 0x80, 0xBF, 0xC0] {
                utf8::check(&[b'a', first, second, third]);
                utf8::check(&[first, second, third, 0x80, b'z']);
            }
        }
    }
}

#[test]
fn blocks_that_say_that_they_are_the_last_are_judged() {
    // Blocks without compression, and with the fixed codes: a literal, and a copy of what lies before.
    let blocks: [&[u8]; 7] = [
        b"\x01\x01\x00\xFE\xFFa",
        b"\x00\x01\x00\xFE\xFFb",
        b"\x4B\x04\x00",
        b"\x4A\x04\x02\x00",
        b"\x00",
        b"\x03\x00",
        b"\x02\x00",
    ];
    for first in blocks {
        inflate::check(first);
        for second in blocks {
            inflate::check(&[first, second].concat());
            for third in blocks {
                inflate::check(&[first, second, third].concat());
            }
        }
    }
}
