//! The machine: writes go into the log, what comes out of it happens, on all servers in the same order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sockless_channels::{
    Answer, Change, Command, Config, Delivery, Entropy, Event, Loss, Misuse, Node, Position, Push,
    Recovery, RequestId, Retention, Start, Subscriber,
};

use super::doubt::{Doubt, Take};
use super::entry::{Head, Passing, State, What, facts, message_key, told};
use super::ids::{Epochs, id_of};
use super::own::{Fate, Owns};
use crate::chat::{Fact, Name, Place};

const LOG: &str = "log";
const ONLINE: &str = "online";
const PASSING: &str = "passing";

/// After how long without an answer of the channels this server is alone.
const ALONE: Duration = Duration::from_secs(1);

/// What this server is, and from where it goes on.
#[derive(Clone, Debug)]
pub struct Options {
    /// A number that no other server has, nor this one had when it ran before.
    pub server: u64,
    /// How far the store has come in the log.
    pub position: Option<Position>,
    /// The last id that the store has.
    pub last: u64,
    /// The limits and times of the node.
    pub config: Config,
    /// How much of the log is kept in memory here.
    pub copied: Retention,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// These facts are true, on all servers from here on.
    Facts {
        /// The id of the place.
        id: u64,
        /// What was written. The last one says how far the log was followed.
        facts: Vec<Fact>,
        /// The number of this server's write that it is.
        own: Option<u64>,
    },
    /// What lies between may be missing.
    Gap {
        /// The last id before.
        after: u64,
        /// The last id that may be missing.
        up_to: u64,
        /// How far the log was followed.
        at: Fact,
    },
    /// A write is in the log, but what lies there will not come here.
    Known {
        /// Its number.
        number: u64,
        /// Its id.
        id: u64,
    },
    /// A write was given up.
    Failed {
        /// Its number.
        number: u64,
    },
    /// Somebody asks for the state as it is here and now: for [`Together::tell_state`].
    Asked {
        /// The id of the place.
        id: u64,
        /// Whether this server is sure of it.
        sure: bool,
    },
    /// The state of another server.
    State {
        /// Up to which id it has everything.
        of: u64,
        /// What it is.
        state: State,
        /// Whether it takes the place of ours; otherwise what it has is added.
        replace: bool,
    },
    /// The channels can't be reached, or can again.
    Alone(bool),
    /// Somebody has come online on another server, or gone.
    Online {
        /// The server.
        server: u64,
        /// Who.
        user: Name,
        /// Whether online.
        online: bool,
    },
    /// Somebody is writing.
    Typing {
        /// Where.
        place: Place,
        /// Who.
        user: Name,
    },
}

impl From<Fate> for Happened {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Known { number, id } => Self::Known { number, id },
            Fate::Failed { number } => Self::Failed { number },
        }
    }
}

/// A server among others.
#[derive(Debug)]
pub struct Together<E> {
    server: u64,
    node: Node<Epochs<E>>,
    least: Arc<AtomicU64>,
    log: Option<Subscriber>,
    passing: Option<Subscriber>,
    /// The last id that came out, and the position that goes with it.
    last: u64,
    at: Option<Position>,
    owns: Owns,
    doubt: Doubt,
    /// Writes that wait for the log's epoch to be known.
    early: Vec<(u64, Vec<Fact>)>,
    /// Numbers of what isn't a write of the chat.
    asides: u64,
    out: VecDeque<Happened>,
    connected: bool,
    lost_since: Duration,
    alone: bool,
}

impl<E: Entropy> Together<E> {
    /// A server that isn't connected.
    ///
    /// # Errors
    ///
    /// The limits of the node don't even allow what it needs.
    pub fn new(options: Options, random: E, now: Duration) -> Result<Self, Misuse> {
        let Options { server, position, last, config, copied } = options;
        let least = Arc::new(AtomicU64::new(0));
        let mut node = Node::new(config, copied, Epochs::new(random, Arc::clone(&least)), now);
        let start = position.map_or(Start::Oldest, Start::After);
        let log = Some(node.subscribe(LOG, start)?);
        let passing = Some(node.subscribe(PASSING, Start::Now)?);
        node.watch(ONLINE, now)?;
        Ok(Self {
            server,
            node,
            least,
            log,
            passing,
            last,
            at: position,
            owns: Owns::default(),
            doubt: Doubt::none(),
            early: Vec::new(),
            asides: 0,
            out: VecDeque::new(),
            connected: false,
            lost_since: now,
            alone: false,
        })
    }

