//! The closing handshake: every code, reasons, what comes before and after, who closes the stream.

use std::time::Duration;

use super::entry::Entry;
use super::expect::{Ended, Outcome, alive, echo, failure, well};
use super::rules;
use crate::case::Case;
use crate::exchange::{Event, Session};
use crate::stage::Stage;
use crate::verdict::{Closing, Finding, Level, Testee};
use crate::wire::frame::{CLOSE, CONTINUATION, FIN, Frame, TEXT, close_body};

const CHAPTER: &str = "closing";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = codes();
    cases.extend(reasons());
    cases.extend(courses());
    cases
}

/// Sends a Close frame, and waits for the answer: its code.
fn close(session: &mut Session, body: &[u8]) -> Result<Option<u16>, Finding> {
    session.send(&Frame::new(FIN | CLOSE, body));
    session.close_sent = true;
    answer(session)
}

fn answer(session: &mut Session) -> Result<Option<u16>, Finding> {
    let until = session.soon();
    loop {
        match session.next(until) {
            Some(Event::Close(code, _)) => return Ok(code),
            Some(Event::Broke(rule)) => return Err(Finding::failed(format!("It {rule}."))),
            Some(Event::End(_)) => {
                return Err(Finding::failed("It closed the stream without a Close frame."));
            }
            Some(_) => {}
            None => return Err(Finding::failed("The Close frame was not answered in time.")),
        }
    }
}

/// After both Close frames: the stream's end, and nothing else.
fn ends(mut session: Session, finding: Finding) -> Outcome {
    let server = session.testee() == Testee::Server;
    // A client waits for the server to close the stream, and says nothing meanwhile.
    let until = if server { session.soon() } else { session.within(Duration::from_millis(60)) };
    match session.next(until) {
        None if !server => {
            Ok(Ended::new(Closing::Ok, "Both Close frames were sent.").onto(finding, &session))
        }
        Some(Event::End(_)) => {
            Ok(Ended::new(Closing::Ok, "The server closed the stream.").onto(finding, &session))
        }
        Some(event) => {
            Err(Finding::failed(format!("After its Close frame the testee {}.", event.describe())))
        }
        None => Ok(Ended::new(
            Closing::FailedByClient,
            "The server left it to its client to close the stream.",
        )
        .onto(finding, &session)),
    }
}

fn codes() -> Vec<Case> {
    let mut cases = Vec::new();
    let valid = (1000..=1003).chain(1007..=1014).chain([3000, 3001, 3500, 3999, 4000, 4500, 4999]);
    for code in valid {
        let says =
            format!("A Close frame with {code} is answered by a Close frame with {code} or 1000.");
        let id = format!("closing.code-{code}");
        cases.push(Entry::new(CHAPTER, id, &rules::CLOSE_ANSWER, says).case(move |stage| {
            let mut session = stage.open()?;
            let came = close(&mut session, &close_body(code, b""))?;
            let finding = match came {
                None => Finding::ok("It was answered without a code."),
                Some(came) if came == code || came == 1000 => Finding::ok("It was answered."),
                Some(came) => Finding::failed(format!("It was answered with {came}.")),
            };
            ends(session, finding)
        }));
    }
    let invalid = [
        0, 1, 500, 998, 999, 1004, 1005, 1006, 1015, 1016, 1017, 1099, 1500, 1999, 2000, 2500, 2998,
    ];
    for code in invalid {
        let says = format!(
            "A Close frame with {code}, which no endpoint may send, fails the connection with 1002."
        );
        let id = format!("closing.code-{code}");
        let rule = if code < 1000 { &rules::CLOSE_CODES } else { &rules::RESERVED_CLOSE_CODES };
        cases.push(Entry::new(CHAPTER, id, rule, says).case(move |stage| {
            let mut session = stage.open()?;
            session.send(&Frame::close(code, ""));
            session.close_sent = true;
            failure(session, &[1002])
        }));
    }
    cases
}

