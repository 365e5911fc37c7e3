//! A driver for tests: it hands in, and keeps what comes out.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sockless_socketio::engine::{
    Answer, Begun, Body, Channel, Config, Engine, Event, Frame, Head, Message, Output, Reason,
    RequestId, Session, Transmit,
};
use sockless_socketio::{Entropy, socket};

/// Numbers instead of random bytes.
#[derive(Debug, Default)]
pub(crate) struct Counting(u128);

impl Entropy for Counting {
    fn bytes(&mut self) -> [u8; 16] {
        self.0 += 1;
        self.0.to_le_bytes()
    }
}

pub(crate) const POLLING: &str = "EIO=4&transport=polling";
pub(crate) const WEBSOCKET: &str = "EIO=4&transport=websocket";

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// An engine with its driver.
pub(crate) struct Driven {
    pub(crate) engine: Engine<Counting>,
    pub(crate) now: Duration,
    pub(crate) answers: HashMap<RequestId, Answer>,
    pub(crate) events: Vec<Event>,
    /// WebSockets that have something to do.
    pub(crate) told: HashSet<Channel>,
    /// Whether events are taken at once.
    pub(crate) takes: bool,
}

impl Driven {
    pub(crate) fn new() -> Self {
        Self::with(Config::default().with_ping(millis(300), millis(200)))
    }

    pub(crate) fn with(config: Config) -> Self {
        let engine = Engine::new(config, Counting::default());
        let (answers, events) = (HashMap::new(), Vec::new());
        let told = HashSet::new();
        Self { engine, now: Duration::ZERO, answers, events, told, takes: true }
    }

    pub(crate) fn settle(&mut self) {
        if self.takes {
            while let Some(event) = self.engine.event() {
                self.events.push(event);
            }
        }
        while let Some(output) = self.engine.output() {
            match output {
                Output::Answer(request, answer) => {
                    assert!(self.answers.insert(request, answer).is_none(), "answered twice");
                }
                Output::Transmit(channel) => drop(self.told.insert(channel)),
                _ => {}
            }
        }
    }

    pub(crate) fn begin(&mut self, method: &str, query: &str) -> Begun {
        let begun = self.engine.begin(Head::new(method, query), self.now);
        self.settle();
        begun
    }

    /// A request that has been answered by now: its status and body.
    pub(crate) fn answer(&mut self, begun: &Begun) -> Option<(u16, String)> {
        let answer = match begun {
            Begun::Answer(answer) => answer.clone(),
            Begun::Wait(request) => self.answers.remove(request)?,
            Begun::Body(..) => return None,
        };
        Some((answer.status(), String::from_utf8(answer.body().to_vec()).expect("text")))
    }

    pub(crate) fn get(&mut self, query: &str) -> Option<(u16, String)> {
        let begun = self.begin("GET", query);
        self.answer(&begun)
    }

