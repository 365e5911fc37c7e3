//! The client's role in Engine.IO, request by request, against servers that keep the rules and others.

use std::time::Duration;

use bytes::Bytes;
use sockless_socketio::engine::client::{Client, Config, Event, Output, Reason, Request};
use sockless_socketio::engine::{Frame, Message, SendError, Transmit};

use crate::peer::millis;

const HELLO: &str = r#"0{"sid":"a1","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":100}"#;
const POLLED: &str = "EIO=4&transport=polling&sid=a1";

/// How a session may end.
type Way = fn(&mut Talking);

/// A client, and its time.
struct Talking {
    client: Client,
    now: Duration,
}

impl Talking {
    fn new(config: Config) -> Self {
        Self { client: Client::new(config, "", Duration::ZERO), now: Duration::ZERO }
    }

    /// One that has opened a session by long-polling.
    fn polling(config: Config) -> Self {
        let mut talking = Self::new(config);
        assert_eq!(talking.orders(), ["GET EIO=4&transport=polling"]);
        talking.polled(HELLO);
        assert_eq!(talking.events(), [Event::Opened]);
        talking
    }

    /// One that has a WebSocket alone.
    fn websocket() -> Self {
        let mut talking = Self::new(Config::default().with_transports(false, true));
        assert_eq!(talking.orders(), ["OPEN EIO=4&transport=websocket"]);
        talking.client.opened(talking.now);
        talking.client.text(HELLO, talking.now);
        assert_eq!(talking.events(), [Event::Opened]);
        talking
    }

    fn polled(&mut self, body: &str) {
        self.client.answered(Request::Poll, 200, body.to_owned().into(), self.now);
    }

    fn posted(&mut self) {
        self.client.answered(Request::Post, 200, "ok".into(), self.now);
    }

    fn orders(&mut self) -> Vec<String> {
        let orders = std::iter::from_fn(|| self.client.output());
        let orders = orders.map(|order| match order {
            Output::Get { query } => format!("GET {query}"),
            Output::Post { query, body } => {
                assert_eq!(query, POLLED);
                format!("POST {}", std::str::from_utf8(&body).expect("text"))
            }
            Output::Open { query } => format!("OPEN {query}"),
            Output::Transmit => "TRANSMIT".into(),
            Output::Read => "READ".into(),
        });
        orders.collect()
    }

    fn sent(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        loop {
            match self.client.transmit() {
                Transmit::Frame(Frame::Text(text)) => sent.push(text.to_string()),
                Transmit::Frame(Frame::Binary(bytes)) => sent.push(format!("{bytes:?}")),
                Transmit::Wait => return sent,
                Transmit::Close => {
                    sent.push("closed".into());
                    return sent;
                }
            }
        }
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.client.event(self.now)).collect()
    }

    fn wait(&mut self, time: u64) {
        self.now += millis(time);
        self.client.timeout(self.now);
    }

    fn say(&mut self, text: &str) {
        self.client.send(&[Frame::message(text)]).expect("sent");
    }
}

fn polling_alone() -> Config {
    Config::default().with_transports(true, false)
}

fn text(text: &str) -> Event {
    Event::Message(Message::Text(text.into()))
}

#[test]
fn one_request_polls_and_one_carries_what_is_sent() {
    let mut talking = Talking::polling(polling_alone());
    assert_eq!(talking.orders(), [format!("GET {POLLED}")]);
    talking.say("one");
    assert_eq!(talking.orders(), ["POST 4one"]);
    // What is said meanwhile goes with the next.
    talking.say("two");
    talking.client.send(&[Frame::Binary(Bytes::from_static(&[1, 2, 3, 4]))]).expect("sent");
    assert!(talking.orders().is_empty());
    talking.posted();
    assert_eq!(talking.orders(), ["POST 4two\u{1e}bAQIDBA=="]);
    talking.polled("4hello\u{1e}bAQIDBA==");
    assert_eq!(talking.orders(), [format!("GET {POLLED}")]);
    let binary = Message::Binary(Bytes::from_static(&[1, 2, 3, 4]));
    assert_eq!(talking.events(), [text("hello"), Event::Message(binary)]);
}

#[test]
fn bodies_have_no_more_bytes_than_the_server_takes() {
    let mut talking = Talking::polling(polling_alone());
    talking.orders();
    talking.say("first");
    let long = "x".repeat(49);
    (0..3).for_each(|_| talking.say(&long));
    assert_eq!(talking.orders(), ["POST 4first"]);
    talking.posted();
    // 50 bytes, a separator and 50 bytes are 101.
    assert_eq!(talking.orders(), [format!("POST 4{long}")]);
    talking.posted();
    assert_eq!(talking.orders(), [format!("POST 4{long}")]);
    // What doesn't fit alone is refused when it is sent; bytes are longer in base64.
    let send = |talking: &mut Talking, frame| talking.client.send(&[frame]);
    assert_eq!(send(&mut talking, Frame::message(&"x".repeat(100))), Err(SendError::TooLarge));
    assert_eq!(send(&mut talking, Frame::message(&"x".repeat(99))), Ok(()));
    assert_eq!(send(&mut talking, Frame::Binary(vec![0; 75].into())), Err(SendError::TooLarge));
    assert_eq!(send(&mut talking, Frame::Binary(vec![0; 72].into())), Ok(()));
}

