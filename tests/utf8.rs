//! UTF-8 in pieces: however the text is cut, the result is that of the standard library, with the first octet that can't be right.

use proptest::prelude::*;
use sockless::words::mask::Mask;
use sockless::words::simd::Level;
use sockless::words::text;
use sockless::words::utf8::Utf8;

/// What a text is: `Err` with the index of the first octet that can't be right, or the number of octets at its end that
/// begin a code point.
type Verdict = Result<usize, usize>;

/// Whether a code point's encoding, which the standard library knows, begins with these octets: the definition of "can
/// still be right", tried out.
fn begins_a_code_point(octets: &[u8]) -> bool {
    // These cover all continuations: the bounds of continuation octets, and the narrower ones of some second octets.
    const GO_ON: [u8; 4] = [0x80, 0x8F, 0x90, 0xBF];
    if std::str::from_utf8(octets).is_ok() {
        return true;
    }
    octets.len() < 4
        && GO_ON.iter().any(|&octet| {
            let mut longer = octets.to_vec();
            longer.push(octet);
            begins_a_code_point(&longer)
        })
}

/// The oracle: slow, octet by octet, by trial.
fn oracle(text: &[u8]) -> Verdict {
    let mut start = 0;
    for end in 1..=text.len() {
        if !begins_a_code_point(&text[start..end]) {
            return Err(end - 1);
        }
        if std::str::from_utf8(&text[start..end]).is_ok() {
            start = end;
        }
    }
    Ok(text.len() - start)
}

/// The validator's verdict on pieces cut where `cuts` says, in ascending order.
fn pushed(text: &[u8], cuts: &[usize]) -> Verdict {
    let mut utf8 = Utf8::new();
    let mut start = 0;
    for &end in cuts.iter().chain([&text.len()]) {
        utf8.push(&text[start..end]).map_err(|index| start + index)?;
        start = end;
    }
    assert_eq!(utf8.partial(), &text[text.len() - utf8.partial().len()..]);
    assert_eq!(utf8.is_complete(), utf8.partial().is_empty());
    assert_eq!(utf8.is_complete(), utf8.missing() == 0);
    Ok(utf8.partial().len())
}

/// The same through both functions that unmask.
fn unmasked(level: Level, text: &[u8], cuts: &[usize]) -> Verdict {
    const KEY: [u8; 4] = [0x99, 0x12, 0xC3, 0x80];
    let mut mask = Mask::new(KEY);
    let mut masked = text.to_vec();
    mask.apply(Level::SCALAR, &mut masked);
    let (mut in_place, mut appending) = (Utf8::new(), Utf8::new());
    let mut out = b"before".to_vec();
    let mut start = 0;
    for &end in cuts.iter().chain([&text.len()]) {
        let copied = text::append(mask, level, &masked[start..end], &mut out, &mut appending);
        let result = text::unmask(mask, level, &mut masked[start..end], &mut in_place);
        assert_eq!(copied, result);
        let right = start + result.err().unwrap_or(end - start);
        assert_eq!(&masked[..right], &text[..right]);
        assert_eq!(&out[..6 + right], [b"before", &text[..right]].concat());
        result.map_err(|index| start + index)?;
        mask = mask.advanced(end - start);
        start = end;
    }
    assert_eq!(in_place, appending);
    Ok(in_place.partial().len())
}

fn assert_all(text: &[u8], cuts: &[usize]) {
    let expected = oracle(text);
    assert_eq!(expected == Ok(0), std::str::from_utf8(text).is_ok());
    assert_eq!(pushed(text, cuts), expected, "{text:02X?} cut at {cuts:?}");
    for level in Level::available() {
        assert_eq!(unmasked(level, text, cuts), expected, "{text:02X?} cut at {cuts:?}");
    }
}

/// Checks a sequence in one piece, and octet by octet.
fn assert_sequence(sequence: &[u8], expected: Verdict) {
    assert_eq!(pushed(sequence, &[]), expected, "{sequence:02X?}");
    let cuts = [1, 2, 3];
    let cuts = &cuts[..sequence.len() - 1];
    assert_eq!(pushed(sequence, cuts), expected, "{sequence:02X?} by octets");
}

