//! One message to many: encoded once, and what to do about those who read slowly.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[cfg(feature = "deflate")]
use sockless::extension::deflate::{Compression, WindowBits};
use sockless::{CloseCode, Prepared, Server};

use crate::halves::Sender;

/// What becomes of a receiver that has no room for a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slow {
    /// It misses the message.
    #[default]
    Skip,
    /// Its connection is closed with code 1013: it may come back later.
    Close,
}

/// How a message went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// To how many.
    pub receivers: usize,
    /// How many were too slow for it.
    pub slow: usize,
    /// How many had gone since the last message; they are forgotten.
    pub gone: usize,
}

/// A group of receivers that each get what is sent to it. Cloning gives another handle of the same group.
///
/// A message is encoded once. For each receiver it costs a place in its queue (about 0.1 KiB) and a wakeup of its writing task; from 4 KiB on its
/// payload is shared by all. Nobody waits for anybody: a receiver of which as much waits as its soft limit allows is [slow](Slow).
///
/// In memory and on one core, a delivered message took 0.5 µs with 1,000 connections and 1.6 µs with 10,000, whose state no longer fits into a
/// cache; what the kernel takes for each write comes on top. Each connection took 6 KiB of heap while idle, its two tasks included. The
/// bench `broadcast` measures both.
///
/// ```
/// use sockless_tokio::{Broadcast, Slow, Prepared};
///
/// let group = Broadcast::new(Slow::Close);
/// // For each connection: `let (sender, reader) = socket.split(); group.join(sender);`
/// let sent = group.send(&Prepared::text("hello, all"));
/// assert_eq!(sent.receivers, 0);
/// ```
///
/// Compressed messages go out by `send_compressed`, or by [`send`](Self::send) where `Prepared::compressed` has made the compressed form already.
#[derive(Clone, Default)]
pub struct Broadcast {
    receivers: Arc<Mutex<Vec<Sender<Server>>>>,
    slow: Slow,
}

impl Broadcast {
    /// A group of nobody yet.
    pub fn new(slow: Slow) -> Self {
        Self { slow, ..Self::default() }
    }

    /// Adds a receiver. It is forgotten when its connection has ended.
    pub fn join(&self, receiver: Sender<Server>) {
        self.receivers().push(receiver);
    }

    /// How many receivers there are, those included that have gone since the last message.
    pub fn len(&self) -> usize {
        self.receivers().len()
    }

    /// Whether there is no receiver.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sends a message to all. It waits for nobody.
    pub fn send(&self, message: &Prepared) -> Sent {
        self.deliver(|_| message)
    }

    /// The same, compressed for those whose connections have agreed on it: once for each size of window among them, since what needs a large
    /// window can't be read with a small one. The caller's task compresses, before the first receiver gets anything.
    ///
    /// A message that contains a secret beside text that somebody else may choose should be sent uncompressed: see
    /// [`deflate`](sockless::extension::deflate).
    #[cfg(feature = "deflate")]
    pub fn send_compressed(&self, message: &Prepared, how: &Compression) -> Sent {
        let mut windows: Vec<_> = self.receivers().iter().filter_map(window).collect();
        windows.sort_unstable();
        windows.dedup();
        let compress = |bits| (bits, message.clone().compressed(bits, how));
        let forms: Vec<_> = windows.into_iter().map(compress).collect();
        self.deliver(|receiver| {
            let bits = window(receiver);
            let fitting = forms.iter().find(|(form, _)| Some(*form) == bits);
            fitting.map_or(message, |(_, form)| form)
        })
    }

    /// Sends each receiver the form that is chosen for it.
    fn deliver<'m>(&self, choose: impl Fn(&Sender<Server>) -> &'m Prepared) -> Sent {
        let mut sent = Sent::default();
        let close = self.slow == Slow::Close;
        self.receivers().retain(|receiver| {
            if receiver.is_closed() {
                sent.gone += 1;
                return false;
            }
            if receiver.try_send_prepared(choose(receiver)) {
                sent.receivers += 1;
                return true;
            }
            sent.slow += 1;
            if close {
                // One that has just ended needs no more.
                let _ = receiver.close(CloseCode::new(1013), "too slow");
            }
            !close
        });
        sent
    }

    /// Nothing is done under the lock that could panic.
    fn receivers(&self) -> MutexGuard<'_, Vec<Sender<Server>>> {
        self.receivers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The window with which messages to this receiver may be compressed, if they may.
#[cfg(feature = "deflate")]
fn window(receiver: &Sender<Server>) -> Option<WindowBits> {
    let agreed = receiver.extensions().deflate?;
    Some(agreed.server_max_window_bits.unwrap_or(WindowBits::MAX))
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("receivers", &self.len())
            .field("slow", &self.slow)
            .finish()
    }
}
