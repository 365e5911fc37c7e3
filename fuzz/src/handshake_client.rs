//! The handshake as a client: any answer, most of them with the right key, at any cut, in memory that it owns and in a lent
//! buffer; what opens here opens in another implementation.

use std::time::Duration;

use arbitrary::Arbitrary;
use sockless::Input;
use sockless::extension::Supported;
use sockless::extension::deflate::Terms;
use sockless::handshake::{
    Answered, Connector, HeadLimits, Offer, Request, Response, ResponseError, Url, accept_key,
};

use crate::allocations::Meter;
use crate::cuts::Cuts;
use crate::differences::{self, Head};
use crate::edits::{self, Edit};
use crate::{heads, peer};

const NOW: Duration = Duration::ZERO;
const URL: &str = "ws://server.example.com/chat";
/// What a connector may hold beside twice the head.
const CONSTANT: i64 = 1024;
/// The most work for one byte of an answer.
const WORK: u64 = 4;

#[derive(Arbitrary, Debug)]
struct Case {
    base: u8,
    nonce: [u8; 16],
    edits: Vec<Edit>,
    /// Whether subprotocols and an extension are offered.
    offers: bool,
    small: bool,
    cuts: Cuts,
    behind: Vec<u8>,
}

pub fn check(data: &[u8]) {
    hold(data, heads::NONCE, true, &limits(false), &Cuts::single());
    let Some(Case { base, nonce, edits, offers, small, cuts, behind }) = crate::input(data) else {
        return;
    };
    let base = heads::RESPONSES[usize::from(base) % heads::RESPONSES.len()].1;
    let accept = accept_key(key(nonce, offers, &limits(small)).as_bytes());
    let accept = std::str::from_utf8(&accept).expect("base64");
    let base = base.replace(heads::ACCEPT, accept);
    let mut bytes = edits::apply(base.as_bytes(), &edits);
    bytes.extend(behind);
    hold(&bytes, nonce, offers, &limits(small), &cuts);
}

fn limits(small: bool) -> HeadLimits {
    let limits = HeadLimits::default().with_head(4000);
    if small { limits.with_head(200).with_fields(6) } else { limits }
}

fn offer(offers: bool) -> Offer<'static> {
    let offer = Offer::new(Url::parse(URL).expect("a URL"));
    if !offers {
        return offer;
    }
    let extensions = Supported::default().with_deflate(Terms::default());
    offer.with_subprotocols(&["v2.chat", "chat"]).with_extensions(extensions)
}

fn connector(nonce: [u8; 16], offers: bool, limits: &HeadLimits) -> Connector<'static, 'static> {
    Connector::with_nonce(offer(offers), nonce, limits, NOW).expect("an offer")
}

/// The key that goes out; the request that carries it is one.
fn key(nonce: [u8; 16], offers: bool, limits: &HeadLimits) -> String {
    let request = connector(nonce, offers, limits).request().to_vec();
    let (request, _) = Request::decode(&request, &HeadLimits::default()).expect("a request");
    assert!(request.is_upgrade());
    let key = request.field("sec-websocket-key").expect("a key").to_vec();
    String::from_utf8(key).expect("base64")
}

#[derive(Debug, PartialEq)]
enum Seen {
    More,
    Open { shown: String, end: usize },
    Refused { shown: String, end: usize },
    Failed(ResponseError),
}

fn show(response: &Response<'_>) -> String {
    let fields: Vec<_> = response.fields().map(|field| (field.name, field.value)).collect();
    let versions: Vec<_> = response.versions().collect();
    format!("{} {versions:?} {fields:?}", response.status())
}

fn answer(mut connector: Connector<'_, '_>, bytes: &[u8], cuts: &Cuts) -> Seen {
    for read in cuts.reads(bytes.len()) {
        let mut piece = bytes[read.clone()].to_vec();
        let mut input = Input::new(&mut piece);
        let answered = connector.poll(&mut input, NOW);
        let end = read.end - input.len();
        let seen = match answered {
            None => {
                assert!(input.is_empty(), "all is taken while more is needed");
                continue;
            }
            Some(Answered::Failed(error)) => Seen::Failed(error),
            Some(Answered::Open { established, response }) => {
                assert!(response.body().is_empty(), "what follows are frames");
                Seen::Open { shown: format!("{established:?} {}", show(&response)), end }
            }
            Some(Answered::Refused(response)) => {
                let end = end - response.body().len();
                assert_eq!(response.body(), &bytes[end..read.end]);
                Seen::Refused { shown: show(&response), end }
            }
        };
        let mut next = *b"HTTP/1.1 200 OK\r\n\r\n";
        assert!(connector.poll(&mut Input::new(&mut next), NOW).is_none(), "over is over");
        assert!(connector.poll(&mut Input::eof(), NOW).is_none(), "over is over");
        assert!(connector.deadline().is_none(), "over is over");
        let work = connector.work();
        assert!(work <= WORK * read.end as u64 + WORK, "{work} of work for {} bytes", read.end);
        return seen;
    }
    assert!(matches!(
        connector.poll(&mut Input::eof(), NOW),
        Some(Answered::Failed(ResponseError::Truncated))
    ));
    Seen::More
}

fn hold(bytes: &[u8], nonce: [u8; 16], offers: bool, limits: &HeadLimits, cuts: &Cuts) {
    let expected = answer(connector(nonce, offers, limits), bytes, &Cuts::single());
    for cuts in [cuts, &Cuts::whole()] {
        let seen = answer(connector(nonce, offers, limits), bytes, cuts);
        assert_eq!(seen, expected, "{cuts:?}");
    }
    let mut buffer = vec![0; limits.head];
    let lent = Connector::with_buffer(offer(offers), nonce, limits, NOW, &mut buffer);
    assert_eq!(answer(lent.expect("an offer"), bytes, cuts), expected, "in a lent buffer");

    let mut arrived = bytes.to_vec();
    let meter = Meter::start();
    let mut small = connector(nonce, offers, limits);
    for read in cuts.reads(bytes.len()) {
        let over = small.poll(&mut Input::new(&mut arrived[read.clone()]), NOW).is_some();
        let (peak, most) = (meter.peak(), 2 * read.end.min(limits.head) as i64 + CONSTANT);
        assert!(peak <= most, "{peak} bytes for {}", read.end);
        if over {
            break;
        }
    }
    drop(small);

    if let Seen::Open { end, .. } = expected {
        let key = key(nonce, offers, limits);
        opens_there(bytes, end, &key, offers);
    }
}

fn opens_there(bytes: &[u8], end: usize, key: &str, offers: bool) {
    // The final answer, without those before it.
    let mut head = &bytes[..end];
    let response = loop {
        let response = Response::decode(head, &HeadLimits::default()).expect("decoded before");
        if response.status() == 101 {
            break response;
        }
        head = &head[head.len() - response.body().len()..];
    };
    let accept = response.field("sec-websocket-accept");
    assert_eq!(accept, Some(&accept_key(key.as_bytes())[..]));
    // There a server may not choose a subprotocol that was not asked for, and nothing is asked for.
    if offers && response.field("sec-websocket-protocol").is_some() {
        return;
    }
    let fields: Vec<_> = response.fields().map(|field| (field.name, field.value)).collect();
    let case = Head { fields: &fields, target: None };
    assert!(
        peer::opens(URL, key, head) || differences::explain_answer(&case),
        "there refused: {}",
        show(&response)
    );
}
