//! The writing thread: writes what is queued until there is nothing left to be sent, and keeps the deadlines of writing and closing.

use std::time::Duration;

use sockless::CloseCode;
use sockless::connection::Side;

use super::shared::{Shared, State};
use crate::stream::Stream;
use crate::timed::{self, LastWait, Moved};

/// How much is written at once, and copied for that.
const CHUNK: usize = 64 << 10;
/// How long a write waits before the deadlines are looked at again.
const LOOK: Duration = Duration::from_millis(250);

/// How writing ends.
enum End {
    /// All has been written, and there will be no more.
    Written,
    /// Nothing more can be written.
    Lost,
}

/// Runs until nothing more is to be written, or can be.
pub(super) fn run<S: Stream, R: Side>(shared: &Shared<S, R>) {
    let end = write_all(shared);
    let has_reader = shared.lock().has_reader;
    match end {
        // The peer may have closed it already.
        End::Written if has_reader => drop(shared.stream.shutdown_write()),
        End::Written => {
            let _ = shared.stream.shutdown_write();
            shared.stream.close();
        }
        // The reader may wait for what doesn't come.
        End::Lost => shared.stream.close(),
    }
    let mut state = shared.lock();
    state.hear_notices();
    state.ended = true;
    shared.tell_progress();
}

fn write_all<S: Stream, R: Side>(shared: &Shared<S, R>) -> End {
    let mut chunk = Vec::new();
    let mut writes = LastWait::default();
    let mut leaves = false;
    let mut state = shared.lock();
    loop {
        let now = shared.clock.now();
        let over = state.sender.timeout(now);
        state.hear_notices();
        if over {
            return End::Lost;
        }
        if state.broken.is_some() {
            state.sender.lost();
            return End::Lost;
        }
        if state.sender.output().is_empty() {
            if state.is_alone() && !std::mem::replace(&mut leaves, true) {
                // One that closes already needs no more.
                let _ = state.sender.close(CloseCode::GOING_AWAY, "", now);
                continue;
            }
            if state.is_alone() || (state.peer_done && state.sender.end().is_ended()) {
                return End::Written;
            }
            shared.tell_progress();
            let until = state.sender.deadline();
            state = shared.wait_for_work(state, until);
            continue;
        }
        copy_output(&state, &mut chunk);
        let until = state.sender.deadline().unwrap_or(Duration::MAX);
        let wait = until.saturating_sub(now).min(LOOK);
        drop(state);
        let moved = timed::write_some(&shared.stream, &chunk, wait, &mut writes);
        state = shared.lock();
        match moved {
            Moved::Some(count) => {
                state.sender.wrote(count);
                shared.tell_progress();
            }
            Moved::Nothing => {}
            Moved::Failed(kind) => state.broken = Some(kind),
        }
    }
}

/// Copies what comes next. What is queued meanwhile comes after it, so the next copy begins with what this one has left.
fn copy_output<R: Side>(state: &State<R>, chunk: &mut Vec<u8>) {
    chunk.clear();
    for slice in state.sender.output_slices() {
        let room = CHUNK - chunk.len();
        chunk.extend_from_slice(&slice[..slice.len().min(room)]);
        if chunk.len() == CHUNK {
            break;
        }
    }
}
