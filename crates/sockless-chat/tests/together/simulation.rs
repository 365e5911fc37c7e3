//! Three servers, the channels in memory, and everything between them that can go wrong; clients that go from one server to another.
//! `SOCKLESS_SEED=n` runs one seed, `SOCKLESS_SEEDS` says how many are run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use sockless_channels::{
    Answer, Broker, Command, Config, Epoch, Position, Push, Request, RequestId, Retention,
};
use sockless_chat::chat::{
    Action, Chat, Event, Fact, Key, Limits, Message, Name, Output, PeerId, Place, Read,
};
use sockless_chat::together::{Happened, Options, State, Together, id_of};

use crate::judge::{Counts, First, Loss, Said, Told, judge};
use crate::paper::Paper;

/// Xorshift.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        // The upper bits are the better ones.
        (self.number() >> 16) % limit
    }
}

type Entropy = Box<dyn FnMut() -> u64>;

/// A server, with what lies between it and the broker.
struct Server {
    chat: Chat,
    together: Together<Entropy>,
    /// What survives it.
    paper: Paper,
    gaps: Vec<(u64, u64)>,
    at: Option<(u64, u64)>,
    /// What has happened and isn't stored.
    queue: VecDeque<Happened>,
    reads: VecDeque<(PeerId, Read)>,
    up: bool,
    /// Until when no connection can be made.
    cut_until: Duration,
    fed: BTreeSet<String>,
    requests: VecDeque<(RequestId, Request)>,
    answers: VecDeque<(RequestId, Answer)>,
    pushes: VecDeque<Push>,
}

/// A page.
struct Client {
    who: Name,
    at: usize,
    peer: Option<PeerId>,
    after: u64,
    outbox: VecDeque<(Key, Place, u64)>,
    said: u64,
    to_server: VecDeque<Action>,
    from_server: VecDeque<Event>,
    greeted: bool,
    /// What it has, by sender and key: a loss may make it come with another id.
    known: BTreeSet<(Name, Key)>,
    gaps: BTreeSet<(u64, u64)>,
    told: Vec<Told>,
    local: u64,
}

struct World {
    random: Random,
    broker: Broker,
    snapshot: Broker,
    run: u64,
    servers: Vec<Server>,
    clients: Vec<Client>,
    said: Vec<Said>,
    losses: Vec<Loss>,
    first: First,
    /// The last position that the log is known to have had.
    top: Option<Position>,
    now: Duration,
    next: u64,
    seen: [u64; 8],
    trace: bool,
    seed: u64,
}

const USERS: [&str; 3] = ["ann", "bob", "cy"];
const SERVERS: usize = 3;

fn limits() -> Limits {
    Limits { page: 4, keys: 64, patience: Duration::from_millis(500), ..Limits::default() }
}

fn retention() -> Retention {
    Retention::default().with_count(4000).with_age(Duration::from_secs(100_000))
}

