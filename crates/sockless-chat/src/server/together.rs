//! One server of many: what carries the log between its machine and Redis, and the thread that stores what comes from it.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Weak, atomic::Ordering};
use std::time::Duration;

use sockless_channels::redis::{Carried, Carrier};
use sockless_channels::{Config, Entropy, Epoch, Position, Retention};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel};

use super::clock::Clock;
use super::hall::{Hall, ToLog};
use super::say;
use crate::chat::{Fact, Saved};
use crate::settings::Settings;
use crate::together::{Happened, Options, State, Together, id_of};

/// What happens and isn't stored yet. With more, the log is read later.
const QUEUE: usize = 2000;
/// How much is stored together.
const MOST: usize = 1000;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Why a server can't be one of many.
#[derive(Debug)]
pub enum TogetherError {
    /// The address isn't one of a Redis.
    Address,
    /// The operating system has no random numbers.
    Entropy,
    /// The store is of a server that was alone: its ids and rooms are its own.
    WasAlone,
}

impl fmt::Display for TogetherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "--redis: not an address of a Redis; redis://127.0.0.1:6379 is one",
            Self::Entropy => "no random numbers",
            Self::WasAlone => {
                "the store is of a server that was alone: give --data an empty directory"
            }
        })
    }
}

/// Random numbers, seeded by the operating system (SplitMix64). None of them is a secret.
#[derive(Debug)]
pub(super) struct Seeded(u64);

impl Seeded {
    fn new() -> Result<Self, TogetherError> {
        let mut seed = [0; 8];
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut seed)
            .map_err(|_| TogetherError::Entropy)?;
        Ok(Self(u64::from_be_bytes(seed)))
    }
}

impl Entropy for Seeded {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }
}

/// The machine and what carries for it.
pub(super) struct Parts {
    together: Together<Seeded>,
    carrier: Carrier,
}

impl Parts {
    /// Prepares a server that goes on from what its store has. `saved` gets the last id that is known.
    pub(super) fn new(
        settings: &Settings,
        url: &str,
        saved: &mut Saved,
        clock: Clock,
    ) -> Result<Self, TogetherError> {
        if saved.at.is_none() && !saved.users.is_empty() {
            return Err(TogetherError::WasAlone);
        }
        let longest = usize::try_from(settings.limits.file).unwrap_or(usize::MAX).max(8 << 20);
        let config = Config::default()
            .with_payload(longest.saturating_mul(2))
            .with_publications(10_000, longest.saturating_mul(8))
            .with_page(500, 1 << 20)
            .with_patience(Duration::from_secs(4))
            .with_lifetime(Duration::from_secs(30))
            .with_audit(Duration::from_secs(10))
            .with_backoff(Duration::from_millis(100), Duration::from_secs(2));
        let retention = Retention::default()
            .with_count(settings.redis_keep)
            .with_bytes(256 << 20)
            .with_age(7 * DAY)
            .with_quiet(30 * DAY)
            .with_key_age(10 * MINUTE)
            .with_members(1_000_000);
        let copied = retention.with_count(settings.redis_keep.min(2000)).with_bytes(16 << 20);
        let channels = sockless_channels::redis::Settings::new(url)
            .with_prefix(&settings.redis_prefix)
            .with_config(config)
            .with_retention(retention)
            .with_durable(settings.redis_durable);
        let carrier = Carrier::new(channels).map_err(|_| TogetherError::Address)?;
        let position = saved.at.map(|(epoch, offset)| Position::new(Epoch::new(epoch), offset));
        let gaps = saved.gaps.iter().map(|(_, up_to)| *up_to).max();
        let last = position.map_or(0, id_of).max(gaps.unwrap_or(0)).max(saved.last);
        saved.last = last;
        let mut random = Seeded::new()?;
        let options = Options { server: random.number(), position, last, config, copied };
        // It needs three channels, which are allowed.
        let together =
            Together::new(options, random, clock.now()).map_err(|_| TogetherError::Address)?;
        Ok(Self { together, carrier })
    }

    /// Begins to carry. What has happened is stored by a thread.
    pub(super) fn begin(
        self,
        hall: &Arc<Hall>,
        asked: UnboundedReceiver<ToLog>,
    ) -> std::io::Result<()> {
        let (happened, happens) = channel(QUEUE);
        let weak = Arc::downgrade(hall);
        let thread = std::thread::Builder::new().name("chat writer".into());
        thread.spawn(move || store_all(&weak, happens))?;
        tokio::spawn(carry(self, hall.clock, asked, happened));
        Ok(())
    }
}

/// Carries between the machine and Redis, until the hall is no more.
async fn carry(
    Parts { mut together, mut carrier }: Parts,
    clock: Clock,
    mut asked: UnboundedReceiver<ToLog>,
    happened: Sender<Happened>,
) {
    let mut trouble = None;
    loop {
        let now = clock.now();
        if together.deadline().is_some_and(|at| at <= now) {
            together.timeout(now);
        }
        // What can't be stored yet stays in the machine, and in Redis.
        let mut is_full = false;
        loop {
            while let Some(command) = together.command(now) {
                carrier.carry_out(command);
            }
            let Ok(room) = happened.try_reserve() else {
                is_full = true;
                break;
            };
            match together.poll(now) {
                Some(what) => room.send(what),
                None => break,
            }
        }
        while let Some(command) = together.command(now) {
            carrier.carry_out(command);
        }
        let sleep = async {
            match together.deadline() {
                Some(at) => tokio::time::sleep(at.saturating_sub(clock.now())).await,
                None => pending().await,
            }
        };
        tokio::select! {
            carried = carrier.next() => {
                let now = clock.now();
                match carried {
                    Carried::Connected => {
                        trouble = None;
                        together.connected();
                    }
                    Carried::Lost(why) => {
                        if let Some(why) = why.filter(|why| trouble.as_ref() != Some(why)) {
                            say(format_args!("Redis can't be reached: {why}"));
                            trouble = Some(why);
                        }
                        together.disconnected(now);
                    }
                    Carried::Answer(id, answer) => together.answer(id, answer, now),
                    Carried::Pushes(pushes) => {
                        pushes.into_iter().for_each(|push| together.push(push, now));
                    }
                }
            }
            what = asked.recv() => match what {
                Some(what) => take(&mut together, what, clock.now()),
                None => return,
            },
            _ = happened.reserve(), if is_full => {}
            () = sleep => {}
        }
    }
}

