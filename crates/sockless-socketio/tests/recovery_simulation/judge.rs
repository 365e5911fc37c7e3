//! Who knows what each client has to get, and whether it could have been recovered.
//!
//! A life is what begins when a client is accepted as somebody new, and goes on as long as it is recovered. What it gets has to be the
//! beginning of what was sent to it: in order, nothing twice, and nothing left out.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use sockless_socketio::socket::Socket;

/// The limits of a run.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) window: Duration,
    pub(crate) events: usize,
    pub(crate) changes: usize,
    /// Whether these are the only limits that matter: then whoever could be recovered has to be.
    pub(crate) strict: bool,
}

#[derive(Debug)]
struct Life {
    space: usize,
    since: u64,
    sent: Vec<u64>,
    got: usize,
    rooms: BTreeSet<&'static str>,
    /// Offsets at which it has changed its rooms.
    changes: Vec<u64>,
    until: Option<Duration>,
    dead: bool,
}

/// What happens to a client that asks, until it is accepted.
#[derive(Debug)]
struct Asking {
    client: usize,
    space: usize,
    life: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Judge {
    limits: Limits,
    lives: Vec<Life>,
    sockets: HashMap<Socket, usize>,
    asking: HashMap<Socket, Asking>,
    /// The life that each client takes for its own, and the one that the server's answer on its way means.
    believed: HashMap<(usize, usize), usize>,
    granted: HashMap<(usize, usize, u64), VecDeque<(usize, bool)>>,
    /// When each event was sent, by offset, in each namespace.
    log: [Vec<Duration>; 2],
    /// What isn't kept, and has arrived.
    once: HashSet<(usize, u64)>,
    pub(crate) recoverable: u64,
    pub(crate) recovered: u64,
    pub(crate) lost: u64,
}

impl Judge {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            lives: Vec::new(),
            sockets: HashMap::new(),
            asking: HashMap::new(),
            believed: HashMap::new(),
            granted: HashMap::new(),
            log: [Vec::new(), Vec::new()],
            once: HashSet::new(),
            recoverable: 0,
            recovered: 0,
            lost: 0,
        }
    }

    /// A client asks for a namespace.
    pub(crate) fn asks(&mut self, socket: Socket, client: usize, space: usize, now: Duration) {
        let life = self.believed.get(&(client, space)).copied().filter(|life| {
            let life = &self.lives[*life];
            !life.dead && life.until.is_some_and(|until| now < until)
        });
        self.asking.insert(socket, Asking { client, space, life });
    }

    /// It was accepted. `position` is the last one that it has got in its life.
    pub(crate) fn accepted(
        &mut self,
        socket: Socket,
        generation: u64,
        position: Option<u64>,
        recovered: bool,
        now: Duration,
    ) {
        let Some(Asking { client, space, life }) = self.asking.remove(&socket) else { return };
        let could = life.is_some_and(|life| self.could(life, position, now));
        if self.limits.strict {
            let life = life.map(|life| &self.lives[life]);
            assert_eq!(
                recovered, could,
                "recovered, and could be: {client}, {position:?}, {life:?}"
            );
        }
        self.recoverable += u64::from(could);
        self.recovered += u64::from(recovered);
        self.lost += u64::from(life.is_some() && !recovered);
        let index = match life {
            Some(life) if recovered => {
                self.lives[life].until = None;
                life
            }
            _ => {
                if let Some(life) = life {
                    self.lives[life].dead = true;
                }
                assert!(!recovered, "there was nothing to recover");
                self.lives.push(Life {
                    space,
                    since: self.log[space].len() as u64,
                    sent: Vec::new(),
                    got: 0,
                    rooms: BTreeSet::new(),
                    changes: Vec::new(),
                    until: None,
                    dead: false,
                });
                self.lives.len() - 1
            }
        };
        self.sockets.insert(socket, index);
        let granted = self.granted.entry((client, space, generation)).or_default();
        granted.push_back((index, recovered));
    }

    /// Whether everything after what a life has got is still there, and it is known which of it was for it.
    fn could(&self, life: usize, position: Option<u64>, now: Duration) -> bool {
        let life = &self.lives[life];
        let log = &self.log[life.space];
        let top = log.len() as u64;
        let from = position.unwrap_or(life.since);
        let kept = |offset: u64| {
            let young = now < log[offset as usize - 1] + self.limits.window;
            young && top - offset < self.limits.events as u64
        };
        let forgotten = life.changes.len().saturating_sub(self.limits.changes);
        let known = life.changes[..forgotten].last().is_none_or(|change| from > *change);
        known && (from + 1..=top).all(kept)
    }

    /// An accepted socket, or one that was asking, has gone.
    pub(crate) fn gone(&mut self, socket: Socket, recoverable: bool, now: Duration) {
        if let Some(Asking { life: Some(life), .. }) = self.asking.remove(&socket)
            && !recoverable
        {
            self.lives[life].dead = true;
        }
        let Some(life) = self.sockets.remove(&socket) else { return };
        let life = &mut self.lives[life];
        match recoverable {
            true => life.until = Some(now + self.limits.window),
            false => life.dead = true,
        }
    }

    /// It was refused: it may ask again.
    pub(crate) fn refused(&mut self, socket: Socket) {
        self.asking.remove(&socket);
    }

    pub(crate) fn moved(&mut self, socket: Socket, room: &'static str, joined: bool) {
        let Some(life) = self.sockets.get(&socket) else { return };
        let life = &mut self.lives[*life];
        let changed = if joined { life.rooms.insert(room) } else { life.rooms.remove(room) };
        if changed {
            life.changes.push(self.log[life.space].len() as u64);
        }
    }

    /// An event was sent to all in a namespace that this says yes to; they may be away.
    pub(crate) fn sent(
        &mut self,
        space: usize,
        number: u64,
        now: Duration,
        to: impl Fn(&BTreeSet<&'static str>, Option<Socket>) -> bool,
    ) {
        self.log[space].push(now);
        let there: HashMap<usize, Socket> =
            self.sockets.iter().map(|(socket, life)| (*life, *socket)).collect();
        // Whoever has asked in time is waited for.
        let asking: HashSet<_> = self.asking.values().filter_map(|asking| asking.life).collect();
        for (index, life) in self.lives.iter_mut().enumerate() {
            let in_time = life.until.is_none_or(|until| until > now) || asking.contains(&index);
            let lives = !life.dead && in_time;
            if life.space == space && lives && to(&life.rooms, there.get(&index).copied()) {
                life.sent.push(number);
            }
        }
    }

    /// A client has learned that it is connected.
    pub(crate) fn connected(&mut self, client: usize, space: usize, generation: u64, took: bool) {
        let granted = self.granted.get_mut(&(client, space, generation));
        let (life, recovered) = granted.and_then(VecDeque::pop_front).expect("it was accepted");
        assert_eq!(took, recovered, "server and client agree whether it is recovered");
        self.believed.insert((client, space), life);
    }

    /// A client has got an event that is kept.
    pub(crate) fn got(&mut self, client: usize, space: usize, number: u64) {
        let life = &mut self.lives[self.believed[&(client, space)]];
        let next = life.sent.get(life.got).copied();
        assert_eq!(
            Some(number),
            next,
            "client {client} has got another event than the next one: {life:?}"
        );
        life.got += 1;
    }

    /// A client has got one that isn't.
    pub(crate) fn got_once(&mut self, client: usize, number: u64) {
        assert!(self.once.insert((client, number)), "twice: {number}");
    }

    /// Everybody is connected, and nothing is on its way.
    pub(crate) fn ends(&self, client: usize, space: usize) {
        let life = &self.lives[self.believed[&(client, space)]];
        assert_eq!(life.got, life.sent.len(), "client {client} misses something: {life:?}");
    }
}
