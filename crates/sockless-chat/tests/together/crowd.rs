//! Clients that talk, keep what pages keep, and go to another server when theirs is gone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sockless_tokio::session::{Event, Options, Reliable};

use crate::judge::{First, Said, Told};
use crate::program::token_for;

/// How many things may be on their way, as on the page.
const ON_THE_WAY: usize = 20;

/// What all clients share.
pub(crate) struct Shared {
    pub(crate) servers: Vec<String>,
    pub(crate) talk: AtomicBool,
    /// Raised when everybody is to go to another server.
    pub(crate) moves: AtomicU64,
    pub(crate) said: Mutex<Vec<Said>>,
    pub(crate) first: Mutex<First>,
    pub(crate) users: usize,
    pub(crate) a_room: usize,
    pub(crate) pause: Duration,
    pub(crate) heard: AtomicU64,
    pub(crate) local: AtomicU64,
    pub(crate) times: Mutex<Vec<u32>>,
}

/// Somebody.
pub(crate) struct Client {
    pub(crate) number: usize,
    shared: Arc<Shared>,
    at: usize,
    moves: u64,
    after: u64,
    next: u64,
    outbox: VecDeque<(u64, Value, Instant)>,
    sent: BTreeSet<u64>,
    known: BTreeSet<(String, u64)>,
    gaps: BTreeSet<(u64, u64)>,
    pub(crate) told: Vec<Told>,
    pub(crate) joined: Arc<AtomicBool>,
    /// Nothing waits and nothing has come for a while.
    pub(crate) quiet: Arc<AtomicBool>,
    last: Instant,
}

pub(crate) fn user(number: usize) -> String {
    format!("u{number}")
}

impl Client {
    pub(crate) fn new(number: usize, shared: &Arc<Shared>) -> Self {
        Self {
            number,
            at: number % shared.servers.len(),
            shared: Arc::clone(shared),
            moves: 0,
            after: 0,
            next: 1,
            outbox: VecDeque::new(),
            sent: BTreeSet::new(),
            known: BTreeSet::new(),
            gaps: BTreeSet::new(),
            told: Vec::new(),
            joined: Arc::default(),
            quiet: Arc::default(),
            last: Instant::now(),
        }
    }

    fn room(&self) -> usize {
        self.number / self.shared.a_room
    }

