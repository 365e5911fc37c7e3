//! A case of the suite that is a script.

use std::time::Duration;

use super::script::{After, Script, Step, run};
use crate::case::{Case, Weight};
use crate::verdict::{Level, Rule};

/// A case that is a script.
pub(super) fn scripted(
    id: String,
    rule: &'static Rule,
    says: impl Into<String>,
    script: Script,
) -> Case {
    let waits = script.steps.iter().any(|step| matches!(step, Step::Wait(..)));
    let wait: Duration = script
        .steps
        .iter()
        .map(|step| if let Step::Wait(wait, _) = step { *wait } else { Duration::ZERO })
        .sum();
    let (After::Kill(last) | After::Close(last)) = script.after;
    Case {
        id,
        chapter: "autobahn",
        level: Level::Must,
        says: says.into(),
        rule,
        weight: if waits { Weight::Waiting } else { Weight::Light },
        limit: wait + last + Duration::from_secs(30),
        only: None,
        script: Box::new(move |stage| run(stage, &script)),
    }
}
