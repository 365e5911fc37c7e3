//! The handshake as a server: any head, at any cut, in memory that it owns and in a lent buffer; what is accepted is accepted by
//! the client that asked, and by another implementation.

use std::time::Duration;

use arbitrary::Arbitrary;
use sockless::Input;
use sockless::extension::Supported;
use sockless::extension::deflate::Terms;
use sockless::handshake::{
    Acceptance, Acceptor, Asked, Field, HeadLimits, Refusal, Request, RequestError, Response,
};

use crate::allocations::Meter;
use crate::cuts::Cuts;
use crate::differences::{self, Head};
use crate::edits::{self, Edit};
use crate::{heads, peer};

const NOW: Duration = Duration::ZERO;
/// What an acceptor may hold beside twice the head.
const CONSTANT: i64 = 1024;
/// The most work for one byte of a head.
const WORK: u64 = 4;

#[derive(Arbitrary, Debug)]
struct Case {
    base: u8,
    edits: Vec<Edit>,
    small: bool,
    cuts: Cuts,
    behind: Vec<u8>,
}

pub fn check(data: &[u8]) {
    // As it is, and as changes to a real request.
    hold(data, &limits(false), &Cuts::single());
    if let Some(Case { base, edits, small, cuts, behind }) = crate::input(data) {
        let base = heads::REQUESTS[usize::from(base) % heads::REQUESTS.len()].1;
        let mut bytes = edits::apply(base.as_bytes(), &edits);
        bytes.extend(behind);
        hold(&bytes, &limits(small), &cuts);
    }
}

fn limits(small: bool) -> HeadLimits {
    let limits = HeadLimits::default().with_head(4000);
    if small { limits.with_head(300).with_fields(8) } else { limits }
}

/// All that can be seen of a request, and where its head ended.
#[derive(Debug, PartialEq)]
enum Seen {
    More,
    Request { shown: String, upgrade: bool, end: usize },
    Refused(RequestError),
}

fn show(request: &Request<'_>) -> String {
    let fields: Vec<_> = request.fields().map(|field| (field.name, field.value)).collect();
    let protocols: Vec<_> = request.subprotocols().collect();
    let extensions: Vec<_> = request.extensions().map(|element| element.name()).collect();
    let (path, query, host) = (request.path(), request.query(), request.host());
    let (target, origin) = (request.target(), request.origin());
    format!("{target} {path} {query:?} {host} {origin:?} {protocols:?} {extensions:?} {fields:?}")
}

fn seen(request: &Request<'_>, end: usize) -> Seen {
    Seen::Request { shown: show(request), upgrade: request.is_upgrade(), end }
}

fn ask(mut acceptor: Acceptor<'_>, bytes: &[u8], cuts: &Cuts) -> Seen {
    for read in cuts.reads(bytes.len()) {
        let mut piece = bytes[read.clone()].to_vec();
        let mut input = Input::new(&mut piece);
        let asked = acceptor.poll(&mut input, NOW);
        let seen = match asked {
            None => {
                assert!(input.is_empty(), "all is taken while more is needed");
                continue;
            }
            Some(Asked::Refused(error)) => Seen::Refused(error),
            Some(Asked::WebSocket(request) | Asked::Plain(request)) => {
                seen(&request, read.end - input.len())
            }
        };
        let mut next = heads::CURL.as_bytes().to_vec();
        let mut next = Input::new(&mut next);
        assert!(acceptor.poll(&mut next, NOW).is_none(), "over is over");
        assert_eq!(next.len(), heads::CURL.len(), "what comes after the end is left alone");
        assert!(acceptor.poll(&mut Input::eof(), NOW).is_none(), "over is over");
        assert!(acceptor.deadline().is_none(), "over is over");
        let work = acceptor.work();
        assert!(work <= WORK * read.end as u64 + WORK, "{work} of work for {} bytes", read.end);
        return seen;
    }
    assert!(matches!(
        acceptor.poll(&mut Input::eof(), NOW),
        Some(Asked::Refused(RequestError::Truncated))
    ));
    Seen::More
}

