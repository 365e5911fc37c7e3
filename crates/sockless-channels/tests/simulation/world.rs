//! Nodes, clients and a broker in one run: what happens when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sockless_channels::{
    Answer, Broker, Change, Command, Config, Epoch, Event, Fate, Node, PublicationId, Push,
    ReadFrom, Request, Retention,
};

use crate::client::{Client, Tally};
use crate::link::{Faults, Link};
use crate::random::Random;
use crate::record::Record;

/// What a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing goes wrong.
    Calm,
    /// Everything goes wrong that leaves the history whole: whatever was published has to arrive.
    Whole,
    /// The same, and the history is short, or somebody trims it.
    Trimmed,
    /// The same, and the broker forgets, is restored and fails over.
    Forgetful,
}

impl Class {
    /// Whether nobody may hear of a loss.
    pub(crate) fn is_recoverable(self) -> bool {
        matches!(self, Self::Calm | Self::Whole)
    }
}

pub(crate) const CHANNELS: [&str; 3] = ["ann", "bob", "cat"];
pub(crate) const STORM: Duration = Duration::from_secs(12);
pub(crate) const CALM: Duration = Duration::from_secs(15);
/// No run needs as many turns.
pub(crate) const TURNS: usize = 100_000;
pub(crate) const PUBLICATIONS: usize = 24;
pub(crate) const SUBSCRIBERS: usize = 32;

/// A node in one of its lives, with what its application knows.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) node: Node<Random>,
    pub(crate) life: u64,
    pub(crate) published: u64,
    pub(crate) waiting: BTreeMap<PublicationId, Bytes>,
    pub(crate) present: BTreeSet<(String, String)>,
    pub(crate) watched: BTreeMap<String, BTreeMap<String, Bytes>>,
}

/// A run.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) class: Class,
    pub(crate) random: Random,
    pub(crate) faults: Faults,
    pub(crate) config: Config,
    pub(crate) copied: Retention,
    pub(crate) retention: Retention,
    pub(crate) window: usize,
    pub(crate) page: usize,
    pub(crate) now: Duration,
    pub(crate) broker: Broker,
    pub(crate) run: u64,
    pub(crate) snapshot: Broker,
    /// Until when the broker can't be reached.
    pub(crate) down: Duration,
    pub(crate) processes: Vec<Option<Process>>,
    pub(crate) links: Vec<Link>,
    pub(crate) lives: u64,
    pub(crate) clients: Vec<Client>,
    pub(crate) record: Record,
    /// Publications that were given up after they were sent.
    pub(crate) unknown: BTreeSet<Bytes>,
    pub(crate) fates: BTreeMap<&'static str, u64>,
    pub(crate) tally: Tally,
    pub(crate) turns: usize,
}

