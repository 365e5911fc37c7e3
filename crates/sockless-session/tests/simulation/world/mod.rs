//! A run: a client, a server, the connections between them, the time, and everything that goes wrong.

mod client;
mod faults;
mod server;

use std::sync::Arc;
use std::time::Duration;

use sockless_session::reliable::{
    Acceptance, Config, Link, Message, Output, Session, SessionId, Stage, Table, TableLimits,
    Window,
};

use crate::app::{App, Learnt};
use crate::pipe::Pipe;
use crate::random::Random;
use crate::store::{Store, Way};

/// How many connections, and how many turns, a run may have.
const MOST_TURNS: usize = 30_000;

/// A connection, from both ends.
#[derive(Debug)]
struct Conn {
    up: Pipe,
    down: Pipe,
    /// The client's end, while it has one.
    client: Option<Link>,
    server: ServerEnd,
    /// When either side learns that the wire has been cut.
    client_notices: Option<Duration>,
    server_notices: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
enum ServerEnd {
    Waits { openings: u8 },
    Carries(SessionId, Link),
    Gone,
}

/// One side, without its sessions.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) app: App,
    way: Way,
    store: Store,
    config: Arc<Config>,
    /// An export that was made a while ago, with the effects of then.
    stale: Option<Vec<(SessionId, Vec<u8>)>>,
    pub(crate) deaths: u64,
    /// Up to where the messages are stored that were taken for sending.
    promised: Vec<(SessionId, u64)>,
}

/// A run.
#[derive(Debug)]
pub(crate) struct World {
    random: Random,
    now: Duration,
    pub(crate) recoverable: bool,
    /// Whether this side can be restored from an old state. Not both: then nothing could tell.
    client_goes_back: bool,
    server_goes_back: bool,
    pub(crate) client: Side,
    pub(crate) server: Side,
    session: Option<Session<Message>>,
    /// The server's sessions that have ended, as long as their end isn't stored.
    ending: Vec<Session<Message>>,
    table: Table<Message>,
    conns: Vec<Conn>,
    next_try: Duration,
    turns: usize,
    chaos: usize,
    pub(crate) cuts: u64,
    pub(crate) superseded: u64,
    pub(crate) resumed: u64,
    pub(crate) ended: u64,
}

fn config(random: &mut Random, way: Way, recoverable: bool) -> Arc<Config> {
    let window =
        Window::new(random.pick(&[1, 2, 5, 30, 1000]), random.pick(&[1, 300, 2000, 100_000]));
    let mut config = Config::default()
        .with_window(window)
        .with_queue(random.pick(&[1, 3, 20, 1000]), random.pick(&[1, 500, 1 << 20]))
        .with_ack_delay(random.millis(200))
        .with_opening(Duration::from_secs(2))
        .with_requests(random.pick(&[1, 10]));
    if random.one_in(3) {
        config = config.with_acceptance(Acceptance::ByApplication);
    }
    if random.one_in(2) {
        config = config.with_probe(Duration::from_millis(700), Duration::from_millis(300));
    }
    if way != Way::Memory {
        config = config.with_storage();
    }
    let short = !recoverable && random.one_in(2);
    config = config.with_grace(Duration::from_secs(if short { 1 } else { 60 }));
    Arc::new(config)
}

impl Side {
    fn new(name: char, recoverable: bool, random: &mut Random) -> Self {
        let ways = [Way::Memory, Way::Journal, Way::Journal, Way::Export];
        let way = random.pick(if recoverable { &ways } else { &ways[..3] });
        let config = config(random, way, recoverable);
        let app = App::new(name, &config, random);
        let store = Store::new(way, random);
        let (stale, promised) = (None, Vec::new());
        Self { app, way, store, config, stale, deaths: 0, promised }
    }

    fn store(&mut self, session: &mut Session<Message>, now: Duration, random: &mut Random) {
        if !session.wants_sync() || (random.one_in(3) && session.is_open()) {
            return;
        }
        let effects = match self.way {
            Way::Export => self.app.all_effects(),
            _ => self.app.take_fresh(),
        };
        assert!(self.store.store(session, &effects, now, random));
    }

    /// After a call that may have changed something.
    fn look(&mut self, session: &Session<Message>) {
        let config = session.config();
        assert!(session.queued() <= config.queue_messages + 1, "the queue grows: {session:?}");
        assert!(session.queued_bytes() <= config.queue_bytes as u64 + 1200, "{session:?}");
        self.app.learn(session);
    }

    /// What a sync covers is promised.
    fn synced(&mut self, session: &mut Session<Message>) {
        let id = session.id();
        // What may go out is what is stored.
        self.app.stored(id, session.stored_accepted());
        let assigned = session.stored_assigned();
        match self.promised.iter_mut().find(|(other, _)| *other == id) {
            Some((_, number)) => *number = assigned.max(*number),
            None => self.promised.push((id, assigned)),
        }
    }
}

