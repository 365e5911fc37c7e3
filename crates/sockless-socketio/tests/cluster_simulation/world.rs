//! Servers, clients, the broker and what lies between them: what happens when. What goes wrong is in `trouble`, what applications do in `acting`.

mod acting;
mod clients;
mod trouble;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use sockless_channels::{Answer, Broker, Command, Position, Push, Request};
use sockless_socketio::engine::{self, Channel, Engine, Output};
use sockless_socketio::socket::cluster::Cluster;
use sockless_socketio::socket::{Config, Event, Namespace, Recovery, Server, Socket};

use crate::client::Client;
use crate::entry::{entry, record_at};
use crate::judge::Judge;
use crate::link::{Faults, Link};
use crate::seeds::Random;

pub(crate) const NAMES: [&str; 2] = ["/", "/custom"];
pub(crate) const ROOMS: [&str; 3] = ["a", "b", "c"];
/// When trouble ends, when runs may end, and when they have to: a server that reads slowly needs its time for what it has missed.
const STORM: Duration = Duration::from_secs(8);
const END: Duration = Duration::from_secs(15);
const LAST: Duration = Duration::from_secs(90);
/// No run needs as many turns.
const TURNS: usize = 300_000;

type Entropy = Box<dyn FnMut() -> [u8; 16]>;

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// What a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Servers die and connections are cut.
    Deaths,
    /// The same, and the ways to the broker fail; the history stays whole.
    Whole,
    /// The same, and the history is short, or somebody trims it.
    Short,
    /// The same, and the broker forgets, is restored, and fails over.
    Forgetful,
}

/// What has been seen in runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) recoverable_runs: u64,
    /// Clients that were recovered; none could have been and wasn't.
    pub(crate) recovered: u64,
    /// By another server than the one that they were at.
    pub(crate) elsewhere: u64,
    /// Clients that came back and couldn't be recovered.
    pub(crate) lost: u64,
    pub(crate) deaths: u64,
    pub(crate) cuts: u64,
    pub(crate) events: u64,
    pub(crate) epochs: u64,
    pub(crate) unsent: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, run: &Self) {
        self.recoverable_runs += u64::from(run.recovered > 0);
        self.recovered += run.recovered;
        self.elsewhere += run.elsewhere;
        self.lost += run.lost;
        self.deaths += run.deaths;
        self.cuts += run.cuts;
        self.events += run.events;
        self.epochs += run.epochs;
        self.unsent += run.unsent;
    }
}

/// A server in one of its lives.
struct Process {
    life: u64,
    server: Server<Entropy>,
    transmits: BTreeSet<Channel>,
}

/// A socket as the run knows it.
#[derive(Clone, Debug)]
struct Known {
    client: usize,
    space: usize,
    channel: Channel,
    accepted: bool,
    asked: Duration,
    /// The private id and the last position with which its client has come.
    claim: Option<(String, Option<Position>)>,
}

/// A connection of a client.
#[derive(Debug)]
struct Wire {
    server: usize,
    life: u64,
    channel: Channel,
    up: VecDeque<(Duration, String)>,
    down: VecDeque<(Duration, Option<String>)>,
}

#[derive(Debug)]
struct Peer {
    client: Client,
    wire: Option<Wire>,
    /// When it connects, if it isn't connected.
    opens: Duration,
    /// When it is cut.
    ends: Duration,
    /// When it asks for a namespace.
    asks: Vec<(Duration, usize)>,
    /// At which server it was last, in each namespace.
    last: [Option<(usize, u64)>; 2],
    /// When it has asked for each namespace.
    asked: [Option<Duration>; 2],
}