    /// Writes what has to be stored. It happens when it comes back.
    pub fn write(&mut self, number: u64, facts: &[Fact], now: Duration) {
        let Some(epoch) = self.epoch() else {
            self.early.push((number, facts.to_vec()));
            return;
        };
        let key = facts.iter().find_map(|fact| match fact {
            Fact::Said { message, key, .. } => {
                Some(message_key(&message.from, key, epoch).to_vec())
            }
            _ => None,
        });
        let key = key.unwrap_or_else(|| [self.server.to_be_bytes(), number.to_be_bytes()].concat());
        let (told, file) = told(facts);
        let head = Head { by: self.server, number, epoch, what: What::Facts(told) };
        match self.node.publish(LOG, Some(&key), head.encode(&file), now) {
            Ok(id) => self.owns.add(id, number, epoch),
            Err(_) => self.out.push_back(Happened::Failed { number }),
        }
    }

    fn epoch(&self) -> Option<u64> {
        self.at.map(|at| at.epoch().number())
    }

    /// Publishes something that is no write of the chat. If that fails it is asked for again.
    fn publish_aside(&mut self, key: &[u8], what: What, now: Duration) {
        let epoch = self.epoch().unwrap_or(0);
        let entry = Head { by: self.server, number: 0, epoch, what }.encode(&[]);
        let _ = self.node.publish(LOG, Some(key), entry, now);
    }

    fn ask(&mut self, now: Duration) {
        self.asides += 1;
        let key =
            [b"ask-----", &self.server.to_be_bytes(), &self.asides.to_be_bytes()[..]].concat();
        self.publish_aside(&key, What::Ask, now);
    }

    /// Answers a question for the state.
    pub fn tell_state(&mut self, of: u64, sure: bool, state: State, now: Duration) {
        // Those who are sure say the same: once is enough.
        let by = if sure { 0 } else { self.server };
        let key = [b"state---", &of.to_be_bytes(), &by.to_be_bytes()[..]].concat();
        self.publish_aside(&key, What::State { of, sure, state }, now);
    }

    /// Somebody has come online here, or gone.
    pub fn online(&mut self, user: &Name, online: bool) {
        let member = format!("{:016x}/{user}", self.server);
        match online {
            // With more members than are allowed some aren't seen elsewhere.
            true => drop(self.node.enter(ONLINE, &member, Bytes::new())),
            false => self.node.leave(ONLINE, &member),
        }
    }

    /// Somebody is writing here.
    pub fn typing(&mut self, place: &Place, user: &Name, now: Duration) {
        if self.alone {
            return;
        }
        let passing = Passing { by: self.server, place: place.clone(), user: user.clone() };
        if let Ok(bytes) = serde_json::to_vec(&passing) {
            let _ = self.node.publish(PASSING, None, bytes.into(), now);
        }
    }

    /// What the driver has to do next, as [`Node::command`].
    pub fn command(&mut self, now: Duration) -> Option<Command> {
        let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        self.least.store(micros.max(self.last + 1), Ordering::Relaxed);
        self.node.command(now)
    }

    /// As [`Node::connected`].
    pub fn connected(&mut self) {
        self.connected = true;
        self.node.connected();
    }

    /// As [`Node::disconnected`].
    pub fn disconnected(&mut self, now: Duration) {
        self.gone(now);
        self.node.disconnected(now);
    }

    fn gone(&mut self, now: Duration) {
        if std::mem::take(&mut self.connected) {
            self.lost_since = now;
        }
    }

    /// As [`Node::answer`].
    pub fn answer(&mut self, id: RequestId, answer: Answer, now: Duration) {
        self.node.answer(id, answer, now);
    }

    /// As [`Node::push`].
    pub fn push(&mut self, push: Push, now: Duration) {
        self.node.push(push, now);
    }

    /// When [`timeout`](Self::timeout) is to be called.
    pub fn deadline(&self) -> Option<Duration> {
        let alone = (!self.alone).then(|| self.trouble_since()).flatten().map(|at| at + ALONE);
        [self.node.deadline(), self.doubt.deadline(), alone].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Duration) {
        self.node.timeout(now);
        if self.doubt.wake(now) {
            self.ask(now);
        }
    }

    fn trouble_since(&self) -> Option<Duration> {
        if self.connected { self.node.waiting_since() } else { Some(self.lost_since) }
    }

    /// Whether the channels can't be reached.
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// What has happened next. It may be that [`command`](Self::command) has something to do afterwards.
    pub fn poll(&mut self, now: Duration) -> Option<Happened> {
        if self.connected && !self.node.is_connected() {
            self.gone(now);
        }
        let is_late = self.trouble_since().is_some_and(|since| now >= since + ALONE);
        // A connection that is given up after it was silent for long doesn't bring the others back.
        let alone = is_late || self.alone && !self.connected;
        if alone != self.alone {
            self.alone = alone;
            self.out.push_back(Happened::Alone(alone));
        }
        while self.node.ready().is_some() {}
        loop {
            if let Some(happened) = self.out.pop_front() {
                return Some(happened);
            }
            if !(self.take_event() || self.take_delivery(now) || self.take_passing()) {
                self.take_changes();
                return self.out.pop_front();
            }
        }
    }

