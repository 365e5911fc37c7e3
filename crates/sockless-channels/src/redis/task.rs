//! The task of [`Channels`](super::Channels): a node and its carrier.

use alloc::sync::Arc;
use core::future::pending;
use core::time::Duration;

use super::carrier::{Carried, Carrier};
use super::shared::Shared;
use crate::request::Command;

/// Carries until the task is aborted, which the last handle does.
pub(super) async fn carry(shared: Arc<Shared>, mut carrier: Carrier) {
    loop {
        let deadline = serve(&shared, &mut carrier);
        let sleep = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(shared.moment(at)).await,
                None => pending().await,
            }
        };
        let carried = tokio::select! {
            biased;
            carried = carrier.next() => Some(carried),
            () = shared.work.notified() => None,
            () = sleep => None,
        };
        let now = shared.now();
        let mut state = shared.lock();
        match carried {
            None => {}
            Some(Carried::Connected) => {
                state.trouble = None;
                state.node.connected();
            }
            Some(Carried::Lost(trouble)) => {
                match trouble {
                    Some(trouble) => state.trouble = Some(trouble),
                    None => state.losses += 1,
                }
                state.node.disconnected(now);
            }
            Some(Carried::Answer(id, answer)) => state.node.answer(id, answer, now),
            Some(Carried::Pushes(pushes)) => {
                pushes.into_iter().for_each(|push| state.node.push(push, now));
            }
        }
    }
}

/// Does what the node wants and wakes who waits. Returns the node's deadline.
fn serve(shared: &Shared, carrier: &mut Carrier) -> Option<Duration> {
    let now = shared.now();
    let mut state = shared.lock();
    if state.node.deadline().is_some_and(|at| at <= now) {
        state.node.timeout(now);
    }
    while let Some(command) = state.node.command(now) {
        state.losses += u64::from(command == Command::Disconnect);
        carrier.carry_out(command);
    }
    state.wake();
    state.node.deadline()
}
