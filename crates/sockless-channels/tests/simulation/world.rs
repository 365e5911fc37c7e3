//! Nodes, clients and a broker in one run: what happens when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sockless_channels::{
    Answer, Broker, Change, Command, Config, Epoch, Event, Fate, From, Node, Position,
    PublicationId, Push, ReadFrom, Request, Retention,
};

use crate::client::{Client, Tally};
use crate::link::{Faults, Link};
use crate::random::Random;
use crate::record::{self, NO_EPOCH, Record};

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
    /// Whether nobody may be told of a loss.
    pub(crate) fn is_recoverable(self) -> bool {
        matches!(self, Self::Calm | Self::Whole)
    }
}

const CHANNELS: [&str; 3] = ["ann", "bob", "cat"];
const STORM: Duration = Duration::from_secs(12);
const CALM: Duration = Duration::from_secs(15);
/// No run needs as many turns.
const TURNS: usize = 100_000;
const PUBLICATIONS: usize = 24;
const SUBSCRIBERS: usize = 32;

/// A node in one of its lives, with what its application knows.
#[derive(Debug)]
struct Process {
    node: Node<Random>,
    life: u64,
    published: u64,
    waiting: BTreeMap<PublicationId, Bytes>,
    present: BTreeSet<(String, String)>,
    watched: BTreeMap<String, BTreeMap<String, Bytes>>,
}