    fn take_event(&mut self) -> bool {
        let Some(event) = self.node.event() else { return false };
        match event {
            Event::Published { publication, position, .. } => {
                let fate = self.owns.is_at(publication, position, self.last);
                self.out.extend(fate.map(Happened::from));
            }
            Event::Unpublished { publication, .. } => {
                self.out.extend(self.owns.give_up(publication).map(Happened::from));
            }
        }
        true
    }

    fn take_delivery(&mut self, now: Duration) -> bool {
        let Some(delivery) = self.log.and_then(|log| self.node.delivery(log)) else { return false };
        match delivery {
            Delivery::Started { position, recovery: Recovery::NotRecovered(loss) }
            | Delivery::Gap { position, loss, .. } => self.gap(position, loss, now),
            // One that begins anew, with what there is.
            Delivery::Started { position, recovery: Recovery::Fresh } => {
                if position.offset() > 0 {
                    self.pass(position);
                }
                self.at = Some(position);
                self.doubt.behind(position.offset() == 0, now);
                self.ask(now);
            }
            Delivery::Started { position, .. } => self.at = Some(position),
            Delivery::Publication { position, payload } => self.entry(position, &payload, now),
        }
        for (number, facts) in std::mem::take(&mut self.early) {
            self.write(number, &facts, now);
        }
        true
    }

    fn gap(&mut self, position: Position, loss: Loss, now: Duration) {
        match loss {
            Loss::Trimmed => self.doubt.behind(false, now),
            Loss::Epoch | Loss::Ahead => self.doubt.lost(now),
        }
        self.pass(position);
        self.out.extend(self.owns.passed(position).into_iter().map(Happened::from));
        self.ask(now);
    }

    /// Goes on at a position, and says that what lies before may be missing.
    fn pass(&mut self, position: Position) {
        let (after, up_to) = (self.last, id_of(position).max(self.last));
        (self.last, self.at) = (up_to, Some(position));
        self.out.push_back(Happened::Gap { after, up_to, at: at(position) });
    }

    fn entry(&mut self, position: Position, payload: &[u8], now: Duration) {
        let id = id_of(position);
        let Ok((Head { by, number, epoch, what }, file)) = Head::decode(payload) else {
            // What it means can't be known, and it may be about rooms.
            self.doubt.behind(false, now);
            return self.pass(position);
        };
        let mut own = (by == self.server && number > 0).then_some(number);
        let others = self.owns.has_come(own, position);
        if id <= self.last {
            // The clock of whoever began this epoch is behind by more than the loss took. Ids have to ascend.
            self.out.extend(own.map(|number| Happened::Failed { number }));
            return self.pass(position);
        }
        (self.last, self.at) = (id, Some(position));
        let (mut facts, mut more) = match what {
            What::Facts(_) if epoch != position.epoch().number() => {
                self.out.extend(own.take().map(|number| Happened::Failed { number }));
                (Vec::new(), None)
            }
            What::Facts(told) => (facts(told, file, id), None),
            What::Ask if by != self.server && self.doubt.may_answer() => {
                (Vec::new(), Some(Happened::Asked { id, sure: self.doubt.is_sure() }))
            }
            What::Ask => (Vec::new(), None),
            What::State { of, sure, state } if by != self.server => {
                let take = self.doubt.take(sure);
                let replace = take == Take::Replace;
                let state = Happened::State { of, state, replace };
                (Vec::new(), (take != Take::Nothing).then_some(state))
            }
            What::State { .. } => (Vec::new(), None),
        };
        facts.push(at(position));
        self.out.push_back(Happened::Facts { id, facts, own });
        self.out.extend(others.into_iter().map(Happened::from));
        self.out.extend(more.take());
    }

    fn take_passing(&mut self) -> bool {
        let Some(delivery) = self.passing.and_then(|it| self.node.delivery(it)) else {
            return false;
        };
        if let Delivery::Publication { payload, .. } = delivery
            && let Ok(Passing { by, place, user }) = serde_json::from_slice(&payload)
            && by != self.server
        {
            self.out.push_back(Happened::Typing { place, user });
        }
        true
    }

    fn take_changes(&mut self) {
        while self.node.changed().is_some() {}
        while let Some(change) = self.node.change(ONLINE) {
            let (member, online) = match change {
                Change::Present { member, .. } => (member, true),
                Change::Absent { member } => (member, false),
            };
            let Some((server, user)) = member.split_once('/') else { continue };
            let (Ok(server), Ok(user)) = (u64::from_str_radix(server, 16), Name::parse(user))
            else {
                continue;
            };
            if server != self.server {
                self.out.push_back(Happened::Online { server, user, online });
            }
        }
    }
}

/// How far the log was followed, as the store keeps it.
fn at(position: Position) -> Fact {
    Fact::At { epoch: position.epoch().number(), offset: position.offset() }
}
