//! Servers, a broker in memory between them, and clients on WebSockets. Nothing is lost or late unless a story says so.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use sockless_channels::{Answer, Broker, Command, Push, Request};
use sockless_socketio::Entropy;
use sockless_socketio::engine::{self, Channel, Engine, Head, Output, Transmit};
use sockless_socketio::socket::cluster::Cluster;
use sockless_socketio::socket::{
    Config, Event, Namespace, Payload, Recovery, Server, Socket, Target,
};

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Numbers instead of random bytes; each server has others.
pub(crate) struct Counting(u128);

impl Entropy for Counting {
    fn bytes(&mut self) -> [u8; 16] {
        self.0 += 1;
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_le_bytes()
    }
}

/// A server, and what of the network is its.
pub(crate) struct Node {
    pub(crate) server: Server<Counting>,
    fed: BTreeSet<String>,
    /// Whether it reaches the broker.
    reaches: bool,
    events: Vec<Event>,
}

pub(crate) struct Net {
    pub(crate) broker: Broker,
    pub(crate) nodes: Vec<Option<Node>>,
    pub(crate) now: Duration,
    recovery: Recovery,
    dynamic: bool,
    started: u128,
}

/// A client, and what it keeps over its connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    pub(crate) at: Option<(usize, Channel)>,
    pub(crate) socket: Option<Socket>,
    pub(crate) sid: String,
    pub(crate) pid: String,
    pub(crate) offset: Option<String>,
}

impl Net {
    pub(crate) fn new(servers: usize) -> Self {
        Self::with(servers, Recovery::default().with_window(millis(10_000)))
    }

    /// Servers where any namespace may be asked for.
    pub(crate) fn dynamic(servers: usize) -> Self {
        let mut net = Self::new(0);
        net.dynamic = true;
        for at in 0..servers {
            net.nodes.push(None);
            net.start(at);
        }
        net
    }

    pub(crate) fn with(servers: usize, recovery: Recovery) -> Self {
        let broker = Broker::new(Cluster::retention(&recovery), usize::MAX);
        let mut net = Self {
            broker,
            nodes: Vec::new(),
            now: Duration::ZERO,
            recovery,
            dynamic: false,
            started: 0,
        };
        for _ in 0..servers {
            net.nodes.push(None);
            net.start(net.nodes.len() - 1);
        }
        net
    }

    /// Starts a server in this place.
    pub(crate) fn start(&mut self, at: usize) {
        self.started += 1;
        let entropy = Counting(self.started << 64);
        let engine = engine::Config::default().with_ping(millis(3_600_000), millis(3_600_000));
        let engine = Engine::new(engine, entropy);
        let names = ["/", "/custom"].into_iter().filter_map(Namespace::new);
        let config = Config::default().with_recovery(self.recovery);
        let node = sockless_channels::Config::default()
            .with_patience(millis(1_500))
            .with_audit(millis(2_000))
            .with_persistence(millis(4_000))
            .with_backoff(millis(20), millis(100));
        let settings = Cluster::default()
            .with_node(node)
            .with_patience(millis(1_000))
            .with_silence(millis(3_000));
        let mut server = Server::new(config, engine, names);
        if self.dynamic {
            server = server.with_dynamic_namespaces();
        }
        let server = server.with_cluster(settings, self.now);
        self.nodes[at] =
            Some(Node { server, fed: BTreeSet::new(), reaches: true, events: Vec::new() });
        self.settle();
    }

    /// The server dies: nothing more comes of it, and its clients' connections end.
    pub(crate) fn kill(&mut self, at: usize) {
        self.nodes[at] = None;
    }

    /// The server and the broker don't reach each other any more, or do again.
    pub(crate) fn cut_off(&mut self, at: usize, cut: bool) {
        let now = self.now;
        let node = self.node(at);
        node.reaches = !cut;
        node.fed.clear();
        node.server.channels_mut().expect("a cluster").disconnected(now);
        self.settle();
    }

    pub(crate) fn node(&mut self, at: usize) -> &mut Node {
        self.nodes[at].as_mut().expect("it lives")
    }

