//! Heads that are too much: for servers as requests, for clients as answers.

use super::endless::{ENDLESS, endless};
use super::outcome::refusal;
use crate::case::{Case, Weight};
use crate::cases::entry::Entry;
use crate::cases::rules;
use crate::stage::Answered;
use crate::verdict::{Finding, Level, Testee};

const CHAPTER: &str = "handshake";
pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (id, says, field) in [
        ("one-long-field", "A request with a field of 1 MiB", 1 << 20),
        ("many-fields", "A request with 20,000 fields", 40),
    ] {
        let says = format!("{says} is refused.");
        let entry = Entry::new(CHAPTER, format!("handshake.{id}"), &rules::LIMITS, says);
        let entry = entry.only(Testee::Server).level(Level::Safety).weight(Weight::Heavy);
        cases.push(entry.case(move |stage| {
            let mut ask = stage.ask();
            let count = if field == 40 { 20_000 } else { 1 };
            for i in 0..count {
                ask = ask.add(&format!("X-{i}"), &"v".repeat(field));
            }
            let mut link = stage.connect()?;
            link.queue(ask.bytes(), usize::MAX);
            stage.note(format!("sent a request with {count} further fields of {field} B"));
            let read = stage.read_head(&mut link, stage.within(stage.setting.patience * 2));
            let answered = Answered { link, read };
            match answered.status() {
                101 => Err(Finding::failed("It was accepted.")),
                0 if answered.read.is_err_and(|end| end.is_some()) => {
                    Ok(Finding::ok("The server closed the stream."))
                }
                0 => Ok(Finding::non_strict("The server neither refused nor accepted in time.")),
                status => Ok(Finding::ok(format!("It was refused with {status}."))),
            }
        }));
    }
    let says = "A request's head without an end is refused long before 16 MiB of it.";
    let entry = Entry::new(CHAPTER, "handshake.endless-head", &rules::LIMITS, says);
    let entry = entry.only(Testee::Server).level(Level::Safety).weight(Weight::Heavy);
    cases.push(entry.case(|stage| {
        let mut link = stage.connect()?;
        let ask = stage.ask();
        let head = ask.bytes();
        link.queue(&head[..head.len() - 2], usize::MAX);
        match endless(stage, &mut link) {
            Some(sent) => Ok(Finding::ok(format!("It was ended after {sent} B at most."))),
            None => Err(Finding::failed(format!("The server took {ENDLESS} B of it."))),
        }
    }));
    let says = "A request that stops in the middle leaves the server alive for others.";
    let entry = Entry::new(CHAPTER, "handshake.others-go-on", &rules::LIMITS, says);
    cases.push(entry.only(Testee::Server).level(Level::Safety).case(|stage| {
        let mut links = Vec::new();
        for _ in 0..20 {
            let mut link = stage.connect()?;
            let ask = stage.ask().bytes();
            link.queue(&ask[..ask.len() / 2], usize::MAX);
            link.turn(stage.soon(), false);
            links.push(link);
        }
        let mut session = stage.open()?;
        crate::cases::expect::alive(&mut session)?;
        drop(links);
        crate::cases::expect::well(session, "Another connection was opened and served meanwhile.")
    }));
    let says = "Nonsense in place of a request is refused.";
    let entry = Entry::new(CHAPTER, "handshake.nonsense", &rules::STOP_PROCESSING, says);
    cases.push(entry.only(Testee::Server).case(|stage| {
        let mut link = stage.connect()?;
        let mut bytes = stage.octets(300);
        bytes.extend_from_slice(b"\r\n\r\n");
        stage.send_head(&mut link, &bytes, usize::MAX);
        let read = stage.read_head(&mut link, stage.soon());
        let answered = Answered { link, read };
        match answered.read {
            // What is no HTTP may be left without an answer.
            Err(Some(_)) => Ok(Finding::ok("The server closed the stream.")),
            _ => refusal(&answered),
        }
    }));
    cases
}
