//! One run: what is drawn, who talks to whom, and what has to be true of it.

use std::time::Duration;

use sockless::connection::Cause;
use sockless::{Client, Config, Connection, Delivery, Holding, Kind, Outcome, Server};

use crate::application::Application;
use crate::halves::Halves;
use crate::hostile::Hostile;
use crate::intake::Intake;
use crate::pipe::Pipe;
use crate::random::Random;
use crate::turns::{Party, Wire};
use crate::whole::Whole;
use crate::wire::Tested;

/// What runs came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    hostile: u64,
    clean: u64,
    stalled: u64,
    timed_out: u64,
    unresponsive: u64,
    messages: u64,
    taken: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.hostile += other.hostile;
        self.clean += other.clean;
        self.stalled += other.stalled;
        self.timed_out += other.timed_out;
        self.unresponsive += other.unresponsive;
        self.messages += other.messages;
        self.taken += other.taken;
    }

    fn count(&mut self, outcome: &Outcome) {
        use sockless::Failure;
        self.clean += u64::from(outcome.clean());
        match outcome.cause {
            Cause::Failed(Failure::Stalled) => self.stalled += 1,
            Cause::Failed(Failure::Unresponsive) => self.unresponsive += 1,
            Cause::TimedOut => self.timed_out += 1,
            Cause::Open => panic!("done, but open"),
            _ => {}
        }
    }

    /// The runs must come to everything.
    pub(crate) fn check(&self, seeds: u64) {
        if seeds < 1000 {
            return;
        }
        let at_least = |count: u64, share: u64, what: &str| {
            assert!(count * share > seeds, "{what}: {count} of {seeds}, {self:?}");
        };
        at_least(self.hostile, 3, "hostile");
        at_least(self.clean, 3, "clean");
        at_least(self.stalled, 30, "stalled");
        at_least(self.timed_out, 100, "timed out");
        at_least(self.unresponsive, 100, "unresponsive");
        at_least(self.messages, 1, "messages");
        at_least(self.taken, 30, "buffers taken");
    }
}

/// An end of ours, whole or in halves.
enum End<R: Tested> {
    Whole(Box<Whole<R>>),
    Halves(Box<Halves<R>>),
}

impl<R: Tested> End<R> {
    fn new(
        config: Config,
        open: fn(Config) -> Connection<R>,
        application: Application,
        random: &mut Random,
    ) -> Self {
        let intake = Intake::new(random);
        match random.one_in(3) {
            false => Self::Whole(Box::new(Whole::new(open(config), application, intake))),
            true => {
                let answers = match config.holding {
                    Holding::ByRole => !R::MASKS,
                    holding => holding == Holding::Answering,
                };
                let (soft, hard) = (config.soft_limit, config.hard_limit);
                let most = soft.max(2000) + 16;
                let config = config.with_output_limits(soft, hard.max(soft + 5 * most));
                let halves = open(config).split();
                // What is in the channel when the queue reaches its soft limit finds room beyond it.
                let places = 1 + random.below(4);
                let halves = Halves::new(halves, application, intake, answers, places);
                Self::Halves(Box::new(halves))
            }
        }
    }

    fn party(&mut self) -> &mut dyn Party {
        match self {
            Self::Whole(whole) => &mut **whole,
            Self::Halves(halves) => &mut **halves,
        }
    }

    fn application(&self) -> &Application {
        match self {
            Self::Whole(whole) => &whole.application,
            Self::Halves(halves) => &halves.application,
        }
    }

    /// How often it has read into a message's own buffer.
    fn taken(&self) -> u64 {
        match self {
            Self::Whole(whole) => whole.intake.count,
            Self::Halves(halves) => halves.intake.count,
        }
    }

    fn outcome(&self) -> Outcome {
        let outcome = match self {
            Self::Whole(whole) => whole.outcome,
            Self::Halves(halves) => halves.outcome,
        };
        outcome.expect("it has ended")
    }
}

/// How long messages are: now and then so long that their buffer can be taken out.
fn length(random: &mut Random) -> usize {
    match random.one_in(16) {
        true => 40_000,
        false => random.pick(&[5, 60, 125, 300, 2000]),
    }
}

/// An end without extensions.
fn plain<R: Tested>(config: Config) -> Connection<R> {
    R::open(config)
}

/// An end that compresses, where that is compiled in.
fn compressing<R: Tested>(config: Config) -> Connection<R> {
    let connection = R::open(config);
    #[cfg(feature = "deflate")]
    let connection = connection.with_extensions(crate::inflation::agreed(Default::default()));
    connection
}

/// Runs what the seed says, to the end.
pub(crate) fn run(seed: u64) -> Tally {
    let mut random = Random(seed);
    match random.below(5) {
        0 | 1 => against_each_other(&mut random),
        2 => against_a_hostile_peer::<Client>(&mut random),
        _ => against_a_hostile_peer::<Server>(&mut random),
    }
}

/// A configuration whose marks lie at, just below and just beyond what a few messages of `len` bytes take.
fn config(len: usize, random: &mut Random) -> Config {
    let frame = len + if len < 126 { 2 } else { 4 };
    let soft = ((1 + random.below(4)) * frame + random.below(3)).saturating_sub(1);
    let hard = soft + random.below(3 * frame);
    let mut config = Config::default()
        .with_auto_pong(!random.one_in(4))
        .with_auto_close(!random.one_in(4))
        .with_output_limits(soft, hard);
    if random.one_in(3) {
        config = config.with_delivery(Delivery::Parts);
    }
    config
}

/// An application that goes with the configuration.
fn application(config: &Config, random: &mut Random) -> Application {
    let mut application = Application::new(random);
    application.pongs_itself = !config.auto_pong;
    application.closes_itself = !config.auto_close;
    application
}