    /// Lives until it is told to stop.
    pub(crate) async fn live(mut self, stop: Arc<AtomicBool>) -> Self {
        while !stop.load(Ordering::SeqCst) {
            self.visit(&stop).await;
            self.at = (self.at + 1) % self.shared.servers.len();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self
    }

    /// One session with one server.
    async fn visit(&mut self, stop: &AtomicBool) {
        let address = &self.shared.servers[self.at];
        let url = format!("ws://{address}/chat?token={}", token_for(&user(self.number), 36_000));
        let mut session = Reliable::connect(&url, (), Options::new());
        let send = |session: &Reliable, value: Value| session.try_send(value.to_string()).is_ok();
        send(&session, json!({ "do": "hello", "after": self.after }));
        self.sent.clear();
        let begun = Instant::now();
        let mut greeted = false;
        let mut next = Instant::now() + self.shared.pause.mul_f64((self.number % 10) as f64 / 10.0);
        loop {
            if stop.load(Ordering::SeqCst) || (!greeted && begun.elapsed() > Duration::from_secs(5))
            {
                return;
            }
            let moves = self.shared.moves.load(Ordering::SeqCst);
            if moves != self.moves {
                self.moves = moves;
                return;
            }
            let talks = self.shared.talk.load(Ordering::SeqCst);
            if greeted && talks && Instant::now() >= next {
                next = (next + self.shared.pause).max(Instant::now());
                self.speak();
            }
            if greeted && !self.give(&session) {
                return;
            }
            self.quiet.store(
                !talks
                    && greeted
                    && self.outbox.is_empty()
                    && self.last.elapsed() > Duration::from_millis(700),
                Ordering::SeqCst,
            );
            let wait = next.saturating_duration_since(Instant::now());
            let wait = wait.clamp(Duration::from_millis(2), Duration::from_millis(100));
            let event = match tokio::time::timeout(wait, session.recv()).await {
                Err(_) => continue,
                Ok(event) => event,
            };
            match event {
                Some(Event::Message { message, .. }) => {
                    let Some(text) = message.as_text() else { continue };
                    let event: Value = serde_json::from_str(text).expect("JSON");
                    if event["ev"] == "welcome" {
                        greeted = true;
                        if !self.joined.load(Ordering::SeqCst) {
                            send(
                                &session,
                                json!({ "do": "join", "n": 1, "room": format!("r{}", self.room()) }),
                            );
                        }
                    }
                    if let Some(more) = self.take(&event) {
                        send(&session, more);
                    }
                }
                Some(Event::Lost | Event::Ended { .. }) | None => return,
                Some(_) => {}
            }
        }
    }

    fn speak(&mut self) {
        if self.outbox.len() >= 200 {
            return;
        }
        let number = self.next;
        self.next += 1;
        let to = if number.is_multiple_of(5) {
            json!({ "user": user((self.number * 7 + number as usize) % self.shared.users) })
        } else {
            json!({ "room": format!("r{}", self.room()) })
        };
        self.outbox.push_back((number, to, Instant::now()));
    }

    /// Gives the session what waits.
    fn give(&mut self, session: &Reliable) -> bool {
        for (number, to, _) in &self.outbox {
            if self.sent.contains(number) {
                continue;
            }
            if self.sent.len() >= ON_THE_WAY {
                break;
            }
            let key = format!("k{number}");
            let say = json!({ "do": "say", "key": key, "to": to, "text": number.to_string() });
            if session.try_send(say.to_string()).is_err() {
                return false;
            }
            self.sent.insert(*number);
        }
        true
    }

    fn take(&mut self, event: &Value) -> Option<Value> {
        match event["ev"].as_str().unwrap_or_default() {
            "done" => self.joined.store(true, Ordering::SeqCst),
            "message" => self.hear(&event["message"]),
            "messages" => {
                let list = event["list"].as_array().expect("a list");
                list.iter().for_each(|message| self.hear(message));
                if event["more"] == true {
                    return Some(json!({ "do": "more", "after": self.after }));
                }
            }
            "said" => {
                let key = event["key"].as_str().expect("a key");
                let number: u64 = key[1..].parse().expect("a number");
                let id = event["id"].as_u64().expect("an id");
                self.sent.remove(&number);
                if let Some(found) = self.outbox.iter().position(|entry| entry.0 == number) {
                    let (_, to, since) = self.outbox.remove(found).expect("found");
                    let taken = u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX);
                    self.shared.times.lock().expect("whole").push(taken);
                    let to: BTreeSet<String> = match to["user"].as_str() {
                        Some(other) => BTreeSet::from([other.to_owned()]),
                        None => {
                            let first = self.room() * self.shared.a_room;
                            (first..(first + self.shared.a_room).min(self.shared.users))
                                .map(user)
                                .collect()
                        }
                    };
                    let from = user(self.number);
                    let to = to.into_iter().filter(|other| *other != from).collect();
                    self.note(&from, number, id);
                    self.shared.said.lock().expect("whole").push(Said { number, from, to, id });
                    self.last = Instant::now();
                }
                if event["up_to_date"] == true {
                    self.after = self.after.max(id);
                }
            }
            "incomplete" => {
                let gap = (
                    event["after"].as_u64().expect("an id"),
                    event["up_to"].as_u64().expect("an id"),
                );
                if self.gaps.insert(gap) {
                    self.told.push(Told::Incomplete(gap.0, gap.1));
                }
            }
            "local" => drop(self.shared.local.fetch_add(1, Ordering::Relaxed)),
            "refused" => {
                assert!(event["error"] == "storage" || event["error"] == "taken", "{event}");
                if let Some(key) = event["key"].as_str() {
                    self.sent.remove(&key[1..].parse().expect("a number"));
                }
            }
            _ => {}
        }
        None
    }

    fn note(&self, from: &str, number: u64, id: u64) {
        let mut first = self.shared.first.lock().expect("whole");
        let first = first.entry((from.to_owned(), number)).or_insert(id);
        *first = id.min(*first);
    }

    fn hear(&mut self, message: &Value) {
        let id = message["id"].as_u64().expect("an id");
        assert!(id > self.after, "u{}: {message} comes after {}", self.number, self.after);
        self.after = id;
        self.last = Instant::now();
        let from = message["from"].as_str().expect("a sender").to_owned();
        let number = message["text"].as_str().expect("text").parse().expect("a number");
        self.note(&from, number, id);
        // What was lost may come again with another id, and has its key still.
        if from != user(self.number) && self.known.insert((from.clone(), number)) {
            self.shared.heard.fetch_add(1, Ordering::Relaxed);
            self.told.push(Told::Message(id, from, number));
        }
    }
}

/// The value below which this number of a thousand are.
pub(crate) fn quantile(times: &mut [u32], thousandths: usize) -> u32 {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) * thousandths / 1000).copied().unwrap_or(0)
}

/// How often each client was told of something incomplete, by how many.
pub(crate) fn told_of_gaps(told: &[(String, Vec<Told>)]) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for (_, told) in told {
        let gaps = told.iter().filter(|what| matches!(what, Told::Incomplete(..))).count();
        *counts.entry(gaps).or_default() += 1;
    }
    counts
}
