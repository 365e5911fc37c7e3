//! Compression: RFC 7692, section 7.2.1.

use std::vec::Vec;

use super::support::{Independent, TAIL, decode, decoder, direction, encode, encoder, noise};
use crate::extension::deflate::encoder::compress_alone;
use crate::extension::deflate::{Compression, DeflateEncoder, Effort, Memory, Pool};
use crate::extension::door::Encode;

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

#[test]
fn hello_is_the_example_of_section_7_2_3_1() {
    assert_eq!(encode(&mut encoder(15, true), b"Hello"), HELLO);
}

#[test]
fn without_takeover_every_message_starts_with_an_empty_window() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
    //= type=test
    //# If the "agreed parameters" contain the "client_no_context_takeover"
    //# extension parameter, the client MUST start compressing each new
    //# message with an empty LZ77 sliding window.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
    //= type=test
    //# If the "agreed parameters" contain the "server_no_context_takeover"
    //# extension parameter, the server MUST start compressing each new
    //# message with an empty LZ77 sliding window.
    let mut encoder = encoder(15, false);
    for _ in 0..3 {
        assert_eq!(encode(&mut encoder, b"Hello"), HELLO);
    }
}

#[test]
fn without_takeover_nothing_refers_to_an_earlier_message_at_any_level_and_size() {
    for (level, memory, bits) in
        [1, 2, 6, 9].into_iter().flat_map(|level| [(level, 1, 9), (level, 8, 15)])
    {
        let config = Compression::default()
            .with_level(Effort::new(level).unwrap())
            .with_memory(Memory::new(memory).unwrap());
        let mut encoder = DeflateEncoder::new(direction(bits, false), &config).unwrap();
        let mut independent = Independent::new(15, false);
        // The same octets again and again, each time as another message: whole, and in fragments of which the last has nothing.
        let all = noise(3, 40_000);
        for length in [40_000, 300, 3, 1, 40_000, 300, 0, 3] {
            let message = &all[..length];
            let whole = encode(&mut encoder, message);
            assert!(independent.decode(&whole).unwrap() == message, "{level} {length}");
            let (mut cut, middle) = (Vec::new(), length / 2);
            encoder.encode(&message[..middle], false, &mut cut);
            encoder.encode(&message[middle..], false, &mut cut);
            encoder.encode(b"", true, &mut cut);
            assert!(independent.decode(&cut).unwrap() == message, "{level} {length}, cut");
        }
    }
}

#[test]
fn what_a_compressor_was_used_for_before_does_not_show_without_takeover() {
    let all = noise(7, 3000);
    let messages: [&[&[u8]]; 6] = [
        &[b"", b"Hello", b"", b"Hello", b""],
        &[&all],
        &[b""],
        &[b"", b""],
        &[&all[..1500], &all[1500..]],
        &[b"", &all[..300]],
    ];
    let mut used = encoder(15, false);
    let pool = Compression::default().with_pool(Pool::new(1));
    let mut pooled = DeflateEncoder::new(direction(15, false), &pool).unwrap();
    for message in messages.iter().cycle().take(20) {
        let [fresh, used, pooled] =
            [&mut encoder(15, false), &mut used, &mut pooled].map(|encoder| {
                let mut out = Vec::new();
                for (at, fragment) in message.iter().enumerate() {
                    encoder.encode(fragment, at == message.len() - 1, &mut out);
                }
                out
            });
        assert!(fresh == used && fresh == pooled, "{} fragments", message.len());
    }
}

#[test]
fn with_takeover_the_second_message_is_shorter() {
    let mut encoder = encoder(15, true);
    let message = noise(1, 1000);
    let first = encode(&mut encoder, &message);
    let second = encode(&mut encoder, &message);
    assert!(first.len() > 900 && second.len() < 40, "{} {}", first.len(), second.len());
}

