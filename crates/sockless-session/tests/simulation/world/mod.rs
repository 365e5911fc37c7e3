//! A run: a client, a server, the connections between them, the time, and everything that goes wrong.

mod faults;

use std::sync::Arc;
use std::time::Duration;

use sockless_session::reliable::{
    Acceptance, Admission, Config, Denial, Event, Link, LinkError, Message, Opening, Output,
    Received, Session, SessionId, Stage, Table, TableLimits, Window,
};

use crate::app::{App, Learnt};
use crate::pipe::{Pipe, incoming};
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

    fn client_turn(&mut self) {
        let (now, random) = (self.now, &mut self.random);
        while let Some((id, mark)) = self.client.store.complete(now) {
            if let Some(session) = self.session.as_mut().filter(|session| session.id() == id) {
                session.synced(mark);
                self.client.synced(session);
            }
        }
        let Some(session) = &mut self.session else { return };
        // What the connections bring. Those that have been given up bring nothing any more.
        for conn in &mut self.conns {
            let Some(mut link) = conn.client else { continue };
            while let Some((kind, payload)) = conn.down.read(now) {
                match session.receive(link, incoming(kind, &payload), now) {
                    Ok(Received::Retried(other)) => {
                        link = other;
                        conn.client = Some(link);
                    }
                    Ok(received) => {
                        self.resumed +=
                            u64::from(matches!(received, Received::Opened { resumed: true, .. }));
                        self.client.app.take(session, received, random);
                    }
                    Err(LinkError::Superseded) => {}
                    Err(error) => panic!("the client sees {error}"),
                }
            }
            let cut = conn.client_notices.is_some_and(|at| at <= now) || conn.down.is_at_end();
            if cut {
                session.lost(link);
            }
            if cut || session.current_link() != Some(link) {
                conn.client = None;
                conn.up.end();
                self.next_try = now + random.millis(200);
            }
        }
        while let Some(event) = session.poll(now) {
            match event {
                Event::Room => self.client.app.room(),
                Event::TimedOut { request } => {
                    assert!(self.client.app.requests.remove(&(session.id(), request)));
                }
                _ => self.next_try = now + random.millis(200),
            }
        }
        if random.one_in(3) || self.turns > self.chaos {
            self.client.app.work(session, now, random);
        }
        if self.client.app.is_eager() && random.one_in(3) {
            self.client.app.send(session, now, random);
        }
        self.client.look(session);
        if session.stage() == Stage::New || session.stage() == Stage::Established {
            let connects = session.current_link().is_none() && self.next_try <= now;
            // Sometimes a client has a new connection before it has given the old one up.
            let impatient = self.turns <= self.chaos && random.one_in(80);
            if (connects || impatient) && (!session.config().stored || !session.wants_sync()) {
                for conn in self.conns.iter_mut().filter(|conn| conn.client.is_some()) {
                    conn.client = None;
                    if random.one_in(2) {
                        conn.up.end();
                    }
                }
                let link = session.connect(now).expect("it hasn't ended");
                self.conns.push(Conn::new(link, self.turns > self.chaos, random));
            }
        }
        self.client.store(session, now, random);
        for conn in &mut self.conns {
            let Some(link) = conn.client else { continue };
            while conn.up.has_room() {
                match session.poll_output(link, now) {
                    None => break,
                    Some(Output::Close(_)) => {
                        conn.client = None;
                        conn.up.end();
                        break;
                    }
                    Some(output) => write(&mut conn.up, &output, now, random),
                }
            }
        }
        self.finish_client();
    }

    /// Ends the session when all is done, and begins a new one where it has ended before.
    fn finish_client(&mut self) {
        let calm = self.calm();
        let done = self.client.app.plan == 0 && self.server.app.plan == 0;
        let Some(session) = &mut self.session else { return };
        if session.is_final() && session.current_link().is_none() {
            self.client.app.ended(session);
            // What has ended isn't brought back.
            self.client.stale = None;
            self.ended += 1;
            // The end is stored, too.
            self.client.store.replace(Vec::new(), &mut self.random);
            self.session = None;
            if !(calm && done) {
                assert!(!self.recoverable, "a session that could go on has ended");
                let config = self.client.config.clone();
                self.session = Some(Session::client(config, &mut self.random));
            }
            return;
        }
        if !(calm && done) || self.client.app.is_holding() || self.server.app.is_holding() {
            return;
        }
        let id = session.id();
        let settled = session.is_settled()
            && session.is_open()
            && self
                .table
                .get(id)
                .is_some_and(|other| other.is_settled() && other.accepted() == session.acked());
        if settled && session.stage() == Stage::Established {
            if self.random.one_in(2) {
                session.end().expect("it is established");
            } else {
                // It may have been ended before, without the client having heard of it.
                self.table.with(id, self.now, |session| session.end().is_ok());
            }
        }
    }

    fn server_turn(&mut self) {
        let (now, random) = (self.now, &mut self.random);
        while let Some((id, mark)) = self.server.store.complete(now) {
            let side = &mut self.server;
            self.table.with(id, now, |session| {
                session.synced(mark);
                side.synced(session);
            });
            for session in self.ending.iter_mut().filter(|session| session.id() == id) {
                session.synced(mark);
                side.synced(session);
            }
        }
        for conn in &mut self.conns {
            while !matches!(conn.server, ServerEnd::Gone)
                && let Some((kind, payload)) = conn.up.read(now)
            {
                let message = incoming(kind, &payload);
                match conn.server {
                    ServerEnd::Waits { openings } => {
                        let opening = Opening::parse(message).expect("an opening comes first");
                        assert!(openings < 4, "too many openings");
                        // Nobody is admitted to a session whose end is being stored.
                        if self.ending.iter().any(|session| session.id() == opening.id) {
                            conn.server = ServerEnd::Gone;
                            conn.down.end();
                            continue;
                        }
                        match self.table.admit(&opening, now) {
                            Admission::Opened(link) => {
                                conn.server = ServerEnd::Carries(opening.id, link);
                            }
                            Admission::Resumed { link, superseded } => {
                                self.superseded += u64::from(superseded.is_some());
                                conn.server = ServerEnd::Carries(opening.id, link);
                            }
                            Admission::Refused(refusal) => {
                                let denial = refusal.denial;
                                // At the end the server may have ended the session, and its bye been lost.
                                let over = matches!(denial, Denial::Ended | Denial::Unknown);
                                let last = over && self.turns > self.chaos;
                                let bad = denial != Denial::Stale && !last;
                                assert!(!(bad && self.recoverable), "refused: {refusal:?}");
                                let text = Output::<Message>::Text(refusal.text());
                                write(&mut conn.down, &text, now, random);
                                conn.server = ServerEnd::Waits { openings: openings + 1 };
                            }
                        }
                    }
                    ServerEnd::Carries(id, link) => {
                        let app = &mut self.server.app;
                        let result = self.table.with(id, now, |session| {
                            let received = session.receive(link, message, now)?;
                            app.take(session, received, random);
                            Ok(())
                        });
                        match result {
                            Some(Err(LinkError::Violation(violation))) => {
                                panic!("the server sees {violation}")
                            }
                            Some(Ok(())) => {}
                            _ => {
                                conn.server = ServerEnd::Gone;
                                conn.down.end();
                            }
                        }
                    }
                    ServerEnd::Gone => {}
                }
            }
            let cut = conn.server_notices.is_some_and(|at| at <= now) || conn.up.is_at_end();
            if cut {
                if let ServerEnd::Carries(id, link) = conn.server {
                    self.table.with(id, now, |session| session.lost(link));
                }
                conn.server = ServerEnd::Gone;
                conn.down.end();
            }
        }
        let ids: Vec<_> = self.table.ids().collect();
        for id in ids {
            self.serve(id);
        }
        self.ending.extend(std::iter::from_fn(|| self.table.poll(now)));
        let side = &mut self.server;
        for session in &mut self.ending {
            side.store(session, now, &mut self.random);
        }
        for mut session in self.ending.extract_if(.., |session| session.is_final()) {
            self.table.remember(&session);
            side.app.ended(&mut session);
            // The same hello can open it again, and then all begins anew.
            side.promised.retain(|(id, _)| *id != session.id());
            // What has ended isn't brought back.
            if let Some(stale) = &mut side.stale {
                stale.retain(|(id, _)| *id != session.id());
            }
        }
    }

    fn serve(&mut self, id: SessionId) {
        let (now, random, calm) = (self.now, &mut self.random, self.turns > self.chaos);
        let (side, conns) = (&mut self.server, &mut self.conns);
        self.table.with(id, now, |session| {
            while let Some(event) = session.poll(now) {
                match event {
                    Event::Room => side.app.room(),
                    Event::TimedOut { request } => {
                        assert!(side.app.requests.remove(&(id, request)))
                    }
                    _ => {}
                }
            }
            if random.one_in(3) || calm {
                side.app.work(session, now, random);
            }
            if side.app.is_eager() && random.one_in(3) {
                side.app.send(session, now, random);
            }
            side.look(session);
            side.store(session, now, random);
            for conn in conns.iter_mut() {
                let ServerEnd::Carries(other, link) = conn.server else { continue };
                if other != id {
                    continue;
                }
                while conn.down.has_room() {
                    match session.poll_output(link, now) {
                        None => break,
                        Some(Output::Close(_)) => {
                            conn.server = ServerEnd::Gone;
                            conn.down.end();
                            break;
                        }
                        Some(output) => write(&mut conn.down, &output, now, random),
                    }
                }
                if session.current_link() != Some(link) {
                    conn.server = ServerEnd::Gone;
                    conn.down.end();
                }
            }
        });
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
