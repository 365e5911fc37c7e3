//! Clients that go and return, devices that reload, a server that dies, a store that is full now and then: whatever happens, each
//! message arrives once at all who should get it, and each sender's in order. Every seed that fails can be run alone:
//! `SOCKLESS_SEED=n`; `SOCKLESS_SEEDS` says how many are run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use sockless_chat::chat::{
    Action, Chat, End, Event, Fact, Key, Limits, Message, Name, Output, PeerId, Place, Read,
};

use crate::paper::Paper;
use crate::world::{key, name, room, user};

/// Xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit
    }
}

/// A page: what it keeps over reloads, and the session that it has now. What arrives waits in its session, and so does what it says.
struct Page {
    who: Name,
    /// Kept.
    after: u64,
    known: BTreeMap<u64, (Name, String)>,
    outbox: VecDeque<(Key, Place, String)>,
    said: u64,
    /// The session.
    peer: Option<PeerId>,
    to_server: VecDeque<Action>,
    from_server: VecDeque<Event>,
    broken: bool,
}

/// How many things a page may have said of which it doesn't know whether they are stored.
const ON_THE_WAY: usize = 20;

struct Simulation {
    random: Random,
    chat: Chat,
    paper: Paper,
    pages: Vec<Page>,
    /// Given out, and neither stored nor failed.
    writes: VecDeque<(u64, Vec<Fact>)>,
    reads: VecDeque<(PeerId, Read)>,
    now: Duration,
    next: u64,
    seen: [u64; 6],
}

