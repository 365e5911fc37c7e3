//! What a case and all its connections share: who is tested, the log, the numbers that follow from the seed, the time that is left.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::verdict::Testee;
use crate::wire::log::{Line, Log, Way};
use crate::wire::random::Random;

/// What a case and its connections write to.
#[derive(Debug)]
struct Notes {
    log: Log,
    random: Random,
}

/// A handle to it; its clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) testee: Testee,
    /// How long a testee has to react.
    patience: Duration,
    /// When the case has to be over.
    deadline: Instant,
    notes: Rc<RefCell<Notes>>,
}

impl Context {
    /// For one run of the case with this id.
    pub(crate) fn new(
        testee: Testee,
        seed: u64,
        id: &str,
        patience: Duration,
        limit: Duration,
    ) -> Self {
        let notes = Notes { log: Log::new(), random: Random::new(seed, id) };
        let deadline = Instant::now() + limit;
        Self { testee, patience, deadline, notes: Rc::new(RefCell::new(notes)) }
    }

    /// The time until which a testee has to react, from now on.
    pub(crate) fn soon(&self) -> Instant {
        self.within(self.patience)
    }

    /// In this time, and never after the case's deadline.
    pub(crate) fn within(&self, wait: Duration) -> Instant {
        (Instant::now() + wait).min(self.deadline)
    }

    pub(crate) const fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn octets(&self, len: usize) -> Vec<u8> {
        self.notes.borrow_mut().random.octets(len)
    }

    /// A masking key.
    pub(crate) fn masking_key(&self) -> [u8; 4] {
        self.notes.borrow_mut().random.key()
    }

    pub(crate) fn log(&self, way: Way, text: impl Into<String>) {
        self.notes.borrow_mut().log.push(way, text);
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        self.log(Way::Note, text);
    }

    /// Logs the lines of a head.
    pub(crate) fn log_head(&self, way: Way, text: &str) {
        for line in text.split("\r\n").filter(|line| !line.is_empty()).take(60) {
            let shown: String = line.chars().take(200).collect();
            self.log(way, shown.escape_debug().to_string());
        }
    }

    /// Whether a further line would be one of the first, which are worth some work.
    pub(crate) fn log_has_room(&self) -> bool {
        self.notes.borrow().log.has_room()
    }

    /// The lines of the log, and the time that it covers.
    pub(crate) fn into_log(self) -> (Vec<Line>, Duration) {
        let log = std::mem::replace(&mut self.notes.borrow_mut().log, Log::new());
        let elapsed = log.elapsed();
        (log.into_lines(), elapsed)
    }
}
