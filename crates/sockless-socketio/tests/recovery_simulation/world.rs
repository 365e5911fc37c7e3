//! The world: a server, the network, what the application does, and when. What a client remembers is in `client`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use sockless_socketio::engine::{
    self, Begun, Body, Channel, Engine, Frame, Head, Output, RequestId, Transmit,
};
use sockless_socketio::socket::{
    Config, EmitError, Event, Namespace, Payload, Recovery, Server, Socket, Target,
};

use crate::client::{Client, Told};
use crate::judge::{Judge, Limits};
use crate::seeds::Random;

const NAMES: [&str; 2] = ["/", "/custom"];
const ROOMS: [&str; 3] = ["a", "b", "c"];
const POLLING: &str = "EIO=4&transport=polling";
const WEBSOCKET: &str = "EIO=4&transport=websocket";
/// When cuts end, and when runs do.
const CALM: u64 = 2_500;
const END: u64 = 5_500;

type Entropy = Box<dyn FnMut() -> [u8; 16]>;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// What has been seen in runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) recoverable_runs: u64,
    pub(crate) recoverable: u64,
    pub(crate) recovered: u64,
    pub(crate) lost: u64,
    pub(crate) upgrades: u64,
    pub(crate) cuts: u64,
    pub(crate) events: u64,
    pub(crate) full: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, run: &Self) {
        self.recoverable_runs += run.recoverable_runs;
        self.recoverable += run.recoverable;
        self.recovered += run.recovered;
        self.lost += run.lost;
        self.upgrades += run.upgrades;
        self.cuts += run.cuts;
        self.events += run.events;
        self.full += run.full;
    }
}

/// A connection of a client, with all its transports. Its number goes up with each.
type Link = (usize, u64);

/// A request: its stamp, and whether it is a poll.
type Asked = (u64, bool);

#[derive(Clone, Debug)]
enum Happening {
    Open(Link),
    /// A request arrives, with its stamp, and with a body if it sends.
    Request(Link, u64, Option<String>),
    /// The answer to one does.
    Answer(Link, Asked, u16, String),
    /// A WebSocket is opened; then what arrives on it, for the server and for the client.
    Channel(Link),
    Up(Link, String),
    Down(Link, Option<Frame>),
    /// The server hears that a connection is gone.
    Noticed(Link),
    /// The client does.
    Cut(Link),
    Watch(Link),
    Accept(Socket, Link),
    Ask(Link, usize),
    Flow(Link),
    Act,
    Due,
}

/// What a client does with its transports.
#[derive(Debug)]
struct Transports {
    sid: Option<String>,
    websocket: bool,
    upgrades: bool,
    /// The stamps of the poll and of the request with a body that are waited for: no other answer is one to them.
    polls: Option<u64>,
    posts: Option<u64>,
    probing: Probing,
    waiting: VecDeque<String>,
    pinged: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Probing {
    No,
    /// Opened, and not answered.
    Asked,
    /// Answered: the poll that waits is waited for.
    Pausing,
}

#[derive(Debug)]
struct Peer {
    client: Client,
    link: u64,
    open: Option<Transports>,
}

pub(crate) struct World {
    random: Random,
    now: Duration,
    serial: u64,
    happenings: BTreeMap<(Duration, u64), Happening>,
    server: Server<Entropy>,
    observer: Channel,
    peers: Vec<Peer>,
    channels: HashMap<Link, Channel>,
    links: HashMap<Channel, Link>,
    requests: HashMap<RequestId, (Link, Asked)>,
    sids: HashMap<Link, String>,
    /// When the last message of a WebSocket arrives: none overtakes another. Until when nothing is sent on one.
    arrivals: HashMap<(Link, bool), Duration>,
    stalls: HashMap<Link, Duration>,
    /// Connections of which nothing more arrives, though it was sent.
    dropped: HashMap<Link, bool>,
    sockets: Vec<(Socket, usize)>,
    judge: Judge,
    limits: Limits,
    seen: Seen,
    number: u64,
    /// When the server's next deadline is looked at.
    due: Option<Duration>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let strict = !random.one_in(4);
        let events = random.of(4..60) as usize;
        let window = millis(random.of(300..2_000));
        let changes = random.of(1..20) as usize;
        let limits = Limits { window, events, changes, strict };
        let mut recovery = Recovery::default()
            .with_window(window)
            .with_history(events, 1 << 20)
            .with_changes(changes);
        let mut queue = 4_096;
        if !strict {
            recovery = recovery.with_clients(2, 40).with_history(events, 600);
            queue = random.of(4..24) as usize;
        }
        let engine = engine::Config::default()
            .with_ping(millis(400), millis(300))
            .with_queue(queue, 1 << 20);
        let mut count = seed << 32;
        let entropy: Entropy = Box::new(move || {
            count += 1;
            u128::from(count).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_le_bytes()
        });
        let names = NAMES.into_iter().filter_map(Namespace::new);
        let engine = Engine::new(engine, entropy);
        let mut server = Server::new(Config::default().with_recovery(recovery), engine, names);
        // One that is always there, so that no namespace is forgotten, and offsets count from the beginning.
        let now = Duration::ZERO;
        let head = Head::new("GET", WEBSOCKET);
        let observer = server.engine_mut().begin_websocket(head, now).expect("a WebSocket");
        for name in ["40", "40/custom,"] {
            server.engine_mut().text(observer, name, now);
            let Some(Event::Connect { socket, .. }) = server.event(now) else { panic!() };
            server.accept(socket, now).expect("accepted");
        }
        let peers = random.of(2..4);
        let peer = |_| Peer { client: Client::new(), link: 0, open: None };
        let mut world = Self {
            random,
            now,
            serial: 0,
            happenings: BTreeMap::new(),
            server,
            observer,
            peers: (0..peers).map(peer).collect(),
            channels: HashMap::new(),
            links: HashMap::new(),
            requests: HashMap::new(),
            sids: HashMap::new(),
            arrivals: HashMap::new(),
            stalls: HashMap::new(),
            dropped: HashMap::new(),
            sockets: Vec::new(),
            judge: Judge::new(limits.clone()),
            limits,
            seen: Seen::default(),
            number: 0,
            due: None,
        };
        for peer in 0..world.peers.len() {
            world.happens(0..100, Happening::Open((peer, 0)));
        }
        world.happens(0..50, Happening::Act);
        world
    }

