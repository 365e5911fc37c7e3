//! The codec against an independent inflater and compressor, on whatever proptest thinks of.

use std::vec::Vec;

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress, create_comp_flags_from_zip_params,
};
use proptest::prelude::*;

use super::support::{Independent, decode, decoder, direction, encode};
use crate::extension::deflate::encoder::compress_alone;
use crate::extension::deflate::{Compression, DeflateEncoder, Effort, Memory};
use crate::extension::door::{Decode, DecodeError, Encode};

/// A message that repeats parts of itself, near and far.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let run = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        (any::<u8>(), 0..2000_usize).prop_map(|(octet, count)| std::vec![octet; count]),
        ("[a-e]{1,12}", 1..300_usize).prop_map(|(word, count)| word.repeat(count).into_bytes()),
    ];
    proptest::collection::vec(run, 0..5).prop_map(|runs| runs.concat())
}

#[derive(Clone, Debug)]
enum Sent {
    Plain,
    Compressed(Vec<usize>),
    Prepared(u8),
    Forgotten,
    Released,
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![
        1 => Just(Sent::Plain),
        6 => proptest::collection::vec(0..1500_usize, 0..4).prop_map(Sent::Compressed),
        2 => (9..=15_u8).prop_map(Sent::Prepared),
        1 => Just(Sent::Forgotten),
        1 => Just(Sent::Released),
    ]
}

/// Decodes a message cut into pieces of changing lengths.
fn in_pieces(
    decoder: &mut impl Decode,
    mut payload: &[u8],
    cuts: &[usize],
    limit: usize,
) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    for cut in cuts {
        let (piece, rest) = payload.split_at((*cut).min(payload.len()));
        decoder.decode(piece, false, limit - out.len(), &mut out)?;
        payload = rest;
    }
    let budget = limit - out.len();
    decoder.decode(payload, true, budget, &mut out)?;
    Ok(out)
}

/// A message as another library compresses it, with or without its history.
fn foreign(compressor: &mut CompressorOxide, message: &[u8]) -> Vec<u8> {
    let mut payload = std::vec![0; 2 * message.len() + 200];
    let (_, read, wrote) = compress(compressor, message, &mut payload, TDEFLFlush::Sync);
    assert_eq!(read, message.len());
    payload.truncate(wrote);
    let stripped = payload.strip_suffix(&super::support::TAIL).unwrap();
    stripped.to_vec()
}

proptest! {
    #[test]
    fn any_interleaving_of_messages_round_trips(
        bits in 9..=15_u8,
        takeover: bool,
        level in 1..=9_u8,
        memory in 1..=9_u8,
        messages in proptest::collection::vec((message(), sent(), proptest::collection::vec(0..200_usize, 0..6)), 1..12),
    ) {
        let config = Compression::default().with_level(Effort::new(level).unwrap()).with_memory(Memory::new(memory).unwrap());
        let mut encoder = DeflateEncoder::new(direction(bits, takeover), &config).unwrap();
        let mut decoder = decoder(bits, takeover);
        let mut independent = Independent::new(bits, takeover);
        for (message, sent, cuts) in messages {
            let payload = match sent {
                Sent::Plain => continue,
                Sent::Forgotten => { encoder.forget(); continue }
                Sent::Released => { encoder.release(); decoder.release(); continue }
                Sent::Prepared(window) => {
                    encoder.forget();
                    compress_alone(&message, direction(window.min(bits), takeover), &config).unwrap()
                }
                Sent::Compressed(fragments) => {
                    let mut payload = Vec::new();
                    let mut rest = &message[..];
                    for length in fragments {
                        let (fragment, after) = rest.split_at(length.min(rest.len()));
                        encoder.encode(fragment, false, &mut payload);
                        rest = after;
                    }
                    encoder.encode(rest, true, &mut payload);
                    payload
                }
            };
            prop_assert_eq!(&independent.decode(&payload).unwrap(), &message);
            prop_assert_eq!(&in_pieces(&mut decoder, &payload, &cuts, message.len()).unwrap(), &message);
        }
    }

    #[test]
    fn streams_of_another_compressor_are_understood(
        level in 0..=10_i32,
        takeover: bool,
        messages in proptest::collection::vec((message(), proptest::collection::vec(0..200_usize, 0..6)), 1..8),
    ) {
        let flags = create_comp_flags_from_zip_params(level, -15, 0);
        let mut compressor = CompressorOxide::new(flags);
        let mut decoder = decoder(15, takeover);
        for (message, cuts) in messages {
            if !takeover {
                compressor.reset();
            }
            let payload = if message.is_empty() { std::vec![0] } else { foreign(&mut compressor, &message) };
            prop_assert_eq!(&in_pieces(&mut decoder, &payload, &cuts, message.len()).unwrap(), &message);
        }
    }

    #[test]
    fn mutated_streams_neither_panic_nor_exceed_the_budget_nor_depend_on_the_cut(
        first in message(),
        second in message(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cuts in proptest::collection::vec(0..100_usize, 0..8),
        limit in 0..4000_usize,
    ) {
        let mut encoder = DeflateEncoder::new(direction(15, true), &Compression::default()).unwrap();
        let intact = encode(&mut encoder, &first);
        let mut payload = encode(&mut encoder, &second);
        for (at, value) in changes {
            let at = at.index(payload.len());
            payload[at] ^= value;
        }
        let mut results = Vec::new();
        for cuts in [&[][..], &cuts] {
            let mut decoder = decoder(15, true);
            decode(&mut decoder, &intact, usize::MAX).unwrap();
            let result = in_pieces(&mut decoder, &payload, cuts, limit);
            prop_assert!(result.as_ref().map_or(0, Vec::len) <= limit);
            if result.is_ok() {
                // Whatever it was, it has ended: the next message is not touched by it.
                prop_assert_eq!(decode(&mut decoder, &[0x00], 0).unwrap(), b"");
                let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
                prop_assert_eq!(decode(&mut decoder, &hello, 5).unwrap(), b"Hello");
            }
            results.push(result);
        }
        prop_assert_eq!(&results[0], &results[1]);
    }

    #[test]
    fn arbitrary_octets_are_judged_alike_at_any_cut(
        payload in proptest::collection::vec(any::<u8>(), 0..200),
        cuts in proptest::collection::vec(0..30_usize, 0..12),
        takeover: bool,
    ) {
        let whole = decode(&mut decoder(15, takeover), &payload, 10_000);
        let pieces = in_pieces(&mut decoder(15, takeover), &payload, &cuts, 10_000);
        prop_assert_eq!(&whole, &pieces);
        if let Ok(message) = whole {
            prop_assert_eq!(Independent::new(15, takeover).decode(&payload).unwrap(), message);
        }
    }
}