fn start(
    paper: Paper,
    gaps: Vec<(u64, u64)>,
    at: Option<(u64, u64)>,
    server: u64,
    now: Duration,
    mut random: Random,
) -> Server {
    let position = at.map(|(epoch, offset)| Position::new(Epoch::new(epoch), offset));
    let mut saved = paper.saved();
    let highest = gaps.iter().map(|gap| gap.1).max().unwrap_or(0);
    saved.last = saved.last.max(position.map_or(0, id_of)).max(highest);
    let config = Config::default()
        .with_patience(Duration::from_secs(2))
        .with_persistence(Duration::from_secs(6))
        .with_audit(Duration::from_secs(2))
        .with_page(5, 1 << 20)
        .with_backoff(Duration::from_millis(50), Duration::from_millis(400))
        .with_lifetime(Duration::from_secs(5));
    let copied = retention().with_count(20);
    let options = Options { server, position, last: saved.last, config, copied };
    let entropy: Entropy = Box::new(move || random.number());
    let mut chat = Chat::restore(limits(), saved);
    chat.share(gaps.clone());
    Server {
        chat,
        together: Together::new(options, entropy, now).expect("it has room"),
        paper,
        gaps,
        at,
        queue: VecDeque::new(),
        reads: VecDeque::new(),
        up: false,
        cut_until: Duration::ZERO,
        fed: BTreeSet::new(),
        requests: VecDeque::new(),
        answers: VecDeque::new(),
        pushes: VecDeque::new(),
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..4).for_each(|_| _ = random.number());
        let now = Duration::from_secs(1_000_000);
        let broker = Broker::new(retention(), 100);
        let servers = (1..=SERVERS as u64)
            .map(|n| start(Paper::default(), Vec::new(), None, n, now, Random(random.number() | 1)))
            .collect();
        let clients = (0..5)
            .map(|n| Client {
                who: Name::parse(USERS[n % 3]).expect("a name"),
                at: n % SERVERS,
                peer: None,
                after: 0,
                outbox: VecDeque::new(),
                said: 0,
                to_server: VecDeque::new(),
                from_server: VecDeque::new(),
                greeted: false,
                known: BTreeSet::new(),
                gaps: BTreeSet::new(),
                told: Vec::new(),
                local: 0,
            })
            .collect();
        let mut world = Self {
            random,
            snapshot: broker.clone(),
            broker,
            run: 0,
            servers,
            clients,
            said: Vec::new(),
            losses: Vec::new(),
            first: First::new(),
            top: None,
            now,
            next: SERVERS as u64,
            seen: [0; 8],
            trace: std::env::var("SOCKLESS_TRACE").is_ok(),
            seed,
        };
        // Everybody is in the lobby, on all servers, before anything is said.
        for at in 0..world.clients.len() {
            world.open(at, at % SERVERS);
        }
        world.rest(true);
        world
    }

    fn open(&mut self, at: usize, server: usize) {
        self.next += 1;
        let peer = PeerId(self.next);
        self.servers[server].chat.connect(peer, self.now);
        let client = &mut self.clients[at];
        (client.at, client.peer, client.greeted) = (server, Some(peer), false);
        client.from_server.clear();
        client.to_server = VecDeque::from([Action::Hello { token: None, after: client.after }]);
        let says = |(key, to, number): &(Key, Place, u64)| Action::Say {
            key: key.clone(),
            to: to.clone(),
            text: number.to_string(),
        };
        client.to_server.extend(client.outbox.iter().map(says));
    }

    fn close(&mut self, at: usize) {
        let client = &mut self.clients[at];
        if let Some(peer) = client.peer.take() {
            self.servers[client.at].chat.gone(peer, self.now);
        }
        client.from_server.clear();
        client.to_server.clear();
    }

    fn speak(&mut self, at: usize) {
        let to = match self.random.below(3) {
            0 => Place::User(Name::parse(USERS[self.random.below(3) as usize]).expect("a name")),
            _ => Place::Room(Name::parse("lobby").expect("a name")),
        };
        let client = &mut self.clients[at];
        if client.outbox.len() >= 12 {
            return;
        }
        client.said += 1;
        let key = Key::parse(&format!("{at}-{}", client.said)).expect("a key");
        client.outbox.push_back((key.clone(), to.clone(), client.said));
        if client.peer.is_some() {
            let text = client.said.to_string();
            client.to_server.push_back(Action::Say { key, to, text });
        }
    }

    /// The server takes the next thing that a client says, if it would.
    fn serve(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let Some(peer) = client.peer else { return };
        let server = &mut self.servers[client.at];
        if server.reads.iter().any(|(other, _)| *other == peer) {
            return;
        }
        match client.to_server.pop_front() {
            None => {}
            Some(Action::Hello { after, .. }) => {
                server.chat.hello(peer, client.who.clone(), Duration::MAX, after, self.now);
            }
            Some(action) if client.greeted => server.chat.act(peer, action, self.now),
            Some(action) => client.to_server.push_front(action),
        }
    }

    fn hear(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let Some(event) = client.from_server.pop_front() else { return };
        match event {
            Event::Welcome { .. } => {}
            Event::Message { message } => client.take(&message, at),
            Event::Messages { list, more } => {
                list.iter().for_each(|message| client.take(message, at));
                if more {
                    client.to_server.push_back(Action::More { after: client.after });
                }
            }
            Event::Said { key, id, up_to_date, .. } => {
                if let Some(found) = client.outbox.iter().position(|(other, ..)| *other == key) {
                    let (_, to, number) = client.outbox.remove(found).expect("found");
                    client.known.insert((client.who.clone(), key));
                    let from = format!("{} {at}", client.who);
                    let hears = |other: &(usize, &Client)| match &to {
                        Place::Room(_) => true,
                        Place::User(name) => {
                            other.1.who == *name || other.1.who == self.clients[at].who
                        }
                    };
                    let to = self
                        .clients
                        .iter()
                        .enumerate()
                        .filter(|other| other.0 != at && hears(other));
                    let to = to.map(|(other, it)| format!("{} {other}", it.who)).collect();
                    self.said.push(Said { number, from, to, id });
                }
                let client = &mut self.clients[at];
                if up_to_date {
                    client.after = client.after.max(id);
                }
            }
            Event::Incomplete { after, up_to } => {
                let is_new = client.gaps.insert((after, up_to));
                client.told.extend(is_new.then_some(Told::Incomplete(after, up_to)));
            }
            Event::Local { .. } => client.local += 1,
            _ => {}
        }
    }

    /// Moves what lies between a server and the broker, a little.
    fn carry(&mut self, at: usize, well: bool) {
        let now = self.now;
        let server = &mut self.servers[at];
        if server.together.deadline().is_some_and(|due| due <= now) {
            server.together.timeout(now);
        }
        while let Some(command) = server.together.command(now) {
            match command {
                Command::Connect => {
                    if now >= server.cut_until {
                        server.up = true;
                        server.together.connected();
                    } else {
                        server.together.disconnected(now);
                    }
                }
                Command::Disconnect => server.forget_link(),
                Command::Send(id, request) => server.requests.push_back((id, request)),
            }
        }
        let count = if well { 100 } else { self.random.below(4) };
        for _ in 0..count {
            let server = &mut self.servers[at];
            let Some((id, request)) = server.requests.pop_front() else { break };
            match &request {
                Request::Subscribe { channel } => drop(server.fed.insert(channel.to_string())),
                Request::Unsubscribe { channel } => drop(server.fed.remove(&**channel)),
                _ => {}
            }
            if self.trace {
                println!("{at} asks {request:?}");
            }
            let (answer, pushes) = self.broker.execute(&request, now);
            self.note(&request, &answer);
            self.servers[at].answers.push_back((id, answer));
            for push in pushes {
                for server in self.servers.iter_mut().filter(|it| it.up) {
                    let lost = !well && self.random.below(30) == 0;
                    if server.fed.contains(&**push.channel()) && !lost {
                        server.pushes.push_back(push.clone());
                    }
                }
            }
        }
        let server = &mut self.servers[at];
        let count = if well { 100 } else { self.random.below(4) };
        for _ in 0..count {
            if let Some((id, answer)) = server.answers.pop_front() {
                server.together.answer(id, answer, now);
            }
            if let Some(push) = server.pushes.pop_front() {
                server.together.push(push, now);
            }
        }
        // What isn't stored in time waits in the machine.
        while server.queue.len() < 8
            && let Some(happened) = server.together.poll(now)
        {
            if self.trace {
                println!("{at} {happened:?}");
            }
            server.queue.push_back(happened);
        }
    }

    /// What the broker has done.
    fn note(&mut self, request: &Request, answer: &Answer) {
        self.note_top();
        if let (Request::Publish { channel, payload, .. }, Answer::Published { position, .. }) =
            (request, answer)
            && &**channel == "log"
        {
            self.note_said(payload, *position);
        }
    }

    /// Where things first were in the log, also where nobody came to read them. An entry from another epoch is void.
    fn note_said(&mut self, entry: &[u8], position: Position) {
        let (length, rest) = entry.split_first_chunk::<4>().expect("a length");
        let head = &rest[..u32::from_be_bytes(*length) as usize];
        let head: serde_json::Value = serde_json::from_slice(head).expect("JSON");
        if head["epoch"].as_u64() != Some(position.epoch().number()) {
            return;
        }
        for fact in head["what"]["facts"].as_array().into_iter().flatten() {
            let said = &fact["said"];
            let Some(key) = said["key"].as_str() else { continue };
            let sender = key.split('-').next().expect("a sender");
            let from = format!("{} {sender}", said["from"].as_str().expect("a name"));
            let number = said["text"].as_str().and_then(|text| text.parse().ok());
            let id = id_of(position);
            let first = self.first.entry((from, number.expect("a number"))).or_insert(id);
            *first = id.min(*first);
        }
    }

    /// Where the log ends. When it begins anew, what lies between can't be known.
    fn note_top(&mut self) {
        let Some((position, _)) = self.broker.kept("log") else { return };
        match self.top {
            Some(before) if before.epoch() != position.epoch() => {
                // What is said to be incomplete has to have the end of the one epoch and the beginning of the other in it.
                let start = id_of(Position::new(position.epoch(), 0));
                self.losses.push(Loss { after: start, up_to: start });
                self.seen[4] += 1;
            }
            _ => {}
        }
        self.top = Some(position);
    }

    fn store(&mut self, at: usize) {
        let now = self.now;
        let server = &mut self.servers[at];
        let count = self.random.below(server.queue.len() as u64 + 1);
        for _ in 0..count {
            let Some(happened) = server.queue.pop_front() else { return };
            match happened {
                Happened::Facts { id, facts, own } => {
                    let facts = server.chat.admitted(facts);
                    server.keep(&facts);
                    server.chat.arrived(id, facts, own, now);
                }
                Happened::Gap { after, up_to, at } => {
                    server.keep(&[Fact::Gap { after, up_to }, at]);
                    server.chat.gap(after, up_to);
                    self.seen[5] += 1;
                }
                Happened::Known { number, id } => server.chat.known(number, id, now),
                Happened::Failed { number } => {
                    server.chat.failed(number, now);
                    self.seen[6] += 1;
                }
                Happened::Asked { id, sure } => {
                    let state = State { users: server.chat.state() };
                    server.together.tell_state(id, sure, state, now);
                }
                Happened::State { of, state, replace } => {
                    let facts = server.chat.differences(of, &state.users, replace);
                    server.keep(&facts);
                    server.chat.adopt(facts);
                }
                Happened::Alone(alone) => {
                    server.chat.alone(alone);
                    self.seen[7] += u64::from(alone);
                }
                Happened::Online { server: other, user, online } => {
                    server.chat.elsewhere(other, &user, online);
                }
                Happened::Typing { place, user } => server.chat.typing_elsewhere(&user, &place),
            }
        }
    }

    fn read(&mut self, at: usize) {
        let server = &mut self.servers[at];
        let Some((peer, read)) = server.reads.pop_front() else { return };
        match read {
            Read::Keys { user } => server.chat.keys(peer, server.paper.keys(&user, 64)),
            Read::Missed { user, rooms, after, up_to, most } => {
                let (list, more) = server.paper.missed(&user, &rooms, after, up_to, most);
                server.chat.missed(peer, list, more);
            }
            _ => unreachable!("nobody asks"),
        }
    }

    fn follow(&mut self) {
        for at in 0..self.servers.len() {
            self.follow_one(at);
        }
    }

    fn follow_one(&mut self, at: usize) {
        let now = self.now;
        let server = &mut self.servers[at];
        if server.chat.deadline().is_some_and(|due| due <= now) {
            server.chat.wake(now);
        }
        while let Some(output) = server.chat.poll() {
            match output {
                Output::Send { to, event } => {
                    for client in self.clients.iter_mut().filter(|it| it.at == at) {
                        if client.peer.is_some_and(|peer| to.contains(&peer)) {
                            client.greeted |= matches!(event, Event::Welcome { .. });
                            client.from_server.push_back(event.clone());
                        }
                    }
                }
                Output::Write { number, facts } => server.together.write(number, &facts, now),
                Output::Read { peer, read } => server.reads.push_back((peer, read)),
                Output::Online { user, online } => server.together.online(&user, online),
                Output::Typing { place, user } => server.together.typing(&place, &user, now),
                Output::Pause { .. } => {}
                Output::End { peer, .. } => {
                    for client in self.clients.iter_mut().filter(|it| it.peer == Some(peer)) {
                        client.peer = None;
                        client.to_server.clear();
                    }
                }
            }
        }
    }

    /// A server is killed, and starts again with what it has stored.
    fn kill(&mut self, at: usize) {
        for client in 0..self.clients.len() {
            if self.clients[client].at == at {
                let client = &mut self.clients[client];
                client.peer = None;
                client.from_server.clear();
                client.to_server.clear();
            }
        }
        self.next += 1;
        let random = Random(self.random.number() | 1);
        let old = &mut self.servers[at];
        let (paper, gaps) = (std::mem::take(&mut old.paper), std::mem::take(&mut old.gaps));
        self.servers[at] = start(paper, gaps, old.at, self.next, self.now, random);
        self.seen[0] += 1;
    }

    fn fault(&mut self) {
        let at = self.random.below(SERVERS as u64) as usize;
        if self.trace {
            println!("fault at {:?}", self.now);
        }
        match self.random.below(12) {
            0 | 1 => self.kill(at),
            2..=5 => {
                // The network is cut; some of what was sent arrives all the same.
                let wait = Duration::from_millis(self.random.below(9000));
                let now = self.now;
                let server = &mut self.servers[at];
                server.cut_until = now + wait;
                server
                    .requests
                    .truncate(self.random.below(server.requests.len() as u64 + 1) as usize);
                let late: Vec<Request> =
                    server.requests.drain(..).map(|(_, request)| request).collect();
                server.forget_link();
                server.together.disconnected(now);
                for request in late {
                    if matches!(request, Request::Publish { .. }) {
                        let (answer, _) = self.broker.execute(&request, now);
                        self.note(&request, &answer);
                    }
                }
                self.seen[1] += 1;
            }
            6 => self.snapshot = self.broker.clone(),
            // The broker dies: with what it had, with an older state of that, or with nothing.
            7 | 8 => {
                // None starts twice within a millisecond, of which ids are made.
                self.now += Duration::from_millis(1);
                match self.random.below(3) {
                    0 => {}
                    1 => self.broker = self.snapshot.clone(),
                    _ => self.broker = Broker::new(retention(), 100),
                }
                self.run += 1;
                self.broker.restarted(self.run);
                self.snapshot = self.broker.clone();
                let now = self.now;
                for server in &mut self.servers {
                    server.forget_link();
                    server.together.disconnected(now);
                }
                self.seen[2] += 1;
            }
            // Publications go before everybody has read them.
            9 => {
                if let Some((position, first)) = self.broker.kept("log") {
                    let kept = position.offset().saturating_sub(first);
                    let through = position.offset() - self.random.below(kept + 1).min(10);
                    self.broker.trim("log", through);
                    self.losses.push(Loss {
                        after: id_of(Position::new(position.epoch(), first.saturating_sub(1))),
                        up_to: id_of(Position::new(position.epoch(), through)),
                    });
                    self.seen[3] += 1;
                }
            }
            _ => {}
        }
    }

    fn step(&mut self) {
        let at = self.random.below(self.clients.len() as u64) as usize;
        let server = self.random.below(SERVERS as u64) as usize;
        match self.random.below(100) {
            0..=11 => self.speak(at),
            12..=29 => self.serve(at),
            30..=47 => self.hear(at),
            48..=67 => self.carry(server, false),
            68..=79 => self.store(server),
            80..=87 => self.read(server),
            88 => self.close(at),
            89..=91 if self.clients[at].peer.is_none() => self.open(at, server),
            92 if self.random.below(4) == 0 => self.fault(),
            _ => self.now += Duration::from_millis(self.random.below(60)),
        }
        self.follow();
    }

    /// Lets everything come to rest.
    fn rest(&mut self, begins: bool) {
        for round in 0..4000 {
            self.now += Duration::from_millis(20);
            for at in 0..SERVERS {
                self.servers[at].cut_until = Duration::ZERO;
                self.carry(at, true);
                while !self.servers[at].queue.is_empty() {
                    self.store(at);
                }
                while !self.servers[at].reads.is_empty() {
                    self.read(at);
                    self.follow();
                }
            }
            self.follow();
            for at in 0..self.clients.len() {
                if self.clients[at].peer.is_none() {
                    let server = self.random.below(SERVERS as u64) as usize;
                    self.open(at, server);
                }
                for _ in 0..4 {
                    self.serve(at);
                    self.follow();
                    self.hear(at);
                }
            }
            let quiet = |it: &Client| {
                it.greeted
                    && it.outbox.is_empty()
                    && it.from_server.is_empty()
                    && it.to_server.is_empty()
            };
            let all = |server: &Server| {
                USERS.iter().all(|who| server.chat.knows(&Name::parse(who).expect("a name")))
            };
            // Then long enough for what was lost to be noticed.
            let long = round > 800 || (begins && self.servers.iter().all(all) && round > 600);
            if long && self.clients.iter().all(quiet) {
                return;
            }
        }
        if self.trace {
            for client in self.clients.iter().filter(|it| !it.outbox.is_empty()) {
                println!("{} {:?} {:?}", client.at, client.peer, client.outbox);
                println!("{:#?}", self.servers[client.at].chat);
            }
        }
        let stuck = self
            .clients
            .iter()
            .map(|it| (&it.who, it.greeted, it.outbox.len(), it.to_server.len()));
        panic!("seed {}: it doesn't come to rest: {:?}", self.seed, stuck.collect::<Vec<_>>());
    }

    fn judge(&mut self) -> Result<Counts, String> {
        // Each comes once more to another server than it was at, with everything that it has.
        self.rest(false);
        for at in 0..self.clients.len() {
            let server = (self.clients[at].at + 1) % SERVERS;
            self.close(at);
            self.open(at, server);
        }
        self.rest(false);
        let told: Vec<_> = self
            .clients
            .iter()
            .enumerate()
            .map(|(at, client)| (format!("{} {at}", client.who), client.told.clone()))
            .collect();
        let counts = judge(&self.said, &self.first, &told, &self.losses)?;
        let states: BTreeMap<_, _> = (0..SERVERS)
            .map(|at| {
                let mut state = self.servers[at].chat.state();
                state.iter_mut().for_each(|(_, rooms)| rooms.iter_mut().for_each(|it| it.1 = 0));
                state.sort();
                (at, state)
            })
            .collect();
        if states.values().any(|state| *state != states[&0]) {
            return Err(format!("the servers don't agree: {states:?}"));
        }
        Ok(counts)
    }
}

