//! The hall: the chat, the store and the clients, brought together. It does what the chat says, in its order, and has no decision of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use sockless_tokio::Text;
use tokio::sync::{mpsc as tokio_mpsc, watch};

use super::clock::Clock;
use super::outlet::Outlet;
use super::tasks::{Task, Tasks};
use crate::chat::{Chat, End, Fact, Name, Output, PeerId};
use crate::store::Store;
use crate::together::State;

/// A write, as the writer gets it.
pub(super) struct Write {
    pub(super) number: u64,
    pub(super) facts: Vec<Fact>,
}

/// The hall, which all tasks share.
pub(super) struct Hall {
    inner: Mutex<Inner>,
    pub(super) store: Store,
    pub(super) clock: Clock,
    /// The last write whose fate is known.
    settled: watch::Sender<u64>,
    /// Whether the other servers can't be reached.
    alone: watch::Sender<bool>,
    stopping: AtomicBool,
    pub(super) counts: Counts,
}

/// What has been counted.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) actions: AtomicU64,
    pub(super) events: AtomicU64,
    pub(super) overflows: AtomicU64,
    pub(super) writes: AtomicU64,
    pub(super) failed_writes: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) gaps: AtomicU64,
}

struct Inner {
    chat: Chat,
    peers: HashMap<PeerId, Place>,
    next: u64,
    way: Way,
    /// When the oldest write that isn't settled was given out.
    waiting: Vec<(u64, Duration)>,
    /// What the last write has failed with.
    trouble: Option<String>,
}

/// Where writes go.
enum Way {
    /// To the thread that writes.
    Store(mpsc::Sender<Write>),
    /// To the log that many servers share.
    Log(tokio_mpsc::UnboundedSender<ToLog>),
}

/// What goes to the other servers.
#[derive(Debug)]
pub(super) enum ToLog {
    /// A write.
    Write(u64, Vec<Fact>),
    /// Somebody has come online here, or gone.
    Online(Name, bool),
    /// Somebody is writing here.
    Typing(crate::chat::Place, Name),
    /// The state as it was at an id, and whether that is sure.
    State(u64, bool, State),
}

struct Place {
    outlet: Box<dyn Outlet>,
    tasks: Arc<Tasks>,
}

/// What has to be awaited before the next message of a peer is taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Next {
    write: Option<u64>,
    pause: Duration,
}

impl Hall {
    pub(super) fn new(
        chat: Chat,
        store: Store,
        clock: Clock,
    ) -> (Arc<Self>, mpsc::Receiver<Write>) {
        let (writer, writes) = mpsc::channel();
        (Self::with(chat, store, clock, Way::Store(writer)), writes)
    }

    /// One of many: what is to be written goes to the log.
    pub(super) fn together(
        chat: Chat,
        store: Store,
        clock: Clock,
    ) -> (Arc<Self>, tokio_mpsc::UnboundedReceiver<ToLog>) {
        let (log, asked) = tokio_mpsc::unbounded_channel();
        (Self::with(chat, store, clock, Way::Log(log)), asked)
    }

    fn with(chat: Chat, store: Store, clock: Clock, way: Way) -> Arc<Self> {
        let inner =
            Inner { chat, peers: HashMap::new(), next: 0, way, waiting: Vec::new(), trouble: None };
        Arc::new(Self {
            inner: Mutex::new(inner),
            store,
            clock,
            settled: watch::Sender::new(0),
            alone: watch::Sender::new(false),
            stopping: AtomicBool::new(false),
            counts: Counts::default(),
        })
    }

    /// A new peer, and what its task will have to do.
    pub(super) fn enter(&self, outlet: Box<dyn Outlet>) -> (PeerId, Arc<Tasks>) {
        let tasks = Arc::new(Tasks::default());
        let mut inner = self.lock();
        inner.next += 1;
        let id = PeerId(inner.next);
        inner.peers.insert(id, Place { outlet, tasks: Arc::clone(&tasks) });
        drop(inner);
        self.change(|chat, now| chat.connect(id, now));
        (id, tasks)
    }

    /// A peer that is no more.
    pub(super) fn leave(&self, id: PeerId) {
        self.lock().peers.remove(&id);
        self.change(|chat, now| chat.gone(id, now));
    }

