//! Hostile and careless peers: what an endpoint has to live with. How long a message may be is in `limits`.

use std::time::{Duration, Instant};

use super::entry::Entry;
use super::expect::{Outcome, alive, comes_back, echo, pong, text_back, well};
use super::rules;
use crate::case::{Case, Weight};
use crate::exchange::{Event, Session};
use crate::stage::Stage;
use crate::verdict::{Finding, Level, Testee};
use crate::wire::frame::{BINARY, CONTINUATION, FIN, Frame, Length, TEXT};
use crate::wire::link::Turn;

const CHAPTER: &str = "hostile";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = readers();
    cases.extend(floods());
    cases.extend(others());
    cases
}

fn safe(
    id: &str,
    says: &str,
    script: impl Fn(&mut Stage<'_>) -> Outcome + Send + Sync + 'static,
) -> Case {
    Entry::new(CHAPTER, id, &rules::LIMITS, says)
        .level(Level::Safety)
        .weight(Weight::Heavy)
        .case(script)
}

/// Sends messages without reading, until the testee takes no more or all are sent: how many octets that were.
fn fill(session: &mut Session, frame: &Frame, count: usize) -> u64 {
    let (before, until) = (session.link.sent(), session.within(Duration::from_secs(8)));
    for _ in 0..count {
        session.send(frame);
        while !session.link.is_flushed() {
            let wait = (Instant::now() + Duration::from_millis(500)).min(until);
            if session.link.turn(wait, false) == Turn::TimedOut {
                return session.link.sent() - before;
            }
            if session.link.is_deaf() {
                return session.link.sent() - before;
            }
        }
    }
    session.link.sent() - before
}

fn readers() -> Vec<Case> {
    let slow = safe(
        "hostile.slow-reader",
        "A peer that sends 64 MiB and reads nothing is made to wait, or is left.",
        |stage| {
            let mut session = stage.open()?;
            let frame = Frame::binary(vec![b's'; 64 << 10]);
            let taken = fill(&mut session, &frame, 1024);
            let mib = taken >> 20;
            if session.link.is_deaf() {
                return Ok(Finding::ok(format!(
                    "The testee ended the connection after {mib} MiB."
                )));
            }
            if taken >= 64 << 20 {
                return Ok(Finding::non_strict("The testee took 64 MiB whose echo nobody read."));
            }
            Ok(Finding::ok(format!("The testee stopped to read after {mib} MiB.")))
        },
    );
    let late = safe(
        "hostile.late-reader",
        "What a peer sent before it read anything comes back once it reads.",
        |stage| {
            let mut session = stage.open()?;
            session.max_received = 64 << 20;
            let frame = Frame::binary(vec![b'l'; 32 << 10]);
            for _ in 0..100 {
                session.send(&frame);
            }
            let until = session.within(Duration::from_millis(300));
            while session.link.turn(until, false) != Turn::TimedOut {}
            for i in 0..100 {
                let until = session.within(Duration::from_secs(5));
                comes_back(&mut session, false, &frame.payload, until)
                    .map_err(|f| Finding::failed(format!("Message {i} of 100: {}", f.reason)))?;
            }
            well(session, "All came back.")
        },
    );
    let writer = safe(
        "hostile.slow-writer",
        "A message that takes half a second to arrive comes back.",
        |stage| {
            let mut session = stage.open()?;
            let bytes = session.encoded(&Frame::text("slowly, octet by octet"));
            for octet in bytes.chunks(1) {
                session.link.queue(octet, usize::MAX);
                session.flush(session.soon());
                std::thread::sleep(Duration::from_millis(15));
            }
            text_back(&mut session, "slowly, octet by octet")?;
            well(session, "It came back.")
        },
    );
    vec![slow, late, writer]
}

fn floods() -> Vec<Case> {
    let pings = safe(
        "hostile.ping-flood",
        "100,000 Pings whose Pongs nobody reads leave the connection usable, or end it.",
        |stage| {
            let mut session = stage.open()?;
            session.max_received = 64 << 20;
            let bytes: Vec<Frame> = (0..1000).map(|_| Frame::ping(vec![b'p'; 125])).collect();
            let until = session.within(Duration::from_secs(5));
            let mut sent = 0;
            'all: for _ in 0..100 {
                session.send_chopped(&bytes, usize::MAX);
                sent += 1000;
                while !session.link.is_flushed() && !session.link.is_deaf() {
                    let wait = (Instant::now() + Duration::from_millis(300)).min(until);
                    if session.link.turn(wait, false) == Turn::TimedOut {
                        break 'all;
                    }
                }
            }
            if session.link.is_deaf() {
                return Ok(Finding::ok(format!(
                    "The testee ended the connection after {sent} Pings at most."
                )));
            }
            session.send(&Frame::ping(*b"the last of all"));
            let until = session.within(Duration::from_secs(10));
            loop {
                match session.next(until) {
                    Some(Event::Pong(payload)) if payload == b"the last of all" => {
                        return well(
                            session,
                            &format!("After {sent} Pings the last one was answered."),
                        );
                    }
                    Some(Event::Pong(_) | Event::Ping(_)) => {}
                    Some(Event::Close(..) | Event::End(_)) => {
                        return Ok(Finding::ok("The testee ended the connection."));
                    }
                    Some(event) => {
                        return Err(Finding::failed(format!("It {}.", event.describe())));
                    }
                    None => return Err(Finding::failed("The last Ping was not answered.")),
                }
            }
        },
    );
    let empty = safe(
        "hostile.empty-fragments",
        "100,000 empty fragments are taken as the nothing that they are, or refused.",
        |stage| {
            let mut frames = vec![Frame::new(TEXT, *b"")];
            frames.resize(100_000, Frame::new(CONTINUATION, *b""));
            frames.push(Frame::new(FIN | CONTINUATION, *b"at last"));
            taken_or_refused(stage, &frames, b"at last")
        },
    );
    let small = safe(
        "hostile.small-fragments",
        "100,000 fragments of one octet are one message, or refused.",
        |stage| {
            let mut frames = vec![Frame::new(TEXT, *b"f")];
            frames.resize(99_999, Frame::new(CONTINUATION, *b"f"));
            frames.push(Frame::new(FIN | CONTINUATION, *b"f"));
            taken_or_refused(stage, &frames, &[b'f'; 100_000])
        },
    );
    let pongs = safe(
        "hostile.pong-flood",
        "100,000 Pongs that nobody asked for change nothing.",
        |stage| {
            let mut session = stage.open()?;
            let pongs: Vec<Frame> =
                (0..100_000).map(|_| Frame::new(FIN | 0xA, vec![b'p'; 16])).collect();
            session.send_chopped(&pongs, usize::MAX);
            session.send(&Frame::ping(*b"after the flood"));
            match pong(&mut session, b"after the flood") {
                Ok(()) => well(session, "The Ping after them was answered."),
                Err(finding) if session.close_received.is_some() => Ok(Finding::non_strict(
                    format!("The testee ended the connection. {}", finding.reason),
                )),
                Err(finding) => Err(finding),
            }
        },
    );
    let announced = safe(
        "hostile.many-announced",
        "Fifty connections that announce 16 MiB each and send nothing leave the testee alive.",
        |stage| {
            if stage.testee == Testee::Client {
                return Ok(Finding::unimplemented("A client has one connection here."));
            }
            let mut sessions = Vec::new();
            for _ in 0..50 {
                let mut session = stage.open()?;
                session
                    .send(&Frame::new(FIN | BINARY, *b"").with_length(Length::Announced(16 << 20)));
                session.flush(session.soon());
                sessions.push(session);
            }
            let mut session = stage.open()?;
            alive(&mut session)?;
            well(session, "Another one was served.")
        },
    );
    vec![pings, empty, small, pongs, announced]
}

