//! A case as a script: frames that the peer sends, each with what the endpoint has to show for it, and at which byte.

use sockless::connection::{Cause, Failure, Initiator};
use sockless::frame::{Limits, Violation};
use sockless::{Connection, Event, Input, Want};

use crate::wire::*;

/// One frame of the peer's, and what is due with one of its bytes.
#[derive(Clone)]
struct Step {
    first: u8,
    payload: Vec<u8>,
    due: Option<Due>,
}

#[derive(Clone)]
struct Due {
    at: At,
    seen: Seen,
    answer: Option<(u8, Vec<u8>)>,
}

/// The byte of a frame with which something is due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// So many bytes of the header.
    Header(usize),
    /// So many bytes of the payload.
    Payload(usize),
    /// The last byte.
    End,
}

/// How the peer's bytes are cut into reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cut {
    Whole,
    /// A read for each frame.
    Frames,
    /// Reads of this number of bytes.
    Bytes(usize),
}

/// How the connection ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// By the closing handshake: the code of both frames, 1005 without one.
    Closed(u16),
    Failed(Violation),
}

/// A case of the suite.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) id: String,
    steps: Vec<Step>,
    end: Option<End>,
}

impl Case {
    pub(crate) fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), steps: Vec::new(), end: None }
    }

    fn step(mut self, first: u8, payload: &[u8], due: Option<Due>) -> Self {
        assert!(due.is_none() || self.end.is_none(), "{}: nothing is due after the end", self.id);
        self.steps.push(Step { first, payload: payload.to_vec(), due });
        self
    }

    /// A frame for which nothing is due: a fragment, or what comes after the end.
    pub(crate) fn frame(self, first: u8, payload: &[u8]) -> Self {
        self.step(first, payload, None)
    }

    /// A message in one frame, which is echoed.
    pub(crate) fn message(self, kind: u8, payload: &[u8]) -> Self {
        self.complete(FIN | kind, payload, kind, payload)
    }

    /// The last fragment of a message of this kind and content, which is echoed.
    pub(crate) fn last(self, payload: &[u8], kind: u8, whole: &[u8]) -> Self {
        self.complete(FIN | CONTINUATION, payload, kind, whole)
    }

    /// A message in fragments of these lengths, the last one taking the rest.
    pub(crate) fn fragments(mut self, kind: u8, payload: &[u8], len: usize) -> Self {
        let mut pieces = payload.chunks(len).peekable();
        let mut first = kind;
        while let Some(piece) = pieces.next() {
            self = if pieces.peek().is_some() {
                self.frame(first, piece)
            } else {
                self.complete(FIN | first, piece, kind, payload)
            };
            first = CONTINUATION;
        }
        self
    }

    fn complete(self, first: u8, payload: &[u8], kind: u8, whole: &[u8]) -> Self {
        let seen = match kind {
            TEXT => text(std::str::from_utf8(whole).expect("a valid message")),
            _ => binary(whole),
        };
        let answer = Some((FIN | kind, whole.to_vec()));
        self.step(first, payload, Some(Due { at: At::End, seen, answer }))
    }

    /// A ping, which is answered.
    pub(crate) fn ping(self, payload: &[u8]) -> Self {
        let answer = Some((FIN | PONG, payload.to_vec()));
        let due = Due { at: At::End, seen: Seen::Ping(payload.to_vec()), answer };
        self.step(FIN | PING, payload, Some(due))
    }

    /// A pong that nobody has asked for.
    pub(crate) fn pong(self, payload: &[u8]) -> Self {
        let due = Due { at: At::End, seen: Seen::Pong(payload.to_vec(), None), answer: None };
        self.step(FIN | PONG, payload, Some(due))
    }

    /// A Close frame, which is answered by its code.
    pub(crate) fn close(self, code: Option<u16>, reason: &str) -> Self {
        let body = |reason: &str| code.map(|code| close_body(code, reason.as_bytes()));
        let body = |reason| body(reason).unwrap_or_default();
        let seen = Seen::Closing(code, reason.into());
        let answer = Some((FIN | CLOSE, body("")));
        let mut case =
            self.step(FIN | CLOSE, &body(reason), Some(Due { at: At::End, seen, answer }));
        case.end = Some(End::Closed(code.unwrap_or(1005)));
        case
    }

    /// A frame that fails the connection with this byte of its.
    pub(crate) fn wrong(self, first: u8, payload: &[u8], at: At, why: Violation) -> Self {
        let answer = Some((FIN | CLOSE, failing_body(why)));
        let mut case = self.step(first, payload, Some(Due { at, seen: violation(why), answer }));
        case.end = Some(End::Failed(why));
        case
    }

    /// Runs the case at every cut that its length allows in a test that is to be quick.
    pub(crate) fn run<R: Tested>(&self) {
        let len: usize = self.steps.iter().map(|step| step.payload.len() + 14).sum();
        let cuts: &[Cut] = match len {
            0..4_000 => &[
                Cut::Whole,
                Cut::Frames,
                Cut::Bytes(1),
                Cut::Bytes(2),
                Cut::Bytes(3),
                Cut::Bytes(7),
                Cut::Bytes(64),
                Cut::Bytes(997),
            ],
            4_000..100_000 => &[Cut::Whole, Cut::Frames, Cut::Bytes(1), Cut::Bytes(997)],
            _ => &[Cut::Whole, Cut::Bytes(64), Cut::Bytes(16384)],
        };
        self.run_at::<R>(cuts);
    }

    /// Runs the case at these cuts. Where the script doesn't end by itself, the peer closes as the suite does.
    pub(crate) fn run_at<R: Tested>(&self, cuts: &[Cut]) {
        let case = match self.end {
            Some(_) => self.clone(),
            None => self.clone().close(Some(1000), ""),
        };
        let frames: Vec<Vec<u8>> =
            case.steps.iter().enumerate().map(|(i, step)| encode::<R>(i, step)).collect();
        let bytes = frames.concat();
        for &cut in cuts {
            match cut {
                Cut::Whole => case.run_reads::<R>(&frames, [&bytes[..]].into_iter(), cut),
                Cut::Frames => case.run_reads::<R>(&frames, frames.iter().map(|f| &f[..]), cut),
                Cut::Bytes(len) => case.run_reads::<R>(&frames, bytes.chunks(len), cut),
            }
        }
    }

    fn run_reads<'a, R: Tested>(
        &self,
        frames: &[Vec<u8>],
        reads: impl Iterator<Item = &'a [u8]>,
        cut: Cut,
    ) {
        let mut conn = open::<R>();
        let mut arrived = 0;
        let mut dues = {
            let mut start = 0;
            self.steps.iter().zip(frames).filter_map(move |(step, frame)| {
                let header = frame.len() - step.payload.len();
                let end = start + frame.len();
                let due = step.due.as_ref().map(|due| match due.at {
                    At::Header(count) => (start + count, due),
                    At::Payload(count) => (start + header + count, due),
                    At::End => (end, due),
                });
                start = end;
                due
            })
        }
        .peekable();
        for read in reads {
            arrived += read.len();
            let (seen, sent) = echo(&mut conn, read);
            let (mut seen, mut sent) = (seen.into_iter(), sent.into_iter());
            while let Some((_, due)) = dues.next_if(|(at, _)| *at <= arrived) {
                let place = || format!("{}, {cut:?}, {arrived} bytes", self.id);
                let event = seen.next();
                assert!(
                    event.as_ref() == Some(&due.seen),
                    "{}: {} for {}",
                    place(),
                    brief(&event),
                    brief(&due.seen)
                );
                if let Some(answer) = &due.answer {
                    let frame = sent.next();
                    assert!(
                        frame.as_ref() == Some(answer),
                        "{}: {} for {}",
                        place(),
                        brief(&frame),
                        brief(answer)
                    );
                }
            }
            let place = || format!("{}, {cut:?}, {arrived} bytes: beyond what is due", self.id);
            assert!(seen.len() == 0, "{}: {}", place(), brief(&seen));
            assert!(sent.len() == 0, "{}: {}", place(), brief(&sent));
        }
        assert!(dues.next().is_none(), "{}, {cut:?}: something is still due", self.id);
        self.check_end(conn, cut);
    }

    fn check_end<R: Tested>(&self, mut conn: Connection<R>, cut: Cut) {
        let place = format!("{}, {cut:?}", self.id);
        match self.end.expect("an end") {
            End::Closed(code) => {
                // A server closes the stream at once, a client waits for it.
                let done = matches!(conn.want(), Want::Done(_));
                assert_eq!(done, !R::MASKS, "{place}");
                assert_eq!(end(&mut conn, START), [], "{place}");
                let outcome = outcome(&conn);
                assert!(outcome.clean(), "{place}");
                assert_eq!(outcome.cause, Cause::Closed, "{place}");
                assert_eq!(outcome.initiator, Some(Initiator::Remote), "{place}");
                assert_eq!(
                    (outcome.received.number(), outcome.sent.number()),
                    (code, code),
                    "{place}"
                );
            }
            End::Failed(violation) => {
                assert_eq!(conn.want(), Want::ShutdownWrite, "{place}");
                conn.shut();
                assert_eq!(end(&mut conn, START), [], "{place}");
                let outcome = outcome(&conn);
                assert!(!outcome.clean(), "{place}");
                let failure = Failure::Violation(violation);
                assert_eq!(outcome.cause, Cause::Failed(failure), "{place}");
                assert_eq!(outcome.initiator, Some(Initiator::Local), "{place}");
                let numbers = (outcome.received.number(), outcome.sent.number());
                assert_eq!(
                    numbers,
                    (1006, code_and_reason(failure, &Limits::DEFAULT).0),
                    "{place}"
                );
            }
        }
    }
}