#[test]
fn every_one_and_two_octets() {
    for first in 0..=0xFF {
        assert_sequence(&[first], oracle(&[first]));
        for second in (0..=0xFF).step_by(if cfg!(miri) { 51 } else { 1 }) {
            let sequence = [first, second];
            assert_sequence(&sequence, oracle(&sequence));
        }
    }
}

#[cfg(not(miri))]
#[test]
fn every_three_octets() {
    // One octet stands for all of ASCII: after it, only two octets are left.
    for first in 0x7F..=0xFF {
        for second in 0..=0xFF {
            // A third octet can't change a verdict of two octets. The slow oracle is not asked again.
            let two = oracle(&[first, second]);
            for third in (0..=0xFF).step_by(if two.is_err() { 15 } else { 1 }) {
                let sequence = [first, second, third];
                let expected = match two {
                    Err(index) => Err(index),
                    Ok(_) => oracle(&sequence),
                };
                assert_sequence(&sequence, expected);
            }
        }
    }
}

#[cfg(not(miri))]
#[test]
fn four_octets_around_every_bound() {
    const CONTINUATIONS: [u8; 10] = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF];
    for first in [0x7F, 0x80, 0xC1, 0xC2, 0xDF, 0xE0, 0xED].into_iter().chain(0xEF..=0xF8) {
        for second in 0..=0xFF {
            for third in CONTINUATIONS {
                let three = oracle(&[first, second, third]);
                for fourth in CONTINUATIONS {
                    let sequence = [first, second, third, fourth];
                    let expected = match three {
                        Err(index) => Err(index),
                        Ok(_) => oracle(&sequence),
                    };
                    assert_sequence(&sequence, expected);
                }
            }
        }
    }
}

#[cfg(not(miri))]
#[test]
fn every_code_point_is_right_in_every_cut() {
    for code_point in '\0'..=char::MAX {
        let mut buffer = [0; 4];
        let text = code_point.encode_utf8(&mut buffer).as_bytes();
        assert_eq!(pushed(text, &[]), Ok(0));
        for cut in 1..text.len() {
            assert_eq!(pushed(text, &[cut]), Ok(0));
        }
    }
}

#[test]
fn overlong_form_fails_at_its_second_octet() {
    for text in [
        &b"\xE0\x80"[..],
        b"\xE0\x9F\xBF",
        b"\xED\xA0\x80",
        b"\xF0\x80\x80\x80",
        b"\xF0\x8F",
        b"\xF4\x90\x80\x80",
    ] {
        assert_eq!(pushed(text, &[]), Err(1));
        assert_eq!(pushed(text, &[1]), Err(1));
    }
    assert_eq!(pushed(b"\xC0\x80", &[]), Err(0));
    assert_eq!(pushed(b"\xF5\x80\x80\x80", &[]), Err(0));
    assert_eq!(pushed(b"\xF0\x9F\x98A", &[2]), Err(3));
}

#[test]
fn missing_counts_down() {
    let mut utf8 = Utf8::new();
    for (octet, missing) in [(0xF0, 3), (0x9F, 2), (0x98, 1), (0x80, 0), (0xC3, 1)] {
        assert_eq!(utf8.push(&[octet]), Ok(()));
        assert_eq!(utf8.missing(), missing);
    }
    assert_eq!(utf8.partial(), b"\xC3");
}

/// Long texts of different kinds, each a bit longer than some blocks.
fn long_texts() -> Vec<Vec<u8>> {
    let len = if cfg!(miri) { 100 } else { 400 };
    let fill = |sample: &str| {
        let text: String = sample.chars().cycle().take(len).collect();
        text.into_bytes()
    };
    vec![
        fill("plain words, nothing else. "),
        fill("\u{e9}"),
        fill("\u{4f60}\u{597d}"),
        fill("\u{1f600}"),
        fill(
            "mixed: \u{4f60}\u{597d}, caf\u{e9} \u{1f600} and a long run of plain words after all of that. ",
        ),
    ]
}