    pub(crate) fn post_begun(&mut self, sid: &str) -> RequestId {
        match self.begin("POST", &format!("{POLLING}&sid={sid}")) {
            Begun::Body(request, _) => request,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn body(&mut self, request: RequestId, body: &str) -> Option<(u16, String)> {
        let begun = self.engine.body(request, Body::Whole(body.to_owned().into()), self.now);
        self.settle();
        self.answer(&begun)
    }

    pub(crate) fn post(&mut self, sid: &str, body: &str) -> Option<(u16, String)> {
        let request = self.post_begun(sid);
        self.body(request, body)
    }

    pub(crate) fn poll_begun(&mut self, sid: &str) -> Begun {
        self.begin("GET", &format!("{POLLING}&sid={sid}"))
    }

    pub(crate) fn poll(&mut self, sid: &str) -> Option<(u16, String)> {
        self.get(&format!("{POLLING}&sid={sid}"))
    }

    /// A session over long-polling: its id, and its handle.
    pub(crate) fn open(&mut self) -> (String, Session) {
        let (status, hello) = self.get(POLLING).expect("an answer at once");
        assert_eq!(status, 200, "{hello}");
        let sid = sid_of(&hello);
        let Some(Event::Opened(session)) = self.events.pop() else { panic!("no session") };
        (sid, session)
    }

    /// A session over a WebSocket.
    pub(crate) fn open_websocket(&mut self) -> (Channel, Session) {
        let channel = self.websocket(WEBSOCKET);
        let Some(Event::Opened(session)) = self.events.pop() else { panic!("no session") };
        assert!(matches!(&*self.sent(channel), [hello] if hello.starts_with("0{")));
        (channel, session)
    }

    pub(crate) fn websocket(&mut self, query: &str) -> Channel {
        let channel = self.engine.begin_websocket(Head::new("GET", query), self.now);
        self.settle();
        channel.expect("a WebSocket")
    }

    pub(crate) fn text(&mut self, channel: Channel, text: &str) {
        self.engine.text(channel, text, self.now);
        self.settle();
    }

    /// What a WebSocket sends, until it waits; at last `closed`, if it closes.
    pub(crate) fn sent(&mut self, channel: Channel) -> Vec<String> {
        let mut sent = Vec::new();
        self.told.remove(&channel);
        loop {
            let next = self.engine.transmit(channel);
            self.settle();
            match next {
                Transmit::Frame(Frame::Text(text)) => sent.push(text.to_string()),
                Transmit::Frame(Frame::Binary(bytes)) => sent.push(format!("bytes {bytes:?}")),
                Transmit::Wait => return sent,
                Transmit::Close => {
                    sent.push("closed".into());
                    return sent;
                }
            }
        }
    }

    pub(crate) fn send(&mut self, session: Session, text: &str) {
        self.engine.send(session, &[Frame::message(text)]).expect("sent");
        self.settle();
    }

    pub(crate) fn wait(&mut self, time: u64) {
        self.now += millis(time);
        self.engine.timeout(self.now);
        self.settle();
    }

    /// The messages that have arrived, as text, since this was asked last.
    pub(crate) fn messages(&mut self) -> Vec<String> {
        let events = std::mem::take(&mut self.events).into_iter();
        let texts = events.filter_map(|event| match event {
            Event::Message(_, Message::Text(text)) => Some(text),
            Event::Message(_, Message::Binary(bytes)) => Some(format!("bytes {bytes:?}")),
            _ => None,
        });
        texts.collect()
    }

    /// Why the only session has ended.
    pub(crate) fn ended(&mut self) -> Option<Reason> {
        self.events.iter().find_map(|event| match event {
            Event::Closed(_, reason) => Some(*reason),
            _ => None,
        })
    }
}

/// The id in the packet that opens a session.
pub(crate) fn sid_of(hello: &str) -> String {
    let hello: serde_json::Value = serde_json::from_str(&hello[1..]).expect("JSON");
    hello["sid"].as_str().expect("an id").to_owned()
}

/// A server of Socket.IO with one client on a WebSocket.
pub(crate) struct Served {
    pub(crate) server: socket::Server<Counting>,
    pub(crate) channel: Channel,
    pub(crate) now: Duration,
}

impl Served {
    pub(crate) fn new() -> Self {
        Self::with(socket::Config::default(), Config::default())
    }

    pub(crate) fn with(config: socket::Config, engine: Config) -> Self {
        let names = ["/", "/custom", "/third"].into_iter().filter_map(socket::Namespace::new);
        let engine = Engine::new(engine, Counting::default());
        let mut server = socket::Server::new(config, engine, names);
        let now = Duration::ZERO;
        let head = Head::new("GET", WEBSOCKET);
        let channel = server.engine_mut().begin_websocket(head, now).expect("a WebSocket");
        let mut served = Self { server, channel, now };
        assert!(served.events().is_empty());
        assert_eq!(served.sent().len(), 1);
        served
    }

    /// Another client: what is done from now on is done with it.
    pub(crate) fn another(&mut self) -> Channel {
        let head = Head::new("GET", WEBSOCKET);
        let channel = self.server.engine_mut().begin_websocket(head, self.now);
        let channel = channel.expect("a WebSocket");
        let before = std::mem::replace(&mut self.channel, channel);
        assert!(self.events().is_empty());
        assert_eq!(self.sent().len(), 1);
        before
    }

    pub(crate) fn events(&mut self) -> Vec<socket::Event> {
        std::iter::from_fn(|| self.server.event(self.now)).collect()
    }

    /// What comes of a text message.
    pub(crate) fn text(&mut self, text: &str) -> Vec<socket::Event> {
        self.server.engine_mut().text(self.channel, text, self.now);
        self.events()
    }

    pub(crate) fn binary(&mut self, bytes: &'static [u8]) -> Vec<socket::Event> {
        self.server.engine_mut().binary(self.channel, bytes.into(), self.now);
        self.events()
    }

    pub(crate) fn wait(&mut self, time: u64) -> Vec<socket::Event> {
        self.now += millis(time);
        self.server.timeout(self.now);
        self.events()
    }

    /// What the client has got.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        loop {
            match self.server.engine_mut().transmit(self.channel) {
                Transmit::Frame(Frame::Text(text)) => sent.push(text.to_string()),
                Transmit::Frame(Frame::Binary(bytes)) => sent.push(format!("bytes {bytes:?}")),
                Transmit::Wait => return sent,
                Transmit::Close => {
                    sent.push("closed".into());
                    return sent;
                }
            }
        }
    }

    /// Connects the client to a namespace.
    pub(crate) fn connect(&mut self, name: &str) -> socket::Socket {
        let comma = if name == "/" { String::new() } else { format!("{name},") };
        let events = self.text(&format!("40{comma}"));
        let [socket::Event::Connect { socket, .. }] = &events[..] else { panic!("{events:?}") };
        self.server.accept(*socket, self.now).expect("accepted");
        let id = self.server.id(*socket).expect("an id").to_owned();
        assert_eq!(self.sent(), [format!("40{comma}{{\"sid\":\"{id}\"}}")]);
        *socket
    }
}