#[test]
fn the_websocket_is_probed_and_used_once_no_request_waits() {
    let mut talking = Talking::polling(Config::default());
    let open = "OPEN EIO=4&transport=websocket&sid=a1".to_owned();
    assert_eq!(talking.orders(), [open, format!("GET {POLLED}")]);
    talking.say("polled");
    assert_eq!(talking.orders(), ["POST 4polled"]);
    talking.client.opened(talking.now);
    assert_eq!(talking.orders(), ["TRANSMIT"]);
    assert_eq!(talking.sent(), ["2probe"]);
    talking.client.text("3probe", talking.now);
    // Two requests wait. What is said now waits, too.
    talking.say("later");
    assert!(talking.orders().is_empty());
    talking.polled("4before\u{1e}6");
    assert!(talking.orders().is_empty());
    talking.posted();
    assert_eq!(talking.orders(), ["TRANSMIT"]);
    assert_eq!(talking.sent(), ["5", "4later"]);
    talking.client.text("4after", talking.now);
    assert_eq!(talking.events(), [text("before"), Event::Upgraded, text("after")]);
}

#[test]
fn long_polling_goes_on_if_the_websocket_fails_at_any_step() {
    let fails: [fn(&mut Talking); 6] = [
        |talking| talking.client.websocket_lost(Some(400), talking.now),
        |talking| talking.wait(200),
        |talking| {
            talking.client.opened(talking.now);
            talking.client.websocket_lost(None, talking.now);
        },
        |talking| {
            talking.client.opened(talking.now);
            talking.client.text("3other", talking.now);
        },
        |talking| {
            talking.client.opened(talking.now);
            talking.client.binary(Bytes::new(), talking.now);
        },
        |talking| {
            talking.client.opened(talking.now);
            talking.client.text("3probe", talking.now);
            talking.client.websocket_lost(None, talking.now);
        },
    ];
    for fail in fails {
        let config = Config::default().with_upgrade_timeout(millis(200));
        let mut talking = Talking::polling(config);
        assert_eq!(talking.orders().len(), 2);
        fail(&mut talking);
        assert_eq!(talking.sent(), ["closed"]);
        talking.orders();
        talking.polled("4still here");
        talking.say("so am I");
        assert_eq!(talking.orders(), [format!("GET {POLLED}"), "POST 4so am I".into()]);
        assert_eq!(talking.events(), [text("still here")]);
        // A WebSocket that is opened too late has no place.
        talking.client.opened(talking.now);
        talking.client.text("4hello", talking.now);
        assert!(talking.orders().is_empty() && talking.events().is_empty());
    }
}

#[test]
fn pings_are_answered_and_silence_ends_the_session() {
    let mut talking = Talking::polling(polling_alone());
    talking.orders();
    talking.wait(499);
    talking.polled("2");
    assert_eq!(talking.orders(), ["POST 3".into(), format!("GET {POLLED}")]);
    assert_eq!(talking.client.deadline(), Some(millis(999)));
    // A message is no ping.
    talking.wait(300);
    talking.polled("4hello");
    talking.wait(200);
    assert_eq!(talking.events(), [text("hello"), Event::Closed(Reason::PingTimeout)]);
    assert_eq!(talking.client.deadline(), None);
}

#[test]
fn a_client_that_takes_nothing_reads_no_more_and_counts_no_silence() {
    let config = polling_alone().with_backlog(2, 1_000);
    let mut talking = Talking::polling(config);
    talking.orders();
    talking.polled("4one\u{1e}4two\u{1e}4three");
    assert!(talking.orders().is_empty(), "it doesn't poll");
    talking.wait(2_000);
    assert_eq!(talking.client.event(talking.now), Some(text("one")));
    assert_eq!(talking.client.event(talking.now), Some(text("two")));
    assert_eq!(talking.orders(), [format!("GET {POLLED}")]);
    assert_eq!(talking.client.deadline(), Some(millis(2_500)));

    let mut talking = Talking::websocket();
    for number in 0..1_024 {
        assert!(talking.client.wants_input(), "{number}");
        talking.client.text("4hello", talking.now);
    }
    assert!(!talking.client.wants_input());
    talking.client.event(talking.now);
    assert_eq!(talking.orders(), ["READ"]);
    assert!(talking.client.wants_input());
}

