//! How much room is made at the end of a vector, and how much memory that takes.

use std::vec::Vec;

use crate::extension::deflate::output::BudgetedOutput;

const KIB: usize = 1 << 10;

/// The lengths of all rooms that are made one after the other and filled, up to `end`, and what the vector can hold then.
fn rooms(mut out: Vec<u8>, budget: usize, expected: usize, end: usize) -> (Vec<usize>, usize) {
    let mut output = BudgetedOutput::new(&mut out, budget, expected);
    let mut rooms = Vec::new();
    while output.at() < end {
        let room = output.room(1).len();
        if room == 0 {
            break;
        }
        output.advance(room);
        rooms.push(room);
    }
    drop(output);
    (rooms, out.capacity())
}

#[test]
fn the_first_room_is_what_is_expected_within_bounds() {
    for (expected, first) in [
        (0, KIB),
        (KIB - 1, KIB),
        (KIB + 1, KIB + 1),
        (16 * KIB - 1, 16 * KIB - 1),
        (16 * KIB + 1, 16 * KIB),
        (usize::MAX, 16 * KIB),
    ] {
        let (rooms, capacity) = rooms(Vec::new(), usize::MAX, expected, 1);
        assert_eq!((&rooms[..], capacity), (&[first][..], first), "{expected}");
    }
}

#[test]
fn rooms_double_up_to_64_kib_and_the_memory_with_them() {
    let doubled = [KIB, 2 * KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB];
    assert_eq!(rooms(Vec::new(), usize::MAX, 0, 127 * KIB), (doubled.to_vec(), 127 * KIB));
    // From there on the memory doubles, and a room is what is left of it, if that is less than 64 KiB.
    let more = [&doubled[..], &[64 * KIB]].concat();
    assert_eq!(rooms(Vec::new(), usize::MAX, 0, 128 * KIB), (more.clone(), 254 * KIB));
    let more = [&more[..], &[63 * KIB]].concat();
    assert_eq!(rooms(Vec::new(), usize::MAX, 0, 254 * KIB), (more, 254 * KIB));
}

#[test]
fn memory_that_is_there_is_used_first_unless_it_is_little() {
    for (spare, first, capacity) in [
        (KIB - 1, KIB, 10 + KIB),
        (KIB, KIB, 10 + KIB),
        (KIB + 1, KIB, 11 + KIB),
        (100 * KIB, KIB, 10 + 100 * KIB),
    ] {
        let mut out = Vec::with_capacity(10 + spare);
        out.resize(10, 0);
        assert_eq!(rooms(out, usize::MAX, 0, 11), (std::vec![first], capacity), "{spare}");
    }
    // As much as is expected, or what there is.
    for (spare, first) in [(5000, 5000), (3000, 3000), (9000, 6000)] {
        assert_eq!(
            rooms(Vec::with_capacity(spare), usize::MAX, 6000, 1),
            (std::vec![first], spare)
        );
    }
    // Beyond a long message, memory grows by its length.
    let out = std::vec![0; 5000];
    assert_eq!(rooms(out, usize::MAX, 0, 5001), (std::vec![KIB], 10_000));
}

#[test]
fn rooms_and_memory_end_with_the_budget() {
    assert_eq!(rooms(Vec::new(), 0, 0, 1), (Vec::new(), 0));
    assert_eq!(rooms(Vec::new(), 100, 0, 200), (std::vec![100], 100));
    assert_eq!(rooms(Vec::new(), 1500, 0, 2000), (std::vec![KIB, 476], 1500));
    assert_eq!(rooms(std::vec![0; 5000], 30, 0, 6000), (std::vec![30], 5030));
    assert_eq!(rooms(Vec::with_capacity(5000), 30, 0, 6000), (std::vec![30], 5000));
    // With memory for less than a step, but for more than the budget.
    assert_eq!(rooms(Vec::with_capacity(50), 30, 0, 60), (std::vec![30], 50));
}

#[test]
fn more_room_is_made_only_where_too_little_is_left() {
    let mut out = Vec::new();
    let mut output = BudgetedOutput::new(&mut out, 10_000, 0);
    assert_eq!(output.room(64).len(), KIB);
    output.advance(1000);
    assert_eq!(output.room(24).len(), 24);
    assert_eq!(output.room(25).len(), 2 * KIB);
    assert_eq!(output.room(1).len(), 2 * KIB);
    output.advance(1992);
    // Too little capacity is left to use it as room.
    assert_eq!(output.room(56).len(), 56);
    assert_eq!(output.room(57).len(), 4 * KIB);
    output.advance(4 * KIB);
    // More than the budget is never asked for.
    let left = 10_000 - 2992 - 4 * KIB;
    assert_eq!(output.room(usize::MAX).len(), left);
    output.advance(left);
    assert!(output.room(1).is_empty());
    drop(output);
    assert_eq!(out.len(), 10_000);
}

#[test]
fn what_is_taken_back_can_be_written_again_and_what_is_not_written_is_gone() {
    let mut out = b"before".to_vec();
    let mut output = BudgetedOutput::new(&mut out, 10, 0);
    output.room(10).copy_from_slice(b"0123456789");
    output.advance(10);
    assert!(output.room(1).is_empty());
    output.rewind(9);
    assert_eq!(output.at(), 9);
    assert_eq!(output.room(1), b"3456789");
    output.advance(2);
    assert_eq!(output.written(6), b"01234");
    assert!(!output.strip_tail(b"33"));
    assert!(output.strip_tail(b"34"));
    assert_eq!(output.written(0), b"before012");
    assert_eq!(output.at(), 9);
    drop(output);
    assert_eq!(out, b"before012");
}
