//! WebSockets as streams of HTTP/2: the opening handshake by extended CONNECT, several streams of one connection, how a stream ends.

use std::time::Duration;

use super::entry::Entry;
use super::expect::{Outcome, alive, echo, text_back, well};
use super::rules;
use crate::case::Case;
use crate::exchange::{Event, Session};
use crate::stage::{Answered, Stage};
use crate::verdict::{Finding, Level, Rule, Testee};
use crate::wire::connect::Request;
use crate::wire::frame::Frame;
use crate::wire::http2::Http2;
use crate::wire::link::End;

const CHAPTER: &str = "http2";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = opened();
    cases.extend(refused());
    cases.extend(streams());
    cases.extend(ends());
    cases
}

fn entry(id: &str, rule: &'static Rule, says: &str) -> Entry {
    Entry::new(CHAPTER, format!("http2.{id}"), rule, says).only(Testee::Server)
}

/// The right request.
fn request(stage: &Stage<'_>) -> Request {
    Request::of(&stage.ask(), stage.setting.secure.is_some())
}

/// An open WebSocket on this connection.
fn open_on(stage: &Stage<'_>, connection: &Http2) -> Result<Session, Finding> {
    let ask = stage.ask();
    let answered = stage.stream_of(connection, request(stage));
    let answered = answered.map_err(|why| Finding::failed(format!("No stream: {why}.")))?;
    stage.opened(&ask, answered)
}

/// What a right answer has and has not.
fn opened() -> Vec<Case> {
    let mut cases = Vec::new();
    let setting = entry(
        "setting",
        &rules::CONNECT_SETTING,
        "The server says by SETTINGS_ENABLE_CONNECT_PROTOCOL that it takes extended CONNECT.",
    );
    cases.push(setting.case(|stage| match stage.http2()?.extended {
        true => Ok(Finding::ok("It says so.")),
        false => Err(Finding::failed("It doesn't; a client that knows the RFC would not ask.")),
    }));
    let mut look = |id: &str,
                    rule: &'static Rule,
                    level: Level,
                    says: &str,
                    change: fn(Request) -> Request,
                    check: fn(&Answered) -> Outcome| {
        cases.push(entry(id, rule, says).level(level).case(move |stage| {
            let connection = stage.http2()?;
            let answered = stage.stream_of(&connection, change(request(stage)));
            let answered = answered.map_err(|why| Finding::failed(format!("No stream: {why}.")))?;
            if !answered.is_accepted() {
                return Err(Finding::failed(format!("Refused: {}.", answered.describe())));
            }
            check(&answered)
        }));
    };
    look(
        "right",
        &rules::CONNECT,
        Level::Must,
        "An extended CONNECT for websocket is answered with 2xx.",
        |request| request,
        |answered| match answered.status() {
            200 => Ok(Finding::ok("It was answered with 200.")),
            status => Ok(Finding::non_strict(format!("It was answered with {status}."))),
        },
    );
    look(
        "without-origin-and-with-unknown-fields",
        &rules::CONNECT,
        Level::Must,
        "A request with cookies and with fields that nobody knows is accepted.",
        |request| request.add("cookie", "a=b").add("x-unknown", "1"),
        |_| Ok(Finding::ok("It was accepted.")),
    );
    look(
        "no-accept-field",
        &rules::CONNECT_KEY,
        Level::Should,
        "The answer has no Sec-WebSocket-Accept, even if there was a key.",
        |request| request.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        |answered| match field(answered, "sec-websocket-accept") {
            None => Ok(Finding::ok("It has none.")),
            Some(value) => Err(Finding::failed(format!("It has {value:?}."))),
        },
    );
    look(
        "no-subprotocol",
        &rules::CONNECT_FIELDS,
        Level::Must,
        "The answer names no subprotocol out of those that were not offered.",
        |request| request.add("sec-websocket-protocol", "probe-one, probe-two"),
        |answered| match field(answered, "sec-websocket-protocol").as_deref() {
            None => Ok(Finding::ok("It names none.")),
            Some("probe-one" | "probe-two") => Ok(Finding::ok("It names one of them.")),
            Some(other) => Err(Finding::failed(format!("It names {other:?}."))),
        },
    );
    look(
        "no-extension",
        &rules::CONNECT_FIELDS,
        Level::Must,
        "The answer names no extension where none was offered that anybody knows.",
        |request| request.add("sec-websocket-extensions", "x-nobody-knows"),
        |answered| match field(answered, "sec-websocket-extensions") {
            None => Ok(Finding::ok("It names none.")),
            Some(value) => Err(Finding::failed(format!("It names {value:?}."))),
        },
    );
    cases
}

