//! Budgets, bombs and floods.

use std::time::{Duration, Instant};
use std::vec::Vec;

use super::support::{Bits, decode, decoder, encode, encoder, noise, stored};
use crate::extension::door::{Decode, DecodeError};

/// 1 GiB of zeros in 1 MiB.
fn bomb() -> Vec<u8> {
    let mut encoder = encoder(15, true);
    encode(&mut encoder, &std::vec![0; 1 << 20])
}

#[test]
fn the_budget_is_exact() {
    for length in [0, 1, 5, 1023, 1024, 1025, 5000, 65_536, 200_000] {
        for message in [noise(1, length), std::vec![7; length]] {
            let payload = encode(&mut encoder(15, true), &message);
            assert!(decode(&mut decoder(15, true), &payload, length).unwrap() == message);
            if let Some(less) = length.checked_sub(1) {
                let result = decode(&mut decoder(15, true), &payload, less);
                assert_eq!(result, Err(DecodeError::OverBudget), "{length}");
            }
        }
    }
}

#[test]
fn the_budget_is_exact_at_any_cut() {
    let message = b"abcdefgh".repeat(50);
    let payload = encode(&mut encoder(15, true), &message);
    for cut in 1..=payload.len() {
        for (limit, fits) in [(message.len(), true), (message.len() - 1, false)] {
            let mut decoder = decoder(15, true);
            let mut out = Vec::new();
            let last = payload.len().div_ceil(cut) - 1;
            let result = payload.chunks(cut).enumerate().try_for_each(|(at, piece)| {
                let budget = limit - out.len();
                decoder.decode(piece, at == last, budget, &mut out)
            });
            assert_eq!(result.is_ok(), fits);
            assert!(out.len() <= limit);
        }
    }
}

#[test]
fn a_bomb_stops_at_the_budget_with_bounded_memory() {
    let bomb = bomb();
    for budget in [0, 1, 100, 4096, 100_000] {
        let mut out = Vec::new();
        let result = decoder(15, true).decode(&bomb, true, budget, &mut out);
        assert_eq!(result, Err(DecodeError::OverBudget));
        assert_eq!((out.len(), out.capacity()), (budget, budget));
    }
}

#[test]
fn the_vector_grows_with_what_is_in_it() {
    let message = std::vec![1; 1 << 20];
    let payload = encode(&mut encoder(15, true), &message);
    let mut out = Vec::new();
    let mut decoder = decoder(15, true);
    for piece in payload.chunks(16) {
        decoder.decode(piece, false, usize::MAX, &mut out).unwrap();
        assert!(out.capacity() <= 2 * out.len() + (64 << 10));
    }
    assert_eq!(out.len(), message.len());
}

/// How long a flood of `count` blocks with `BFINAL` set takes, after a full window.
fn flood(member: &[u8], count: usize) -> Duration {
    let mut decoder = decoder(15, true);
    let mut window = stored(false, &noise(2, 40_000));
    window.push(0);
    decode(&mut decoder, &window, usize::MAX).unwrap();
    let payload = [&member.repeat(count)[..], &[0]].concat();
    let start = Instant::now();
    decode(&mut decoder, &payload, usize::MAX).unwrap();
    start.elapsed()
}

#[test]
fn a_flood_of_tiny_final_blocks_takes_linear_time() {
    let members = [
        Bits::default().fixed(true).end_of_block().octets(),
        Bits::default().fixed(true).literal(b'x').end_of_block().octets(),
        Bits::default().fixed(true).far(32_768).end_of_block().octets(),
        stored(true, b""),
        stored(true, b"x"),
    ];
    for member in members {
        // Eight times the octets: not 64 times the time, at least once in some tries. On a busy machine most of those are
        // disturbed: the longer run is the one that has to wait for a core.
        let count = (1 << 17) / member.len();
        let linear = || flood(&member, count) < 24 * flood(&member, count / 8);
        assert!((0..64).any(|_| linear()), "{} octets", member.len());
    }
}

#[test]
fn the_window_is_copied_only_for_final_blocks_that_are_followed_by_a_reference_to_it() {
    // Each copy is 32 KiB, for a block of two octets.
    let block = Bits::default().fixed(true).end_of_block().octets();
    let far = Bits::default().fixed(true).far(32_768).end_of_block().octets();
    for (member, each) in [(block, 0), (stored(true, b"x"), 0), (far, 1)] {
        let mut decoder = decoder(15, true);
        let mut window = stored(false, &noise(2, 40_000));
        window.push(0);
        decode(&mut decoder, &window, usize::MAX).unwrap();
        let before = decoder.restores();
        let payload = [&member.repeat(1000)[..], &[0]].concat();
        decode(&mut decoder, &payload, usize::MAX).unwrap();
        let copies = decoder.restores() - before;
        assert!((1000 * each..=1000 * each + 2).contains(&copies), "{copies} copies");
    }
}

#[test]
fn a_flood_of_tiny_blocks_takes_linear_time() {
    // Blocks without BFINAL, empty or nearly so, in one message.
    let mut decoder = decoder(15, true);
    let payload = [&stored(false, b"").repeat(200_000)[..], &[0]].concat();
    assert_eq!(decode(&mut decoder, &payload, 0).unwrap(), b"");
}