#[test]
fn an_empty_message_is_the_octet_00_in_any_state() {
    for takeover in [true, false] {
        let mut encoder = encoder(15, takeover);
        for _ in 0..2 {
            assert_eq!(encode(&mut encoder, b""), [0x00]);
            encode(&mut encoder, b"Hello");
            assert_eq!(encode(&mut encoder, b""), [0x00]);
            encoder.forget();
        }
    }
}

#[test]
fn only_the_last_fragment_loses_its_tail() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
    //= type=test
    //# Note that
    //# for non-final fragments, the removal of 0x00 0x00 0xff 0xff MUST NOT
    //# be done.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
    //= type=test
    //# Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end.
    let mut encoder = encoder(15, true);
    let mut independent = Independent::new(15, true);
    let fragments: [&[u8]; 6] = [b"Hel", b"", b"lo", b"", b"Hello Hello", b""];
    for _ in 0..2 {
        let mut whole = Vec::new();
        for (at, fragment) in fragments.into_iter().enumerate() {
            let (start, last) = (whole.len(), at == fragments.len() - 1);
            encoder.encode(fragment, last, &mut whole);
            match (last, fragment) {
                (true, _) => assert_eq!(whole[start..], [0x00]),
                (false, b"") => assert_eq!(whole.len(), start),
                (false, _) => assert!(whole.ends_with(&TAIL)),
            }
        }
        assert_eq!(independent.decode(&whole).unwrap(), fragments.concat());
    }
}

#[test]
fn no_distance_is_larger_than_the_agreed_window() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
    //= type=test
    //# An endpoint MUST NOT use an LZ77 sliding window longer than 32,768
    //# bytes to compress messages to send.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
    //= type=test
    //# If the "agreed parameters" contain the "server_max_window_bits"
    //# extension parameter with a value of w, the server MUST NOT use an
    //# LZ77 sliding window longer than the w-th power of 2 bytes to compress
    //# messages to send.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
    //= type=test
    //# If the "agreed parameters" contain the "client_max_window_bits"
    //# extension parameter with a value of w, the client MUST NOT use an
    //# LZ77 sliding window longer than the w-th power of 2 bytes to compress
    //# messages to send.
    for bits in 9..=15 {
        for level in [1, 2, 4, 6, 9] {
            let config = Compression::default().with_level(Effort::new(level).unwrap());
            let mut encoder = DeflateEncoder::new(direction(bits, true), &config).unwrap();
            // Blocks that come back at every distance around the window's size.
            let block = noise(5, 64);
            let mut message = Vec::new();
            for gap in 0..8 {
                message.extend_from_slice(&block);
                message.extend(noise(
                    100 + gap,
                    ((1 << bits) + 150 * gap as usize).saturating_sub(800),
                ));
            }
            let mut independent = Independent::new(bits, true);
            for _ in 0..2 {
                let payload = encode(&mut encoder, &message);
                assert!(
                    independent.decode(&payload).unwrap() == message,
                    "{bits} bits, level {level}"
                );
            }
            // What comes back within the window is found, and shortens the message.
            let letters = |seed, length| -> Vec<u8> {
                noise(seed, length).iter().map(|octet| b'a' + octet % 16).collect()
            };
            let (block, gap) = (letters(5, 100), letters(9, (1 << bits) - 400));
            let mut length = |last: &[u8]| {
                encoder.forget();
                encode(&mut encoder, &[&block[..], &gap, last].concat()).len()
            };
            let (again, other) = (length(&block), length(&letters(6, 100)));
            assert!(
                level < 4 || again + 20 < other,
                "{bits} bits, level {level}: {again}, {other}"
            );
        }
    }
}

#[test]
fn eight_bits_are_never_given_to_a_compressor() {
    assert!(DeflateEncoder::new(direction(8, true), &Compression::default()).is_none());
    assert!(compress_alone(b"Hello", direction(8, true), &Compression::default()).is_none());
}