fn hold(bytes: &[u8], limits: &HeadLimits, cuts: &Cuts) {
    let decoded = match Request::decode(bytes, limits) {
        Ok((request, rest)) => seen(&request, bytes.len() - rest.len()),
        Err(RequestError::Truncated) => Seen::More,
        Err(error) => Seen::Refused(error),
    };
    for cuts in [cuts, &Cuts::single(), &Cuts::whole()] {
        assert_eq!(ask(Acceptor::new(limits, NOW), bytes, cuts), decoded, "{cuts:?}");
    }
    let mut buffer = vec![0; limits.head];
    let lent = Acceptor::with_buffer(limits, NOW, &mut buffer);
    assert_eq!(ask(lent, bytes, cuts), decoded, "in a lent buffer");
    stays_small(bytes, limits, cuts);
    match decoded {
        Seen::Refused(error) => {
            let answer = Response::decode(error.answer(), &HeadLimits::default());
            assert_eq!(answer.expect("an answer").status(), error.status());
        }
        Seen::Request { upgrade: true, end, .. } => accept(&bytes[..end], limits),
        _ => {}
    }
}

fn stays_small(bytes: &[u8], limits: &HeadLimits, cuts: &Cuts) {
    let mut arrived = bytes.to_vec();
    let meter = Meter::start();
    let mut acceptor = Acceptor::new(limits, NOW);
    for read in cuts.reads(bytes.len()) {
        let end = acceptor.poll(&mut Input::new(&mut arrived[read.clone()]), NOW).is_some();
        let (peak, most) = (meter.peak(), 2 * read.end.min(limits.head) as i64 + CONSTANT);
        assert!(peak <= most, "{peak} bytes for {}", read.end);
        if end {
            break;
        }
    }
    drop(acceptor);
    assert_eq!(meter.live(), 0);
}

/// What can be answered is answered with one head that says so.
fn accept(head: &[u8], limits: &HeadLimits) {
    let (request, _) = Request::decode(head, limits).expect("decoded before");
    let key = request.field("sec-websocket-key").expect("a key");
    let cookie = [Field::new("Set-Cookie", "a=b")];
    let chosen = request.choose_subprotocol(&["chat", "v2.chat"]);
    let acceptance = Acceptance::new()
        .with_subprotocol(chosen)
        .with_extensions(Supported::default().with_deflate(Terms::default()))
        .with_fields(&cookie);
    let switching = request.accept(&acceptance).expect("what was offered");
    let answer = switching.to_vec();
    let response = Response::decode(&answer, &HeadLimits::default()).expect("an answer");
    assert_eq!((response.status(), response.body()), (101, &b""[..]));
    let accepted = sockless::handshake::accept_key(key);
    assert_eq!(response.field("sec-websocket-accept"), Some(&accepted[..]));
    assert_eq!(response.field("sec-websocket-protocol"), chosen.map(str::as_bytes));
    let extensions = response.field("sec-websocket-extensions");
    assert_eq!(extensions.is_some(), switching.established().extensions.deflate.is_some());
    let refusal = Refusal::new(404, &cookie, b"none").expect("a refusal").to_vec();
    assert_eq!(
        Response::decode(&refusal, &HeadLimits::default()).expect("an answer").status(),
        404
    );

    let fields: Vec<_> = request.fields().map(|field| (field.name, field.value)).collect();
    match peer::accepts(head) {
        Some(answer) => {
            let theirs = Response::decode(&answer, &HeadLimits::default()).expect("an answer");
            assert_eq!(theirs.field("sec-websocket-accept"), Some(&accepted[..]));
        }
        None => {
            let case = Head { fields: &fields, target: Some(request.target()) };
            assert!(differences::explain_request(&case), "there refused: {}", show(&request));
        }
    }
}