fn field(answered: &Answered, name: &str) -> Option<String> {
    answered.read.as_ref().ok().and_then(|(head, _)| head.value(name))
}

/// Requests that open no WebSocket; the connection goes on, and opens another.
fn refused() -> Vec<Case> {
    type Change = fn(Request) -> Request;
    let changes: [(&str, &'static Rule, &str, Change); 6] =
        [
            ("protocol-unknown", &rules::CONNECT_PROTOCOL, "A :protocol that nobody knows", |r| {
                Request { protocol: Some("x-nobody-knows".to_owned()), ..r }
            }),
            ("protocol-substring", &rules::CONNECT_PROTOCOL, "The :protocol websockets", |r| {
                Request { protocol: Some("websockets".to_owned()), ..r }
            }),
            ("plain-connect", &rules::CONNECT_PROTOCOL, "A CONNECT without :protocol", |r| {
                Request { protocol: None, ..r }
            }),
            ("get", &rules::CONNECT_PROTOCOL, "A GET with the fields of a WebSocket", |r| {
                Request { method: "GET".to_owned(), protocol: None, ..r }
            }),
            ("no-version", &rules::CONNECT_FIELDS, "A request without a version", |r| {
                r.without("sec-websocket-version")
            }),
            ("version-12", &rules::CONNECT_FIELDS, "Version 12", |r| {
                r.without("sec-websocket-version").add("sec-websocket-version", "12")
            }),
        ];
    let refuse = |(id, rule, says, change): (&str, &'static Rule, &str, Change)| {
        let says = format!("{says} opens no WebSocket, and leaves the connection open.");
        entry(id, rule, &says).case(move |stage| {
            let connection = stage.http2()?;
            let said = match stage.stream_of(&connection, change(request(stage))) {
                Err(why) => format!("it answered by {why}"),
                Ok(answered) if !answered.is_accepted() => answered.describe(),
                // A page may be what is at this place.
                Ok(answered) => took_for_websocket(stage, answered)?,
            };
            let mut session = open_on(stage, &connection)?;
            alive(&mut session)?;
            well(session, &format!("It was refused ({said}), and another stream was opened."))
        })
    };
    changes.into_iter().map(refuse).collect()
}

/// After a 2xx that should not have been: whether a message comes back.
fn took_for_websocket(stage: &Stage<'_>, answered: Answered) -> Result<String, Finding> {
    let said = answered.describe();
    let mut session = Session::new(stage.context(), answered.link, None);
    match echo(&mut session, "are you open?") {
        Ok(()) => Err(Finding::failed("The server opened a WebSocket.")),
        Err(_) => Ok(said),
    }
}

/// Several WebSockets on one connection.
fn streams() -> Vec<Case> {
    let many = entry(
        "many-streams",
        &rules::STREAMS,
        "Twenty WebSockets on one connection have their own messages back.",
    );
    let between = entry(
        "stream-inside-frame",
        &rules::STREAMS,
        "A stream that stops inside a frame keeps no other stream of its connection waiting.",
    );
    let unread = entry(
        "unread-stream",
        &rules::STREAMS,
        "A stream whose echoes are not read keeps no other stream of its connection waiting.",
    );
    let violation = entry(
        "violation-on-one-stream",
        &rules::STREAMS,
        "A stream that breaks the rules is failed alone.",
    );
    let page = entry(
        "get-beside",
        &rules::STREAMS,
        "An ordinary GET beside a WebSocket is answered, and changes nothing for it.",
    );
    vec![
        many.case(|stage| {
            let connection = stage.http2()?;
            let mut sessions = Vec::new();
            for _ in 0..20 {
                sessions.push(open_on(stage, &connection)?);
            }
            for (i, session) in sessions.iter_mut().enumerate() {
                session.send(&Frame::text(&format!("stream {i}")));
            }
            for (i, session) in sessions.iter_mut().enumerate().rev() {
                text_back(session, &format!("stream {i}"))?;
            }
            let last = sessions.pop().ok_or_else(|| Finding::failed("No stream was opened."))?;
            well(last, "All came back on their streams.")
        }),
        between.case(|stage| {
            let connection = stage.http2()?;
            let mut slow = open_on(stage, &connection)?;
            let bytes = slow.encoded(&Frame::text("never whole until now"));
            slow.send_raw(&bytes[..9]);
            slow.flush(slow.soon());
            let mut session = open_on(stage, &connection)?;
            echo(&mut session, "served all the same")?;
            slow.send_raw(&bytes[9..]);
            text_back(&mut slow, "never whole until now")?;
            well(session, "Both were served.")
        }),
        unread.level(Level::Safety).case(|stage| {
            let connection = stage.http2()?;
            let mut deaf = open_on(stage, &connection)?;
            let frame = Frame::binary(vec![b'u'; 64 << 10]);
            let until = deaf.within(Duration::from_millis(700));
            while std::time::Instant::now() < until {
                if deaf.link.is_flushed() {
                    deaf.send(&frame);
                }
                deaf.link.turn(until, false);
            }
            let mut session = open_on(stage, &connection)?;
            echo(&mut session, "served all the same")?;
            well(session, "Another stream was opened and served.")
        }),
        violation.case(|stage| {
            let connection = stage.http2()?;
            let mut wrong = open_on(stage, &connection)?;
            let mut right = open_on(stage, &connection)?;
            wrong.send_raw(&[0xFF, 0x80, 0, 0, 0, 0]);
            let until = wrong.soon();
            loop {
                match wrong.next(until) {
                    Some(Event::Close(..) | Event::End(_)) => break,
                    Some(_) => {}
                    None => return Err(Finding::failed("The stream was not failed in time.")),
                }
            }
            echo(&mut right, "I did nothing")?;
            well(right, "The other one goes on.")
        }),
        page.case(|stage| {
            let connection = stage.http2()?;
            let mut session = open_on(stage, &connection)?;
            let mut get = Request { method: "GET".to_owned(), protocol: None, ..request(stage) };
            get.fields.clear();
            let said = match stage.stream_of(&connection, get) {
                Ok(answered) => answered.describe(),
                Err(why) => return Err(Finding::failed(format!("No answer: {why}."))),
            };
            echo(&mut session, "beside a GET")?;
            well(session, &format!("To the GET {said}; the WebSocket goes on."))
        }),
    ]
}

/// How a stream ends.
fn ends() -> Vec<Case> {
    let end = entry(
        "end-after-close",
        &rules::STREAM_CLOSURE,
        "After both Close frames the server ends its side of the stream.",
    );
    let ours = entry(
        "end-without-close",
        &rules::STREAM_CLOSURE,
        "A stream that its client ends without a Close frame is ended by the server too.",
    );
    let reset = entry(
        "reset-of-one-stream",
        &rules::STREAM_RESET,
        "A stream that its client resets leaves the other streams of its connection open.",
    );
    vec![
        end.case(|stage| {
            let connection = stage.http2()?;
            let mut session = open_on(stage, &connection)?;
            session.send_close(1000);
            let until = session.soon();
            loop {
                match session.next(until) {
                    Some(Event::End(End::Closed)) if session.close_received.is_some() => {
                        return Ok(Finding::ok("It ended the stream by END_STREAM."));
                    }
                    Some(Event::End(End::Reset)) if session.close_received.is_some() => {
                        return Err(Finding::failed("It reset the stream."));
                    }
                    Some(Event::End(_)) => {
                        return Err(Finding::failed("The Close frame was not answered."));
                    }
                    Some(_) => {}
                    None => return Err(Finding::failed("The stream was not ended in time.")),
                }
            }
        }),
        ours.level(Level::Safety).case(|stage| {
            let connection = stage.http2()?;
            let mut session = open_on(stage, &connection)?;
            echo(&mut session, "the last message")?;
            session.link.shut();
            let until = session.soon();
            loop {
                match session.next(until) {
                    Some(Event::End(_)) => return Ok(Finding::ok("It ended the stream.")),
                    Some(_) => {}
                    None => return Err(Finding::failed("The stream was not ended in time.")),
                }
            }
        }),
        reset.case(|stage| {
            let connection = stage.http2()?;
            let mut right = open_on(stage, &connection)?;
            for _ in 0..5 {
                let lost = connection.open(request(stage), Duration::from_secs(5));
                let lost = lost.map_err(|why| Finding::failed(format!("No stream: {why}.")))?;
                stage.note("opened a stream, and reset it");
                lost.reset();
            }
            echo(&mut right, "still here")?;
            well(right, "It goes on.")
        }),
    ]
}