#[test]
fn closing_sends_what_waits_and_says_so() {
    let mut talking = Talking::polling(polling_alone());
    talking.orders();
    talking.say("one");
    talking.say("two");
    talking.client.close(talking.now);
    assert_eq!(talking.client.send(&[Frame::message("three")]), Err(SendError::Closed));
    assert_eq!(talking.orders(), ["POST 4one"]);
    // Whatever becomes of the poll.
    talking.client.failed(Request::Poll, talking.now);
    talking.posted();
    assert_eq!(talking.orders(), ["POST 4two\u{1e}1"]);
    assert!(talking.events().is_empty());
    talking.posted();
    assert_eq!(talking.events(), [Event::Closed(Reason::ForcedClose)]);

    let mut talking = Talking::websocket();
    talking.say("one");
    talking.client.close(talking.now);
    assert_eq!(talking.orders(), ["TRANSMIT"]);
    assert_eq!(talking.sent(), ["4one", "closed"]);
    assert_eq!(talking.events(), [Event::Closed(Reason::ForcedClose)]);

    // A server that answers nothing is waited for no longer than the time that was set.
    let mut talking = Talking::polling(polling_alone());
    talking.client.close(talking.now);
    talking.wait(5_000);
    assert_eq!(talking.events(), [Event::Closed(Reason::ForcedClose)]);
}

#[test]
fn a_server_ends_the_session_in_many_ways() {
    let ways: [(Way, Reason); 8] = [
        (|talking| talking.polled("1"), Reason::TransportClose),
        (|talking| talking.polled("x"), Reason::ParseError),
        (|talking| talking.polled(""), Reason::ParseError),
        (|talking| talking.polled("b!"), Reason::ParseError),
        (|talking| talking.polled(HELLO), Reason::ParseError),
        (
            |talking| {
                let bytes = Bytes::from_static(&[0xff]);
                talking.client.answered(Request::Poll, 200, bytes, talking.now);
            },
            Reason::ParseError,
        ),
        (
            |talking| talking.client.answered(Request::Poll, 400, Bytes::new(), talking.now),
            Reason::TransportError,
        ),
        (|talking| talking.client.failed(Request::Poll, talking.now), Reason::TransportError),
    ];
    for (way, reason) in ways {
        let mut talking = Talking::polling(polling_alone());
        talking.orders();
        talking.polled("4before");
        talking.orders();
        way(&mut talking);
        assert_eq!(talking.events(), [text("before"), Event::Closed(reason)]);
        // Whatever comes now means nothing.
        talking.polled("4after");
        talking.posted();
        talking.client.failed(Request::Post, talking.now);
        talking.client.text("4after", talking.now);
        talking.client.close(talking.now);
        talking.wait(10_000);
        assert!(talking.events().is_empty() && talking.orders().is_empty());
    }
}

#[test]
fn a_session_that_is_not_opened_says_why() {
    let ways: [(Way, Reason); 6] = [
        (
            |talking| talking.client.answered(Request::Poll, 503, Bytes::new(), talking.now),
            Reason::Refused(503),
        ),
        (|talking| talking.client.failed(Request::Poll, talking.now), Reason::Unreachable),
        (|talking| talking.polled("4hello"), Reason::ParseError),
        (|talking| talking.polled(r#"0{"sid":""}"#), Reason::ParseError),
        (|talking| talking.wait(20_000), Reason::Unreachable),
        (|talking| talking.client.close(talking.now), Reason::ForcedClose),
    ];
    for (way, reason) in ways {
        let mut talking = Talking::new(polling_alone());
        assert_eq!(talking.client.send(&[Frame::message("hello")]), Err(SendError::Closed));
        way(&mut talking);
        assert_eq!(talking.events(), [Event::Closed(reason)]);
    }
    let websocket = || Talking::new(Config::default().with_transports(false, true));
    let mut talking = websocket();
    talking.client.websocket_lost(Some(401), talking.now);
    assert_eq!(talking.events(), [Event::Closed(Reason::Refused(401))]);
    let mut talking = websocket();
    talking.client.opened(talking.now);
    talking.client.websocket_lost(None, talking.now);
    assert_eq!(talking.events(), [Event::Closed(Reason::Unreachable)]);
}

#[test]
fn an_id_can_write_nothing_else_into_a_query() {
    let mut talking = Talking::new(polling_alone());
    talking.orders();
    let hello = r#"0{"sid":"a&b=c\r\nd e","pingInterval":1,"pingTimeout":18446744073709551615}"#;
    talking.polled(hello);
    let query = "EIO=4&transport=polling&sid=a%26b%3Dc%0D%0Ad%20e";
    assert_eq!(talking.orders(), [format!("GET {query}")]);
    talking.wait(u64::from(u32::MAX));
    assert_eq!(talking.events(), [Event::Opened], "a time beyond all times is no mistake");
}