/// A run.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) class: Class,
    random: Random,
    faults: Faults,
    config: Config,
    copied: Retention,
    retention: Retention,
    window: usize,
    page: usize,
    now: Duration,
    broker: Broker,
    run: u64,
    snapshot: Broker,
    /// Until when the broker can't be reached.
    down: Duration,
    processes: Vec<Option<Process>>,
    links: Vec<Link>,
    lives: u64,
    pub(crate) clients: Vec<Client>,
    pub(crate) record: Record,
    /// Publications that were given up after they were sent.
    unknown: BTreeSet<Bytes>,
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

    fn start(&mut self, index: usize) {
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

    /// Somebody does something, or something happens.
    fn act(&mut self) {
        let index = self.random.below(self.processes.len());
        match self.random.below(20) {
            0..=8 => self.publish(index),
            9..=12 => self.move_client(),
            13 => self.presence(index),
            14 if self.class != Class::Calm => self.break_link(index),
            15 if self.class != Class::Calm && self.random.one_in(3) => self.kill(index),
            16 if self.class == Class::Trimmed => {
                let channel = self.random.pick(&CHANNELS);
                if let Some((position, _)) = self.broker.kept(channel) {
                    let through = self.random.below(position.offset() as usize + 1);
                    self.broker.trim(channel, through as u64);
                }
            }
            17..=18 if self.class == Class::Forgetful => self.break_broker(),
            _ => {}
        }
    }

    fn publish(&mut self, index: usize) {
        for _ in 0..1 + self.random.below(4) {
            let channel = self.random.pick(&CHANNELS);
            let len = self.random.below(40);
            let key = self.random.one_in(2);
            let Some(process) = &mut self.processes[index] else { return };
            let payload = record::payload(process.life, process.published, len);
            let key = key.then(|| payload.clone());
            let now = self.now;
            match process.node.publish(channel, key.as_deref(), payload.clone(), now) {
                Ok(id) => {
                    process.published += 1;
                    process.waiting.insert(id, payload);
                }
                Err(misuse) => {
                    assert_eq!(misuse, sockless_channels::Misuse::Full);
                    assert!(process.node.held().waiting > 0);
                    *self.fates.entry("full").or_default() += 1;
                }
            }
        }
    }

    fn move_client(&mut self) {
        let index = self.random.below(self.clients.len());
        let to = self.random.below(self.processes.len());
        if let Some((node, subscriber)) = self.clients[index].at.take() {
            if let Some(process) = &mut self.processes[node] {
                process.node.unsubscribe(subscriber);
            }
            if self.random.one_in(2) {
                return;
            }
        }
        self.arrive(index, to);
    }

    fn arrive(&mut self, index: usize, to: usize) {
        let client = &mut self.clients[index];
        client.forged = false;
        let from = match client.position {
            Some(position) if !self.random.one_in(6) => From::After(position),
            Some(position) if self.random.one_in(3) => {
                client.forged = true;
                let offset = self.random.pick(&[u64::MAX, 1 << 40, position.offset() + 1_000_000]);
                let epoch = self.random.pick(&[position.epoch(), NO_EPOCH, Epoch::new(0)]);
                From::After(Position::new(epoch, offset))
            }
            _ => self.random.pick(&[From::Now, From::Oldest]),
        };
        let Some(process) = &mut self.processes[to] else { return };
        let subscriber = process.node.subscribe(&client.channel, from).expect("there is room");
        client.arrive(to, subscriber, from);
    }

    fn presence(&mut self, index: usize) {
        let channel = self.random.pick(&CHANNELS);
        let number = self.random.below(3);
        let leaves = self.random.one_in(3);
        let Some(process) = &mut self.processes[index] else { return };
        let member = format!("{}-{number}", process.life);
        if leaves {
            process.node.leave(channel, &member);
            process.present.remove(&(channel.to_owned(), member));
        } else {
            process.node.enter(channel, &member, "here".into()).expect("there is room");
            process.present.insert((channel.to_owned(), member));
        }
    }

    fn break_link(&mut self, index: usize) {
        let until = self.now + Duration::from_millis(100) + self.random.millis(4_000);
        let link = &mut self.links[index];
        match self.random.below(4) {
            0 | 1 => {
                let was_up = link.up || link.dialing.is_some();
                link.cut(&mut self.random);
                if let (true, Some(process)) = (was_up, &mut self.processes[index]) {
                    process.node.disconnected(self.now);
                }
            }
            2 => link.stalled = until,
            // The broker has forgotten the subscriptions, or something on the way swallows what it pushes.
            _ if self.random.one_in(2) => link.fed.clear(),
            _ => link.deaf = until,
        }
    }

    fn kill(&mut self, index: usize) {
        self.links[index].cut(&mut self.random);
        self.processes[index] = None;
        for client in &mut self.clients {
            client.at = client.at.filter(|at| at.0 != index);
        }
        if self.random.one_in(2) {
            self.start(index);
        }
    }

    fn break_broker(&mut self) {
        match self.random.below(6) {
            0 | 1 => self.snapshot = self.broker.clone(),
            2 => self.broker.forget(self.random.pick(&CHANNELS)),
            kind => {
                self.run += 1;
                self.broker = match kind {
                    3 => Broker::new(self.retention, CHANNELS.len()),
                    4 => self.snapshot.clone(),
                    // What it had is all there, but it can't know that.
                    _ => self.broker.clone(),
                };
                self.broker.restarted(self.run);
                self.down = self.now + self.random.millis(1_000);
                for index in 0..self.links.len() {
                    let was_up = self.links[index].up;
                    self.links[index].forget(&mut self.random);
                    if let (true, Some(process)) = (was_up, &mut self.processes[index]) {
                        process.node.disconnected(self.now);
                    }
                }
            }
        }
    }

    /// From here on nothing goes wrong any more, and everybody is there.
    fn settle(&mut self) {
        self.faults = Faults { delay: 5, ..Faults::default() };
        self.down = Duration::ZERO;
        for index in 0..self.processes.len() {
            (self.links[index].stalled, self.links[index].deaf) = (Duration::ZERO, Duration::ZERO);
            if self.processes[index].is_none() {
                self.start(index);
            }
        }
        for index in 0..self.clients.len() {
            if self.clients[index].at.is_none() {
                let to = self.random.below(self.processes.len());
                self.arrive(index, to);
            }
        }
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

    fn check_bounds(&self) {
        for process in self.processes.iter().flatten() {
            let held = process.node.held();
            assert!(held.requests <= self.window, "{held:?}");
            assert!(held.waiting <= PUBLICATIONS && held.waiting_bytes <= 4_000, "{held:?}");
            assert!(held.channels <= CHANNELS.len() && held.subscribers <= SUBSCRIBERS, "{held:?}");
            assert!(held.copied <= held.channels * self.copied.count(), "{held:?}");
            assert!(held.read <= held.subscribers * self.page, "{held:?}");
        }
        let held = self.broker.held();
        assert!(held.publications <= CHANNELS.len() * self.retention.count(), "{held:?}");
    }

    /// What has to be true at the end.
    fn judge(&mut self) {
        for client in &self.clients {
            let (top, _) = self.broker.kept(&client.channel).expect("somebody follows it");
            assert_eq!(client.position, Some(top), "{client:?}: hasn't got everything");
            assert!(self.record.reached(&client.channel, top) || self.class == Class::Forgetful);
            self.tally.join(client.tally);
        }
        if self.class.is_recoverable() {
            assert_eq!(self.tally.losses(), 0, "{:?}: {:?}", self.class, self.tally);
        }
        // The order of publications is kept, except for what was refused and sent again, and what its publisher was told is unknown.
        for late in self.record.disorder() {
            assert!(self.unknown.contains(late), "{late:?}: published too late");
        }
        let present = self.processes.iter().flatten().flat_map(|process| process.present.iter());
        let present: BTreeSet<_> = present.cloned().collect();
        for process in self.processes.iter().flatten() {
            assert!(
                process.waiting.is_empty(),
                "nobody knows what became of {:?}",
                process.waiting
            );
            for (channel, view) in &process.watched {
                let seen: BTreeSet<_> = view.keys().map(|m| (channel.clone(), m.clone())).collect();
                let there: BTreeSet<_> =
                    present.iter().filter(|p| p.0 == *channel).cloned().collect();
                assert_eq!(seen, there, "{channel}: not those who are present");
            }
        }
    }
}
