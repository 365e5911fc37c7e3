//! The acknowledgements of an event that went to many.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::driver::Driver;
use super::live::{Live, Waits};
use crate::socket::{Asked, EmitError, Payload, Target};

/// The acknowledgements of an event that went to many: see [`SocketIo::broadcast_with_ack`](super::SocketIo::broadcast_with_ack).
///
/// When it is dropped, the event has been sent all the same.
pub struct Answers {
    waiting: BTreeMap<Asked, Arc<str>>,
    missed: Vec<Arc<str>>,
    receives: mpsc::UnboundedReceiver<(Asked, Payload)>,
}

impl Answers {
    /// Sends an event to many.
    pub(super) fn ask(
        driver: &Driver<Live>,
        target: &Target,
        name: &str,
        payload: &Payload,
        timeout: Duration,
    ) -> Result<Self, EmitError> {
        let (sends, receives) = mpsc::unbounded_channel();
        driver.with(|state, now| {
            let live = &mut state.layer;
            let server = &mut live.server;
            let (asked, missed) = server.broadcast_with_ack(target, name, payload, timeout, now)?;
            let id = |socket| server.id(socket).map(Arc::from);
            let missed = missed.into_iter().filter_map(id).collect();
            let waiting = asked.into_iter().filter_map(|asked| Some((asked, id(asked.socket())?)));
            let waiting: BTreeMap<_, _> = waiting.collect();
            live.acks.extend(waiting.keys().map(|asked| (*asked, Waits::Many(sends.clone()))));
            Ok(Self { waiting, missed, receives })
        })
    }

    /// The next acknowledgement, with the id of its socket. `None` once all have come, or the time is up. The future may be dropped at any
    /// time.
    pub async fn next(&mut self) -> Option<(Arc<str>, Payload)> {
        while let Some((asked, payload)) = self.receives.recv().await {
            if let Some(id) = self.waiting.remove(&asked) {
                return Some((id, payload));
            }
        }
        None
    }

    /// All acknowledgements that come in time, with the ids of their sockets, and the ids of those that have not answered: because they didn't in
    /// time, have gone, or haven't got the event.
    pub async fn all(mut self) -> (Vec<(Arc<str>, Payload)>, Vec<Arc<str>>) {
        let mut answers = Vec::with_capacity(self.waiting.len());
        while let Some(answer) = self.next().await {
            answers.push(answer);
        }
        let missing = self.missed.into_iter().chain(self.waiting.into_values());
        (answers, missing.collect())
    }

    /// The ids of the sockets that haven't got the event: too much waits for them, or it was volatile.
    pub fn missed(&self) -> &[Arc<str>] {
        &self.missed
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Answers");
        shown.field("waiting", &self.waiting.len()).field("missed", &self.missed.len()).finish()
    }
}