    pub(crate) fn server(&mut self, at: usize) -> &mut Server<Counting> {
        &mut self.node(at).server
    }

    /// Carries everything until nothing moves any more.
    pub(crate) fn settle(&mut self) {
        for _ in 0..1_000 {
            let mut moved = false;
            for at in 0..self.nodes.len() {
                moved |= self.carry(at);
            }
            if !moved {
                return;
            }
        }
        panic!("it doesn't come to rest");
    }

    fn carry(&mut self, at: usize) -> bool {
        let now = self.now;
        let Some(node) = &mut self.nodes[at] else { return false };
        let mut moved = false;
        while let Some(event) = node.server.event(now) {
            moved = true;
            node.events.push(event);
        }
        while let Some(output) = node.server.engine_mut().output() {
            moved |= matches!(output, Output::Answer(..));
        }
        while let Some(command) =
            self.nodes[at].as_mut().and_then(|its| its.server.channels_mut()?.command(now))
        {
            moved = true;
            self.command(at, command);
        }
        moved
    }

    fn command(&mut self, at: usize, command: Command) {
        let now = self.now;
        let node = self.nodes[at].as_mut().expect("it lives");
        let channels = node.server.channels_mut().expect("a cluster");
        match command {
            Command::Connect if node.reaches => channels.connected(),
            Command::Connect => channels.disconnected(now),
            Command::Disconnect => node.fed.clear(),
            Command::Send(..) if !node.reaches => {}
            Command::Send(id, request) => {
                let (answer, pushes) = self.broker.execute(&request, now);
                match (&request, &answer) {
                    (Request::Subscribe { channel }, Answer::Done) => {
                        node.fed.insert(channel.to_string());
                    }
                    (Request::Unsubscribe { channel }, _) => {
                        node.fed.remove(&**channel);
                    }
                    _ => {}
                }
                channels.answer(id, answer, now);
                self.push(&pushes);
            }
        }
    }

    fn push(&mut self, pushes: &[Push]) {
        for node in self.nodes.iter_mut().flatten().filter(|node| node.reaches) {
            for push in pushes.iter().filter(|push| node.fed.contains(&**push.channel())) {
                node.server.channels_mut().expect("a cluster").push(push.clone(), self.now);
            }
        }
    }

    /// Time passes, in steps.
    pub(crate) fn wait(&mut self, time: u64) {
        let until = self.now + millis(time);
        while self.now < until {
            self.now = until.min(self.now + millis(10));
            let pushes = self.broker.timeout(self.now);
            self.push(&pushes);
            let now = self.now;
            self.nodes.iter_mut().flatten().for_each(|node| node.server.timeout(now));
            self.settle();
        }
    }

    /// What has happened at a server.
    pub(crate) fn events(&mut self, at: usize) -> Vec<Event> {
        self.settle();
        std::mem::take(&mut self.node(at).events)
    }

    /// A client connects to a server, says what it has kept, and is accepted. What it gets then comes back.
    pub(crate) fn connect(&mut self, at: usize, client: &mut Client) -> Vec<Vec<Value>> {
        self.connect_to(at, client, "/")
    }

    pub(crate) fn connect_to(
        &mut self,
        at: usize,
        client: &mut Client,
        name: &str,
    ) -> Vec<Vec<Value>> {
        let socket = self.ask(at, client, name);
        let now = self.now;
        self.server(at).accept(socket, now).expect("it can be accepted");
        self.settle();
        self.got(client)
    }