pub(crate) struct World {
    class: Class,
    random: Random,
    now: Duration,
    faults: Faults,
    recovery: Recovery,
    settings: Cluster,
    broker: Broker,
    snapshot: Broker,
    run: u64,
    /// Until when the broker can't be reached.
    down: Duration,
    processes: Vec<Option<Process>>,
    links: Vec<Link>,
    starts: Vec<Duration>,
    lives: u64,
    peers: Vec<Peer>,
    /// Whose connection a WebSocket is.
    channels: HashMap<(u64, Channel), usize>,
    sockets: BTreeMap<(u64, Socket), Known>,
    /// What was accepted on a WebSocket, in order, until it is sent.
    accepted: HashMap<(u64, Channel, usize), VecDeque<(Position, bool)>>,
    /// Ends of connections that servers notice later.
    noticed: Vec<(Duration, usize, u64, Channel)>,
    acts: Duration,
    troubles: Duration,
    judge: Judge,
    seen: Seen,
    number: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let classes = [
            Class::Deaths,
            Class::Whole,
            Class::Whole,
            Class::Short,
            Class::Short,
            Class::Forgetful,
        ];
        let class = classes[random.of(0..6) as usize];
        let events = match class {
            Class::Short => random.of(4..60) as usize,
            _ => 10_000,
        };
        let recovery = Recovery::default()
            .with_window(millis(random.of(1_500..8_000)))
            .with_history(events, 1 << 20);
        let faults = match class {
            Class::Deaths => Faults { delay: 30, ..Faults::default() },
            _ => Faults {
                delay: [2, 30, 150][random.of(0..3) as usize],
                lost: [0, 3, 20][random.of(0..3) as usize],
                doubled: [0, 5][random.of(0..2) as usize],
            },
        };
        let page = 1 + random.of(0..12) as usize;
        let node = sockless_channels::Config::default()
            .with_window(12 + random.of(0..40) as usize)
            .with_page(page, 1 << 16)
            .with_patience(millis(1_500))
            .with_persistence(Duration::from_secs(60))
            .with_audit(millis(1_000))
            .with_grace(millis(100))
            .with_backoff(millis(20), millis(300));
        let settings = Cluster::default()
            .with_node(node)
            .with_patience(Duration::from_secs(3_600))
            .with_silence(millis(3_000))
            .with_returning(1 + random.of(0..4) as usize);
        let broker = Broker::new(Cluster::retention(&recovery), usize::MAX);
        let servers = 2 + random.of(0..2) as usize;
        let mut world = Self {
            class,
            now: Duration::ZERO,
            faults,
            recovery,
            settings,
            snapshot: broker.clone(),
            broker,
            run: 0,
            down: Duration::ZERO,
            processes: Vec::new(),
            links: Vec::new(),
            starts: Vec::new(),
            lives: seed << 20,
            peers: Vec::new(),
            channels: HashMap::new(),
            sockets: BTreeMap::new(),
            accepted: HashMap::new(),
            noticed: Vec::new(),
            acts: Duration::ZERO,
            troubles: millis(random.of(200..800)),
            judge: Judge::default(),
            seen: Seen::default(),
            number: 0,
            random,
        };
        for at in 0..servers {
            world.processes.push(None);
            world.links.push(Link::default());
            world.starts.push(Duration::ZERO);
            world.start(at);
        }
        for _ in 0..2 + world.random.of(0..3) {
            let opens = millis(world.random.of(1..200));
            let client = Client::default();
            let asks = Vec::new();
            let ends = Duration::MAX;
            let (last, asked) = ([None, None], [None, None]);
            world.peers.push(Peer { client, wire: None, opens, ends, asks, last, asked });
        }
        world
    }

    fn start(&mut self, at: usize) {
        self.lives += 1;
        let mut count = self.lives << 24;
        let entropy: Entropy = Box::new(move || {
            count += 1;
            u128::from(count).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_le_bytes()
        });
        let engine = engine::Config::default().with_ping(millis(400), millis(300));
        let engine = Engine::new(engine, entropy);
        let names = NAMES.into_iter().filter_map(Namespace::new);
        let config = Config::default().with_recovery(self.recovery);
        let server =
            Server::new(config, engine, names).with_cluster(self.settings.clone(), self.now);
        let (life, transmits) = (self.lives, BTreeSet::new());
        self.processes[at] = Some(Process { life, server, transmits });
    }

    fn is_calm(&self) -> bool {
        self.now >= STORM
    }

    pub(crate) fn run(mut self) -> Seen {
        let mut turns = 0;
        while self.now < END || self.now < LAST && !self.is_settled() {
            turns += 1;
            assert!(turns < TURNS, "{:?}: the run doesn't end", self.class);
            self.turn();
        }
        self.ends();
        self.seen
    }

    /// Whether all clients are connected and have all that is for them.
    fn is_settled(&self) -> bool {
        self.peers.iter().enumerate().all(|(index, peer)| {
            peer.client.spaces.iter().enumerate().all(|(space, its)| {
                let life = self.judge.believed.get(&(index, space));
                let now = self.broker.kept(&format!("e:{}", NAMES[space])).map(|its| its.0.epoch());
                its.connected
                    && life.zip(self.state_of(index, space)).is_some_and(|(life, state)| {
                        Some(self.judge.lives[*life].since.epoch()) == now
                            && self.judge.has_all(*life, space, state)
                    })
            })
        })
    }

    /// Everything flows, and everybody has everything.
    fn ends(&mut self) {
        for (index, peer) in self.peers.iter().enumerate() {
            for (space, its) in peer.client.spaces.iter().enumerate() {
                assert!(its.connected, "{:?}: client {index} isn't in {space}", self.class);
                let life = self.judge.believed[&(index, space)];
                self.judge.check(life, space, true);
                let epoch =
                    self.broker.kept(&format!("e:{}", NAMES[space])).map(|its| its.0.epoch());
                let since = self.judge.lives[life].since;
                assert_eq!(Some(since.epoch()), epoch, "client {index} is where nothing comes");
                let (rooms, data) = self.state_of(index, space).expect("it has a socket");
                let end = Position::new(since.epoch(), u64::MAX);
                self.judge.recovered(life, space, end, rooms, data);
            }
        }
    }

    /// The rooms of a client that is connected, and what was put to it.
    fn state_of(&self, index: usize, space: usize) -> Option<(BTreeSet<String>, Option<String>)> {
        let wire = self.peers[index].wire.as_ref()?;
        let server = &self.processes[wire.server].as_ref()?.server;
        let socket = self.sockets.iter().find(|((life, _), known)| {
            let its = (known.client, known.space, known.channel);
            *life == wire.life && its == (index, space, wire.channel) && known.accepted
        });
        let ((_, socket), _) = socket?;
        let rooms = server.rooms(*socket).map(str::to_owned).collect();
        Some((rooms, server.data(*socket).map(str::to_owned)))
    }

    /// Moves everything that can move now, then the time.
    fn turn(&mut self) {
        self.trouble();
        if self.broker.deadline().is_some_and(|at| at <= self.now) {
            let pushes = self.broker.timeout(self.now);
            self.spread(&pushes);
        }
        self.notice();
        for index in 0..self.peers.len() {
            self.move_client(index);
        }
        for at in 0..self.processes.len() {
            self.carry(at);
        }
        if self.now >= self.acts && !self.is_calm() {
            self.act();
            self.acts = self.now + millis(self.random.of(1..80));
        }
        for at in 0..self.processes.len() {
            self.carry(at);
        }
        let mut next = if self.now < END { END } else { LAST };
        let soonest = self.now + millis(1);
        let mut consider = |at: Duration| next = next.min(at.max(soonest));
        self.broker.deadline().into_iter().for_each(&mut consider);
        for (at, process) in self.processes.iter().enumerate() {
            match process {
                Some(process) => process.server.deadline().into_iter().for_each(&mut consider),
                None => consider(self.starts[at]),
            }
            self.links[at].next().into_iter().for_each(&mut consider);
        }
        for peer in &self.peers {
            match &peer.wire {
                Some(wire) => {
                    wire.up.front().iter().for_each(|its| consider(its.0));
                    wire.down.front().iter().for_each(|its| consider(its.0));
                    consider(peer.ends);
                    peer.asks.iter().for_each(|its| consider(its.0));
                }
                None => consider(peer.opens),
            }
        }
        self.noticed.iter().for_each(|its| consider(its.0));
        if !self.is_calm() {
            consider(self.acts);
            consider(self.troubles);
        }
        self.now = next;
    }

    /// Lets a server and its link do what they have to.
    fn carry(&mut self, at: usize) {
        self.reach_broker(at);
        let now = self.now;
        let Some(process) = &mut self.processes[at] else { return };
        let link = &mut self.links[at];
        let channels = process.server.channels_mut().expect("a cluster");
        if link.dialing.is_some_and(|at| at <= now) {
            if now < self.down {
                link.dialing = None;
                channels.disconnected(now);
            } else {
                link.connect();
                channels.connected();
            }
        }
        while let Some(push) = link.pushed(now) {
            channels.push(push, now);
        }
        while let Some((id, answer)) = link.answer(now) {
            channels.answer(id, answer, now);
        }
        if process.server.deadline().is_some_and(|at| at <= now) {
            process.server.timeout(now);
        }
        self.settle(at);
        let Some(process) = &mut self.processes[at] else { return };
        let link = &mut self.links[at];
        let channels = process.server.channels_mut().expect("a cluster");
        while let Some(command) = channels.command(now) {
            match command {
                Command::Connect => link.dialing = Some(now + millis(self.random.of(0..21))),
                Command::Disconnect => link.cut(&mut self.random),
                Command::Send(id, request) => {
                    link.send(id, request, now, &self.faults, &mut self.random);
                }
            }
        }
    }

    /// Requests of a server arrive at the broker.
    fn reach_broker(&mut self, at: usize) {
        let now = self.now;
        while let Some((life, id, request)) = self.links[at].arrived(now) {
            let (answer, pushes) = self.broker.execute(&request, now);
            self.watch_broker(&request, &answer);
            let link = &mut self.links[at];
            if link.is_life(life) && answer == Answer::Done {
                match &request {
                    Request::Subscribe { channel } => drop(link.fed.insert(channel.to_string())),
                    Request::Unsubscribe { channel } => drop(link.fed.remove(&**channel)),
                    _ => {}
                }
            }
            link.reply(life, id, answer, now, &self.faults, &mut self.random);
            self.spread(&pushes);
        }
    }

    /// What the judge has to know of what the broker does.
    fn watch_broker(&mut self, request: &Request, answer: &Answer) {
        match (request, answer) {
            (
                Request::Publish { channel, payload, .. },
                Answer::Published { position, repeated: false },
            ) => {
                let name = channel.strip_prefix("e:");
                if let Some(space) = NAMES.iter().position(|its| Some(*its) == name) {
                    self.judge.published(space, *position, entry(payload));
                }
            }
            (Request::Enter { channel, info, .. }, Answer::Done) => {
                if let Some(pid) = channel.strip_prefix("c:") {
                    self.judge.recorded(pid, info, self.now);
                }
            }
            _ => {}
        }
    }

    /// Pushes go to everybody who has subscribed.
    fn spread(&mut self, pushes: &[Push]) {
        for push in pushes {
            self.seen.epochs += u64::from(matches!(push, Push::Epoch { .. }));
            for link in &mut self.links {
                link.push(push, self.now, &self.faults, &mut self.random);
            }
        }
    }

    /// Takes what comes out of a server.
    fn settle(&mut self, at: usize) {
        let now = self.now;
        loop {
            let Some(process) = &mut self.processes[at] else { return };
            let life = process.life;
            if let Some(event) = process.server.event(now) {
                self.take(at, life, event);
            } else if let Some(output) = process.server.engine_mut().output() {
                if let Output::Transmit(channel) = output {
                    process.transmits.insert(channel);
                }
            } else if let Some(channel) = process.transmits.pop_first() {
                self.transmit(at, life, channel);
            } else {
                return;
            }
        }
    }

    fn take(&mut self, at: usize, life: u64, event: Event) {
        let Some(process) = &mut self.processes[at] else { return };
        let server = &mut process.server;
        match event {
            Event::Connect { socket, namespace, auth } => {
                let space = usize::from(!namespace.is_main());
                // It may have gone already.
                let Some(session) = server.session(socket) else { return };
                let engine = server.engine();
                let (channel, client) = self
                    .channels
                    .iter()
                    .filter(|((its, _), _)| *its == life)
                    .find(|((_, channel), _)| engine.session_of_channel(*channel) == Some(session))
                    .map(|((_, channel), client)| (*channel, *client))
                    .expect("a connection");
                let claim = auth.and_then(|auth| {
                    let auth: serde_json::Value = serde_json::from_str(&auth).expect("JSON");
                    Some((auth["pid"].as_str()?.to_owned(), auth["offset"].as_str()?.parse().ok()))
                        .or_else(|| Some((auth["pid"].as_str()?.to_owned(), None)))
                });
                let claim = claim.map(|(pid, offset)| {
                    // An offset from before its private id isn't a position in its life.
                    let since = self.judge.pids.get(&pid).map(|life| self.judge.lives[*life].since);
                    let of_its_life = |its: &Position| {
                        since.is_some_and(|since| {
                            its.epoch() == since.epoch() && its.offset() > since.offset()
                        })
                    };
                    (pid, offset.filter(of_its_life))
                });
                let asked = self.noted_ask(client, space, (life, channel));
                let known = Known { client, space, channel, accepted: false, asked, claim };
                self.sockets.insert((life, socket), known);
                if !self.is_calm() && self.random.one_in(15) {
                    self.sockets.remove(&(life, socket));
                    let process = self.processes[at].as_mut().expect("it lives");
                    process.server.refuse::<()>(socket, "no", None, self.now).expect("JSON");
                } else {
                    let process = self.processes[at].as_mut().expect("it lives");
                    let _ = process.server.accept(socket, self.now);
                }
            }
            Event::Accepted { socket, position } => {
                let recovered = server.is_recovered(socket);
                self.was_accepted((at, life), socket, position, recovered);
            }
            Event::Disconnect { socket, .. } => drop(self.sockets.remove(&(life, socket))),
            Event::Unsent { .. } => self.seen.unsent += 1,
            _ => {}
        }
    }

    fn was_accepted(
        &mut self,
        (at, life): (usize, u64),
        socket: Socket,
        position: Position,
        recovered: bool,
    ) {
        let known = self.sockets.get_mut(&(life, socket)).expect("it has asked");
        known.accepted = true;
        let known = known.clone();
        let key = (life, known.channel, known.space);
        self.accepted.entry(key).or_default().push_back((position, recovered));
        let peer = &mut self.peers[known.client];
        let before = peer.last[known.space].replace((at, life));
        if recovered {
            self.seen.recovered += 1;
            self.seen.elsewhere += u64::from(before != Some((at, life)));
            return;
        }
        let Some((pid, from)) = known.claim else { return };
        let Some(before) = self.judge.pids.get(&pid).copied() else { return };
        self.seen.lost += 1;
        let channel = format!("e:{}", NAMES[known.space]);
        let members = Request::Members { channel: format!("c:{pid}").into() };
        let there = self.broker.clone().execute(&members, self.now).0;
        let Answer::Members(there) = there else { panic!("{there:?}") };
        let there: Vec<_> = there.iter().map(|(_, info)| record_at(info)).collect();
        let kept = self.broker.kept(&channel);
        let could = self.judge.could(before, known.space, &pid, &there, from, known.asked, kept);
        assert!(
            !could,
            "{:?} {:?}: client {} should have been recovered in {} from {from:?}, asked at {:?}, kept {kept:?}, records {:?}, {:?}",
            self.class,
            self.now,
            known.client,
            known.space,
            known.asked,
            self.judge.records(&pid),
            self.judge.lives[before],
        );
    }
}
