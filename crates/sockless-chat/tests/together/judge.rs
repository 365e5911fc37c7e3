//! The checker. It knows everything that was said and to whom, what each client was told, and where something can have been lost.

use std::collections::{BTreeMap, BTreeSet};

/// Something that was said and that its sender knows to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// Which of its sender's things it is, in the order in which they were said.
    pub(crate) number: u64,
    pub(crate) from: String,
    /// Who has to hear of it.
    pub(crate) to: BTreeSet<String>,
    /// The id that its sender was told.
    pub(crate) id: u64,
}

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A message: its id, who has said it, and which of the sender's things it is.
    Message(u64, String, u64),
    /// The history is incomplete between these ids.
    Incomplete(u64, u64),
}

/// Where something can have been lost: what a client may be told to be incomplete has to touch one of these.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    pub(crate) after: u64,
    pub(crate) up_to: u64,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) said: usize,
    pub(crate) heard: usize,
    /// Messages that a client didn't get, and was told about.
    pub(crate) excused: usize,
    pub(crate) incomplete: usize,
    /// Messages that were lost and came again after later ones of their sender.
    pub(crate) late: usize,
}

/// Where things first were in the log: who has said it, which of the sender's it is, and its id there.
pub(crate) type First = BTreeMap<(String, u64), u64>;

/// Judges: all that was said, where it first was, what each client of each user was told in its order, and the losses.
///
/// What was in the log and was lost with it is said again by its sender, perhaps after other things: then it comes late to those who were told
/// that something was missing where it was, and to nobody else.
pub(crate) fn judge(
    said: &[Said],
    first: &First,
    told: &[(String, Vec<Told>)],
    losses: &[Loss],
) -> Result<Counts, String> {
    let mut counts = Counts { said: said.len(), ..Counts::default() };
    for (who, told) in told {
        let was_missing = |from: &str, number: u64| {
            let Some(id) = first.get(&(from.to_owned(), number)) else { return false };
            told.iter().any(
                |what| matches!(what, Told::Incomplete(after, up_to) if after < id && id <= up_to),
            )
        };
        let (mut last, mut numbers) = (0, BTreeMap::<&str, u64>::new());
        let mut known = BTreeSet::new();
        let mut gaps = Vec::new();
        for what in told {
            match what {
                Told::Message(id, from, number) => {
                    counts.heard += 1;
                    if *id <= last {
                        return Err(format!("{who}: {what:?} after {last}"));
                    }
                    last = *id;
                    if !known.insert((from.as_str(), *number)) {
                        return Err(format!("{who}: {what:?} has come twice"));
                    }
                    let highest = numbers.entry(from).or_insert(0);
                    if *highest >= *number && !was_missing(from, *number) {
                        return Err(format!("{who}: {what:?} comes after number {highest}"));
                    }
                    counts.late += usize::from(*highest >= *number);
                    *highest = number.max(highest).to_owned();
                }
                Told::Incomplete(after, up_to) => {
                    counts.incomplete += 1;
                    if !losses.iter().any(|loss| loss.after <= *up_to && *after <= loss.up_to) {
                        return Err(format!("{who}: {what:?}, and nothing was lost: {losses:?}"));
                    }
                    gaps.push((*after, *up_to));
                }
            }
        }
        for said in said.iter().filter(|said| said.to.contains(who)) {
            if known.contains(&(said.from.as_str(), said.number)) {
                continue;
            }
            // It has to lie where the client was told that something is missing.
            let is_excused = |(after, up_to): &(u64, u64)| *after < said.id && said.id <= *up_to;
            if !gaps.iter().any(is_excused) {
                return Err(format!("{who} never heard {said:?}; told of {gaps:?}"));
            }
            counts.excused += 1;
        }
    }
    Ok(counts)
}

mod tests {
    use super::*;

    fn said(number: u64, id: u64) -> Said {
        Said { number, from: "ann".into(), to: BTreeSet::from(["bob".into()]), id }
    }

    fn bob(told: &[Told]) -> Vec<(String, Vec<Told>)> {
        vec![("bob".into(), told.to_vec())]
    }

    #[test]
    fn the_checker_sees_what_is_wrong() {
        let said = [said(1, 10), said(2, 20)];
        let message = |id, number| Told::Message(id, "ann".into(), number);
        let first = First::from([(("ann".into(), 1), 10), (("ann".into(), 2), 20)]);
        let loss = [Loss { after: 5, up_to: 30 }];
        let judged =
            |told: &[Told], losses: &[Loss]| judge(&said, &first, &bob(told), losses).is_ok();
        assert!(judged(&[message(10, 1), message(20, 2)], &[]));
        // Missing, doubled, in the wrong order, by id and by number.
        assert!(!judged(&[message(10, 1)], &[]));
        assert!(!judged(&[message(10, 1), message(10, 1), message(20, 2)], &[]));
        assert!(!judged(&[message(10, 1), message(15, 1), message(20, 2)], &[]));
        assert!(!judged(&[message(20, 2), message(10, 1)], &[]));
        assert!(!judged(&[message(10, 2), message(20, 1)], &[]));
        // Said to be incomplete: only where something was lost, and only what lies there is excused.
        assert!(judged(&[Told::Incomplete(5, 15), message(20, 2)], &loss));
        assert!(!judged(&[Told::Incomplete(5, 15), message(20, 2)], &[]));
        assert!(!judged(&[Told::Incomplete(5, 15)], &loss));
        // Late: only what was where something was missing.
        assert!(judged(&[Told::Incomplete(5, 15), message(20, 2), message(25, 1)], &loss));
        assert!(!judged(&[Told::Incomplete(15, 18), message(20, 2), message(25, 1)], &loss));
    }
}