impl World {
    pub(crate) fn run(seed: u64) -> Self {
        let mut world = Self::new(seed);
        let mut next_action = Duration::ZERO;
        while world.now < STORM {
            if world.now >= next_action {
                world.act();
                next_action = world.now + world.random.millis(120);
            }
            world.turn(next_action);
        }
        world.settle();
        while world.now < STORM + CALM {
            world.turn(STORM + CALM);
        }
        world.judge();
        world
    }

    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let class = random.pick(&[
            Class::Calm,
            Class::Whole,
            Class::Whole,
            Class::Trimmed,
            Class::Forgetful,
            Class::Whole,
        ]);
        let retention = match class {
            Class::Trimmed => Retention::default()
                .with_count(1 + random.below(12))
                .with_bytes(50 + random.below(400))
                .with_age(Duration::from_millis(300) + random.millis(20_000)),
            _ => Retention::default().with_count(100_000).with_bytes(usize::MAX),
        };
        let copied = match random.below(3) {
            0 => Retention::default(),
            _ => Retention::default()
                .with_count(1 + random.below(6))
                .with_bytes(30 + random.below(300)),
        };
        let faults = match class {
            Class::Calm => Faults { delay: 30, ..Faults::default() },
            _ => Faults {
                delay: random.pick(&[2, 30, 200]),
                lost: random.pick(&[0, 3, 20]),
                doubled: random.pick(&[0, 5]),
                refused: random.pick(&[0, 0, 25]),
            },
        };
        let (window, page) = (1 + random.below(20), 1 + random.below(8));
        let config = Config::default()
            .with_window(window)
            .with_page(page, 20 + random.below(500))
            .with_patience(Duration::from_millis(1_500))
            .with_audit(Duration::from_secs(2))
            .with_grace(Duration::from_millis(100))
            .with_lifetime(Duration::from_secs(4))
            .with_backoff(Duration::from_millis(20), Duration::from_millis(500))
            .with_publications(PUBLICATIONS, 4_000)
            .with_subscribers(SUBSCRIBERS);
        let broker = Broker::new(retention, CHANNELS.len());
        let mut world = Self {
            class,
            faults,
            config,
            copied,
            retention,
            window,
            page,
            now: Duration::ZERO,
            snapshot: broker.clone(),
            broker,
            run: 0,
            down: Duration::ZERO,
            processes: Vec::new(),
            links: Vec::new(),
            lives: 0,
            clients: Vec::new(),
            record: Record::default(),
            unknown: BTreeSet::new(),
            fates: BTreeMap::new(),
            tally: Tally::default(),
            turns: 0,
            random,
        };
        for index in 0..2 + world.random.below(2) {
            world.processes.push(None);
            world.links.push(Link::default());
            world.start(index);
        }
        for _ in 0..3 + world.random.below(5) {
            let channel = world.random.pick(&CHANNELS);
            world.clients.push(Client::new(channel.into()));
        }
        world
    }

    pub(crate) fn start(&mut self, index: usize) {
        self.lives += 1;
        let entropy = Random(self.random.next());
        let mut node = Node::new(self.config, self.copied, entropy, self.now);
        let mut watched = BTreeMap::new();
        if self.random.one_in(2) {
            let channel = self.random.pick(&CHANNELS);
            node.watch(channel, self.now).expect("channels have room");
            watched.insert(channel.to_owned(), BTreeMap::new());
        }
        self.processes[index] = Some(Process {
            node,
            life: self.lives,
            published: 0,
            waiting: BTreeMap::new(),
            present: BTreeSet::new(),
            watched,
        });
    }

    /// Moves everything that can move now, then the time.
    fn turn(&mut self, until: Duration) {
        self.turns += 1;
        assert!(self.turns < TURNS, "{:?}: the run doesn't end", self.class);
        let broker_due = self.broker.deadline().is_some_and(|at| at <= self.now);
        if broker_due {
            let pushes = self.broker.timeout(self.now);
            self.spread(&pushes);
        }
        for index in 0..self.processes.len() {
            self.carry(index);
            self.serve(index);
            self.carry(index);
        }
        self.check_bounds();
        let mut next = until.max(self.now + Duration::from_nanos(1));
        for index in 0..self.processes.len() {
            let node = self.processes[index].as_ref().and_then(|process| process.node.deadline());
            for at in node.into_iter().chain(self.links[index].next()).chain(self.broker.deadline())
            {
                next = next.min(at.max(self.now + Duration::from_millis(1)));
            }
        }
        self.now = next;
    }

    /// Lets a node and its link do what they have to.
    fn carry(&mut self, index: usize) {
        let now = self.now;
        while let Some((life, id, request)) = self.links[index].arrived(now) {
            let refused = self.faults.refused > 0 && self.random.one_in(self.faults.refused);
            let (answer, pushes) = match refused {
                true => (Answer::Refused, Vec::new()),
                false => self.broker.execute(&request, now),
            };
            for push in &pushes {
                if let Push::Epoch { channel, epoch } = push {
                    self.write_down(channel.clone(), *epoch);
                }
            }
            self.record.executed(&request, &answer);
            let link = &mut self.links[index];
            if link.is_life(life) && answer == Answer::Done {
                match &request {
                    Request::Subscribe { channel } => {
                        link.fed.insert(channel.to_string());
                    }
                    Request::Unsubscribe { channel } => {
                        link.fed.remove(&**channel);
                    }
                    _ => {}
                }
            }
            link.reply(life, id, answer, now, &self.faults, &mut self.random);
            self.spread(&pushes);
        }
        let Some(process) = &mut self.processes[index] else { return };
        let (node, link) = (&mut process.node, &mut self.links[index]);
        if link.dialing.is_some_and(|at| at <= now) {
            if now < self.down {
                link.dialing = None;
                node.disconnected(now);
            } else {
                link.connect();
                node.connected();
            }
        }
        while let Some(push) = link.pushed(now) {
            node.push(push, now);
        }
        while let Some((id, answer)) = link.answer(now) {
            node.answer(id, answer, now);
        }
        if node.deadline().is_some_and(|at| at <= now) {
            node.timeout(now);
        }
        while let Some(command) = node.command(now) {
            match command {
                Command::Connect => link.dialing = Some(now + self.random.millis(20)),
                Command::Disconnect => link.cut(&mut self.random),
                Command::Send(id, request) => {
                    link.send(id, request, now, &self.faults, &mut self.random);
                }
            }
        }
        // Whoever does what a node wants is never wanted again at once.
        assert!(node.deadline().is_none_or(|at| at > now), "{node:?} has done nothing at {now:?}");
    }

    /// A channel has begun an epoch: what it still has of earlier ones can be read in it, too.
    fn write_down(&mut self, channel: Arc<str>, fresh: Epoch) {
        let (count, bytes) = (usize::MAX, usize::MAX);
        let from = ReadFrom::Oldest;
        let request =
            Request::Read { channel: channel.clone(), from, count, bytes, seen: None, fresh };
        let (answer, _) = self.broker.clone().execute(&request, self.now);
        let Answer::Page(page) = answer else { panic!("not a page: {answer:?}") };
        self.record.renewed(&channel, &page);
    }

    /// Pushes go to everybody who has subscribed.
    fn spread(&mut self, pushes: &[Push]) {
        for push in pushes {
            for link in &mut self.links {
                link.push(push, self.now, &self.faults, &mut self.random);
            }
        }
    }

    /// Lets the application of a node take what there is.
    fn serve(&mut self, index: usize) {
        let Some(process) = &mut self.processes[index] else { return };
        while let Some(subscriber) = process.node.ready() {
            let at = Some((index, subscriber));
            let client = self.clients.iter_mut().find(|client| client.at == at);
            let client = client.expect("a subscriber that nobody has is ready");
            while let Some(delivery) = process.node.delivery(subscriber) {
                client.got(&delivery, &self.record, &self.broker);
            }
        }
        while let Some(event) = process.node.event() {
            let (id, fate) = match event {
                Event::Published { publication, position, .. } => {
                    let payload = process.waiting.get(&publication).expect("it waits");
                    let channel = CHANNELS
                        .into_iter()
                        .find(|channel| self.record.at(channel, position) == Some(payload));
                    assert!(channel.is_some(), "{position}: not what was published");
                    (publication, "published")
                }
                Event::Unpublished { publication, fate } => {
                    let published = self.record.has(&process.waiting[&publication]);
                    let fate = match fate {
                        Fate::Unsent => "unsent",
                        Fate::Refused => "refused",
                        Fate::Unknown => "unknown",
                    };
                    assert!(fate == "unknown" || !published, "{fate}, but published");
                    (publication, fate)
                }
            };
            assert!(fate == "published" || self.class != Class::Calm, "{fate}, though all is calm");
            let payload = process.waiting.remove(&id).expect("nothing is heard of twice");
            if fate == "unknown" {
                self.unknown.insert(payload);
            }
            *self.fates.entry(fate).or_default() += 1;
        }
        while let Some(channel) = process.node.changed() {
            let view = process.watched.get_mut(&*channel).expect("it is watched");
            while let Some(change) = process.node.change(&channel) {
                match change {
                    Change::Present { member, info } => view.insert(member.to_string(), info),
                    Change::Absent { member } => view.remove(&*member),
                };
            }
        }
    }
}
