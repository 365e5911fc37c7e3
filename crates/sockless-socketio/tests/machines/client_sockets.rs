//! The client's role in Socket.IO, packet by packet, and against the server of this crate.

use std::time::Duration;

use sockless_socketio::engine::client::{self as engine, Reason};
use sockless_socketio::engine::{Frame, Transmit};
use sockless_socketio::socket::client::{Asked, Client, DisconnectReason, Event, Repeat, ReplyTo};
use sockless_socketio::socket::{self, Config, EmitError, Namespace, Payload};

use crate::peer::{Served, millis};

const HELLO: &str =
    r#"0{"sid":"s1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}"#;

/// A client on a WebSocket, and its time.
struct Talking {
    client: Client,
    now: Duration,
}

fn main_namespace() -> Namespace {
    Namespace::main()
}

fn session(now: Duration) -> engine::Client {
    engine::Client::new(engine::Config::default().with_transports(false, true), "", now)
}

fn payload(argument: &str) -> Payload {
    Payload::new().with(argument).expect("JSON")
}

impl Talking {
    /// A client whose session is open.
    fn open(names: &[&str]) -> Self {
        let names = names.iter().filter_map(|name| Namespace::new(name));
        let client = Client::new(Config::default(), session(Duration::ZERO), names);
        let mut talking = Self { client, now: Duration::ZERO };
        talking.greet();
        talking
    }

    /// A client that is connected to the main namespace.
    fn connected() -> Self {
        let mut talking = Self::open(&["/"]);
        talking.join(r#"40{"sid":"c1"}"#, false);
        talking
    }

    fn greet(&mut self) {
        self.client.engine_mut().opened(self.now);
        self.client.engine_mut().text(HELLO, self.now);
    }

    /// Asks for the main namespace, and gets this answer.
    fn join(&mut self, answer: &str, recovered: bool) {
        let namespace = main_namespace();
        assert_eq!(self.events(), [Event::Ready { namespace: namespace.clone() }]);
        self.client.connect(&namespace, None, self.now).expect("asked");
        self.sent();
        assert_eq!(self.text(answer), [Event::Connected { namespace, recovered }]);
    }

    /// The session is cut, and another one takes its place.
    fn cut(&mut self) -> Vec<Event> {
        self.client.engine_mut().websocket_lost(None, self.now);
        let mut events = self.events();
        let reason = DisconnectReason::Engine(Reason::TransportClose);
        assert_eq!(events.pop(), Some(Event::Closed { reason }));
        self.client.reconnect(session(self.now));
        self.greet();
        events
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.client.event(self.now)).collect()
    }

    fn text(&mut self, text: &str) -> Vec<Event> {
        self.client.engine_mut().text(text, self.now);
        self.events()
    }