    /// A client connects to a server and asks for a namespace.
    pub(crate) fn ask(&mut self, at: usize, client: &mut Client, name: &str) -> Socket {
        let now = self.now;
        let engine = self.server(at).engine_mut();
        let head = Head::new("GET", "EIO=4&transport=websocket");
        let channel = engine.begin_websocket(head, now).expect("a WebSocket");
        client.at = Some((at, channel));
        self.settle();
        self.frames(client);
        let comma = if name == "/" { String::new() } else { format!("{name},") };
        let offset = client.offset.as_ref().map(|offset| format!(",\"offset\":{offset:?}"));
        let claim = match client.pid.is_empty() {
            true => String::new(),
            false => format!("{{\"pid\":{:?}{}}}", client.pid, offset.unwrap_or_default()),
        };
        self.say(client, &format!("40{comma}{claim}"));
        let asks = |event: &Event| match event {
            Event::Connect { socket, .. } => Some(*socket),
            _ => None,
        };
        for _ in 0..200 {
            let socket = self.node(at).events.iter().rev().find_map(asks);
            if let Some(socket) = socket {
                self.node(at).events.retain(|event| asks(event).is_none());
                client.socket = Some(socket);
                return socket;
            }
            self.wait(10);
        }
        panic!("the application doesn't hear of it");
    }

    /// A client sends a message.
    pub(crate) fn say(&mut self, client: &Client, text: &str) {
        let (at, channel) = client.at.expect("it is connected");
        let now = self.now;
        self.server(at).engine_mut().text(channel, text, now);
        self.settle();
    }

    /// A client's connection ends, and its server notices that or doesn't.
    pub(crate) fn cut(&mut self, client: &mut Client, noticed: bool) {
        let (at, channel) = client.at.take().expect("it is connected");
        if noticed && self.nodes[at].is_some() {
            self.server(at).engine_mut().channel_lost(channel);
        }
        self.settle();
    }

    fn frames(&mut self, client: &Client) -> Vec<String> {
        self.settle();
        let Some((at, channel)) = client.at else { return Vec::new() };
        let Some(node) = &mut self.nodes[at] else { return Vec::new() };
        let mut sent = Vec::new();
        loop {
            match node.server.engine_mut().transmit(channel) {
                Transmit::Frame(engine::Frame::Text(text)) => sent.push(text.to_string()),
                Transmit::Frame(engine::Frame::Binary(_)) => {}
                Transmit::Wait => return sent,
                Transmit::Close => {
                    sent.push("closed".into());
                    node.server.engine_mut().channel_lost(channel);
                    return sent;
                }
            }
        }
    }

    /// What a client gets: events, as arrays without the position; and what else there is, as a string.
    pub(crate) fn got(&mut self, client: &mut Client) -> Vec<Vec<Value>> {
        let frames = self.frames(client);
        let mut got = Vec::new();
        for frame in frames {
            let rest = frame.strip_prefix("4").unwrap_or(&frame);
            let kind = rest.as_bytes()[0];
            // The namespace, if it isn't the main one.
            let text = match rest[1..].split_once(',') {
                Some((name, rest)) if name.starts_with('/') => rest,
                _ => &rest[1..],
            };
            match kind {
                b'0' => {
                    let json: Value = serde_json::from_str(text).expect("JSON");
                    client.sid = json["sid"].as_str().expect("an id").into();
                    client.pid = json["pid"].as_str().expect("a private id").into();
                }
                b'2' if text.starts_with('[') => {
                    let mut event: Vec<Value> = serde_json::from_str(text).expect("JSON");
                    let offset = event.pop().expect("a position");
                    client.offset = Some(offset.as_str().expect("a position").into());
                    got.push(event);
                }
                _ => got.push(vec![Value::String(frame)]),
            }
        }
        got
    }

    /// The names of the events that a client gets, and what else there is as it is.
    pub(crate) fn names(&mut self, client: &mut Client) -> Vec<String> {
        names(&self.got(client))
    }

    pub(crate) fn broadcast(&mut self, at: usize, target: &Target, name: &str) {
        let now = self.now;
        self.server(at).broadcast(target, name, Payload::new(), now).expect("sent");
        self.settle();
    }

    pub(crate) fn is_recovered(&mut self, client: &Client) -> bool {
        let (at, _) = client.at.expect("it is connected");
        let socket = client.socket.expect("a socket");
        self.server(at).is_recovered(socket)
    }
}

pub(crate) fn names(got: &[Vec<Value>]) -> Vec<String> {
    got.iter().map(|event| event[0].as_str().expect("a name").to_owned()).collect()
}

pub(crate) fn all() -> Target {
    Target::all(Namespace::main())
}
