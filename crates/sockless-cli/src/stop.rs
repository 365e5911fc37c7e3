//! What ends the program from outside: Ctrl-C, SIGTERM, and the time of `--max-time`.
//!
//! Open connections are closed in order. Where there is none, the program ends at once.

use std::io;
use std::process;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use mio::Waker;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::bell::Bell;
use crate::ending::{self, Ending};

/// How long connections may take to close after the time of `--max-time`, before the program ends without them.
const GRACE: Duration = Duration::from_secs(7);

/// Why the program is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// A signal.
    Signal,
    /// The time of `--max-time` is over.
    TimeOver,
    /// The input has ended, or nobody reads the output any more.
    Done,
}

/// Whether to stop, and why.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    why: OnceLock<Why>,
    bell: Bell,
}

impl Stop {
    /// Listens for signals from now on, and looks at the time. A second signal ends the program at once.
    pub(crate) fn start(max_time: Option<Duration>) -> io::Result<Self> {
        let stop = Self::default();
        let signals = stop.clone();
        on_signal(move || {
            if signals.why().is_some() || signals.ask(Why::Signal) == 0 {
                process::exit(ending::INTERRUPTED.into());
            }
        })?;
        if let Some(time) = max_time {
            let timer = stop.clone();
            thread::Builder::new().spawn(move || {
                thread::sleep(time);
                if timer.ask(Why::TimeOver) > 0 {
                    thread::sleep(GRACE);
                }
                let ending = Ending::time_is_over();
                ending.say(false);
                process::exit(ending.status.into());
            })?;
        }
        Ok(stop)
    }

    /// Wakes this loop when the program is to stop.
    pub(crate) fn wakes(&self, waker: &Arc<Waker>) {
        self.0.bell.wakes(waker);
    }

    /// Asks the program to stop; how many loops will hear of it.
    pub(crate) fn ask(&self, why: Why) -> usize {
        let _ = self.0.why.set(why);
        self.0.bell.ring()
    }

    /// Why the program is to stop, if it is.
    pub(crate) fn why(&self) -> Option<Why> {
        self.0.why.get().copied()
    }
}

#[cfg(unix)]
fn on_signal(act: impl Fn() + Send + 'static) -> io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().spawn(move || signals.forever().for_each(|_| act()))?;
    Ok(())
}

#[cfg(not(unix))]
fn on_signal(act: impl Fn() + Send + 'static) -> io::Result<()> {
    use std::sync::atomic::{AtomicBool, Ordering};
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    thread::Builder::new().spawn(move || {
        loop {
            if asked.swap(false, Ordering::Relaxed) {
                act();
            }
            thread::sleep(Duration::from_millis(250));
        }
    })?;
    Ok(())
}
