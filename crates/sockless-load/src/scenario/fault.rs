//! What is wrong with a scenario, and where.

use std::fmt;

/// Where something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this line of the file, from 1.
    Line(usize),
    /// By this flag.
    Flag(&'static str),
    /// Nowhere: it is what the default is.
    Default,
}

/// What is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What.
    pub what: String,
}

impl Fault {
    pub(super) fn new(place: Place, what: impl fmt::Display) -> Self {
        Self { place, what: what.to_string() }
    }

    /// The fault in a file of this name.
    pub fn shown(&self, file: &str) -> String {
        match self.place {
            Place::Line(line) => format!("{file}:{line}: {}", self.what),
            Place::Flag(flag) => format!("{flag}: {}", self.what),
            Place::Default => format!("{file}: {}", self.what),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown("scenario"))
    }
}

impl std::error::Error for Fault {}