/// The bytes of the peer's frame number `index`, with a key that no other has where the peer is a client.
fn encode<R: Tested>(index: usize, step: &Step) -> Vec<u8> {
    let key = (index as u32).wrapping_mul(0x9E37_79B9).to_be_bytes();
    frame(step.first, (!R::MASKS).then_some(key), &step.payload)
}

/// The endpoint: it sends every message back, while it holds the event, and everything is written after every read.
pub(crate) fn echo<R: Tested>(
    conn: &mut Connection<R>,
    read: &[u8],
) -> (Vec<Seen>, Vec<(u8, Vec<u8>)>) {
    let mut events = Vec::new();
    let mut buffer = read.to_vec();
    let mut input = Input::new(&mut buffer);
    let mut bytes = Vec::new();
    loop {
        while let Some(event) = conn.poll(&mut input, START) {
            match &event {
                Event::Text(text) => conn.send_text(text).expect("room for an echo"),
                Event::Binary(bytes) => conn.send_binary(bytes).expect("room for an echo"),
                _ => {}
            }
            events.push(Seen::new(&event));
        }
        assert!(input.is_empty(), "all input is taken");
        bytes.extend(written(conn));
        // What was held while output waited comes now.
        if conn.want().deadline() != Some(START) {
            break;
        }
    }
    let frames = found(&bytes);
    let shortest: usize = frames
        .iter()
        .map(|frame| {
            let header = match frame.payload.len() {
                0..126 => 2,
                126..65536 => 4,
                _ => 10,
            };
            assert_eq!(frame.key.is_some(), R::MASKS, "the endpoint's masking");
            header + if R::MASKS { 4 } else { 0 } + frame.payload.len()
        })
        .sum();
    assert_eq!(bytes.len(), shortest, "lengths in the shortest form");
    (events, frames.into_iter().map(|frame| (frame.first, frame.payload)).collect())
}

/// The beginning of what would fill the screen.
fn brief(value: &impl core::fmt::Debug) -> String {
    let mut text = format!("{value:?}");
    if let Some((at, _)) = text.char_indices().nth(300) {
        text.truncate(at);
        text.push_str(" ...");
    }
    text
}
