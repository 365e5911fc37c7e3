//! The standard output: events and messages on their way to it, by a thread that may block.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::event::{Seen, Style};
use crate::options::Options;
use crate::pump;
use crate::queue::Queue;
use crate::screen;

/// How much waits for a reader before nothing more is taken from the network.
const WAITING: usize = 1 << 20;

/// What is printed, shared by all threads.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    queue: Arc<Queue>,
    style: Style,
    quiet: bool,
    /// Messages go to commands instead.
    commands: bool,
}

impl Output {
    /// The output, and the thread that has written all when it has ended.
    pub(crate) fn start(options: &Options) -> io::Result<(Self, JoinHandle<()>)> {
        let style = Style {
            json: options.json,
            binary: options.binary,
            only_one: options.once,
            terminal: io::stdout().is_terminal(),
        };
        let queue = Queue::new(WAITING);
        let writing = pump::write(io::stdout(), &queue)?;
        #[cfg(unix)]
        watch(&queue);
        let (quiet, commands) = (options.quiet, options.exec.is_some());
        Ok((Self { queue, style, quiet, commands }, writing))
    }

    /// What wakes a loop, and what doesn't fit any more.
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Prints an event, if events of its kind are printed.
    pub(crate) fn see(&self, seen: &Seen<'_>, client: Option<u64>) {
        let is_message = matches!(seen, Seen::Text(_) | Seen::Binary(_));
        if is_message && self.commands && !self.style.json {
            return;
        }
        if let Some(bytes) = self.style.print(seen, client) {
            self.queue.push(bytes);
        }
    }

    /// Says something beside the messages, unless only messages and errors are wanted.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            screen::note(text);
        }
    }

    /// There is nothing more to come.
    pub(crate) fn end(&self) {
        self.queue.end();
    }
}

/// Sees when nobody reads the output any more, though nothing is printed: `ws ... | head -1`.
#[cfg(unix)]
fn watch(queue: &Arc<Queue>) {
    use std::os::fd::AsRawFd as _;

    use mio::unix::SourceFd;
    use mio::{Events, Interest, Poll, Token};

    let Ok(mut poll) = Poll::new() else { return };
    let output = io::stdout().as_raw_fd();
    // A file can't be waited for, and need not be.
    if poll.registry().register(&mut SourceFd(&output), Token(0), Interest::READABLE).is_err() {
        return;
    }
    let queue = Arc::clone(queue);
    // Without the thread, it is seen when something is printed.
    let _ = std::thread::Builder::new().spawn(move || {
        let mut events = Events::with_capacity(1);
        loop {
            if poll
                .poll(&mut events, None)
                .is_err_and(|error| error.kind() != io::ErrorKind::Interrupted)
            {
                return;
            }
            if events.iter().any(|event| event.is_error() || event.is_write_closed()) {
                queue.abandon();
                return;
            }
        }
    });
}
