//! The two halves apart: with every reply carried over at once they do what the whole does; with late replies what goes out is
//! still legal, and what was sent.

use sockless::{Client, Server};

use crate::case::Case;
use crate::endpoint::Endpoint;
use crate::operations::Op;
use crate::run::{Halves, Run};

pub fn check(data: &[u8]) {
    let Some(case) = crate::input::<Case>(data) else { return };
    match case.client {
        true => hold::<Client>(&case),
        false => hold::<Server>(&case),
    }
}

fn hold<R: Endpoint>(case: &Case) {
    let whole = run::<R>(case, Halves::Joined);
    let apart = run::<R>(case, Halves::Apart);
    assert_eq!(whole.seen, apart.seen);
    for (step, (whole, apart)) in whole.steps.iter().zip(&apart.steps).enumerate() {
        assert_eq!(whole, apart, "at {step}, {:?}", case.ops.get(step));
    }
    assert!(whole.wire == apart.wire, "{:?} {:?}", whole.wire, apart.wire);
    let (agreed, cut) = (case.agreed(), case.is_cut());
    apart.understood(agreed, cut);
    run::<R>(case, Halves::Late).understood(agreed, cut);
}

fn run<R: Endpoint>(case: &Case, halves: Halves) -> Run<R> {
    // Without timers: what is due when nothing arrives is found by the whole, not by a half.
    let answers = case.choice.answers(R::MASKS);
    let run = Run::new(case.open(false), &case.cuts, halves);
    let mut run = run.without_timers().answering(answers);
    case.ops.iter().for_each(|op| run.apply(op));
    run.apply(&Op::WriteAll);
    run
}