    /// Changes the chat, and does what follows. What whoever has changed it is to await comes back.
    pub(super) fn change(&self, work: impl FnOnce(&mut Chat, Duration)) -> Next {
        let now = self.clock.now();
        let mut inner = self.lock();
        work(&mut inner.chat, now);
        self.follow(&mut inner, now)
    }

    /// Asks the chat something.
    pub(super) fn ask<R>(&self, work: impl FnOnce(&Chat) -> R) -> R {
        work(&self.lock().chat)
    }

    fn follow(&self, inner: &mut Inner, now: Duration) -> Next {
        let mut next = Next::default();
        while let Some(output) = inner.chat.poll() {
            match output {
                Output::Send { to, event } => {
                    let Ok(json) = serde_json::to_string(&event) else { continue };
                    let json = Text::from(json);
                    self.counts.events.fetch_add(to.len() as u64, Ordering::Relaxed);
                    for id in to {
                        let place = inner.peers.get(&id);
                        if place.is_some_and(|place| !place.outlet.event(&event, &json)) {
                            self.overflow(inner, id, now);
                        }
                    }
                }
                Output::Write { number, facts } => {
                    inner.waiting.push((number, now));
                    // Without a writer the program is about to end.
                    match &inner.way {
                        Way::Store(writer) => drop(writer.send(Write { number, facts })),
                        Way::Log(log) => drop(log.send(ToLog::Write(number, facts))),
                    }
                    next.write = Some(number);
                }
                Output::Online { user, online } => inner.way.tell(ToLog::Online(user, online)),
                Output::Typing { place, user } => inner.way.tell(ToLog::Typing(place, user)),
                Output::Read { peer, read } => {
                    if let Some(place) = inner.peers.get(&peer) {
                        place.tasks.push(Task::Read(read));
                    }
                }
                Output::Pause { wait, .. } => next.pause = next.pause.max(wait),
                Output::End { peer, end } => {
                    if let Some(place) = inner.peers.remove(&peer) {
                        let (code, reason) = farewell(end);
                        place.outlet.close(code, reason);
                        place.tasks.push(Task::Leave);
                    }
                }
            }
        }
        next
    }

    /// A peer takes too little: it will come back, and be told from the store what it has missed.
    fn overflow(&self, inner: &mut Inner, id: PeerId, now: Duration) {
        self.counts.overflows.fetch_add(1, Ordering::Relaxed);
        if let Some(place) = inner.peers.remove(&id) {
            place.outlet.close(1013, "too slow");
            place.tasks.push(Task::Leave);
        }
        inner.chat.gone(id, now);
    }

    /// Sends a part of a file.
    pub(super) fn send_part(&self, id: PeerId, bytes: Vec<u8>) {
        let now = self.clock.now();
        let mut inner = self.lock();
        if inner.peers.get(&id).is_some_and(|place| !place.outlet.part(bytes)) {
            self.overflow(&mut inner, id, now);
            self.follow(&mut inner, now);
        }
    }

    /// Sends an event that isn't the chat's.
    pub(super) fn send_event(&self, id: PeerId, event: &crate::chat::Event) {
        let Ok(json) = serde_json::to_string(event) else { return };
        let now = self.clock.now();
        let mut inner = self.lock();
        let json = Text::from(json);
        if inner.peers.get(&id).is_some_and(|place| !place.outlet.event(event, &json)) {
            self.overflow(&mut inner, id, now);
            self.follow(&mut inner, now);
        }
    }

    /// Ends a peer.
    pub(super) fn end(&self, id: PeerId, code: u16, reason: &str) {
        let now = self.clock.now();
        let mut inner = self.lock();
        if let Some(place) = inner.peers.remove(&id) {
            place.outlet.close(code, reason);
            place.tasks.push(Task::Leave);
        }
        inner.chat.gone(id, now);
        self.follow(&mut inner, now);
    }

    /// The fate of the writes up to this one.
    pub(super) fn settle(&self, number: u64, trouble: Option<String>) {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.waiting.retain(|(other, _)| *other > number);
        match trouble.is_none() {
            true => inner.chat.stored(number, now),
            false => inner.chat.not_stored(number, now),
        }
        inner.trouble = trouble;
        self.follow(&mut inner, now);
        drop(inner);
        self.settled.send_replace(number);
    }

