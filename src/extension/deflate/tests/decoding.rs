//! Decompression: RFC 7692, section 7.2.2, its examples, and the traps in it.

use std::vec::Vec;

use super::support::{Bits, TAIL, decode, decoder, encode, encoder, noise, stored};
use crate::extension::door::{Decode, DecodeError};

const LIMIT: usize = 1 << 20;

#[test]
fn the_examples_of_section_7_2_3_are_hello() {
    let examples: [&[u8]; 4] = [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ];
    for takeover in [true, false] {
        let mut decoder = decoder(15, takeover);
        for example in examples {
            assert_eq!(decode(&mut decoder, example, LIMIT).unwrap(), b"Hello");
        }
    }
}

#[test]
fn the_window_is_taken_over_to_the_next_message() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
    //= type=test
    //# Otherwise, the client MUST decompress
    //# each new message using the LZ77 sliding window used to process the
    //# last compressed message.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
    //= type=test
    //# Otherwise, the server MUST decompress
    //# each new message using the LZ77 sliding window used to process the
    //# last compressed message.
    let mut decoder = decoder(15, true);
    let first = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let second = [0xf2, 0x00, 0x11, 0x00, 0x00];
    for payload in [&first[..], &second, &second] {
        assert_eq!(decode(&mut decoder, payload, LIMIT).unwrap(), b"Hello");
    }
}

#[test]
fn without_takeover_a_reference_to_an_earlier_message_is_corrupt() {
    let mut decoder = decoder(15, false);
    let first = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(decode(&mut decoder, &first, LIMIT).unwrap(), b"Hello");
    let second = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(decode(&mut decoder, &second, LIMIT), Err(DecodeError::Corrupt));
}

#[test]
fn a_window_of_32768_octets_is_kept_whatever_is_smaller_agreed() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
    //= type=test
    //# Otherwise, the client MUST use a
    //# 32,768-byte LZ77 sliding window to decompress received messages.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
    //= type=test
    //# Otherwise, the server MUST use a
    //# 32,768-byte LZ77 sliding window to decompress received messages.
    let mut decoder = decoder(15, true);
    let data = noise(1, 32_768);
    let mut payload = stored(false, &data);
    payload.push(0);
    assert_eq!(decode(&mut decoder, &payload, LIMIT).unwrap(), data);
    let far = Bits::default().fixed(false).far(32_768).end_of_block().value(0, 3).octets();
    assert_eq!(decode(&mut decoder, &far, LIMIT).unwrap(), &data[..3]);
}

#[test]
fn an_empty_message_is_one_octet_in_any_state() {
    for takeover in [true, false] {
        let mut decoder = decoder(15, takeover);
        for payload in
            [&[0x00][..], &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], &[0x00], &[0x02, 0x00]]
        {
            let length = if payload.len() == 7 { 5 } else { 0 };
            assert_eq!(decode(&mut decoder, payload, LIMIT).unwrap().len(), length);
        }
    }
}

#[test]
fn an_empty_payload_is_corrupt() {
    for before in [&[][..], &[&[0x00][..]], &[&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]]] {
        let mut decoder = decoder(15, true);
        for payload in before {
            decode(&mut decoder, payload, LIMIT).unwrap();
        }
        assert_eq!(decode(&mut decoder, &[], LIMIT), Err(DecodeError::Corrupt));
    }
}

#[test]
fn a_message_continues_after_bfinal_with_the_window_kept() {
    let far = |last| Bits::default().fixed(last).far(32_768).end_of_block();
    let data = noise(2, 32_768);
    for takeover in [true, false] {
        let mut payload = stored(true, &data);
        payload.extend(far(true).octets());
        payload.extend(Bits::default().fixed(true).literal(b'x').end_of_block().octets());
        payload.extend(far(true).octets());
        payload.extend(far(false).value(0, 3).octets());
        let mut expected = data.clone();
        expected.extend_from_slice(&data[..3]);
        expected.push(b'x');
        expected.extend_from_slice(&data[4..10]);
        for cut in [1, 7, 1000, payload.len()] {
            let mut decoder = decoder(15, takeover);
            let mut message = Vec::new();
            for piece in payload.chunks(cut) {
                decoder.decode(piece, false, LIMIT, &mut message).unwrap();
            }
            decoder.decode(&[], true, LIMIT, &mut message).unwrap();
            assert!(message == expected, "in pieces of {cut}");
        }
    }
}