impl World {
    pub(crate) fn run(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let recoverable = !random.one_in(4);
        let client = Side::new('c', recoverable, &mut random);
        let server = Side::new('s', recoverable, &mut random);
        let session = Session::client(client.config.clone(), &mut random);
        let sessions = if recoverable { 10 } else { random.pick(&[1, 10]) };
        let limits = TableLimits::new(sessions, random.below(3));
        let table = Table::new(server.config.clone(), limits);
        let chaos = 20 + random.below(300);
        let client_goes_back = !recoverable && random.one_in(2);
        let mut world = Self {
            random,
            now: Duration::from_secs(5),
            recoverable,
            client_goes_back,
            server_goes_back: !recoverable && !client_goes_back,
            client,
            server,
            session: Some(session),
            ending: Vec::new(),
            table,
            conns: Vec::new(),
            next_try: Duration::ZERO,
            turns: 0,
            chaos,
            cuts: 0,
            superseded: 0,
            resumed: 0,
            ended: 0,
        };
        while !world.is_over() {
            world.turn();
        }
        world.close();
        world
    }

    fn calm(&self) -> bool {
        self.turns > self.chaos
    }

    fn is_over(&self) -> bool {
        self.calm() && self.session.is_none() && self.table.is_empty() && self.ending.is_empty()
    }

    fn turn(&mut self) {
        self.turns += 1;
        assert!(self.turns < MOST_TURNS, "the run doesn't end: {self:?}");
        if self.turns == self.chaos + 1 {
            for conn in &mut self.conns {
                conn.up.calm();
                conn.down.calm();
            }
        }
        self.wreck();
        self.client_turn();
        self.server_turn();
        self.conns.retain(|conn| conn.client.is_some() || !matches!(conn.server, ServerEnd::Gone));
        self.pass_time();
    }

    /// Goes on to when something happens next.
    fn pass_time(&mut self) {
        let mut next: Option<Duration> = None;
        let mut consider = |at: Option<Duration>| next = [next, at].into_iter().flatten().min();
        for conn in &self.conns {
            if conn.client.is_some() {
                consider(conn.down.arrival());
                consider(conn.client_notices);
            }
            if !matches!(conn.server, ServerEnd::Gone) {
                consider(conn.up.arrival());
                consider(conn.server_notices);
            }
        }
        if let Some(session) = &self.session {
            consider(session.deadline());
            let connects = session.current_link().is_none() && session.stage() < Stage::Ending;
            consider(connects.then_some(self.next_try));
            consider(session.wants_sync().then_some(self.now));
        }
        for id in self.table.ids() {
            let session = self.table.get(id);
            consider(session.and_then(|session| session.deadline()));
            consider(session.filter(|session| session.wants_sync()).map(|_| self.now));
        }
        let waits = self.ending.iter().any(|session| session.wants_sync());
        consider(waits.then_some(self.now));
        consider(self.client.store.deadline());
        consider(self.server.store.deadline());
        // When all is calm the sessions that nobody resumes have to end, however long that takes.
        consider(self.table.deadline());
        let eager = [&self.client, &self.server]
            .iter()
            .any(|side| side.app.is_eager() || side.app.is_holding());
        if !self.calm() || eager {
            let tick = self.now + self.random.millis(40);
            consider(Some(tick));
        }
        let Some(next) = next else {
            // The end of the session is decided at the end of a turn.
            self.now += Duration::from_millis(1);
            return;
        };
        self.now = self.now.max(next);
    }

    /// The end of a run: what the server still has to say.
    fn close(&mut self) {
        for side in [&self.client, &self.server] {
            for sent in &side.app.ledger {
                assert!(sent.end.is_some(), "{sent:?} has no end");
                let bad = matches!(sent.end, Some(Learnt::Undelivered | Learnt::Unknown));
                assert!(!(bad && self.recoverable), "{sent:?} could have been delivered");
            }
        }
    }
}

impl Conn {
    fn new(link: Link, calm: bool, random: &mut Random) -> Self {
        let mut cut = || match random.below(4) {
            _ if calm => usize::MAX,
            0 => random.below(200),
            1 => random.below(3000),
            2 => random.below(20_000),
            _ => usize::MAX,
        };
        let (up, down) = (cut(), cut());
        Self {
            up: Pipe::new(random, up),
            down: Pipe::new(random, down),
            client: Some(link),
            server: ServerEnd::Waits { openings: 0 },
            client_notices: None,
            server_notices: None,
        }
    }
}

fn write(pipe: &mut Pipe, output: &Output<Message>, now: Duration, random: &mut Random) {
    let mut bytes = Vec::new();
    let kind = output.write_to(&mut bytes).expect("it isn't a close");
    pipe.write(now, kind, &bytes, random);
}
