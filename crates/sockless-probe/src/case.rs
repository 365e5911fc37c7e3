//! What a case is: its id, its sentence, its rule, its script. The cases themselves are in `cases`.

use std::fmt;
use std::time::Duration;

use crate::stage::Stage;
use crate::verdict::{Behavior, Finding, Level, Rule, Testee};

/// How long a case takes, and how much it moves: what is light runs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    Light,
    /// It waits, and costs nothing.
    Waiting,
    /// It moves megabytes.
    Heavy,
}

/// What a case does.
pub(crate) type Script = Box<dyn Fn(&mut Stage<'_>) -> Finding + Send + Sync>;

/// One case.
pub(crate) struct Case {
    /// `6.4.3` for Autobahn's own, `handshake.version-8` for ours.
    pub(crate) id: String,
    pub(crate) chapter: &'static str,
    pub(crate) level: Level,
    /// In one sentence, what is tested.
    pub(crate) says: String,
    pub(crate) rule: &'static Rule,
    pub(crate) weight: Weight,
    /// After this time the case is ended, whatever the testee does.
    pub(crate) limit: Duration,
    /// Who can be tested with it; `None` for both.
    pub(crate) only: Option<Testee>,
    pub(crate) script: Script,
}

impl Case {
    /// Whether this testee can be tested with it.
    pub(crate) fn fits(&self, testee: Testee) -> bool {
        self.only.is_none_or(|only| only == testee)
    }

    /// Whether it is one of Autobahn's.
    #[cfg(test)]
    pub(crate) fn is_autobahn(&self) -> bool {
        self.id.starts_with(|first: char| first.is_ascii_digit())
    }

    /// Runs it, and holds the level: nobody fails for a SHOULD.
    pub(crate) fn run(&self, stage: &mut Stage<'_>) -> Finding {
        // An error of ours is not to cost the report.
        let run = || (self.script)(stage);
        let mut finding = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run))
            .unwrap_or_else(|_| Finding::failed("The probe itself has an error in this case."));
        if self.level == Level::Should && finding.behavior == Behavior::Failed {
            finding.behavior = Behavior::NonStrict;
        }
        finding
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("id", &self.id).finish_non_exhaustive()
    }
}
