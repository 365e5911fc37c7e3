//! A server of Socket.IO with recovery: any requests, messages, calls and times.

use std::collections::BTreeSet;
use std::time::Duration;

use arbitrary::Arbitrary;
use sockless_socketio::engine::{
    self, Begun, Body, Channel, Engine, Head, Output, RequestId, Transmit,
};
use sockless_socketio::socket::{
    Config, Event, Namespace, Payload, Recovery, ReplyTo, Server, Socket, Target,
};

#[derive(Arbitrary, Debug)]
enum Op {
    WebSocket { of: Option<u8> },
    Request { method: u8, of: Option<u8>, stamp: u8, body: Vec<u8> },
    Packets { of: u8, packets: Vec<Said> },
    Text { channel: u8, said: Said },
    Binary { channel: u8, bytes: Vec<u8> },
    Lost { request: bool, which: u8 },
    Wait(u16),
    Answer { accept: bool },
    Reply,
    Emit { socket: u8, volatile: bool, binary: bool, long: u16 },
    Ask { socket: u8, wait: u16 },
    Broadcast { room: u8, except: u8, volatile: bool },
    Room { socket: u8, room: u8, joins: bool },
    Hold { socket: u8, held: bool },
    Disconnect { socket: u8, all: bool },
    Stop,
}

/// What a client says, most of it sense.
#[derive(Arbitrary, Debug)]
enum Said {
    Connect { custom: bool, pid: Option<u8>, offset: Option<u8> },
    Event { custom: bool, id: Option<u8>, attachments: u8 },
    Ack { id: u8 },
    Leave,
    Pong,
    Probe,
    Upgrade,
    Close,
    Text(String),
}

const NAMES: [&str; 2] = ["/", "/c"];

impl Said {
    fn packet(&self, pids: &[String], offsets: &[String]) -> String {
        let comma = |custom: &bool| if *custom { "/c," } else { "" };
        match self {
            Self::Connect { custom, pid, offset } => {
                let of = |known: &[String], which: &u8| {
                    let chosen = known.get(usize::from(*which) % known.len().max(1));
                    chosen.cloned().unwrap_or_else(|| "x".into())
                };
                let mut data = serde_free(pid.as_ref().map(|pid| ("pid", of(pids, pid))));
                data.extend(serde_free(offset.as_ref().map(|at| ("offset", of(offsets, at)))));
                format!("40{}{{{}}}", comma(custom), data.join(","))
            }
            Self::Event { custom, id, attachments: 0 } => {
                let id = id.map(|id| id.to_string()).unwrap_or_default();
                format!("42{}{id}[\"e\",1]", comma(custom))
            }
            Self::Event { custom, attachments, .. } => {
                format!(
                    "45{}-{}[\"e\",{{\"_placeholder\":true,\"num\":0}}]",
                    attachments % 4,
                    comma(custom)
                )
            }
            Self::Ack { id } => format!("43{id}[]"),
            Self::Leave => "41".into(),
            Self::Pong => "3".into(),
            Self::Probe => "2probe".into(),
            Self::Upgrade => "5".into(),
            Self::Close => "1".into(),
            Self::Text(text) => text.clone(),
        }
    }
}

fn serde_free(pair: Option<(&str, String)>) -> Vec<String> {
    pair.into_iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect()
}

#[derive(Default)]
struct Known {
    channels: Vec<Channel>,
    reading: Vec<RequestId>,
    waiting: BTreeSet<RequestId>,
    sids: Vec<String>,
    pids: Vec<String>,
    offsets: Vec<String>,
    asking: Vec<Socket>,
    sockets: Vec<Socket>,
    replies: Vec<ReplyTo>,
}

type Entropy = Box<dyn FnMut() -> [u8; 16]>;

struct Run {
    server: Server<Entropy>,
    now: Duration,
    known: Known,
}

const QUEUE: usize = 16;
const EVENTS: usize = 8;
const CLIENTS: usize = 4;

pub fn check(data: &[u8]) {
    let Some(ops) = crate::input::<Vec<Op>>(data) else { return };
    let mut run = Run::new();
    for op in &ops {
        run.apply(op);
        run.settle();
    }
    run.apply(&Op::Stop);
    run.settle();
    for _ in 0..64 {
        run.apply(&Op::Wait(u16::MAX));
        run.settle();
    }
    let engine = run.server.engine();
    assert_eq!((engine.sessions(), run.server.sockets()), (0, 0), "it ends");
    assert_eq!(run.server.kept(), (0, 0), "nothing is kept for nobody");
    assert_eq!(run.server.deadline(), None);
    assert!(run.known.waiting.is_empty(), "every request is answered");
}