fn take(together: &mut Together<Seeded>, what: ToLog, now: Duration) {
    match what {
        ToLog::Write(number, facts) => together.write(number, &facts, now),
        ToLog::Online(user, online) => together.online(&user, online),
        ToLog::Typing(place, user) => together.typing(&place, &user, now),
        ToLog::State(of, sure, state) => together.tell_state(of, sure, state, now),
    }
}

/// Stores what has happened, then tells the chat, until nothing can happen any more.
fn store_all(hall: &Weak<Hall>, mut happens: Receiver<Happened>) {
    while let Some(first) = happens.blocking_recv() {
        let Some(hall) = hall.upgrade() else { return };
        let mut batch = vec![first];
        while batch.len() < MOST
            && let Ok(next) = happens.try_recv()
        {
            batch.push(next);
        }
        let mut run = Vec::new();
        for what in batch {
            // Who was faster with a name is known only when what came before is true.
            if !is_plain(&what) {
                store_run(&hall, std::mem::take(&mut run));
                run.push(what);
                store_run(&hall, std::mem::take(&mut run));
            } else {
                run.push(what);
            }
        }
        store_run(&hall, run);
    }
}

/// Whether it can be stored together with what comes before and after.
fn is_plain(what: &Happened) -> bool {
    match what {
        Happened::Facts { facts, .. } => !facts.iter().any(|fact| matches!(fact, Fact::User(_))),
        Happened::Asked { .. } | Happened::State { .. } => false,
        _ => true,
    }
}

fn store_run(hall: &Hall, mut run: Vec<Happened>) {
    if run.is_empty() {
        return;
    }
    let mut stored = Vec::new();
    for what in &mut run {
        match what {
            Happened::Facts { facts, .. } => {
                if facts.iter().any(|fact| matches!(fact, Fact::User(_))) {
                    *facts = hall.ask(|chat| chat.admitted(std::mem::take(facts)));
                }
                stored.extend(facts.iter().cloned());
            }
            Happened::Gap { after, up_to, at } => {
                stored.push(Fact::Gap { after: *after, up_to: *up_to });
                stored.push(at.clone());
            }
            Happened::State { of, state, replace } => {
                let State { users } = state;
                let facts = hall.ask(|chat| chat.differences(*of, users, *replace));
                stored.extend(facts);
            }
            _ => {}
        }
    }
    commit(hall, &stored);
    for what in run {
        match what {
            Happened::Facts { id, facts, own } => {
                hall.settle_one(own, |chat, now| chat.arrived(id, facts, own, now));
            }
            Happened::Gap { after, up_to, .. } => {
                say(format_args!("the history is incomplete between {after} and {up_to}"));
                hall.counts.gaps.fetch_add(1, Ordering::Relaxed);
                hall.settle_one(None, |chat, _| chat.gap(after, up_to));
            }
            Happened::Known { number, id } => {
                hall.settle_one(Some(number), |chat, now| chat.known(number, id, now));
            }
            Happened::Failed { number } => {
                hall.counts.failed_writes.fetch_add(1, Ordering::Relaxed);
                hall.settle_one(Some(number), |chat, now| chat.failed(number, now));
            }
            Happened::Asked { id, sure } => hall.tell_state(id, sure),
            Happened::State { .. } => {
                let facts = std::mem::take(&mut stored);
                hall.settle_one(None, |chat, _| chat.adopt(facts));
            }
            Happened::Alone(alone) => {
                say(format_args!(
                    "{}",
                    if alone { "alone: Redis doesn't answer" } else { "together again" }
                ));
                hall.set_alone(alone);
            }
            Happened::Online { server, user, online } => {
                hall.settle_one(None, |chat, _| chat.elsewhere(server, &user, online));
            }
            Happened::Typing { place, user } => {
                hall.settle_one(None, |chat, _| chat.typing_elsewhere(&user, &place));
            }
        }
    }
}

/// Stores facts, however long that takes: what is in the log is true, also where a disk is full.
fn commit(hall: &Hall, facts: &[Fact]) {
    if facts.is_empty() {
        return;
    }
    let mut failing = false;
    while let Err(error) = hall.store.commit(facts) {
        if !std::mem::replace(&mut failing, true) {
            say(format_args!("{error}: nothing is delivered until that is over"));
        }
        hall.set_trouble(Some(error.to_string()));
        std::thread::sleep(Duration::from_secs(1));
    }
    if failing {
        say(format_args!("the store works again"));
    }
    hall.set_trouble(None);
    hall.counts.writes.fetch_add(facts.len() as u64, Ordering::Relaxed);
}