fn reasons() -> Vec<Case> {
    let mut cases = Vec::new();
    for (id, reason) in [
        ("ascii", "why not"),
        ("greek", "κόσμε"),
        ("four-octets", "\u{10FFFF}"),
        ("nul", "a\0b"),
        ("quotes", "<a href=\"&\">"),
    ] {
        let says = format!("A reason of {reason:?} is taken.");
        let id = format!("closing.reason-{id}");
        cases.push(Entry::new(CHAPTER, id, &rules::CLOSE_ANSWER, says).case(move |stage| {
            let mut session = stage.open()?;
            match close(&mut session, &close_body(1000, reason.as_bytes()))? {
                None | Some(1000) => ends(session, Finding::ok("It was answered.")),
                Some(code) => Err(Finding::failed(format!("It was answered with {code}."))),
            }
        }));
    }
    for (id, reason) in [
        ("surrogate", &b"\xed\xa0\x80"[..]),
        ("overlong", b"a\xc0\xaf"),
        ("cut", b"caf\xc3"),
        ("beyond", b"\xf4\x90\x80\x80"),
        ("latin-1", b"gr\xfcn"),
    ] {
        let says = format!("A reason that is not UTF-8 ({id}) fails the connection.");
        let id = format!("closing.reason-not-utf-8-{id}");
        cases.push(Entry::new(CHAPTER, id, &rules::UTF8, says).case(move |stage| {
            let mut session = stage.open()?;
            session.send(&Frame::close(1000, reason));
            session.close_sent = true;
            failure(session, &[1007, 1002])
        }));
    }
    for octet in [0_u8, 3, 0xFF] {
        let says = format!("A Close frame with half a code ({octet:#04x}) fails the connection.");
        let id = format!("closing.half-a-code-{octet}");
        cases.push(Entry::new(CHAPTER, id, &rules::CLOSE_BODY, says).case(move |stage| {
            let mut session = stage.open()?;
            session.send(&Frame::new(FIN | CLOSE, vec![octet]));
            session.close_sent = true;
            failure(session, &[1002])
        }));
    }
    cases
}

