//! The scenarios of the Autobahn test suite, by its numbers, in process: a scripted peer that writes raw frames, and an endpoint that
//! sends every message back.
//!
//! Where the suite looks at what came back within a second or two, this looks at every event, every octet, the byte with which it
//! comes, and the outcome; in both roles, in whole reads, frame by frame, by single bytes and by others. What the suite doesn't look at
//! is in `unseen` and `parameters`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../wire/mod.rs"]
mod wire;

#[cfg(feature = "deflate")]
#[path = "../inflation/mod.rs"]
mod inflation;

mod closing;
#[cfg(feature = "deflate")]
mod compressed;
mod framing;
mod large;
#[cfg(feature = "deflate")]
mod parameters;
mod script;
#[cfg(feature = "deflate")]
mod session;
mod text;
mod unseen;

use script::Case;
use wire::{Tested, in_both_roles};

in_both_roles!(group_1, group_2, group_3, group_4, group_5, group_6, group_7, group_9, group_10);

fn run<R: Tested>(cases: Vec<Case>) {
    for case in cases {
        case.run::<R>();
    }
}

fn group_1<R: Tested>() {
    run::<R>(framing::group_1());
}

fn group_2<R: Tested>() {
    run::<R>(framing::group_2());
}

fn group_3<R: Tested>() {
    run::<R>(framing::group_3());
}

fn group_4<R: Tested>() {
    run::<R>(framing::group_4());
}

fn group_5<R: Tested>() {
    run::<R>(framing::group_5());
}

fn group_6<R: Tested>() {
    run::<R>(text::group_6());
}

fn group_7<R: Tested>() {
    run::<R>(closing::group_7());
}

fn group_9<R: Tested>() {
    for (case, cuts) in large::group_9() {
        case.run_at::<R>(&cuts);
    }
}

fn group_10<R: Tested>() {
    run::<R>(large::group_10());
}

#[test]
fn no_case_of_the_suite_is_missing() {
    let mut cases = [
        framing::group_1(),
        framing::group_2(),
        framing::group_3(),
        framing::group_4(),
        framing::group_5(),
        text::group_6(),
        closing::group_7(),
        large::group_10(),
    ]
    .concat();
    cases.extend(large::group_9().into_iter().map(|(case, _)| case));
    let mut ids: Vec<String> = cases.into_iter().map(|case| case.id).collect();
    #[cfg(feature = "deflate")]
    ids.extend(compressed::ids());
    let count = |group: &str| ids.iter().filter(|id| id.starts_with(&format!("{group}."))).count();
    for (group, cases) in [
        ("1", 16),
        ("2", 11),
        ("3", 7),
        ("4", 10),
        ("5", 20),
        ("6", 145),
        ("7", 37),
        ("9", 54),
        ("10", 1),
        ("12", if cfg!(feature = "deflate") { 90 } else { 0 }),
        ("13", if cfg!(feature = "deflate") { 126 } else { 0 }),
    ] {
        assert_eq!(count(group), cases, "group {group}");
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "no number stands for two cases");
}