#[test]
fn wrong_octet_is_found_at_every_position_of_a_long_text() {
    for text in long_texts() {
        for position in (0..text.len()).step_by(if cfg!(miri) { 23 } else { 1 }) {
            for wrong in [0xFF, 0x80, 0xC3, 0xE0, b'a'] {
                let mut text = text.clone();
                text[position] = wrong;
                // The oracle is slow, and the text farther away is right: it gets only the neighbourhood, from the start
                // of a code point on. If that is right, so is the whole text, which ends with a complete code point.
                let mut start = position.saturating_sub(8);
                while start > 0 && text[start] & 0xC0 == 0x80 {
                    start -= 1;
                }
                let end = (position + 12).min(text.len());
                let expected = match oracle(&text[start..end]) {
                    Err(index) => Err(start + index),
                    Ok(_) if end < text.len() => Ok(0),
                    Ok(cut) => Ok(cut),
                };
                assert_eq!(pushed(&text, &[]), expected);
                assert_eq!(pushed(&text, &[position]), expected);
                assert_eq!(unmasked(Level::detect(), &text, &[]), expected);
            }
        }
    }
}

#[test]
fn text_is_unmasked_and_checked_across_blocks() {
    let block = 16 * 1024;
    let len = if cfg!(miri) { block + 100 } else { 3 * block };
    let sample = "\u{4f60}a\u{e9}\u{1f600}bc";
    let mixed: String = sample.chars().cycle().take(len / 2).collect();
    let plain = "x".repeat(len);
    for level in Level::available() {
        for text in [mixed.as_bytes(), plain.as_bytes()] {
            assert_eq!(unmasked(level, text, &[]), Ok(0));
            for position in [0, 5, block - 2, block - 1, block, block + 1, block + 70] {
                let mut text = text.to_vec();
                text[position] = 0xFF;
                // The tests above show which octet is wrong; here both functions have to agree.
                assert_eq!(unmasked(level, &text, &[]), pushed(&text, &[]));
                assert_eq!(unmasked(level, &text, &[position]), Err(position));
            }
        }
    }
    // A code point across the border between blocks, among ASCII.
    for back in 1..4 {
        let mut text = "x".repeat(block - back);
        text.push('\u{1f600}');
        text.push_str(&"x".repeat(block));
        assert_eq!(unmasked(Level::detect(), text.as_bytes(), &[]), Ok(0));
        let cut = block - back + 1;
        assert_eq!(unmasked(Level::detect(), &text.as_bytes()[..cut], &[]), Ok(1));
    }
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        4 => "[ -~]{0,100}".prop_map(String::into_bytes),
        2 => "\\PC{0,60}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..3),
        1 => prop::sample::select(vec![
            b"\xE0\x80".to_vec(), b"\xED\xA0".to_vec(), b"\xF4\x90".to_vec(), b"\xF0\x9F".to_vec(), b"\xC3".to_vec(),
        ]),
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 1024 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text_in_any_pieces(text in octets(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        assert_all(&text, &cuts);
    }

    #[test]
    fn any_valid_text_in_any_pieces(text in "\\PC{0,300}", cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let text = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(oracle(text), Ok(0));
        assert_all(text, &cuts);
    }
}

#[test]
fn validators_are_equal_that_know_the_same() {
    let after = |pieces: &[&[u8]]| {
        let mut utf8 = Utf8::new();
        pieces.iter().for_each(|piece| assert_eq!(utf8.push(piece), Ok(())));
        utf8
    };
    // However a text was cut, and whatever code points came before.
    assert_eq!(after(&[b"\xD8", b"\xA2"]), Utf8::new());
    assert_eq!(after(&[b"\xF0\x9F", b"\x98", b"\x80\xC3"]), after(&[b"\xC3"]));
    assert_ne!(after(&[b"\xC3"]), after(&[b"\xC4"]));
}
