//! Masking: every kernel, at every level that this CPU has, against the loop of RFC 6455, section 5.3.

use proptest::prelude::*;
use sockless::words::mask::Mask;
use sockless::words::simd::{Instructions, Level};

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
const GUARD: u8 = 0xEE;
/// Fewer cases under Miri, which is a thousand times slower.
const LENGTHS: usize = if cfg!(miri) { 170 } else { 300 };
const OFFSETS: usize = if cfg!(miri) { 2 } else { 64 };

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
//= type=test
//# Octet i of the transformed data ("transformed-octet-i") is the XOR of
//# octet i of the original data ("original-octet-i") with octet at index
//# i modulo 4 of the masking key ("masking-key-octet-j"):
fn naive(key: [u8; 4], phase: usize, payload: &[u8]) -> Vec<u8> {
    let octets = payload.iter().enumerate();
    octets.map(|(i, octet)| octet ^ key[(phase + i) % 4]).collect()
}

/// Octets without a pattern, so that no kernel is right by chance.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(next).collect()
}

/// A buffer filled with guard octets, and an index in it whose address is `offset` modulo 64.
fn guarded(len: usize, offset: usize) -> (Vec<u8>, usize) {
    let buffer = vec![GUARD; len + 3 * 64];
    let at = buffer.as_ptr().addr();
    let start = (64 - at % 64) + offset;
    (buffer, start)
}

fn assert_guards(buffer: &[u8], start: usize, len: usize, what: &str) {
    let outside = buffer[..start].iter().chain(&buffer[start + len..]);
    assert!(outside.copied().all(|octet| octet == GUARD), "{what}");
}

/// Every operation, for one payload at one place.
fn check(level: Level, phase: usize, payload: &[u8], expected: &[u8], offset: usize) {
    let len = payload.len();
    let mask = Mask::new(KEY).advanced(phase);
    let what = format!("{level:?}, {len} octets at offset {offset}, phase {phase}");
    let ascii = expected.is_ascii();

    let (mut buffer, start) = guarded(len, offset);
    let range = start..start + len;
    buffer[range.clone()].copy_from_slice(payload);
    mask.apply(level, &mut buffer[range.clone()]);
    assert_eq!(&buffer[range.clone()], expected, "apply: {what}");
    assert_guards(&buffer, start, len, &what);

    buffer[range.clone()].copy_from_slice(payload);
    let seen = mask.apply_and_check_ascii(level, &mut buffer[range.clone()]);
    assert_eq!(&buffer[range.clone()], expected, "checked: {what}");
    assert_eq!(seen, ascii, "checked: {what}");
    assert_guards(&buffer, start, len, &what);

    buffer.fill(GUARD);
    mask.copy(level, payload, &mut buffer[range.clone()]);
    assert_eq!(&buffer[range.clone()], expected, "copy: {what}");
    assert_guards(&buffer, start, len, &what);

    buffer.fill(GUARD);
    let seen = mask.copy_and_check_ascii(level, payload, &mut buffer[range.clone()]);
    assert_eq!(&buffer[range], expected, "checked copy: {what}");
    assert_eq!(seen, ascii, "checked copy: {what}");
    assert_guards(&buffer, start, len, &what);
}

#[test]
fn every_length_offset_and_phase_equals_the_naive_loop() {
    let payload = noise(LENGTHS);
    for level in Level::available() {
        for len in (0..=LENGTHS).filter(|len| !cfg!(miri) || len % 7 < 2 || *len < 20) {
            for phase in 0..4 {
                let expected = naive(KEY, phase, &payload[..len]);
                for offset in 0..OFFSETS {
                    check(level, phase, &payload[..len], &expected, offset);
                }
            }
        }
    }
}

#[test]
fn large_payloads_equal_the_naive_loop() {
    let lengths: &[usize] = if cfg!(miri) {
        &[1023, 1025]
    } else {
        &[1023, 1024, 4097, 16 * 1024, 65_535, 65_536, (1 << 20) + 13]
    };
    for &len in lengths {
        let payload = noise(len);
        for phase in 0..4 {
            let expected = naive(KEY, phase, &payload);
            for level in Level::available() {
                for offset in [0, 1, 31, 63] {
                    check(level, phase, &payload, &expected, offset);
                }
            }
        }
    }
}

#[test]
fn source_may_lie_anywhere_too() {
    for level in Level::available() {
        for len in [1, 3, 7, 15, 16, 33, 65, 128, 129, 200, 700] {
            for offset in 0..OFFSETS {
                let (mut buffer, start) = guarded(len, offset);
                let payload = &mut buffer[start..start + len];
                payload.copy_from_slice(&noise(len));
                let mut to = vec![0; len];
                Mask::new(KEY).copy(level, payload, &mut to);
                assert_eq!(to, naive(KEY, 0, payload));
            }
        }
    }
}

