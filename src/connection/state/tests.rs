//! The tables of transitions, cell by cell: each state by each change.

use super::{FailureClose, Receiving, ReceivingChange, Sending, SendingChange, StreamEnd};
use crate::connection::close_status::{CloseStatus, Initiator};
use crate::connection::failure::Failure;
use crate::words::close_code::CloseCode;

const CODE: CloseStatus = CloseStatus::Code(CloseCode::NORMAL);
const OTHER: CloseStatus = CloseStatus::Code(CloseCode::GOING_AWAY);
const EMPTY: CloseStatus = CloseStatus::Empty;
const ABSENT: CloseStatus = CloseStatus::Absent;
const FAILURE: Failure = Failure::CorruptMessage;
const EARLIER: Failure = Failure::Unresponsive;

#[test]
fn receiving() {
    use Receiving::{Closed, Failed, Failing, Open, Over};
    use ReceivingChange as Change;
    let changes = [
        Change::PeerClosed(CODE),
        Change::Failed(FAILURE),
        Change::Stalled,
        Change::Told,
        Change::TimedOut,
    ];
    let table = [
        (Open, [Closed(CODE), Failed(FAILURE), Failing(Failure::Stalled), Open, Over]),
        (Closed(EMPTY), [Closed(EMPTY); 5]),
        (
            Failing(EARLIER),
            [
                Failing(EARLIER),
                Failing(EARLIER),
                Failing(EARLIER),
                Failed(EARLIER),
                Failing(EARLIER),
            ],
        ),
        (Failed(EARLIER), [Failed(EARLIER); 5]),
        (Over, [Over; 5]),
    ];
    for (state, row) in table {
        for (change, expected) in changes.into_iter().zip(row) {
            assert_eq!(state.after(change), expected, "{state:?} after {change:?}");
        }
    }
}

#[test]
fn stream_end() {
    use StreamEnd::{Ahead, AheadAndTold, Reached, ReachedAndTold};
    let table = [
        (Ahead, false, Reached, AheadAndTold),
        (AheadAndTold, false, ReachedAndTold, AheadAndTold),
        (Reached, true, Reached, ReachedAndTold),
        (ReachedAndTold, true, ReachedAndTold, ReachedAndTold),
    ];
    for (state, is_reached, reached, told) in table {
        assert_eq!(
            (state.is_reached(), state.reached(), state.told()),
            (is_reached, reached, told)
        );
    }
}

const fn closed(status: CloseStatus, first: bool, answered: bool) -> Sending {
    Sending::Closed { status, first, answered }
}

const fn failed(status: CloseStatus, blocked: bool, failure: Failure) -> Sending {
    Sending::Failed { status, blocked, failure }
}

const fn over(status: CloseStatus, initiator: Option<Initiator>) -> Sending {
    Sending::Over { status, initiator }
}

#[test]
fn sending() {
    use Sending::{Held, Leaving, Open};
    use SendingChange as Change;
    const HELD: Sending = Held { reply: None };
    const PUT_OFF: Sending = Held { reply: Some(OTHER) };
    let fails = |close| Change::Failed { failure: FAILURE, close };
    let changes = [
        Change::CloseQueued(CODE),
        Change::Idle,
        Change::PeerClosedAndHeld,
        Change::PeerClosedInFrame(OTHER),
        Change::PeerClosed(CODE),
        fails(FailureClose::NotDue),
        fails(FailureClose::Queued(CODE)),
        fails(FailureClose::Blocked),
        Change::TimedOut,
    ];
    let ended = failed(ABSENT, false, FAILURE);
    let open = |idle| {
        [
            closed(CODE, true, false),
            idle,
            HELD,
            PUT_OFF,
            closed(CODE, false, true),
            ended,
            failed(CODE, false, FAILURE),
            failed(ABSENT, true, FAILURE),
            over(ABSENT, None),
        ]
    };
    let held = |state| {
        let answered = closed(CODE, false, true);
        let gone = over(ABSENT, Some(Initiator::Remote));
        [answered, state, state, state, state, ended, ended, ended, gone]
    };
    let close = |first, answered| {
        let (state, after) = (closed(EMPTY, first, answered), closed(EMPTY, first, true));
        let failed = failed(EMPTY, false, FAILURE);
        let initiator = if first { Initiator::Local } else { Initiator::Remote };
        let gone = over(EMPTY, Some(initiator));
        (state, [state, state, after, after, after, failed, failed, failed, gone])
    };
    let last = |state| (state, [state; 9]);
    let table = [
        (Open, open(Leaving)),
        (Leaving, open(Leaving)),
        (HELD, held(HELD)),
        (PUT_OFF, held(PUT_OFF)),
        close(true, false),
        close(true, true),
        close(false, true),
        last(failed(EMPTY, false, EARLIER)),
        last(failed(ABSENT, true, EARLIER)),
        last(over(EMPTY, Some(Initiator::Local))),
        last(over(ABSENT, None)),
    ];
    for (state, row) in table {
        for (change, expected) in changes.into_iter().zip(row) {
            assert_eq!(state.after(change), expected, "{state:?} after {change:?}");
        }
    }
}

#[test]
fn what_a_sending_state_says() {
    let (local, remote) = (Some(Initiator::Local), Some(Initiator::Remote));
    // Whether it is open, whether it has ended, the status, who began, why it failed.
    let table = [
        (Sending::Open, (true, false, ABSENT, None, None)),
        (Sending::Leaving, (true, false, ABSENT, None, None)),
        (Sending::Held { reply: None }, (false, false, ABSENT, remote, None)),
        (Sending::Held { reply: Some(CODE) }, (false, false, ABSENT, remote, None)),
        (closed(CODE, true, false), (false, true, CODE, local, None)),
        (closed(EMPTY, false, true), (false, true, EMPTY, remote, None)),
        (failed(CODE, false, FAILURE), (false, true, CODE, local, Some(FAILURE))),
        (failed(ABSENT, true, FAILURE), (false, true, ABSENT, None, Some(FAILURE))),
        (over(CODE, remote), (false, true, CODE, remote, None)),
        (over(ABSENT, None), (false, true, ABSENT, None, None)),
    ];
    for (state, expected) in table {
        let said = (
            state.is_open(),
            state.is_ended(),
            state.close_status(),
            state.initiator(),
            state.failure(),
        );
        assert_eq!(said, expected, "{state:?}");
    }
}