fn limits() -> Limits {
    Limits { page: 4, keys: 64, ..Limits::default() }
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut simulation = Self {
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            chat: Chat::restore(limits(), sockless_chat::chat::Saved::default()),
            paper: Paper::default(),
            pages: Vec::new(),
            writes: VecDeque::new(),
            reads: VecDeque::new(),
            now: Duration::from_secs(1),
            next: 0,
            seen: [0; 6],
        };
        for who in ["ann", "bob", "cy"] {
            simulation.chat.claim(&name(who)).expect("a free name");
        }
        simulation.follow();
        let (number, facts) = (simulation.writes.len() as u64, simulation.writes.drain(..));
        simulation.paper.facts.extend(facts.flat_map(|(_, facts)| facts));
        simulation.chat.stored(number, simulation.now);
        for who in ["ann", "ann", "bob", "cy"] {
            simulation.pages.push(Page {
                who: name(who),
                after: 0,
                known: BTreeMap::new(),
                outbox: VecDeque::new(),
                said: 0,
                peer: None,
                to_server: VecDeque::new(),
                from_server: VecDeque::new(),
                broken: false,
            });
        }
        simulation
    }

    /// A new session: what is in the outbox is said again.
    fn open(&mut self, at: usize) {
        self.next += 1;
        let peer = PeerId(self.next);
        self.chat.connect(peer, self.now);
        let page = &mut self.pages[at];
        page.peer = Some(peer);
        page.broken = false;
        page.from_server.clear();
        page.to_server = VecDeque::from([Action::Hello { token: None, after: page.after }]);
        let again =
            page.outbox.iter().cloned().map(|(key, to, text)| Action::Say { key, to, text });
        page.to_server.extend(again);
    }

    fn close(&mut self, at: usize) {
        if let Some(peer) = self.pages[at].peer.take() {
            self.chat.gone(peer, self.now);
        }
        self.pages[at].from_server.clear();
        self.pages[at].to_server.clear();
    }

    fn step(&mut self) {
        let at = self.random.below(self.pages.len() as u64) as usize;
        match self.random.below(100) {
            0..=24 => self.speak(at),
            25..=54 => self.serve(at),
            55..=79 => self.hear(at),
            80..=86 => self.store(true),
            87 => self.store(false),
            88..=93 => self.read(),
            94..=95 if self.pages[at].peer.is_some() => {
                self.close(at);
                self.seen[0] += 1;
            }
            94..=96 if self.pages[at].peer.is_none() => self.open(at),
            97 => {
                // The page is loaded anew, and its session goes on; what it has kept was kept.
                let page = &mut self.pages[at];
                let again = page.outbox.iter().cloned();
                let again = again.map(|(key, to, text)| Action::Say { key, to, text });
                if page.peer.is_some() {
                    page.to_server.extend(again.collect::<Vec<_>>());
                    self.seen[1] += 1;
                }
            }
            98 if self.random.below(20) == 0 => self.die(),
            _ => {
                self.now += Duration::from_secs(self.random.below(4));
                self.chat.wake(self.now);
            }
        }
        self.follow();
    }

    fn speak(&mut self, at: usize) {
        let to = match self.random.below(3) {
            0 => user("bob"),
            1 => user("cy"),
            _ => room("lobby"),
        };
        let page = &mut self.pages[at];
        if page.outbox.len() >= ON_THE_WAY {
            return;
        }
        page.said += 1;
        let said = (key(&format!("{at}-{}", page.said)), to, format!("{at} {}", page.said));
        page.outbox.push_back(said.clone());
        if page.peer.is_some() {
            let (key, to, text) = said;
            page.to_server.push_back(Action::Say { key, to, text });
        }
    }

    /// The next message of a page's session, if the one before is settled.
    fn serve(&mut self, at: usize) {
        let greets = self.a_hello_waits();
        let page = &mut self.pages[at];
        let Some(peer) = page.peer.filter(|_| !page.broken) else { return };
        // As the server does: what was read comes first, and the fate of a write is awaited.
        let waits = self.reads.iter().any(|(other, _)| *other == peer) || !self.writes.is_empty();
        if waits && self.random.below(8) != 0 {
            return;
        }
        if self
            .reads
            .iter()
            .any(|(other, read)| *other == peer && matches!(read, Read::Keys { .. }))
        {
            return;
        }
        match page.to_server.pop_front() {
            None => {}
            Some(Action::Hello { after, .. }) => {
                let who = page.who.clone();
                self.chat.hello(peer, who, Duration::MAX, after, self.now);
            }
            Some(action) => {
                let greeted = self.chat.knows(&page.who);
                if greeted && !greets {
                    self.chat.act(peer, action, self.now);
                } else {
                    page.to_server.push_front(action);
                }
            }
        }
    }

    /// Whether a hello waits for its write; a task would wait, too.
    fn a_hello_waits(&self) -> bool {
        self.writes.iter().flat_map(|(_, facts)| facts).any(|fact| matches!(fact, Fact::User(_)))
    }

    fn hear(&mut self, at: usize) {
        let page = &mut self.pages[at];
        let Some(event) = page.from_server.pop_front() else { return };
        let mut take = |message: &Message, after: &mut u64| {
            let is_new = page
                .known
                .insert(message.id, (message.from.clone(), message.text.clone()))
                .is_none();
            // Only what the page has said itself may come to it another time.
            assert!(is_new || message.from == page.who, "{message:?} has come twice");
            assert!(message.id > *after, "{message:?} comes after {after}");
            *after = message.id;
        };
        match event {
            Event::Message { message } => take(&message, &mut page.after),
            Event::Messages { list, more } => {
                list.iter().for_each(|message| take(message, &mut page.after));
                if more {
                    page.to_server.push_back(Action::More { after: page.after });
                }
            }
            Event::Said { key, id, up_to_date, .. } => {
                if let Some(found) = page.outbox.iter().position(|(other, ..)| *other == key) {
                    let (_, _, text) = page.outbox.remove(found).expect("found");
                    page.known.insert(id, (page.who.clone(), text));
                }
                if up_to_date {
                    assert!(id > page.after);
                    page.after = id;
                }
            }
            Event::Refused { error, .. } => {
                assert_eq!(error, sockless_chat::chat::Refusal::Storage, "{error:?}");
            }
            _ => {}
        }
    }

    fn store(&mut self, works: bool) {
        if !works {
            if let Some((number, _)) = self.writes.back() {
                self.chat.not_stored(*number, self.now);
                self.writes.clear();
                self.seen[2] += 1;
            }
            return;
        }
        let count = self.random.below(self.writes.len() as u64 + 1) as usize;
        let batch: Vec<_> = self.writes.drain(..count).collect();
        if let Some((number, _)) = batch.last() {
            let number = *number;
            self.paper.facts.extend(batch.into_iter().flat_map(|(_, facts)| facts));
            self.chat.stored(number, self.now);
        }
    }

    fn read(&mut self) {
        let Some((peer, read)) = self.reads.pop_front() else { return };
        match read {
            Read::Keys { user } => self.chat.keys(peer, self.paper.keys(&user, 64)),
            Read::Missed { user, rooms, after, up_to, most } => {
                let (list, more) = self.paper.missed(&user, &rooms, after, up_to, most);
                self.seen[3] += u64::from(more);
                self.chat.missed(peer, list, more);
            }
            _ => unreachable!("nobody asks"),
        }
    }

    /// The server dies, perhaps after the store has taken what nobody has heard of, and starts again. All sessions are gone.
    fn die(&mut self) {
        if self.random.below(2) == 0 {
            let count = self.random.below(self.writes.len() as u64 + 1) as usize;
            let stored: Vec<_> = self.writes.drain(..count).flat_map(|(_, facts)| facts).collect();
            self.paper.facts.extend(stored);
        }
        self.writes.clear();
        self.reads.clear();
        self.chat = Chat::restore(limits(), self.paper.saved());
        for page in &mut self.pages {
            page.peer = None;
            page.from_server.clear();
            page.to_server.clear();
        }
        self.seen[4] += 1;
    }

    fn follow(&mut self) {
        while let Some(output) = self.chat.poll() {
            match output {
                Output::Send { to, event } => {
                    for page in &mut self.pages {
                        if page.peer.is_some_and(|peer| to.contains(&peer)) {
                            page.from_server.push_back(event.clone());
                        }
                    }
                }
                Output::Write { number, facts } => self.writes.push_back((number, facts)),
                Output::Read { peer, read } => self.reads.push_back((peer, read)),
                Output::Pause { .. } | Output::Online { .. } | Output::Typing { .. } => {}
                Output::End { peer, end } => {
                    assert_eq!(end, End::NotStored);
                    for page in self.pages.iter_mut().filter(|page| page.peer == Some(peer)) {
                        page.peer = None;
                        page.to_server.clear();
                    }
                    self.seen[5] += 1;
                }
            }
        }
    }

    /// Lets everything come to rest, and looks.
    fn judge(&mut self, seed: u64) {
        for at in 0..self.pages.len() {
            self.close(at);
            self.open(at);
        }
        for _ in 0..20_000 {
            self.store(true);
            self.read();
            self.follow();
            for at in 0..self.pages.len() {
                if self.pages[at].peer.is_none() {
                    self.open(at);
                }
                self.serve(at);
                self.follow();
                self.hear(at);
            }
            let quiet = |page: &Page| {
                page.outbox.is_empty() && page.from_server.is_empty() && page.to_server.is_empty()
            };
            if self.pages.iter().all(quiet) && self.writes.is_empty() && self.reads.is_empty() {
                break;
            }
        }
        let stored: Vec<&Message> = self.paper.said().map(|(message, ..)| &**message).collect();
        // Everything that was said is stored once, each page's in its order.
        let mut texts = BTreeSet::new();
        for (at, page) in self.pages.iter().enumerate() {
            assert!(
                page.outbox.is_empty(),
                "seed {seed}: page {at} never learnt of {:?}",
                page.outbox
            );
            let prefix = format!("{at} ");
            let own: Vec<_> =
                stored.iter().filter(|message| message.text.starts_with(&prefix)).collect();
            let numbers: Vec<String> = own.iter().map(|message| message.text.clone()).collect();
            let wanted: Vec<String> =
                (1..=page.said).map(|number| format!("{at} {number}")).collect();
            assert_eq!(numbers, wanted, "seed {seed}: page {at}");
            texts.extend(numbers);
        }
        assert_eq!(texts.len(), stored.len());
        // Every page has what its user may read from its coming on, and nothing else.
        let since = self.paper.saved().members;
        for (at, page) in self.pages.iter().enumerate() {
            let (_, _, since) =
                since.iter().find(|(_, user, _)| *user == page.who).expect("a member");
            let wanted: BTreeMap<u64, (Name, String)> = stored
                .iter()
                .filter(|message| match &message.to {
                    Place::Room(_) => message.id > *since,
                    Place::User(to) => *to == page.who || message.from == page.who,
                })
                .map(|message| (message.id, (message.from.clone(), message.text.clone())))
                .collect();
            assert_eq!(page.known, wanted, "seed {seed}: page {at}");
        }
    }
}

#[test]
fn everything_arrives_once_and_in_order() {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse().ok());
    let seeds = match number("SOCKLESS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("SOCKLESS_SEEDS").unwrap_or(300) + 1,
    };
    let (mut seen, mut said) = ([0; 6], 0);
    for seed in seeds.clone() {
        let mut simulation = Simulation::new(seed);
        (0..1500).for_each(|_| simulation.step());
        simulation.judge(seed);
        seen.iter_mut().zip(simulation.seen).for_each(|(all, one)| *all += one);
        said += simulation.paper.said().count();
    }
    if seeds.end - seeds.start > 100 {
        assert!(
            seen.iter().all(|count| *count > 10) && said > 1000,
            "too little has happened: {seen:?}, {said}"
        );
    }
}