#[test]
fn a_forgotten_history_is_not_referred_to() {
    let message = noise(6, 2000);
    let mut encoder = encoder(15, true);
    let first = encode(&mut encoder, &message);
    encoder.forget();
    assert_eq!(encode(&mut encoder, &message), first);
    // Only once: the history continues from there.
    assert!(encode(&mut encoder, &message).len() < 60);
}

#[test]
fn prepared_messages_go_between_others_without_desynchronising() {
    // The peer's window holds the prepared message, the encoder's doesn't.
    let config = Compression::default();
    let mut encoder = encoder(12, true);
    let mut decoder = decoder(12, true);
    let mut independent = Independent::new(12, true);
    for round in 0..40_u64 {
        let message = noise(round % 3, 1500);
        let payload = if round % 4 == 3 {
            encoder.forget();
            compress_alone(&message, direction(9 + (round % 3) as u8, true), &config).unwrap()
        } else {
            encode(&mut encoder, &message)
        };
        assert!(decode(&mut decoder, &payload, 1500).unwrap() == message);
        assert!(independent.decode(&payload).unwrap() == message);
    }
}

#[test]
fn compressed_octets_that_were_thrown_away_are_forgotten() {
    let mut encoder = encoder(15, true);
    let mut decoder = decoder(15, true);
    let (secret, message) = (noise(7, 500), noise(8, 500));
    encode(&mut encoder, &secret);
    encoder.forget();
    let both = [secret, message].concat();
    let payload = encode(&mut encoder, &both);
    assert_eq!(decode(&mut decoder, &payload, 1000).unwrap(), both);
}

#[test]
fn a_release_makes_the_next_message_start_with_an_empty_window() {
    let mut encoder = encoder(15, true);
    let message = noise(9, 2000);
    let first = encode(&mut encoder, &message);
    encoder.release();
    assert_eq!(encode(&mut encoder, &message), first);
}

#[test]
fn a_release_within_a_message_waits() {
    let mut encoder = encoder(15, true);
    let mut payload = Vec::new();
    encoder.encode(b"Hello, ", false, &mut payload);
    encoder.release();
    encoder.forget();
    encoder.encode(b"Hello", true, &mut payload);
    assert_eq!(Independent::new(15, true).decode(&payload).unwrap(), b"Hello, Hello");
    assert_eq!(encode(&mut encoder, b"Hello"), HELLO);
}

#[test]
fn large_messages_keep_every_octet_at_every_level() {
    for level in 1..=9 {
        for memory in [1, 9] {
            let config = Compression::default()
                .with_level(Effort::new(level).unwrap())
                .with_memory(Memory::new(memory).unwrap());
            let mut encoder = DeflateEncoder::new(direction(15, true), &config).unwrap();
            let mut message = noise(10, 200_000);
            message.extend(b"Hello".repeat(20_000));
            let payload = encode(&mut encoder, &message);
            assert!(payload.len() < 230_000);
            assert!(decode(&mut decoder(15, true), &payload, 300_000).unwrap() == message);
        }
    }
}

#[test]
fn a_pool_gives_states_that_know_nothing_of_earlier_messages() {
    let pool = Pool::new(2);
    let config = Compression::default().with_pool(pool.clone());
    let mut encoders =
        [0, 1, 2].map(|_| DeflateEncoder::new(direction(15, false), &config).unwrap());
    let message = noise(11, 1000);
    let expected = encode(&mut encoder(15, false), &message);
    for _ in 0..3 {
        for encoder in &mut encoders {
            assert_eq!(encode(encoder, &message), expected);
        }
    }
    assert_eq!(std::format!("{pool:?}"), "Pool { limit: 2, inflaters: 0, compressors: 1 }");

    // Different shapes don't meet.
    let mut other = DeflateEncoder::new(direction(10, false), &config).unwrap();
    encode(&mut other, &message);
    assert_eq!(std::format!("{pool:?}"), "Pool { limit: 2, inflaters: 0, compressors: 2 }");
    pool.clear();
    assert_eq!(std::format!("{pool:?}"), "Pool { limit: 2, inflaters: 0, compressors: 0 }");
}
