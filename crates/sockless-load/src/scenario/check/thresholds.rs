//! What a run has to keep.

use super::source::Source;
use crate::scenario::fault::Fault;
use crate::scenario::file::{Bound, File};
use crate::scenario::{COUNTS, PERCENTILES, Thresholds};

pub(super) fn thresholds(source: &Source<'_>, file: &File) -> Result<Thresholds, Fault> {
    let mut thresholds = Thresholds::default();
    for (name, value) in &file.thresholds {
        let place = source.place(value);
        let latency = PERCENTILES.iter().position(|(other, _)| other == name.get_ref());
        let count = COUNTS.iter().position(|other| other == name.get_ref());
        match (latency, count, value.get_ref()) {
            (Some(at), _, Bound::Text(_)) => {
                thresholds.latency[at] = Some(source.span(name.get_ref(), value)?);
            }
            (Some(_), ..) => {
                let what = format!("{}: a length of time such as \"50ms\"", name.get_ref());
                return Err(Fault::new(place, what));
            }
            (None, Some(at), Bound::Whole(most)) => thresholds.counts[at] = Some(*most),
            (None, Some(_), _) => {
                let what = format!("{}: a number from 0 on", name.get_ref());
                return Err(Fault::new(place, what));
            }
            (None, None, _) => {
                let names = PERCENTILES.iter().map(|(name, _)| *name).chain(COUNTS);
                let names = names.collect::<Vec<_>>().join(", ");
                let what =
                    format!("{}: there is no such threshold; there are {names}", name.get_ref());
                return Err(Fault::new(place, what));
            }
        }
    }
    Ok(thresholds)
}
