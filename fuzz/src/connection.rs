//! A whole connection under any calls in any order, twice with the input cut differently: the same events, the same results, the
//! same output; what goes out is legal, and what was sent; memory stays in bounds; and it ends.

use sockless::{Client, Server};

use crate::allocations::Meter;
use crate::case::Case;
use crate::cuts::Cuts;
use crate::endpoint::Endpoint;
use crate::run::{Halves, Run};

/// What a connection may hold beside what is in proportion to its traffic.
const CONSTANT: i64 = 96 << 10;

pub fn check(data: &[u8]) {
    let Some(case) = crate::input::<Case>(data) else { return };
    match case.client {
        true => hold::<Client>(&case),
        false => hold::<Server>(&case),
    }
}

fn hold<R: Endpoint>(case: &Case) {
    let conn = || case.open::<R>(true);
    let first = run(case, Run::new(conn(), &case.cuts, Halves::Joined).copying());
    let other = run(case, Run::new(conn(), &Cuts::single(), Halves::Joined));
    assert_eq!(first.seen, other.seen);
    for (step, (first, other)) in first.steps.iter().zip(&other.steps).enumerate() {
        assert_eq!(first, other, "at {step}, {:?}", case.ops.get(step));
    }
    assert!(first.wire == other.wire, "{:?} {:?}", first.wire, other.wire);
    first.understood(case.agreed(), case.is_cut());
    if case.agreed().is_none() {
        stays_small::<R>(case);
    }
}

fn run<R: Endpoint>(case: &Case, mut run: Run<R>) -> Run<R> {
    case.ops.iter().for_each(|op| run.apply(op));
    run.finish();
    run
}

fn stays_small<R: Endpoint>(case: &Case) {
    let meter = Meter::start();
    let mut run = Run::<R>::forgetful(case.open(true), &case.cuts);
    for op in &case.ops {
        run.apply(op);
        let (peak, received, given) = (meter.peak(), run.received as i64, run.given as i64);
        // What a call is given is counted as well, in up to four copies. The exact bound is held where bytes are received.
        let most = 6 * received + 6 * given + CONSTANT;
        assert!(peak <= most, "{peak} bytes for {received} received and {given} sent, at {op:?}");
    }
}