fn taken_or_refused(stage: &mut Stage<'_>, frames: &[Frame], whole: &[u8]) -> Outcome {
    let mut session = stage.open()?;
    session.send_chopped(frames, usize::MAX);
    let until = session.within(Duration::from_secs(10));
    match session.next(until) {
        Some(Event::Text(bytes)) if bytes == whole => {
            echo(&mut session, "and after it")?;
            well(session, "The message came back.")
        }
        Some(Event::Close(code, _)) => Ok(Finding::ok(format!("They were refused with {code:?}."))),
        Some(Event::End(_)) => Ok(Finding::non_strict("The stream ended without a Close frame.")),
        Some(event) => Err(Finding::failed(format!("It {}.", event.describe()))),
        None => Err(Finding::failed("Nothing came back in ten seconds.")),
    }
}

fn others() -> Vec<Case> {
    let vanish = safe(
        "hostile.vanishing",
        "Peers that vanish in the middle of a message leave the server alive.",
        |stage| {
            for _ in 0..20 {
                let mut session = stage.open()?;
                session.send(&Frame::new(TEXT, vec![b'v'; 1000]));
                session.flush(session.soon());
                drop(session);
            }
            let mut session = stage.open()?;
            alive(&mut session)?;
            well(session, "Another one was served.")
        },
    );
    let idle = safe(
        "hostile.idle-others",
        "A hundred connections that do nothing don't keep the server from another.",
        |stage| {
            let mut sessions = Vec::new();
            for _ in 0..100 {
                sessions.push(stage.open()?);
            }
            let mut session = stage.open()?;
            echo(&mut session, "served all the same")?;
            for session in &mut sessions {
                session.send_close(1001);
                session.flush(session.soon());
            }
            well(session, "It was served.")
        },
    );
    let half = safe(
        "hostile.slow-other",
        "A connection that stops inside a frame doesn't keep the server from another.",
        |stage| {
            let mut slow = stage.open()?;
            let bytes = slow.encoded(&Frame::text("never whole"));
            slow.send_raw(&bytes[..4]);
            slow.flush(slow.soon());
            let mut session = stage.open()?;
            echo(&mut session, "served all the same")?;
            slow.send_raw(&bytes[4..]);
            text_back(&mut slow, "never whole")?;
            well(session, "It was served, and the slow one afterwards.")
        },
    );
    [vanish, idle, half].map(|case| Case { only: Some(Testee::Server), ..case }).into()
}
