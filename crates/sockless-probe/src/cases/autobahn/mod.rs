//! The cases of the Autobahn test suite, by its numbers and its verdicts.

mod closing;
mod compressed;
mod framing;
mod large;
mod script;
mod text;

use std::time::Duration;

use crate::model::{Case, Level, Rule, Weight};

use script::{After, Script, Step};

/// All of them, in the suite's order.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = framing::cases();
    cases.extend(text::cases());
    cases.extend(closing::cases());
    cases.extend(large::cases());
    cases.extend(compressed::cases());
    cases
}

/// A case that is a script.
fn scripted(id: String, rule: &'static Rule, says: impl Into<String>, script: Script) -> Case {
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
        script: Box::new(move |stage| script::run(stage, &script)),
    }
}