    fn at(&mut self, at: Duration, happening: Happening) {
        self.serial += 1;
        self.happenings.insert((at, self.serial), happening);
    }

    fn happens(&mut self, within: std::ops::Range<u64>, happening: Happening) {
        let at = self.now + millis(self.random.of(within));
        self.at(at, happening);
    }

    fn is_calm(&self) -> bool {
        self.now >= millis(CALM)
    }

    pub(crate) fn run(mut self) -> Seen {
        let mut steps = 0;
        while let Some(((at, _), happening)) = self.happenings.pop_first() {
            if at >= millis(END) {
                break;
            }
            steps += 1;
            assert!(steps < 200_000, "it doesn't end");
            self.now = self.now.max(at);
            if self.server.deadline().is_some_and(|deadline| deadline <= self.now) {
                self.server.timeout(self.now);
                self.settle();
            }
            self.happen(happening);
            self.settle();
            if let Some(deadline) = self.server.deadline()
                && self.due.is_none_or(|due| due > deadline || due <= self.now)
            {
                let due = deadline.max(self.now + millis(1));
                self.due = Some(due);
                self.at(due, Happening::Due);
            }
            let (events, clients) = self.server.kept();
            assert!(events <= 2 * self.limits.events, "{events} events are kept");
            assert!(self.limits.strict || clients <= 2, "{clients} clients are remembered");
        }
        for (index, peer) in self.peers.iter().enumerate() {
            for (space, its) in peer.client.spaces.iter().enumerate() {
                assert!(
                    its.connected,
                    "client {index} is connected to {}: {:?}",
                    its.name, peer.open
                );
                self.judge.ends(index, space);
            }
        }
        let Judge { recoverable, recovered, lost, .. } = self.judge;
        let recoverable_runs = u64::from(recoverable > 0);
        Seen { recoverable_runs, recoverable, recovered, lost, ..self.seen }
    }

    /// Whether a client still has this connection.
    fn has(&self, (peer, link): Link) -> bool {
        self.peers[peer].link == link
    }