    /// The fate of one write, which `work` tells the chat, or of none.
    pub(super) fn settle_one(&self, number: Option<u64>, work: impl FnOnce(&mut Chat, Duration)) {
        let now = self.clock.now();
        let mut inner = self.lock();
        work(&mut inner.chat, now);
        self.follow(&mut inner, now);
        if let Some(number) = number {
            inner.waiting.retain(|(other, _)| *other != number);
            drop(inner);
            // Those before it are known or about to be: the log keeps the order.
            self.settled.send_if_modified(|last| {
                let is_later = number > *last;
                *last = number.max(*last);
                is_later
            });
        }
    }

    /// Tells the other servers the state as it is now.
    pub(super) fn tell_state(&self, of: u64, sure: bool) {
        let inner = self.lock();
        let state = State { users: inner.chat.state() };
        inner.way.tell(ToLog::State(of, sure, state));
    }

    /// The other servers can't be reached, or can again.
    pub(super) fn set_alone(&self, alone: bool) {
        self.change(|chat, _| chat.alone(alone));
        self.alone.send_replace(alone);
    }

    /// Whether the store works again, or doesn't, without a write.
    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        self.lock().trouble = trouble;
    }

    /// Waits for what has to come before the next message of a peer.
    pub(super) async fn before_next(&self, next: Next) {
        if next.write.is_some() || !next.pause.is_zero() {
            // In memory of its own: a peer that does nothing would keep room for it.
            Box::pin(self.wait_for(next)).await;
        }
    }

    async fn wait_for(&self, next: Next) {
        if let Some(number) = next.write {
            let (mut settled, mut alone) = (self.settled.subscribe(), self.alone.subscribe());
            // The senders are ours.
            tokio::select! {
                _ = settled.wait_for(|settled| *settled >= number) => {}
                // What a device says goes to those who are here, and the chat keeps the order.
                _ = alone.wait_for(|alone| *alone) => {}
            }
        }
        if !next.pause.is_zero() {
            tokio::time::sleep(next.pause).await;
        }
    }

    /// Waits until the fate of a write is known.
    pub(super) async fn until_settled(&self, next: Next) {
        if let Some(number) = next.write {
            let _ = self.settled.subscribe().wait_for(|settled| *settled >= number).await;
        }
    }

    /// What is wrong: nothing, or what the store says, or since when it says nothing.
    pub(super) fn trouble(&self) -> Option<String> {
        let now = self.clock.now();
        let inner = self.lock();
        if inner.chat.is_alone() {
            return Some("alone: Redis doesn't answer, and what is said is heard here only".into());
        }
        let oldest = inner.waiting.first().map(|(_, since)| now.saturating_sub(*since));
        match oldest {
            Some(age) if age > Duration::from_secs(5) => {
                Some(format!("the store has been silent for {} s", age.as_secs()))
            }
            _ => inner.trouble.clone(),
        }
    }

    /// Closes all connections with 1012, and tells their clients to come back one after the other within this time.
    pub(super) fn stop(&self, spread: Duration) {
        self.stopping.store(true, Ordering::SeqCst);
        let inner = self.lock();
        let (count, seconds) = (inner.peers.len().max(1) as u64, spread.as_secs());
        for (at, place) in (0u64..).zip(inner.peers.values()) {
            let reason = format!("retry-after={}", 1 + at * seconds / count);
            place.outlet.close(1012, &reason);
        }
    }

    /// Whether it takes no new connections.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// How many peers there are.
    pub(super) fn peers(&self) -> usize {
        self.lock().peers.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Way {
    fn tell(&self, what: ToLog) {
        if let Self::Log(log) = self {
            // Without a carrier the program is about to end.
            let _ = log.send(what);
        }
    }
}

/// Does what is due, as long as the hall is there.
pub(super) async fn keep_time(hall: std::sync::Weak<Hall>) {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let Some(hall) = hall.upgrade() else { return };
        let now = hall.clock.now();
        if hall.ask(|chat| chat.deadline().is_some_and(|at| at <= now)) {
            hall.change(|chat, now| chat.wake(now));
        }
    }
}

fn farewell(end: End) -> (u16, &'static str) {
    match end {
        End::NotGreeted => (1008, "no hello"),
        End::Expired => (1008, "the token has ended"),
        End::TooMany => (1008, "too many devices"),
        End::NotStored => (1013, "retry-after=2"),
    }
}