#[test]
fn the_window_before_bfinal_reaches_into_the_next_message() {
    let data = noise(3, 1000);
    let mut decoder = decoder(15, true);
    let mut payload = stored(true, &data);
    payload.push(0);
    assert_eq!(decode(&mut decoder, &payload, LIMIT).unwrap(), data);
    // Length 3 (code 257), distance 1000 (code 19, 8 extra bits, from 769).
    let again = Bits::default().fixed(false).code(1, 7).code(19, 5).value(1000 - 769, 8);
    let again = again.end_of_block().value(0, 3).octets();
    assert_eq!(decode(&mut decoder, &again, LIMIT).unwrap(), &data[..3]);
}

#[test]
fn a_payload_that_ends_with_a_final_block_lacks_its_last_octet() {
    let mut decoder = decoder(15, true);
    let payload = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(decode(&mut decoder, &payload, LIMIT), Err(DecodeError::Corrupt));
}

#[test]
fn a_tail_that_was_not_stripped_is_left_over_data() {
    let mut payload = std::vec![0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    payload.extend_from_slice(&TAIL);
    assert_eq!(decode(&mut decoder(15, true), &payload, LIMIT), Err(DecodeError::Corrupt));
}

#[test]
fn every_truncation_is_corrupt() {
    let mut encoder = encoder(15, true);
    for message in [&b"Hello"[..], &noise(4, 3000), &b"abcabcabc".repeat(300)] {
        let payload = encode(&mut encoder, message);
        encoder = super::support::encoder(15, true);
        for length in 0..payload.len() {
            let result = decode(&mut decoder(15, true), &payload[..length], LIMIT);
            // By chance a shorter payload may end like one that is complete; then it gives less.
            match result {
                Err(error) => assert_eq!(error, DecodeError::Corrupt),
                Ok(decoded) => assert!(decoded.len() < message.len()),
            }
        }
    }
}

#[test]
fn a_stored_block_that_swallows_the_tail_is_corrupt() {
    // The block announces four octets more than the payload has.
    let payload = [0x00, 0x06, 0x00, 0xf9, 0xff, b'h', b'i'];
    assert_eq!(decode(&mut decoder(15, true), &payload, LIMIT), Err(DecodeError::Corrupt));
}

#[test]
fn what_is_corrupt_is_told() {
    for payload in [
        &[0x06][..],                           // block type 3
        &[0x00, 0x05, 0x00, 0xfa, 0xfe, b'H'], // length and its complement differ
        &[0x02, 0x80, 0x01, 0x00],             // a distance before the beginning
        &[0xff; 9],
        &[0x04, 0xc0, 0xff, 0xff, 0xff, 0xff], // impossible code lengths
    ] {
        assert_eq!(decode(&mut decoder(15, true), payload, LIMIT), Err(DecodeError::Corrupt));
    }
}

#[test]
fn the_cut_of_the_payload_makes_no_difference() {
    let message = b"{\"id\":17,\"text\":\"the quick brown fox\"}".repeat(40);
    let payload = encode(&mut encoder(15, true), &message);
    for cut in 1..40 {
        let mut decoder = decoder(15, true);
        for _ in 0..2 {
            let mut out = std::vec![b'<'];
            let last = payload.len().div_ceil(cut) - 1;
            for (at, piece) in payload.chunks(cut).enumerate() {
                let budget = LIMIT - out.len();
                decoder.decode(piece, at == last, budget, &mut out).unwrap();
                decoder.release();
            }
            assert_eq!(out[1..], message);
        }
    }
}

#[test]
fn a_release_between_messages_changes_nothing() {
    for (bits, takeover) in [(15, true), (9, true), (15, false)] {
        let mut encoder = encoder(bits, takeover);
        let mut decoder = decoder(bits, takeover);
        for round in 0..60 {
            let message = noise(round % 7, 700 * (round as usize % 50));
            let payload = encode(&mut encoder, &message);
            assert!(decode(&mut decoder, &payload, LIMIT).unwrap() == message);
            decoder.release();
        }
    }
}