    /// Whether what was sent on a connection arrives, though the client has given it up.
    fn arrives(&mut self, link: Link) -> bool {
        let lost = self.random.one_in(2);
        self.has(link) || !*self.dropped.entry(link).or_insert(lost)
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Due => {}
            Happening::Act => self.act(),
            Happening::Open(link) => self.open(link),
            Happening::Request(link, stamp, body) if self.arrives(link) => {
                self.request(link, stamp, body);
            }
            Happening::Channel(link) if self.arrives(link) => self.open_channel(link),
            Happening::Up(link, text) if self.arrives(link) => {
                if let Some(channel) = self.channels.get(&link) {
                    self.server.engine_mut().text(*channel, &text, self.now);
                }
            }
            Happening::Answer(link, asked, status, body) if self.has(link) => {
                self.answered(link, asked, status, &body);
            }
            Happening::Down(link, Some(frame)) if self.has(link) => self.received(link, &frame),
            Happening::Down(link, None) if self.has(link) => {
                // The end of a WebSocket that isn't used yet is no harm.
                let probing = self.peers[link.0].open.as_mut().filter(|open| !open.websocket);
                match probing {
                    Some(open) => open.probing = Probing::No,
                    None => self.lost(link),
                }
                self.poll(link);
            }
            Happening::Noticed(link) => self.noticed(link),
            Happening::Cut(link) if self.has(link) => {
                self.seen.cuts += 1;
                self.lost(link);
            }
            Happening::Watch(link) if self.has(link) => {
                let pinged = self.peers[link.0].open.as_ref().map(|open| open.pinged);
                match pinged.filter(|pinged| self.now >= *pinged + millis(700)) {
                    Some(_) => self.lost(link),
                    None => self.happens(350..360, Happening::Watch(link)),
                }
            }
            Happening::Accept(socket, link) => self.accept(socket, link),
            Happening::Ask(link, space) if self.has(link) => {
                let packet = self.peers[link.0].client.ask(space);
                self.send(link, packet);
            }
            Happening::Flow(link) => {
                self.stalls.remove(&link);
                if let Some(channel) = self.channels.get(&link) {
                    self.transmit(*channel);
                }
            }
            _ => {}
        }
    }

    /// A client begins a connection.
    fn open(&mut self, link: Link) {
        let websocket = self.random.one_in(2);
        let upgrades = !websocket && !self.random.one_in(3);
        self.peers[link.0].open = Some(Transports {
            sid: None,
            websocket,
            upgrades,
            polls: None,
            posts: None,
            probing: Probing::No,
            waiting: VecDeque::new(),
            pinged: self.now,
        });
        match websocket {
            true => self.happens(1..40, Happening::Channel(link)),
            false => {
                let stamp = self.stamp();
                self.peers[link.0].open.as_mut().expect("open").polls = Some(stamp);
                self.happens(1..40, Happening::Request(link, stamp, None));
            }
        }
        self.happens(350..360, Happening::Watch(link));
        if !self.is_calm() && !self.random.one_in(5) {
            self.happens(50..1_500, Happening::Cut(link));
        }
        if !self.is_calm() && self.random.one_in(10) {
            // The server hears of an end that the client doesn't know of yet.
            self.happens(100..900, Happening::Noticed(link));
        }
    }

    /// The client has no connection any more.
    fn lost(&mut self, link: Link) {
        let peer = &mut self.peers[link.0];
        peer.client.closed();
        (peer.link, peer.open) = (link.1 + 1, None);
        let again = (link.0, link.1 + 1);
        let away = if self.is_calm() || !self.random.one_in(4) { 1..200 } else { 200..1_800 };
        self.happens(away, Happening::Open(again));
        if !self.random.one_in(3) {
            self.happens(0..300, Happening::Noticed(link));
        }
    }

    fn noticed(&mut self, link: Link) {
        if let Some(channel) = self.channels.remove(&link) {
            self.links.remove(&channel);
            self.server.engine_mut().channel_lost(channel);
            self.happens(1..300, Happening::Down(link, None));
        }
        let its: Vec<_> =
            self.requests.iter().filter(|(_, (its, _))| *its == link).map(|(id, _)| *id).collect();
        for request in its {
            self.requests.remove(&request);
            self.server.engine_mut().request_lost(request);
            self.happens(1..300, Happening::Cut(link));
        }
    }

    fn stamp(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A request arrives at the server.
    fn request(&mut self, link: Link, stamp: u64, body: Option<String>) {
        let sid = self.sids.get(&link).map(|sid| format!("&sid={sid}")).unwrap_or_default();
        let query = format!("{POLLING}&t={stamp}{sid}");
        let engine = self.server.engine_mut();
        let polls = body.is_none();
        let mut begun =
            engine.begin(Head::new(if polls { "GET" } else { "POST" }, &query), self.now);
        if let (Begun::Body(id, _), Some(body)) = (&begun, body) {
            begun = engine.body(*id, Body::Whole(body.into()), self.now);
        }
        match begun {
            Begun::Answer(answer) => self.answer(link, (stamp, polls), &answer),
            Begun::Wait(id) => drop(self.requests.insert(id, (link, (stamp, polls)))),
            Begun::Body(..) => unreachable!("it was handed in"),
        }
    }

    fn answer(&mut self, link: Link, asked: Asked, answer: &engine::Answer) {
        let body = String::from_utf8(answer.body().to_vec()).expect("text");
        if let (true, None, Some(hello)) = (asked.1, self.sids.get(&link), body.strip_prefix('0')) {
            let hello = hello.split('\x1e').next().expect("a packet");
            let hello: serde_json::Value = serde_json::from_str(hello).expect("JSON");
            self.sids.insert(link, hello["sid"].as_str().expect("an id").to_owned());
        }
        self.happens(1..40, Happening::Answer(link, asked, answer.status(), body));
    }

    fn open_channel(&mut self, link: Link) {
        let sid = self.sids.get(&link).map(|sid| format!("&sid={sid}")).unwrap_or_default();
        let query = format!("{WEBSOCKET}{sid}");
        let begun = self.server.engine_mut().begin_websocket(Head::new("GET", &query), self.now);
        match begun {
            Ok(channel) => {
                self.channels.insert(link, channel);
                self.links.insert(channel, link);
                if !sid.is_empty() {
                    self.on_channel(link, Happening::Up(link, "2probe".into()));
                }
                self.transmit(channel);
            }
            Err(_) => self.happens(1..40, Happening::Down(link, None)),
        }
    }

    /// What is sent on a WebSocket arrives after what was sent before.
    fn on_channel(&mut self, link: Link, happening: Happening) {
        let up = matches!(happening, Happening::Up(..));
        let soonest = self.arrivals.get(&(link, up)).copied().unwrap_or_default();
        let at = (self.now + millis(self.random.of(1..40))).max(soonest);
        self.arrivals.insert((link, up), at);
        self.at(at, happening);
    }

    fn transmit(&mut self, channel: Channel) {
        let Some(link) = self.links.get(&channel).copied() else { return };
        if self.stalls.contains_key(&link) {
            return;
        }
        // Where little may wait, more comes to wait.
        let seldom = if self.limits.strict { 60 } else { 4 };
        if !self.is_calm() && self.random.one_in(seldom) {
            let until = self.now + millis(self.random.of(50..1_000));
            self.stalls.insert(link, until);
            self.at(until, Happening::Flow(link));
            return;
        }
        loop {
            match self.server.engine_mut().transmit(channel) {
                Transmit::Frame(frame) => self.on_channel(link, Happening::Down(link, Some(frame))),
                Transmit::Wait => return,
                Transmit::Close => {
                    self.on_channel(link, Happening::Down(link, None));
                    self.channels.remove(&link);
                    self.links.remove(&channel);
                    self.server.engine_mut().channel_lost(channel);
                    return;
                }
            }
        }
    }

    /// Takes what comes out of the server.
    fn settle(&mut self) {
        loop {
            if let Some(event) = self.server.event(self.now) {
                self.take(event);
            } else if let Some(output) = self.server.engine_mut().output() {
                match output {
                    Output::Answer(id, answer) => {
                        if let Some((link, asked)) = self.requests.remove(&id) {
                            self.answer(link, asked, &answer);
                        }
                    }
                    Output::Transmit(channel) if channel == self.observer => self.observe(),
                    Output::Transmit(channel) => self.transmit(channel),
                    Output::Read(_) => {}
                }
            } else {
                return;
            }
        }
    }

    fn observe(&mut self) {
        while let Transmit::Frame(frame) = self.server.engine_mut().transmit(self.observer) {
            if frame == engine::Packet::Ping("").encode() {
                self.server.engine_mut().text(self.observer, "3", self.now);
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Connect { socket, namespace, .. } => {
                let space = usize::from(!namespace.is_main());
                let session = self.server.session(socket).expect("it has just come");
                let sid = self.server.engine().sid(session).expect("an id").to_owned();
                let by_channel = self.links.iter().find(|(channel, _)| {
                    self.server.engine().session_of_channel(**channel) == Some(session)
                });
                let by_sid =
                    || self.sids.iter().find(|(_, its)| **its == sid).map(|(link, _)| *link);
                let link = by_channel.map(|(_, link)| *link).or_else(by_sid).expect("a link");
                self.judge.asks(socket, link.0, space, self.now);
                self.sockets.push((socket, space));
                self.happens(0..60, Happening::Accept(socket, link));
            }
            Event::Disconnect { socket, reason } => {
                self.judge.gone(socket, reason.is_recoverable(), self.now);
                self.sockets.retain(|(its, _)| *its != socket);
            }
            _ => {}
        }
    }

    fn accept(&mut self, socket: Socket, link: Link) {
        let Some(namespace) = self.server.namespace(socket) else { return };
        let space = usize::from(!namespace.is_main());
        if !self.is_calm() && self.random.one_in(15) {
            self.judge.refused(socket);
            self.server.refuse::<()>(socket, "no", None, self.now).expect("JSON");
            self.sockets.retain(|(its, _)| *its != socket);
        } else if self.server.accept(socket, self.now).is_ok() {
            let recovered = self.server.is_recovered(socket);
            let position = self.peers[link.0].client.spaces[space].position;
            self.judge.accepted(socket, link.1, position, recovered, self.now);
        }
    }

    /// The application does something.
    fn act(&mut self) {
        if !self.is_calm() {
            self.happens(1..60, Happening::Act);
        }
        self.number += 1;
        let number = self.number;
        let space = usize::from(self.random.one_in(3));
        let there: Vec<_> = self
            .sockets
            .iter()
            .filter(|(_, its)| *its == space)
            .map(|(socket, _)| *socket)
            .collect();
        let one = (!there.is_empty()).then(|| there[self.random.next() as usize % there.len()]);
        let room = ROOMS[self.random.of(0..3) as usize];
        let mut payload = Payload::new().with(&number).expect("JSON");
        match self.random.of(0..4) {
            0 => payload.push_binary(vec![0; 8]),
            1 => payload.push("a string").expect("JSON"),
            _ => {}
        }
        let all = Target::all(Namespace::new(NAMES[space]).expect("a name"));
        let now = self.now;
        self.seen.events += 1;
        match (self.random.of(0..20), one) {
            (0..4, _) => self.broadcast(all, space, payload, |_, _| true),
            (4..8, _) => {
                let target = all.to(room);
                self.broadcast(target, space, payload, move |rooms, _| rooms.contains(room));
            }
            (8..10, _) => {
                let target = all.except(room);
                self.broadcast(target, space, payload, move |rooms, _| !rooms.contains(room));
            }
            (10, Some(one)) if self.server.rooms(one).next().is_some() => {
                let target = all.except_socket(one);
                self.broadcast(target, space, payload, move |_, its| its != Some(one));
            }
            (11..14, Some(one)) => {
                let sent = self.server.emit(one, "kept", payload, now);
                match sent {
                    Ok(()) => self.judge.sent(space, number, now, |_, its| its == Some(one)),
                    Err(error) => self.seen.full += u64::from(error == EmitError::Full),
                }
            }
            (14, Some(one)) => {
                let _ = self.server.emit_volatile(one, "volatile", payload);
            }
            (15, _) => {
                let _ = self.server.broadcast(&all.volatile(), "volatile", payload, now);
            }
            (16, Some(one)) => {
                let _ = self.server.emit_with_ack(one, "asked", payload, millis(300), now);
            }
            (17, Some(one)) if self.random.one_in(6) => self.server.disconnect(one, now),
            (17..20, Some(one)) => {
                if self.server.join(one, room) {
                    self.judge.moved(one, room, true);
                } else if self.server.leave(one, room) {
                    self.judge.moved(one, room, false);
                }
            }
            _ => {}
        }
    }

    fn broadcast(
        &mut self,
        target: Target,
        space: usize,
        payload: Payload,
        to: impl Fn(&std::collections::BTreeSet<&'static str>, Option<Socket>) -> bool,
    ) {
        let sent = self.server.broadcast(&target, "kept", payload, self.now);
        self.seen.full += sent.expect("a name").1 as u64;
        self.judge.sent(space, self.number, self.now, to);
    }

    /// A client sends a message.
    fn send(&mut self, link: Link, packet: String) {
        let Some(open) = &mut self.peers[link.0].open else { return };
        if open.websocket {
            return self.on_channel(link, Happening::Up(link, packet));
        }
        open.waiting.push_back(packet);
        self.post(link);
    }

    /// Sends what waits, if nothing is on its way.
    fn post(&mut self, link: Link) {
        let Some(open) = &mut self.peers[link.0].open else { return };
        if open.posts.is_some() || open.waiting.is_empty() || open.probing == Probing::Pausing {
            return;
        }
        let body: Vec<_> = open.waiting.drain(..).collect();
        let stamp = self.stamp();
        self.peers[link.0].open.as_mut().expect("open").posts = Some(stamp);
        let request = Happening::Request(link, stamp, Some(body.join("\x1e")));
        self.doubled(request.clone());
        self.happens(1..40, request);
    }

    fn poll(&mut self, link: Link) {
        if !self.has(link) {
            return;
        }
        let Some(open) = &mut self.peers[link.0].open else { return };
        let idle = open.polls.is_none() && !open.websocket && open.sid.is_some();
        if !idle || open.probing == Probing::Pausing {
            return;
        }
        let stamp = self.stamp();
        self.peers[link.0].open.as_mut().expect("open").polls = Some(stamp);
        self.doubled(Happening::Request(link, stamp, None));
        self.happens(1..40, Happening::Request(link, stamp, None));
    }

    /// Something on the way sends a request twice.
    fn doubled(&mut self, request: Happening) {
        if !self.is_calm() && self.random.one_in(200) {
            self.happens(1..40, request);
        }
    }

    fn answered(&mut self, link: Link, (stamp, polls): Asked, status: u16, body: &str) {
        let Some(open) = &mut self.peers[link.0].open else { return };
        let waits = if polls { &mut open.polls } else { &mut open.posts };
        if *waits != Some(stamp) {
            return;
        }
        *waits = None;
        if status != 200 {
            return self.lost(link);
        }
        match polls {
            false => {}
            true => {
                for packet in body.split('\x1e') {
                    match packet.strip_prefix('b') {
                        Some(_) => self.received(link, &Frame::Binary(Vec::new().into())),
                        None => self.received(link, &Frame::Text(packet.into())),
                    }
                    if !self.has(link) {
                        return;
                    }
                }
            }
        }
        self.change_over(link);
        self.post(link);
        self.poll(link);
    }

    /// The client uses its WebSocket once nothing of polling is on its way.
    fn change_over(&mut self, link: Link) {
        let Some(open) = &mut self.peers[link.0].open else { return };
        if open.probing != Probing::Pausing || open.polls.is_some() || open.posts.is_some() {
            return;
        }
        (open.probing, open.websocket) = (Probing::No, true);
        let waiting = std::mem::take(&mut open.waiting);
        self.seen.upgrades += 1;
        self.on_channel(link, Happening::Up(link, "5".into()));
        waiting.into_iter().for_each(|packet| self.on_channel(link, Happening::Up(link, packet)));
    }

    /// A packet of Engine.IO arrives at a client.
    fn received(&mut self, link: Link, frame: &Frame) {
        let Frame::Text(text) = frame else {
            let told = self.peers[link.0].client.binary();
            return self.told(link, told);
        };
        let Some(open) = &mut self.peers[link.0].open else { return };
        match text.as_bytes()[0] {
            b'0' => {
                let sid = serde_json::from_str::<serde_json::Value>(&text[1..]).expect("JSON");
                open.sid = sid["sid"].as_str().map(str::to_owned);
                let upgrades = open.upgrades;
                for space in 0..2 {
                    self.happens(0..30, Happening::Ask(link, space));
                }
                if upgrades {
                    self.peers[link.0].open.as_mut().expect("open").probing = Probing::Asked;
                    self.happens(1..200, Happening::Channel(link));
                }
            }
            b'1' => self.lost(link),
            b'2' => {
                open.pinged = self.now;
                self.send(link, "3".into());
            }
            b'3' if open.probing == Probing::Asked => {
                open.probing = Probing::Pausing;
                self.change_over(link);
            }
            b'4' => {
                let told = self.peers[link.0].client.text(&text[1..]);
                self.told(link, told);
            }
            _ => {}
        }
    }

    fn told(&mut self, link: Link, told: Told) {
        match told {
            Told::Connected { space, recovered, .. } => {
                self.judge.connected(link.0, space, link.1, recovered);
            }
            Told::Event { space, number, kind, answer } => {
                match kind.as_str() {
                    "kept" => self.judge.got(link.0, space, number),
                    _ => self.judge.got_once(link.0, number),
                }
                if let Some(id) = answer {
                    let comma = if space == 0 { "" } else { "/custom," };
                    self.send(link, format!("43{comma}{id}[]"));
                }
            }
            Told::Out(space) => self.happens(10..300, Happening::Ask(link, space)),
            Told::Nothing => {}
        }
    }
}
