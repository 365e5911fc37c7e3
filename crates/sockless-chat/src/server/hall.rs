//! The hall: the chat, the store and the clients, brought together. It does what the chat says, in its order, and has no decision of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use sockless_tokio::Text;
use tokio::sync::{mpsc as tokio_mpsc, watch};

use super::clock::Clock;
use super::outlet::Outlet;
use crate::chat::{Chat, End, Fact, Output, PeerId, Read};
use crate::store::Store;

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
}

struct Inner {
    chat: Chat,
    peers: HashMap<PeerId, Place>,
    next: u64,
    writer: mpsc::Sender<Write>,
    /// When the oldest write that isn't settled was given out.
    waiting: Vec<(u64, Duration)>,
    /// What the last write has failed with.
    trouble: Option<String>,
}

struct Place {
    outlet: Box<dyn Outlet>,
    tasks: tokio_mpsc::UnboundedSender<Task>,
}

/// What a peer's own task is to do.
#[derive(Debug)]
pub(super) enum Task {
    Read(Read),
    /// The peer was ended.
    Leave,
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
        let inner = Inner {
            chat,
            peers: HashMap::new(),
            next: 0,
            writer,
            waiting: Vec::new(),
            trouble: None,
        };
        let hall = Self {
            inner: Mutex::new(inner),
            store,
            clock,
            settled: watch::Sender::new(0),
            stopping: AtomicBool::new(false),
            counts: Counts::default(),
        };
        (Arc::new(hall), writes)
    }

    /// A new peer, and what its task will have to do.
    pub(super) fn enter(
        &self,
        outlet: Box<dyn Outlet>,
    ) -> (PeerId, tokio_mpsc::UnboundedReceiver<Task>) {
        let (tasks, receiver) = tokio_mpsc::unbounded_channel();
        let mut inner = self.lock();
        inner.next += 1;
        let id = PeerId(inner.next);
        inner.peers.insert(id, Place { outlet, tasks });
        drop(inner);
        self.change(|chat, now| chat.connect(id, now));
        (id, receiver)
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
                    let _ = inner.writer.send(Write { number, facts });
                    next.write = Some(number);
                }
                Output::Read { peer, read } => {
                    if let Some(place) = inner.peers.get(&peer) {
                        let _ = place.tasks.send(Task::Read(read));
                    }
                }
                Output::Pause { wait, .. } => next.pause = next.pause.max(wait),
                Output::End { peer, end } => {
                    if let Some(place) = inner.peers.remove(&peer) {
                        let (code, reason) = farewell(end);
                        place.outlet.close(code, reason);
                        let _ = place.tasks.send(Task::Leave);
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
            let _ = place.tasks.send(Task::Leave);
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
            let _ = place.tasks.send(Task::Leave);
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

    /// Whether the store works again, or doesn't, without a write.
    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        self.lock().trouble = trouble;
    }

    /// Waits for what has to come before the next message of a peer.
    pub(super) async fn before_next(&self, next: Next) {
        if let Some(number) = next.write {
            let mut settled = self.settled.subscribe();
            // The sender is ours.
            let _ = settled.wait_for(|settled| *settled >= number).await;
        }
        if !next.pause.is_zero() {
            tokio::time::sleep(next.pause).await;
        }
    }

    /// What is wrong: nothing, or what the store says, or since when it says nothing.
    pub(super) fn trouble(&self) -> Option<String> {
        let now = self.clock.now();
        let inner = self.lock();
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