#[test]
fn one_octet_outside_ascii_is_found_at_every_position() {
    for level in Level::available() {
        for len in (0..=LENGTHS).step_by(if cfg!(miri) { 29 } else { 1 }).chain([1000]) {
            let ascii: Vec<u8> = noise(len).iter().map(|octet| octet & 0x7F).collect();
            let masked = naive(KEY, 0, &ascii);
            let check = |masked: &[u8], is_ascii: bool| {
                let mut payload = masked.to_vec();
                let mut copied = vec![0; len];
                let mask = Mask::new(KEY);
                assert_eq!(mask.apply_and_check_ascii(level, &mut payload), is_ascii);
                assert_eq!(mask.copy_and_check_ascii(level, masked, &mut copied), is_ascii);
                assert_eq!(payload, naive(KEY, 0, masked));
                assert_eq!(copied, payload);
            };
            check(&masked, true);
            for position in 0..len {
                let mut masked = masked.clone();
                masked[position] ^= 0x80;
                check(&masked, false);
            }
        }
    }
}

#[cfg(feature = "alloc")]
#[test]
fn append_keeps_the_prefix_whatever_the_spare_capacity() {
    let payload = noise(LENGTHS);
    for level in Level::available() {
        for len in (0..=LENGTHS).step_by(if cfg!(miri) { 17 } else { 1 }) {
            let payload = &payload[..len];
            for spare in [0, 1, len / 2, len, len + 1, len + 100] {
                for prefix in [0, 1, 5, 64] {
                    let mut out = Vec::with_capacity(prefix + spare);
                    out.resize(prefix, GUARD);
                    Mask::new(KEY).append(level, payload, &mut out);
                    assert!(out[..prefix].iter().all(|&octet| octet == GUARD));
                    assert_eq!(&out[prefix..], naive(KEY, 0, payload));

                    let seen = Mask::new(KEY).append_and_check_ascii(level, payload, &mut out);
                    assert_eq!(&out[prefix..prefix + len], naive(KEY, 0, payload));
                    assert_eq!(&out[prefix + len..], naive(KEY, 0, payload));
                    assert_eq!(seen, out[prefix + len..].is_ascii());
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "one length into another")]
fn copy_into_another_length_panics() {
    Mask::new(KEY).copy(Level::SCALAR, &[0; 200], &mut [0; 199]);
}

#[test]
fn advanced_turns_the_key() {
    let mask = Mask::new([1, 2, 3, 4]);
    assert_eq!(mask.advanced(0), mask);
    assert_eq!(mask.advanced(1), Mask::new([2, 3, 4, 1]));
    assert_eq!(mask.advanced(2), Mask::new([3, 4, 1, 2]));
    assert_eq!(mask.advanced(7), Mask::new([4, 1, 2, 3]));
    assert_eq!(mask.advanced(usize::MAX), Mask::new([4, 1, 2, 3]));
}

#[test]
fn levels_are_those_that_the_cpu_has() {
    let levels: Vec<Level> = Level::available().collect();
    assert_eq!(levels[0], Level::SCALAR);
    // The best, unless the build limits it.
    let most = match () {
        () if cfg!(sockless_simd = "scalar") => Instructions::Scalar,
        () if cfg!(sockless_simd = "sse2") => Instructions::Sse2,
        () if cfg!(sockless_simd = "avx2") => Instructions::Avx2,
        () => Instructions::Neon,
    };
    let best = levels.iter().rfind(|level| level.instructions() <= most);
    assert_eq!(best, Some(&Level::detect()));
    for instructions in Instructions::ALL {
        let level = Level::new(instructions);
        assert_eq!(level.is_some(), levels.iter().any(|l| l.instructions() == instructions));
    }
    #[cfg(all(target_arch = "x86_64", feature = "std"))]
    {
        assert_eq!(Level::new(Instructions::Avx2).is_some(), is_x86_feature_detected!("avx2"));
        assert_eq!(Level::new(Instructions::Avx512).is_some(), is_x86_feature_detected!("avx512f"));
        assert_eq!(Level::new(Instructions::Neon), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn cut_anywhere_the_key_goes_on(
        key: [u8; 4],
        payload in prop::collection::vec(any::<u8>(), 0..2000),
        cuts in prop::collection::vec(0..2000_usize, 0..8),
    ) {
        let expected = naive(key, 0, &payload);
        for level in Level::available() {
            let mut masked = payload.clone();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (payload.len() + 1)).collect();
            cuts.extend([0, payload.len()]);
            cuts.sort_unstable();
            let mut mask = Mask::new(key);
            for cut in cuts.windows(2) {
                mask.apply(level, &mut masked[cut[0]..cut[1]]);
                mask = mask.advanced(cut[1] - cut[0]);
            }
            prop_assert_eq!(&masked, &expected);
            Mask::new(key).apply(level, &mut masked);
            prop_assert_eq!(&masked, &payload);
        }
    }
}
