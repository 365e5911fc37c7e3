//! What this server doesn't know of users and rooms after something was lost, and when it stops asking others.

use std::time::Duration;

/// How long others are waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// After which time somebody is asked again.
const AGAIN: Duration = Duration::from_secs(30);

/// ```text
///         a gap of an epoch              PATIENCE is over
/// Sure ----------------------> Lost --------------------------> Sure
///  |  a gap that was trimmed           a state that is sure
///  +-------------------------> Behind ------------------------> Sure
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It knows everything up to where it has followed the log.
    Sure,
    /// The log was lost: nobody knows more than what servers have, so what they have is put together.
    Lost { until: Duration },
    /// Others may know more: their state takes the place of ours.
    Behind { again: Duration, alone_is_sure: Option<Duration> },
}

/// What to do with a state that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// Nothing.
    Nothing,
    /// Add what it has.
    Add,
    /// It takes the place of what is known.
    Replace,
}

/// What isn't known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt(Stage);

impl Doubt {
    pub(super) fn none() -> Self {
        Self(Stage::Sure)
    }

    pub(super) fn is_sure(self) -> bool {
        self.0 == Stage::Sure
    }

    /// Whether others can make use of what this server knows.
    pub(super) fn may_answer(self) -> bool {
        !matches!(self.0, Stage::Behind { .. })
    }

    /// The log was lost, and everybody may have another end of it.
    pub(super) fn lost(&mut self, now: Duration) {
        if self.may_answer() {
            self.0 = Stage::Lost { until: now + PATIENCE };
        }
    }

    /// What was written meanwhile can't be read any more, but by others it was. `alone_is_sure`: unless there are none.
    pub(super) fn behind(&mut self, alone_is_sure: bool, now: Duration) {
        let alone_is_sure = alone_is_sure.then_some(now + PATIENCE);
        self.0 = Stage::Behind { again: now + AGAIN, alone_is_sure };
    }

    /// A state has come.
    pub(super) fn take(&mut self, sure: bool) -> Take {
        match self.0 {
            Stage::Sure => Take::Nothing,
            Stage::Behind { .. } if sure => {
                self.0 = Stage::Sure;
                Take::Replace
            }
            Stage::Lost { .. } | Stage::Behind { .. } => Take::Add,
        }
    }

    pub(super) fn deadline(self) -> Option<Duration> {
        match self.0 {
            Stage::Sure => None,
            Stage::Lost { until } => Some(until),
            Stage::Behind { again, alone_is_sure } => {
                Some(alone_is_sure.unwrap_or(again).min(again))
            }
        }
    }

    /// Does what is due: whether to ask again.
    pub(super) fn wake(&mut self, now: Duration) -> bool {
        match &mut self.0 {
            Stage::Lost { until } if now >= *until => self.0 = Stage::Sure,
            Stage::Behind { alone_is_sure: Some(at), .. } if now >= *at => self.0 = Stage::Sure,
            Stage::Behind { again, .. } if now >= *again => {
                *again = now + AGAIN;
                return true;
            }
            _ => {}
        }
        false
    }
}
