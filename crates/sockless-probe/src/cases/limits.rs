//! How long a message may be, and what an endpoint does in silence. That a message can be long in disguise is in `deflate`.

use std::time::Duration;

use super::entry::Entry;
use super::expect::{alive, comes_back, refusal};
use super::rules;
use crate::case::{Case, Weight};
use crate::exchange::Event;
use crate::verdict::{Finding, Level};
use crate::wire::frame::{BINARY, CONTINUATION, Frame, fragments};

pub(super) fn cases() -> Vec<Case> {
    vec![message(), sum_of_fragments(), silence()]
}

fn entry(chapter: &'static str, id: &str, says: &str) -> Entry {
    Entry::new(chapter, id, &rules::LIMITS, says).level(Level::Safety).weight(Weight::Heavy)
}

fn message() -> Case {
    let says = "How long a message may be, and whether 1009 says that one is too long.";
    entry("limits", "limits.message", says).case(|stage| {
        let mut session = stage.open()?;
        session.max_received = 256 << 20;
        let mut good = 0;
        for len in [1 << 20, 4 << 20, 16 << 20, (16 << 20) + 1, 33 << 20] {
            let message = vec![b'm'; len];
            session.send_chopped(&fragments(BINARY, message.clone(), 0), usize::MAX);
            let until = stage.within(Duration::from_secs(10));
            let Err(finding) = comes_back(&mut session, false, &message, until) else {
                good = len;
                continue;
            };
            let then = match session.close_received {
                Some(Some(1009)) => format!("{len} B were refused with 1009."),
                Some(None) => format!("{len} B were refused without a code."),
                Some(Some(code)) => format!("{len} B were refused with {code} in place of 1009."),
                None => format!("with {len} B: {}", finding.reason),
            };
            let reason = format!("{good} B came back; {then}");
            return Ok(match session.close_received {
                Some(Some(1009) | None) => Finding::informational(reason),
                _ => Finding::non_strict(reason),
            });
        }
        session.send_close(1000);
        session.flush(session.soon());
        Ok(Finding::informational(format!("Every message came back, up to {good} B.")))
    })
}

fn sum_of_fragments() -> Case {
    let says = "A limit on messages holds for the sum of their fragments.";
    entry("limits", "limits.fragments", says).case(|stage| {
        let mut session = stage.open()?;
        session.max_received = 256 << 20;
        let mut frames = vec![Frame::new(BINARY, vec![b'f'; 1 << 20])];
        frames.resize(40, Frame::new(CONTINUATION, vec![b'f'; 1 << 20]));
        for frame in &frames {
            session.send(frame);
            let until = stage.within(Duration::from_secs(5));
            if !session.flush(until) || session.close_received.is_some() || session.link.is_deaf() {
                break;
            }
        }
        let until = session.within(Duration::from_millis(500));
        while let Some(event) = session.next(until) {
            if let Some(finding) = refusal(&event) {
                return Ok(finding);
            }
        }
        let why = "The testee took 40 MiB in fragments: its limit is higher.";
        Ok(Finding::informational(why))
    })
}

fn silence() -> Case {
    let says = "What an endpoint does when its peer is silent for three seconds.";
    let entry = entry("keepalive", "keepalive.silence", says).weight(Weight::Waiting);
    entry.case(|stage| {
        let mut session = stage.open()?;
        let until = stage.within(Duration::from_secs(3));
        Ok(match session.next(until) {
            None => {
                alive(&mut session)?;
                session.send_close(1000);
                session.flush(session.soon());
                Finding::informational("It was silent too, and answered afterwards.")
            }
            Some(Event::Ping(_)) => Finding::informational("It sent a Ping."),
            Some(event) => Finding::informational(format!("It {}.", event.describe())),
        })
    })
}