impl Server {
    fn forget_link(&mut self) {
        self.up = false;
        self.fed.clear();
        self.requests.clear();
        self.answers.clear();
        self.pushes.clear();
    }

    fn keep(&mut self, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::Gap { after, up_to } => self.gaps.push((*after, *up_to)),
                Fact::At { epoch, offset } => self.at = Some((*epoch, *offset)),
                fact => self.paper.facts.push(fact.clone()),
            }
        }
    }
}

impl Client {
    fn take(&mut self, message: &Message, at: usize) {
        assert!(message.id > self.after, "{message:?} comes after {}", self.after);
        self.after = message.id;
        let key = message.key.clone().expect("a key");
        let sender = key.as_str().split('-').next().expect("a sender").to_owned();
        // Its own, and what has come with another id.
        if !self.known.insert((message.from.clone(), key)) || sender == at.to_string() {
            return;
        }
        let number = message.text.parse().expect("a number");
        self.told.push(Told::Message(message.id, format!("{} {sender}", message.from), number));
    }
}

#[test]
fn together_everything_arrives_once_and_in_order_or_is_said_to_be_incomplete() {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse().ok());
    let seeds = match number("SOCKLESS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("SOCKLESS_SEEDS").unwrap_or(40) + 1,
    };
    let (mut seen, mut all) = ([0; 8], Counts::default());
    for seed in seeds.clone() {
        let mut world = World::new(seed);
        (0..4000).for_each(|_| world.step());
        let counts = world.judge().unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        seen.iter_mut().zip(world.seen).for_each(|(all, one)| *all += one);
        all.said += counts.said;
        all.heard += counts.heard;
        all.excused += counts.excused;
        all.incomplete += counts.incomplete;
        all.late += counts.late;
    }
    println!("kills, cuts, restarts, trims, epochs, gaps, failed, alone: {seen:?}; {all:?}");
    if seeds.end - seeds.start >= 40 {
        let happened = seen.iter().all(|count| *count > 10);
        assert!(
            happened && all.said > 1000 && all.excused > 0,
            "too little has happened: {seen:?}, {all:?}"
        );
    }
}
