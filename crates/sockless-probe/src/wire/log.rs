//! The log of one case: what went over the wire in both directions, and when. Bounded, whatever a testee sends.

use std::time::Instant;

/// How many lines are kept from the beginning, and how many from the end.
const KEPT: usize = 120;
const KEPT_AT_END: usize = 40;

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the probe to the testee.
    Sent,
    Received,
    /// It happened here.
    Note,
}

impl Way {
    pub(crate) const fn sign(self) -> char {
        match self {
            Self::Sent => '>',
            Self::Received => '<',
            Self::Note => '-',
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Microseconds since the case began.
    pub(crate) at: u64,
    pub(crate) way: Way,
    pub(crate) text: String,
}

/// The lines.
#[derive(Debug)]
pub(crate) struct Log {
    started: Instant,
    lines: Vec<Line>,
    last: std::collections::VecDeque<Line>,
    left_out: usize,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            lines: Vec::new(),
            last: std::collections::VecDeque::new(),
            left_out: 0,
        }
    }

    /// Whether a further line would be one of the first, which are worth some work.
    pub(crate) fn has_room(&self) -> bool {
        self.lines.len() < KEPT
    }

    pub(crate) fn push(&mut self, way: Way, text: impl Into<String>) {
        let at = self.started.elapsed().as_micros() as u64;
        let line = Line { at, way, text: text.into() };
        if self.has_room() {
            self.lines.push(line);
            return;
        }
        if self.last.len() == KEPT_AT_END {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(line);
    }

    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.started.elapsed()
    }

    /// All lines, with one for those that were left out.
    pub(crate) fn into_lines(self) -> Vec<Line> {
        let mut lines = self.lines;
        if self.left_out > 0 {
            let at = lines.last().map_or(0, |line| line.at);
            let text = format!("{} lines are left out here", self.left_out);
            lines.push(Line { at, way: Way::Note, text });
        }
        lines.extend(self.last);
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_the_beginning_and_the_end() {
        let mut log = Log::new();
        for i in 0..100_000 {
            log.push(Way::Received, format!("{i}"));
        }
        let lines = log.into_lines();
        assert_eq!(lines.len(), KEPT + 1 + KEPT_AT_END);
        assert_eq!(lines[0].text, "0");
        assert_eq!(lines[KEPT].text, "99840 lines are left out here");
        assert_eq!(lines.last().map(|line| &*line.text), Some("99999"));
    }
}