fn of<T: Clone>(known: &[T], which: u8) -> Option<T> {
    known.get(usize::from(which) % known.len().max(1)).cloned()
}

impl Run {
    fn new() -> Self {
        let millis = Duration::from_millis;
        let recovery = Recovery::default()
            .with_window(millis(5_000))
            .with_history(EVENTS, 4_096)
            .with_clients(CLIENTS, 4_096)
            .with_changes(3);
        let sockets = Config::default().with_recovery(recovery).with_acks(4);
        let engine = engine::Config::default()
            .with_ping(millis(300), millis(200))
            .with_queue(QUEUE, 4_096)
            .with_max_payload(1_000)
            .with_sessions(8);
        let mut count = 0_u128;
        let entropy: Entropy = Box::new(move || {
            count += 1;
            count.to_le_bytes()
        });
        let names = NAMES.into_iter().filter_map(Namespace::new);
        let server = Server::new(sockets, Engine::new(engine, entropy), names);
        Self { server, now: Duration::ZERO, known: Known::default() }
    }

    fn query(&self, transport: &str, of: Option<u8>, stamp: u8) -> String {
        let sid = of.and_then(|which| self::of(&self.known.sids, which));
        let sid = sid.map(|sid| format!("&sid={sid}")).unwrap_or_default();
        format!("EIO=4&transport={transport}&t={stamp}{sid}")
    }

    fn apply(&mut self, op: &Op) {
        let now = self.now;
        match op {
            Op::WebSocket { of } => {
                let query = self.query("websocket", *of, 0);
                let head = Head::new("GET", &query);
                if let Ok(channel) = self.server.engine_mut().begin_websocket(head, now) {
                    self.known.channels.push(channel);
                }
            }
            Op::Request { method, of, stamp, body } => {
                let method = ["GET", "POST", "PUT"][usize::from(*method) % 3];
                let query = self.query("polling", *of, *stamp);
                self.request(method, &query, Body::Whole(body.clone().into()));
            }
            Op::Packets { of, packets } => {
                let query = self.query("polling", Some(*of), packets.len() as u8);
                let packets: Vec<_> = packets.iter().map(|said| self.said(said)).collect();
                self.request("POST", &query, Body::Whole(packets.join("\x1e").into()));
            }
            Op::Text { channel, said } => {
                let text = self.said(said);
                if let Some(channel) = of(&self.known.channels, *channel) {
                    self.server.engine_mut().text(channel, &text, now);
                }
            }
            Op::Binary { channel, bytes } => {
                if let Some(channel) = of(&self.known.channels, *channel) {
                    self.server.engine_mut().binary(channel, bytes.clone().into(), now);
                }
            }
            Op::Lost { request: true, which } => {
                let waiting: Vec<_> = self.known.waiting.iter().copied().collect();
                if let Some(request) = of(&waiting, *which) {
                    self.known.waiting.remove(&request);
                    self.server.engine_mut().request_lost(request);
                }
            }
            Op::Lost { request: false, which } => {
                if let Some(channel) = of(&self.known.channels, *which) {
                    self.server.engine_mut().channel_lost(channel);
                }
            }
            Op::Wait(millis) => {
                self.now += Duration::from_millis((*millis).into());
                self.server.timeout(self.now);
                let deadline = self.server.deadline();
                assert!(deadline.is_none_or(|at| at > self.now), "what was due was done");
            }
            Op::Answer { accept } => {
                let Some(socket) = self.known.asking.pop() else { return };
                match accept {
                    true if self.server.accept(socket, now).is_ok() => {
                        self.known.sockets.push(socket);
                    }
                    true => {}
                    false => self.server.refuse(socket, "no", Some(&1), now).expect("JSON"),
                }
            }
            Op::Reply => {
                if let Some(reply) = self.known.replies.pop() {
                    let _ = self.server.reply(reply, Payload::new());
                }
            }
            Op::Emit { socket, volatile, binary, long } => {
                let Some(socket) = of(&self.known.sockets, *socket) else { return };
                let long = "x".repeat(usize::from(*long) % 2_000);
                let mut payload = Payload::new().with(&long).expect("JSON");
                if *binary {
                    payload.push_binary(vec![1]);
                }
                let _ = match volatile {
                    true => self.server.emit_volatile(socket, "e", payload),
                    false => self.server.emit(socket, "e", payload, now),
                };
            }
            Op::Ask { socket, wait } => {
                let Some(socket) = of(&self.known.sockets, *socket) else { return };
                let wait = Duration::from_millis((*wait).into());
                let _ = self.server.emit_with_ack(socket, "q", Payload::new(), wait, now);
            }
            Op::Broadcast { room, except, volatile } => {
                let mut target = Target::all(namespace(*room));
                if room % 3 > 0 {
                    target = target.to(&format!("r{}", room % 3));
                }
                if except % 3 > 0 {
                    target = target.except(&format!("r{}", except % 3));
                }
                let target = if *volatile { target.volatile() } else { target };
                let before = self.server.find(&target).len();
                let sent = self.server.broadcast(&target, "b", Payload::new(), now);
                let (sent, missed) = sent.expect("a name");
                assert_eq!(sent + missed, before, "everybody has got it or not");
            }
            Op::Room { socket, room, joins } => {
                let Some(socket) = of(&self.known.sockets, *socket) else { return };
                let room = format!("r{}", room % 3);
                match joins {
                    true => self.server.join(socket, &room),
                    false => self.server.leave(socket, &room),
                };
            }
            Op::Hold { socket, held } => {
                let Some(socket) = of(&self.known.sockets, *socket) else { return };
                if let Some(session) = self.server.session(socket) {
                    self.server.engine_mut().hold(session, *held, now);
                }
            }
            Op::Disconnect { socket, all } => {
                let Some(socket) = of(&self.known.sockets, *socket) else { return };
                match all {
                    true => self.server.close(socket, now),
                    false => self.server.disconnect(socket, now),
                }
            }
            Op::Stop => self.server.stop(now),
        }
    }