/// Runs a script with an open connection.
fn open(
    cases: &mut Vec<Case>,
    id: &str,
    rule: &'static crate::verdict::Rule,
    says: &str,
    script: impl Fn(&mut Stage<'_>, Session) -> Outcome + Send + Sync + 'static,
) {
    let entry = Entry::new(CHAPTER, format!("closing.{id}"), rule, says);
    cases.push(entry.case(move |stage| {
        let session = stage.open()?;
        script(stage, session)
    }));
}

fn courses() -> Vec<Case> {
    let mut cases = Vec::new();
    let says = "A Close frame without a body is answered by one without a code, or with 1000.";
    open(&mut cases, "empty", &rules::CLOSE_ANSWER, says, |_, mut session| {
        match close(&mut session, b"")? {
            None | Some(1000) => ends(session, Finding::ok("It was answered.")),
            Some(code) => Err(Finding::failed(format!("It was answered with {code}."))),
        }
    });
    let says = "A Close frame that arrives octet by octet is answered.";
    open(&mut cases, "octets", &rules::CLOSE_ANSWER, says, |_, mut session| {
        let bytes = session.encoded(&Frame::close(1000, "bye"));
        for octet in bytes.chunks(1) {
            session.link.queue(octet, usize::MAX);
            session.flush(session.soon());
            std::thread::sleep(Duration::from_micros(500));
        }
        session.close_sent = true;
        answer(&mut session)?;
        ends(session, Finding::ok("It was answered."))
    });
    let says = "What was sent before the Close frame is still answered.";
    open(&mut cases, "after-messages", &rules::CLOSE_ANSWER, says, |_, mut session| {
        let frames = [Frame::ping(*b"first"), Frame::close(1000, "")];
        session.send_chopped(&frames, usize::MAX);
        session.close_sent = true;
        super::expect::pong(&mut session, b"first")?;
        answer(&mut session)?;
        ends(session, Finding::ok("The Ping before the Close frame was answered."))
    });
    let says = "After its answer to a Close frame nothing follows, whatever is sent.";
    open(&mut cases, "data-after-close", &rules::NO_DATA_AFTER_CLOSE, says, |_, mut session| {
        let frames = [Frame::close(1000, ""), Frame::text("too late"), Frame::ping(*b"too late")];
        session.send_chopped(&frames, usize::MAX);
        session.close_sent = true;
        answer(&mut session)?;
        ends(session, Finding::ok("Nothing followed."))
    });
    let says = "Octets that are no frames after the Close frame are not looked at.";
    open(&mut cases, "rubbish-after-close", &rules::CLOSE_ANSWER, says, |_, mut session| {
        let mut bytes = session.encoded(&Frame::close(1000, ""));
        bytes.extend_from_slice(&[0xFF; 200]);
        session.send_raw(&bytes);
        session.close_sent = true;
        match answer(&mut session)? {
            None | Some(1000) => ends(session, Finding::ok("They were not looked at.")),
            Some(code) => Err(Finding::failed(format!("It answered with {code}."))),
        }
    });
    let says = "A Close frame between two fragments is answered, and the message is dropped.";
    open(&mut cases, "inside-message", &rules::CONTROL_BETWEEN, says, |_, mut session| {
        let frames = [
            Frame::new(TEXT, *b"half"),
            Frame::close(1000, ""),
            Frame::new(FIN | CONTINUATION, *b"whole"),
        ];
        session.send_chopped(&frames, usize::MAX);
        session.close_sent = true;
        answer(&mut session)?;
        ends(session, Finding::ok("It was answered."))
    });
    let says = "A message after a good one, then the Close frame: both sides are done after it.";
    open(&mut cases, "after-echo", &rules::CLOSE_ANSWER, says, |_, mut session| {
        echo(&mut session, "one")?;
        alive(&mut session)?;
        close(&mut session, &close_body(1000, b"done"))?;
        ends(session, Finding::ok("It was answered."))
    });
    let says = "A server closes the stream at once after both Close frames.";
    let entry = Entry::new(CHAPTER, "closing.server-closes", &rules::SERVER_CLOSES_FIRST, says);
    cases.push(entry.only(Testee::Server).case(|stage| {
        let mut session = stage.open()?;
        close(&mut session, &close_body(1000, b""))?;
        let until = session.within(Duration::from_secs(1));
        match session.next(until) {
            Some(Event::End(_)) => Ok(Finding::ok("It closed the stream.")),
            _ => Err(Finding::failed("It did not close the stream within a second.")),
        }
    }));
    let says = "A stream that ends without a Close frame is ended by the testee too.";
    let entry = Entry::new(CHAPTER, "closing.half-closed", &rules::VALIDATE, says);
    cases.push(entry.level(Level::Safety).case(|stage| {
        let mut session = stage.open()?;
        alive(&mut session)?;
        session.note("the probe closes its side of the stream");
        session.link.shut();
        let until = session.soon();
        loop {
            match session.next(until) {
                Some(Event::End(_)) => return Ok(Finding::ok("It ended the stream.")),
                Some(Event::Text(_) | Event::Binary(_)) => {
                    return Err(Finding::failed("It sent data of which there was none."));
                }
                Some(_) => {}
                None => return Err(Finding::failed("It left the stream half open.")),
            }
        }
    }));
    let says = "A stream that ends in the middle of a frame is ended by the testee too.";
    let entry = Entry::new(CHAPTER, "closing.half-closed-inside-frame", &rules::VALIDATE, says);
    cases.push(entry.level(Level::Safety).case(|stage| {
        let mut session = stage.open()?;
        let bytes = session.encoded(&Frame::text("cut in the middle"));
        session.send_raw(&bytes[..bytes.len() - 8]);
        session.flush(session.soon());
        session.link.shut();
        let until = session.soon();
        loop {
            match session.next(until) {
                Some(Event::End(_)) => return Ok(Finding::ok("It ended the stream.")),
                Some(Event::Text(_) | Event::Binary(_)) => {
                    return Err(Finding::failed("It sent back a message that was never whole."));
                }
                Some(_) => {}
                None => return Err(Finding::failed("It left the stream half open.")),
            }
        }
    }));
    let says = "The connection can be closed at once after the opening handshake.";
    open(&mut cases, "at-once", &rules::CLOSE_ANSWER, says, |_, session| {
        well(session, "It was closed.")
    });
    cases
}
