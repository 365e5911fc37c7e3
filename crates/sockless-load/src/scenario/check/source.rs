//! The text of a scenario, in which faults have lines: its values, and where they stand.

use std::time::Duration;

use toml::Spanned;

use crate::scenario::fault::{Fault, Place};
use crate::scenario::file::Bound;
use crate::span;
use crate::template::{Placeholder, Template};

/// The text, in which faults have lines.
pub(super) struct Source<'a>(pub(super) &'a str);

impl Source<'_> {
    pub(super) fn line(&self, at: usize) -> Place {
        let before = self.0.as_bytes().get(..at).unwrap_or(self.0.as_bytes());
        Place::Line(before.iter().filter(|byte| **byte == b'\n').count() + 1)
    }

    pub(super) fn place<T>(&self, value: &Spanned<T>) -> Place {
        self.line(value.span().start)
    }

    pub(super) fn span(&self, name: &str, value: &Spanned<Bound>) -> Result<Duration, Fault> {
        length(value.get_ref())
            .map_err(|what| Fault::new(self.place(value), format!("{name}: {what}")))
    }

    pub(super) fn span_or(
        &self,
        name: &str,
        value: Option<&Spanned<Bound>>,
        default: u64,
    ) -> Result<Duration, Fault> {
        value.map_or(Ok(Duration::from_secs(default)), |value| self.span(name, value))
    }

    /// A text with placeholders.
    pub(super) fn template(
        &self,
        value: &Spanned<String>,
        allowed: impl Fn(Placeholder) -> bool,
    ) -> Result<Template, Fault> {
        Template::parse(value.get_ref(), allowed).map_err(|unknown| {
            // A text of several lines has the fault in one of them. A line that begins after the three quotes is no part of it.
            let written = self.0.get(value.span()).unwrap_or_default();
            let opened = written.trim_start_matches(['\'', '"']).trim_start_matches('\r');
            let skipped = written.starts_with(['\'', '"']) && opened.starts_with('\n');
            let lines = value.get_ref()[..unknown.at].matches('\n').count() + usize::from(skipped);
            let place = match self.place(value) {
                Place::Line(line) => Place::Line(line + lines),
                other => other,
            };
            Fault::new(place, unknown)
        })
    }
}

fn length(value: &Bound) -> Result<Duration, String> {
    match value {
        Bound::Whole(seconds) => span::parse(&seconds.to_string()),
        Bound::Number(seconds) => span::parse(&seconds.to_string()),
        Bound::Text(text) => span::parse(text),
    }
}
