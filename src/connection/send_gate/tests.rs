//! What the gate lets through, cell by cell: each state by each thing to be sent.

use super::SendGate;
use crate::connection::close_status::CloseStatus;
use crate::connection::failure::Failure;
use crate::connection::send_error::SendError;
use crate::connection::state::{FailureClose, SendingChange};
use crate::frame::Misuse;

const CLOSED: Result<(), SendError> = Err(SendError::Misuse(Misuse::Closed));
const FAILED: Result<(), SendError> = Err(SendError::Failed);
const YES: Result<(), SendError> = Ok(());

/// How a state is reached, what it lets through, and whether it is clear.
type Row<'c> = (&'c [SendingChange], [Result<(), SendError>; 5], bool);

#[test]
fn each_state_lets_through_what_it_may() {
    use SendingChange as Change;
    let close = Change::CloseQueued(CloseStatus::Empty);
    let failed = Change::Failed { failure: Failure::EndOfStream, close: FailureClose::NotDue };
    // Data, payload of an open frame, a ping, a pong, a Close frame; and whether it is clear.
    let table: [Row<'_>; 9] = [
        (&[], [YES, YES, YES, YES, YES], true),
        (&[Change::Idle], [YES, YES, YES, YES, YES], false),
        (&[Change::PeerClosedAndHeld], [YES, YES, CLOSED, CLOSED, YES], false),
        (
            &[Change::PeerClosedInFrame(CloseStatus::Empty)],
            [CLOSED, YES, CLOSED, CLOSED, CLOSED],
            false,
        ),
        (&[close], [CLOSED, CLOSED, CLOSED, YES, CLOSED], false),
        (&[close, Change::PeerClosedAndHeld], [CLOSED; 5], false),
        (&[Change::PeerClosed(CloseStatus::Empty)], [CLOSED; 5], false),
        (&[failed], [FAILED; 5], false),
        (&[Change::TimedOut], [FAILED; 5], false),
    ];
    for (changes, expected, clear) in table {
        for extended in [false, true] {
            let mut gate = SendGate::new(extended);
            changes.iter().for_each(|change| gate.change(*change));
            let let_through = [
                gate.check_data(),
                gate.check_payload(),
                gate.check_ping(),
                gate.check_pong(),
                gate.check_close(),
            ];
            assert_eq!(let_through, expected, "{:?}", gate.state());
            assert_eq!(gate.is_clear(), clear && !extended, "{:?}", gate.state());
        }
    }
}