    fn said(&self, said: &Said) -> String {
        said.packet(&self.known.pids, &self.known.offsets)
    }

    fn request(&mut self, method: &str, query: &str, body: Body) {
        let engine = self.server.engine_mut();
        let mut begun = engine.begin(Head::new(method, query), self.now);
        if let Begun::Body(id, _) = begun {
            begun = engine.body(id, body, self.now);
        }
        match begun {
            Begun::Answer(answer) => assert!(answer.status() >= 200),
            Begun::Wait(id) => assert!(self.known.waiting.insert(id), "a number that is new"),
            Begun::Body(..) => panic!("the body was handed in"),
        }
    }

    fn settle(&mut self) {
        loop {
            if let Some(event) = self.server.event(self.now) {
                match event {
                    Event::Connect { socket, .. } => self.known.asking.push(socket),
                    Event::Message { reply: Some(reply), .. } => self.known.replies.push(reply),
                    Event::Disconnect { socket, .. } => {
                        self.known.sockets.retain(|its| *its != socket);
                        self.known.asking.retain(|its| *its != socket);
                    }
                    _ => {}
                }
            } else if let Some(output) = self.server.engine_mut().output() {
                match output {
                    Output::Answer(id, answer) => {
                        // One whose client is gone may still be answered.
                        self.known.waiting.remove(&id);
                        let body = String::from_utf8(answer.body().to_vec()).expect("text");
                        body.split('\x1e').for_each(|packet| self.learn(packet));
                    }
                    Output::Transmit(channel) => self.transmit(channel),
                    Output::Read(_) => {}
                }
            } else {
                break;
            }
        }
        let (events, clients) = self.server.kept();
        assert!(events <= EVENTS * NAMES.len() && clients <= CLIENTS, "{events}, {clients}");
    }

    fn transmit(&mut self, channel: Channel) {
        // What the protocol itself says has its place beside what may wait.
        for _ in 0..QUEUE + 64 {
            match self.server.engine_mut().transmit(channel) {
                Transmit::Frame(engine::Frame::Text(text)) => self.learn(&text),
                Transmit::Frame(engine::Frame::Binary(_)) => {}
                Transmit::Wait => return,
                Transmit::Close => return self.server.engine_mut().channel_lost(channel),
            }
        }
        panic!("more waits than may wait");
    }

    /// What a client gets to know.
    fn learn(&mut self, packet: &str) {
        let field = |name: &str| {
            let (_, rest) = packet.split_once(&format!("\"{name}\":\""))?;
            Some(rest.split('"').next()?.to_owned())
        };
        if packet.starts_with('0') {
            self.known.sids.extend(field("sid"));
        } else if packet.starts_with("40") {
            self.known.pids.extend(field("pid"));
        } else if packet.starts_with("42") {
            self.known.offsets.extend(packet.rsplit('"').nth(1).map(str::to_owned));
        }
    }
}

fn namespace(which: u8) -> Namespace {
    Namespace::new(NAMES[usize::from(which) % 2]).expect("a name")
}
