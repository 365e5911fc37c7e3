//! Runs by seeds: which of them are run, and the numbers that one decides.

mod random;

use std::ops::Range;

pub(crate) use random::Random;

/// Runs each seed that is asked for. One that fails is named.
///
/// `SOCKLESS_SEED=N` runs one alone, and its outcome is printed. `SOCKLESS_SEEDS=N` says how many are run, `SOCKLESS_SEEDS=FIRST..END` which. `None`
/// if it was one alone, else how many they were.
pub(crate) fn run<T: std::fmt::Debug>(
    usual: u64,
    run: impl Fn(u64) -> T + std::panic::RefUnwindSafe,
    mut add: impl FnMut(T),
) -> Option<u64> {
    if let Some(seed) = said("SOCKLESS_SEED") {
        println!("{:?}", run(number(&seed)));
        return None;
    }
    let seeds = said("SOCKLESS_SEEDS").map_or(0..usual, |text| range(&text));
    for seed in seeds.clone() {
        match std::panic::catch_unwind(|| run(seed)) {
            Ok(seen) => add(seen),
            Err(panic) => {
                println!("it was SOCKLESS_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    Some(seeds.end - seeds.start)
}

fn said(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("a seed is a number, not {text:?}"))
}

fn range(text: &str) -> Range<u64> {
    let (first, end) = text.split_once("..").unwrap_or(("0", text));
    number(first)..number(end)
}