    fn sent(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        loop {
            match self.client.engine_mut().transmit() {
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

    fn wait(&mut self, time: u64) -> Vec<Event> {
        self.now += millis(time);
        self.client.timeout(self.now);
        self.events()
    }

    fn ask(&mut self, name: &str, timeout: u64) -> Asked {
        let (main, timeout) = (main_namespace(), millis(timeout));
        self.client.emit_with_ack(&main, name, Payload::new(), timeout, self.now).expect("sent")
    }

    fn repeat(&mut self, name: &str, tries: u32) -> Asked {
        let (main, repeat) = (main_namespace(), Repeat::new(tries, millis(100)));
        let client = &mut self.client;
        client.emit_repeatedly(&main, name, Payload::new(), repeat, self.now).expect("queued")
    }
}

fn acked(asked: &Asked, payload: Option<Payload>) -> Event {
    Event::Acked { asked: asked.clone(), payload }
}

fn gone(reason: DisconnectReason) -> Event {
    Event::Disconnected { namespace: main_namespace(), reason }
}

/// The only event, which was sent by the server.
fn message(events: Vec<Event>) -> (String, Payload, Option<ReplyTo>, bool) {
    let mut events = events.into_iter();
    match (events.next(), events.next()) {
        (Some(Event::Message { name, payload, reply, may_end_with_offset, .. }), None) => {
            (name, payload, reply, may_end_with_offset)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_namespace_is_asked_for_with_its_authentication() {
    let mut talking = Talking::open(&["/", "/news"]);
    let (main, news) = (main_namespace(), Namespace::new("/news").expect("a name"));
    let ready = |namespace: &Namespace| Event::Ready { namespace: namespace.clone() };
    assert_eq!(talking.events(), [ready(&main), ready(&news)]);
    let bad = talking.client.connect(&main, Some("[1]".into()), talking.now);
    assert_eq!(bad, Err(EmitError::Auth));
    talking.client.connect(&main, Some(r#"{"token":1}"#.into()), talking.now).expect("asked");
    talking.client.connect(&news, None, talking.now).expect("asked");
    assert_eq!(talking.sent(), [r#"40{"token":1}"#, "40/news,"]);
    // Nothing can be sent before the server has accepted it.
    assert_eq!(talking.client.emit(&main, "hey", Payload::new()), Err(EmitError::Disconnected));
    let events = talking.text(r#"40/news,{"sid":"c1"}"#);
    assert_eq!(events, [Event::Connected { namespace: news.clone(), recovered: false }]);
    assert_eq!(talking.client.id(&news), Some("c1"));
    talking.client.emit(&news, "hey", payload("you")).expect("sent");
    assert_eq!(talking.sent(), [r#"42/news,["hey","you"]"#]);
    // One more, later.
    let more = Namespace::new("/more").expect("a name");
    talking.client.join(&more);
    assert_eq!(talking.events(), [ready(&more)]);
}

#[test]
fn a_refusal_says_why_and_the_namespace_is_not_asked_for_again() {
    let refusals = [
        (r#"44{"message":"no","data":{"code":7}}"#, "no", Some(r#"{"code":7}"#)),
        (r#"44{"message":"no"}"#, "no", None),
        (r#"44"plain""#, "plain", None),
        ("44", "refused: ", None),
        (r#"44{"other":1}"#, r#"refused: {"other":1}"#, None),
    ];
    for (answer, message, data) in refusals {
        let mut talking = Talking::open(&["/"]);
        let namespace = main_namespace();
        talking.events();
        talking.client.connect(&namespace, None, talking.now).expect("asked");
        let (message, data) = (message.into(), data.map(str::to_owned));
        let expected = Event::Refused { namespace: namespace.clone(), message, data };
        assert_eq!(talking.text(answer), [expected]);
        assert!(!talking.client.wants(&namespace));
        assert_eq!(talking.cut(), []);
        assert_eq!(talking.events(), []);
    }
}

#[test]
fn a_server_that_does_not_answer_a_request_for_a_namespace_is_left() {
    let mut talking = Talking::open(&["/"]);
    talking.events();
    talking.client.connect(&main_namespace(), None, talking.now).expect("asked");
    // The heartbeat goes on.
    talking.now += millis(44_000);
    assert_eq!(talking.text("2"), []);
    assert_eq!(talking.wait(1_000), []);
    assert_eq!(talking.sent().last().map(|last| &**last), Some("closed"));
    let reason = DisconnectReason::ConnectTimeout;
    assert_eq!(talking.events(), [Event::Closed { reason }]);
    assert!(talking.client.wants(&main_namespace()));
}

#[test]
fn acknowledgements_come_once_or_the_time_is_up() {
    let mut talking = Talking::connected();
    let (first, second, third) =
        (talking.ask("one", 100), talking.ask("two", 200), talking.ask("three", 300));
    assert_eq!(talking.sent(), [r#"420["one"]"#, r#"421["two"]"#, r#"422["three"]"#]);
    assert_eq!(talking.text(r#"431["well"]"#), [acked(&second, Some(payload("well")))]);
    // A second one, one for nothing, and one that is late say nothing.
    assert_eq!(talking.text(r#"431["again"]"#), []);
    assert_eq!(talking.text(r#"4377["what"]"#), []);
    assert_eq!(talking.wait(100), [acked(&first, None)]);
    assert_eq!(talking.text(r#"430["late"]"#), []);
    // Nothing is acknowledged in the next session.
    let reason = DisconnectReason::Engine(Reason::TransportClose);
    assert_eq!(talking.cut(), [acked(&third, None), gone(reason)]);
    talking.join(r#"40{"sid":"c2"}"#, false);
    assert_eq!(talking.text(r#"432["late"]"#), []);
    talking.ask("four", 100);
    assert_eq!(talking.sent(), [r#"423["four"]"#]);
}

#[test]
fn an_event_is_acknowledged_in_its_session_alone() {
    let mut talking = Talking::connected();
    let (_, _, reply, _) = message(talking.text(r#"427["what","now"]"#));
    talking.client.reply(reply.expect("asked for"), payload("this")).expect("sent");
    assert_eq!(talking.sent(), [r#"437["this"]"#]);
    let (_, _, reply, _) = message(talking.text(r#"428["what","now"]"#));
    talking.cut();
    talking.join(r#"40{"sid":"c2"}"#, false);
    let replied = talking.client.reply(reply.expect("asked for"), payload("this"));
    assert_eq!(replied, Err(EmitError::Disconnected));
}

#[test]
fn bytes_go_beside_the_text_in_both_directions() {
    let mut talking = Talking::connected();
    let mut file = payload("name");
    file.push_binary(vec![1, 2, 3]);
    talking.client.emit(&main_namespace(), "file", file.clone()).expect("sent");
    let text = r#"451-["file","name",{"_placeholder":true,"num":0}]"#;
    assert_eq!(talking.sent(), [text.to_owned(), r#"b"\x01\x02\x03""#.to_owned()]);
    assert_eq!(talking.text(text), []);
    talking.client.engine_mut().binary(vec![1, 2, 3].into(), talking.now);
    let (name, payload, ..) = message(talking.events());
    assert_eq!((&*name, payload), ("file", file));
    // All of it is sent, or none.
    let mut long = Payload::new();
    long.push_binary(vec![0; 1_001]);
    let sent = talking.client.emit(&main_namespace(), "file", long);
    assert_eq!(sent, Err(EmitError::TooLarge));
    assert_eq!(talking.sent(), [""; 0]);
}

#[test]
fn volatile_events_and_reserved_names_are_refused_when_they_have_to_be() {
    let mut talking = Talking::connected();
    let main = main_namespace();
    let emitted = talking.client.emit(&main, "disconnect", Payload::new());
    assert_eq!(emitted, Err(EmitError::Reserved));
    talking.client.emit_volatile(&main, "one", Payload::new()).expect("nothing waits");
    let emitted = talking.client.emit_volatile(&main, "two", Payload::new());
    assert_eq!(emitted, Err(EmitError::NotReady));
    assert_eq!(talking.sent(), [r#"42["one"]"#]);
    talking.client.emit_volatile(&main, "three", Payload::new()).expect("nothing waits");
}

#[test]
fn the_server_disconnects_from_one_namespace() {
    let mut talking = Talking::connected();
    let asked = talking.ask("one", 100);
    assert_eq!(talking.text("41"), [acked(&asked, None), gone(DisconnectReason::Server)]);
    assert_eq!(
        talking.client.emit(&main_namespace(), "hey", Payload::new()),
        Err(EmitError::Disconnected)
    );
    // What was on its way means nothing.
    assert_eq!(talking.text(r#"42["late"]"#), []);
    assert_eq!(talking.cut(), []);
    assert_eq!(talking.events(), [], "it isn't asked for again");
    // Unless the application wants it.
    talking.client.join(&main_namespace());
    talking.join(r#"40{"sid":"c2"}"#, false);
}

#[test]
fn the_client_leaves_and_the_last_namespace_closes_the_session() {
    let mut talking = Talking::open(&["/", "/news"]);
    talking.events();
    let news = Namespace::new("/news").expect("a name");
    for name in [&main_namespace(), &news] {
        talking.client.connect(name, None, talking.now).expect("asked");
    }
    talking.text(r#"40{"sid":"c1"}"#);
    talking.sent();
    talking.client.disconnect(&main_namespace(), talking.now);
    assert_eq!(talking.events(), [gone(DisconnectReason::Client)]);
    assert_eq!(talking.sent(), ["41"]);
    assert_eq!(talking.text(r#"42["late"]"#), []);
    // This one was asked for, and not answered.
    talking.client.disconnect(&news, talking.now);
    assert_eq!(talking.sent(), ["41/news,", "closed"]);
    assert_eq!(talking.events(), [Event::Closed { reason: DisconnectReason::Client }]);
    assert_eq!(talking.client.deadline(), None);
}

#[test]
fn what_cannot_be_read_ends_the_session_and_the_namespaces_stay_wanted() {
    let bads: [&[&str]; 7] = [
        &["4"],
        &["4x"],
        &["42"],
        &[r#"42{"a":1}"#],
        &[r#"450-["a""#],
        &[r#"42["connect"]"#],
        // Text where bytes were announced.
        &[r#"451-["a",{"_placeholder":true,"num":0}]"#, r#"42["b"]"#],
    ];
    for bad in bads {
        let mut talking = Talking::connected();
        let mut events: Vec<_> = bad.iter().flat_map(|text| talking.text(text)).collect();
        // What follows isn't looked at any more.
        events.extend(talking.text(r#"42["after"]"#));
        assert_eq!(events.remove(0), gone(DisconnectReason::ParseError), "{bad:?}");
        assert_eq!(talking.sent(), ["closed"]);
        events.extend(talking.events());
        assert_eq!(events, [Event::Closed { reason: DisconnectReason::ParseError }], "{bad:?}");
        talking.client.reconnect(session(talking.now));
        talking.greet();
        talking.join(r#"40{"sid":"c2"}"#, false);
    }
}

#[test]
fn recovery_asks_with_the_private_id_and_the_offset_of_the_last_event() {
    let mut talking = Talking::open(&["/"]);
    talking.join(r#"40{"sid":"c1","pid":"p1"}"#, false);
    assert!(message(talking.text(r#"42["a",1,"o1"]"#)).3);
    // A number is no offset, and an event that is to be acknowledged has none.
    assert!(!message(talking.text(r#"42["a",2]"#)).3);
    assert!(!message(talking.text(r#"427["a","text"]"#)).3);
    let ask = |talking: &mut Talking, auth: Option<&str>| {
        talking.cut();
        let namespace = main_namespace();
        assert_eq!(talking.events(), [Event::Ready { namespace: namespace.clone() }]);
        let auth = auth.map(str::to_owned);
        talking.client.connect(&namespace, auth, talking.now).expect("asked");
        talking.sent().pop()
    };
    let asked = ask(&mut talking, Some(r#" { "token":1} "#));
    assert_eq!(asked.as_deref(), Some(r#"40{"pid":"p1","offset":"o1","token":1}"#));
    // It is the same client, and what it has missed comes next.
    let events = talking.text(r#"40{"sid":"c1","pid":"p1"}"#);
    assert_eq!(events, [Event::Connected { namespace: main_namespace(), recovered: true }]);
    assert!(message(talking.text(r#"42["a",3,"o\"2"]"#)).3);
    let asked = ask(&mut talking, Some("{}"));
    assert_eq!(asked.as_deref(), Some(r#"40{"pid":"p1","offset":"o\"2"}"#));
    talking.text(r#"40{"sid":"c1","pid":"p1"}"#);
    // The reference sends what was missed before it says so.
    assert_eq!(ask(&mut talking, None).as_deref(), Some(r#"40{"pid":"p1","offset":"o\"2"}"#));
    assert_eq!(talking.text(r#"42["a",4,"o3"]"#), []);
    let events = talking.text(r#"40{"sid":"c1","pid":"p1"}"#);
    assert!(matches!(
        &events[..],
        [Event::Connected { recovered: true, .. }, Event::Message { .. }]
    ));
    assert_eq!(ask(&mut talking, None).as_deref(), Some(r#"40{"pid":"p1","offset":"o3"}"#));
    // It isn't: what came says nothing, and neither does the old offset.
    assert_eq!(talking.text(r#"42["a",5,"o4"]"#), []);
    let events = talking.text(r#"40{"sid":"c2","pid":"p2"}"#);
    assert!(matches!(&events[..], [Event::Connected { recovered: false, .. }]));
    assert_eq!(ask(&mut talking, None).as_deref(), Some(r#"40{"pid":"p2"}"#));
    // A server without recovery: nothing is said of it, and no string is taken for an offset.
    talking.text(r#"40{"sid":"c3"}"#);
    assert!(!message(talking.text(r#"42["a","text"]"#)).3);
    assert_eq!(ask(&mut talking, None).as_deref(), Some("40"));
}

#[test]
fn an_event_is_repeated_until_it_is_acknowledged_one_after_the_other() {
    let mut talking = Talking::connected();
    let (first, second) = (talking.repeat("one", 3), talking.repeat("two", 1));
    assert_eq!(talking.sent(), [r#"420["one"]"#]);
    assert_eq!(talking.wait(100), []);
    assert_eq!(talking.sent(), [r#"420["one"]"#]);
    // The acknowledgement of any try counts.
    assert_eq!(talking.text(r#"430["well"]"#), [acked(&first, Some(payload("well")))]);
    assert_eq!(talking.sent(), [r#"421["two"]"#]);
    assert_eq!(talking.text(r#"430["well"]"#), []);
    // This one is sent once.
    assert_eq!(talking.wait(100), [acked(&second, None)]);
    assert_eq!(talking.sent(), [""; 0]);
}

#[test]
fn what_is_repeated_waits_for_the_next_session() {
    let mut talking = Talking::connected();
    let (first, second) = (talking.repeat("one", 2), talking.repeat("two", 2));
    assert_eq!(talking.sent(), [r#"420["one"]"#]);
    let reason = DisconnectReason::Engine(Reason::TransportClose);
    assert_eq!(talking.cut(), [gone(reason)]);
    let third = talking.repeat("three", 2);
    talking.join(r#"40{"sid":"c2"}"#, false);
    // Its second try was sent at once. There is no third.
    assert_eq!(talking.cut(), [acked(&first, None), gone(reason)]);
    talking.join(r#"40{"sid":"c3"}"#, false);
    assert_eq!(talking.text(r#"431["well"]"#), [acked(&second, Some(payload("well")))]);
    assert_eq!(talking.text("41"), [acked(&third, None), gone(DisconnectReason::Server)]);
}

#[test]
fn what_is_repeated_has_limits() {
    let mut talking = Talking::connected();
    let main = main_namespace();
    let repeat = Repeat::new(0, millis(100));
    let queue = |talking: &mut Talking, payload| {
        talking.client.emit_repeatedly(&main, "a", payload, repeat, talking.now)
    };
    let long = queue(&mut talking, payload(&"x".repeat(2_000))).expect("queued");
    assert_eq!(talking.events(), [acked(&long, None)], "the server doesn't take it");
    for _ in 0..1_024 {
        queue(&mut talking, Payload::new()).expect("queued");
    }
    assert_eq!(queue(&mut talking, Payload::new()), Err(EmitError::Full));
    talking.client.disconnect(&main_namespace(), talking.now);
    let given_up = talking.events();
    assert_eq!(given_up.len(), 1_024 + 1);
}

/// The client of this crate, and its server.
#[test]
fn both_roles_understand_each_other() {
    let mut served = Served::new();
    let mut talking = Talking {
        client: Client::new(Config::default(), session(Duration::ZERO), [main_namespace()]),
        now: Duration::ZERO,
    };
    talking.client.engine_mut().opened(talking.now);
    // The server's first packet was looked at by `Served`.
    talking.client.engine_mut().text(HELLO, talking.now);
    assert_eq!(talking.events().len(), 1);
    let carry = |talking: &mut Talking, served: &mut Served| {
        let mut events = Vec::new();
        talking.sent().iter().for_each(|text| events.extend(served.text(text)));
        events
    };
    let back = |served: &mut Served, talking: &mut Talking| -> Vec<Event> {
        let sent = served.sent();
        sent.iter().flat_map(|text| talking.text(text)).collect()
    };
    talking
        .client
        .connect(&main_namespace(), Some(r#"{"a":1}"#.into()), talking.now)
        .expect("asked");
    let events = carry(&mut talking, &mut served);
    let [socket::Event::Connect { socket, auth, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(auth.as_deref(), Some(r#"{"a":1}"#));
    served.server.accept(*socket, served.now).expect("accepted");
    assert_eq!(back(&mut served, &mut talking).len(), 1);
    assert_eq!(talking.client.id(&main_namespace()), served.server.id(*socket));

    let asked = talking.ask("question", 1_000);
    let events = carry(&mut talking, &mut served);
    let Some(socket::Event::Message { reply: Some(reply), .. }) = events.into_iter().next() else {
        panic!()
    };
    served.server.reply(reply, payload("answer")).expect("sent");
    assert_eq!(back(&mut served, &mut talking), [acked(&asked, Some(payload("answer")))]);

    let timeout = millis(1_000);
    let asked = served
        .server
        .emit_with_ack(*socket, "question", Payload::new(), timeout, served.now)
        .expect("sent");
    let (_, _, reply, _) = message(back(&mut served, &mut talking));
    talking.client.reply(reply.expect("asked for"), payload("answer")).expect("sent");
    let events = carry(&mut talking, &mut served);
    assert_eq!(events, [socket::Event::Acked { asked, payload: Some(payload("answer")) }]);

    served.server.disconnect(*socket, served.now);
    assert_eq!(back(&mut served, &mut talking), [gone(DisconnectReason::Server)]);
}
