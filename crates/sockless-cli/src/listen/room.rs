//! Who is there, and the lines that are for all of them.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::queue::{Next, Queue};
use crate::stop::{Stop, Why};

/// How much waits for a client that reads slowly.
const WAITING: usize = 16 << 20;

/// The clients' queues.
#[derive(Debug, Default)]
pub(super) struct Room(Mutex<Vec<Arc<Queue>>>);

/// A client's place in the room, until this is dropped.
#[derive(Debug)]
pub(super) struct Place<'r> {
    room: &'r Room,
    /// The lines for this client.
    pub(super) lines: Arc<Queue>,
}

impl Room {
    /// A place, if there are fewer than this many clients.
    pub(super) fn enter(&self, most: usize) -> Option<Place<'_>> {
        let lines = Queue::new(WAITING);
        let mut queues = self.lock();
        if queues.len() >= most {
            return None;
        }
        queues.push(Arc::clone(&lines));
        Some(Place { room: self, lines })
    }

    /// Passes on the lines that there are. At the end of a terminal's the program stops; other inputs may end as they like.
    pub(super) fn pass_on(&self, input: &Queue, stop: &Stop) {
        loop {
            match input.next() {
                Next::Item(line) => {
                    for queue in self.lock().iter() {
                        queue.push_if_room(line.clone());
                    }
                }
                Next::End if io::stdin().is_terminal() => {
                    stop.ask(Why::Done);
                    return;
                }
                _ => return,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Queue>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.room.lock().retain(|queue| !Arc::ptr_eq(queue, &self.lines));
    }
}