fn script(count: usize, len: usize, random: &mut Random) -> Vec<(Kind, Vec<u8>)> {
    let count = if len > 10_000 { count.min(4) } else { count };
    let message = |number: usize, random: &mut Random| {
        let kind = random.pick(&[Kind::Text, Kind::Binary]);
        let mut payload = format!("{number}:").into_bytes();
        payload.resize(len.max(payload.len()), b'x');
        (kind, payload)
    };
    (0..count).map(|number| message(number, random)).collect()
}

/// Two ends of ours that have all the time they need: everything arrives, and both end cleanly.
fn against_each_other(random: &mut Random) -> Tally {
    let len = length(random);
    let compresses = random.one_in(4);
    let patient = Duration::from_secs(1_000_000);
    let drawn = |random: &mut Random| {
        let config = config(len, random).with_write_timeout(patient).with_close(patient);
        let mut application = application(&config, random);
        application.script = script(random.below(30), len, random).into();
        (config, application)
    };
    // One that holds can wait for one that holds: the client of the two goes on.
    let (server, mut answering) = drawn(random);
    let (client, mut asking) = drawn(random);
    asking.echoes = false;
    // A message that answers nothing may be refused, an echo may not.
    answering.echoes &= server.holding == Holding::ByRole;
    let closes = random.millis(20_000) + Duration::from_millis(1);
    match random.one_in(2) {
        true => asking.closes_at = Some(closes),
        false => answering.closes_at = Some(closes),
    }
    if answering.echoes {
        answering.script.clear();
    }
    let (of_client, of_server): (fn(_) -> _, fn(_) -> _) = match compresses {
        true => (compressing::<Client>, compressing::<Server>),
        false => (plain::<Client>, plain::<Server>),
    };
    let mut client = End::new(client, of_client, asking, random);
    let mut server = End::new(server, of_server, answering, random);
    let limit = patient;
    go(client.party(), server.party(), limit, random);
    let mut tally = Tally::default();
    for outcome in [client.outcome(), server.outcome()] {
        assert!(outcome.clean(), "not clean: {outcome:?}");
        tally.count(&outcome);
    }
    tally.taken = client.taken() + server.taken();
    let (client, server) = (client.application(), server.application());
    assert!(client.heard == server.said, "the client has not heard what the server said");
    assert!(server.heard == client.said, "the server has not heard what the client said");
    tally.messages = (client.heard.len() + server.heard.len()) as u64;
    tally
}

/// An end of ours that has deadlines, and a peer that keeps no promise: it ends in time.
fn against_a_hostile_peer<R: Tested>(random: &mut Random) -> Tally {
    let len = length(random);
    let mut config = config(len, random);
    if R::MASKS {
        config = config.with_holding(random.pick(&[Holding::ByRole, Holding::Answering]));
    }
    let short = |random: &mut Random| Duration::from_millis(200) + random.millis(3000);
    let (write, close, idle) = (short(random), short(random), short(random));
    let (interval, timeout) = (short(random), short(random));
    config = config.with_write_timeout(write).with_close(close);
    let watches = random.below(3);
    if watches != 0 {
        config = config.with_keepalive(interval, timeout);
    }
    if watches != 1 {
        config = config.with_idle(idle);
    }
    let mut application = application(&config, random);
    let independent = R::MASKS && config.holding == Holding::ByRole;
    application.echoes = !independent;
    if independent || random.one_in(4) {
        application.echoes = false;
        application.script = script(random.below(40), len, random).into();
    }
    if random.one_in(3) {
        application.closes_at = Some(random.millis(5000));
    }
    let mut hostile = Hostile::new::<R>(len, random);
    let mut end = End::<R>::new(config, plain, application, random);
    // From the last byte that moves on, no more than all of its deadlines one after the other, and how late a driver may be.
    let limit = write + close + idle + interval + timeout + Duration::from_secs(6);
    go(end.party(), &mut hostile, limit, random);
    let mut tally = Tally { hostile: 1, ..Tally::default() };
    tally.count(&end.outcome());
    tally.messages = end.application().heard.len() as u64;
    tally.taken = end.taken();
    tally
}

/// Lets the two take turns until both have ended, which has to be within `limit` after the last byte moved.
fn go(first: &mut dyn Party, second: &mut dyn Party, limit: Duration, random: &mut Random) {
    let (mut up, mut down) = (Pipe::new(random), Pipe::new(random));
    let (mut now, mut moved, mut last) = (Duration::ZERO, (0, 0), Duration::ZERO);
    for turns in 0.. {
        if first.is_over() && second.is_over() {
            return;
        }
        let standing = || format!("{now:?}: {} | {}", first.standing(), second.standing());
        assert!(turns < 400_000, "it does not end: {}", standing());
        assert!(now <= last + limit, "it outlives its deadlines: {}", standing());
        let begins = random.one_in(2);
        let mut acted = false;
        for turn in [begins, !begins] {
            let moved = &mut moved.0;
            acted |= if turn {
                let (inbound, outbound) = (&mut down, &mut up);
                first.turn(&mut Wire { now, inbound, outbound, random, moved })
            } else {
                let (inbound, outbound) = (&mut up, &mut down);
                second.turn(&mut Wire { now, inbound, outbound, random, moved })
            };
        }
        if moved.0 != moved.1 {
            (moved.1, last) = (moved.0, now);
        }
        if acted {
            continue;
        }
        let next = first.next(&down).into_iter().chain(second.next(&up)).filter(|at| *at > now);
        let Some(next) = next.min() else {
            panic!(
                "nothing will ever happen again at {now:?}: {} | {}",
                first.standing(),
                second.standing()
            );
        };
        now = if random.one_in(8) { next + random.millis(300) } else { next };
    }
}
