//! Servers, clients, the broker and what lies between them: what happens when. What goes wrong is in `trouble`, what applications do in `acting`, what
//! every run has to end with in `ending`.

mod acting;
mod broker;
mod clients;
mod ending;
mod events;
mod trouble;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use sockless_channels::{Broker, Position};
use sockless_socketio::engine::{self, Channel, Engine, Output};
use sockless_socketio::socket::cluster::Cluster;
use sockless_socketio::socket::{Config, Namespace, Recovery, Server, Socket};

use crate::client::Client;
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
}
