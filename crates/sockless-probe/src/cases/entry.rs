//! A case of ours while it is described: what is usual for it, until it says otherwise.

use std::time::Duration;

use super::expect::Outcome;
use crate::case::{Case, Weight};
use crate::stage::Stage;
use crate::verdict::{Finding, Level, Rule, Testee};

/// A case of ours that is being described.
pub(super) struct Entry(Case);

impl Entry {
    /// One that MUST be kept by both, and is light.
    pub(super) fn new(
        chapter: &'static str,
        id: impl Into<String>,
        rule: &'static Rule,
        says: impl Into<String>,
    ) -> Self {
        Self(Case {
            id: id.into(),
            chapter,
            level: Level::Must,
            says: says.into(),
            rule,
            weight: Weight::Light,
            limit: Duration::from_secs(30),
            only: None,
            script: Box::new(|_| Finding::failed("The case has no script.")),
        })
    }

    pub(super) fn level(mut self, level: Level) -> Self {
        self.0.level = level;
        self
    }

    pub(super) fn only(mut self, testee: Testee) -> Self {
        self.0.only = Some(testee);
        self
    }

    pub(super) fn weight(mut self, weight: Weight) -> Self {
        self.0.weight = weight;
        self
    }

    pub(super) fn case(
        mut self,
        script: impl Fn(&mut Stage<'_>) -> Outcome + Send + Sync + 'static,
    ) -> Case {
        self.0.script = Box::new(move |stage| script(stage).unwrap_or_else(|finding| finding));
        self.0
    }
}
