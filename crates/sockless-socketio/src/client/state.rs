//! What a client knows while it runs: who receives what, what waits for which acknowledgement, and when it reconnects.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use sockless_session::reconnect::{Next, Outcome, Reconnect, Settings};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::driver::{Driver, Order};
use super::event::{Event, Received, Refused};
use super::waiting::Waiting;
use super::websocket::Wakes;
use crate::engine::client::{self as engine, Output, Reason};
use crate::socket::client::{self as socket, Asked, Client, DisconnectReason};
use crate::socket::{EmitError, Namespace, Payload};

/// What tasks are to do.
pub(super) type Orders = Vec<Order>;

/// What is known while a client runs.
pub(super) struct State {
    pub(super) client: Client,
    /// Counts the sessions, so that what belongs to an old one changes nothing.
    pub(super) session: u64,
    /// The engine's configuration and the query of every session.
    config: engine::Config,
    query: String,
    reconnect: Reconnect,
    guests: HashMap<Namespace, Guest>,
    pub(super) acks: HashMap<Asked, oneshot::Sender<Payload>>,
    /// The requests of the session, which are given up with it.
    tasks: Vec<AbortHandle>,
    wakes: Arc<Wakes>,
    /// Whether the session has ended.
    over: bool,
    /// Who waits for that.
    closing: Vec<oneshot::Sender<()>>,
    /// What went wrong last.
    detail: Option<String>,
    wakes_at: Duration,
}

/// Who receives the events of a namespace.
#[derive(Debug)]
struct Guest {
    events: mpsc::UnboundedSender<Event>,
    waiting: Arc<Waiting>,
    /// Whether the namespace was connected in this session.
    joined: bool,
}

/// What receives them.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) events: mpsc::UnboundedReceiver<Event>,
    pub(super) waiting: Arc<Waiting>,
}

impl State {
    /// A client that has no namespace yet, and no session.
    pub(super) fn new(
        config: engine::Config,
        limits: crate::socket::Config,
        query: String,
        settings: Settings,
    ) -> Self {
        let none = engine::Client::new(config.clone(), &query, Duration::ZERO);
        Self {
            client: Client::new(limits, none, []),
            session: 0,
            config,
            query,
            reconnect: Reconnect::new(settings),
            guests: HashMap::new(),
            acks: HashMap::new(),
            tasks: Vec::new(),
            wakes: Arc::default(),
            over: true,
            closing: Vec::new(),
            detail: None,
            wakes_at: Duration::ZERO,
        }
    }

    /// Another namespace is wanted. `None` if it is wanted already, or the connection is closed for good.
    pub(super) fn join(&mut self, namespace: &Namespace, now: Duration) -> Option<Inbox> {
        if self.client.wants(namespace) || matches!(self.reconnect.next(now), Next::GiveUp(_)) {
            return None;
        }
        let (sends, events) = mpsc::unbounded_channel();
        let waiting = Arc::new(Waiting::default());
        let guest = Guest { events: sends, waiting: Arc::clone(&waiting), joined: false };
        self.guests.insert(namespace.clone(), guest);
        self.client.join(namespace);
        Some(Inbox { events, waiting })
    }

    /// A namespace is left. Without any, the session is closed, and there is no other.
    pub(super) fn leave(&mut self, namespace: &Namespace, now: Duration) {
        self.guests.remove(namespace);
        self.client.disconnect(namespace, now);
        if self.guests.is_empty() {
            self.reconnect.stop();
            self.client.close(now);
        }
    }

    /// A namespace couldn't be asked for. One that was left or cut meanwhile needn't be: the session's end is said by itself.
    pub(super) fn unsent(&mut self, namespace: &Namespace, reason: EmitError, now: Duration) {
        if reason != EmitError::Disconnected {
            self.give(namespace, Event::Unsent(reason));
            self.leave(namespace, now);
        }
    }

    /// All namespaces are left. Returns what says when the session has ended.
    pub(super) fn close(&mut self, now: Duration) -> oneshot::Receiver<()> {
        let (sends, receives) = oneshot::channel();
        self.reconnect.stop();
        // What nobody receives any more holds nothing up.
        self.guests.clear();
        self.client.close(now);
        match self.over {
            true => drop(sends),
            false => self.closing.push(sends),
        }
        receives
    }

    /// Remembers what went wrong.
    pub(super) fn note(&mut self, error: &dyn fmt::Display) {
        self.detail = Some(error.to_string());
    }

    /// What went wrong last.
    pub(super) fn detail(&self) -> Option<String> {
        self.detail.clone()
    }

    /// Remembers a task that ends with the session.
    pub(super) fn keep(&mut self, task: AbortHandle) {
        self.tasks.retain(|task| !task.is_finished());
        self.tasks.push(task);
    }

    /// Does what is due.
    pub(super) fn timeout(&mut self, now: Duration) {
        self.client.timeout(now);
        if self.over && self.reconnect.next(now) == Next::Connect {
            self.session += 1;
            self.over = false;
            self.reconnect.connecting();
            self.guests.values_mut().for_each(|guest| guest.joined = false);
            self.client.reconnect(engine::Client::new(self.config.clone(), &self.query, now));
        }
    }

    fn deadline(&self, now: Duration) -> Option<Duration> {
        let own = match self.reconnect.next(now) {
            Next::Connect if self.over => Some(now),
            Next::Wait { until } => Some(until),
            _ => None,
        };
        [own, self.client.deadline().filter(|_| !self.over)].into_iter().flatten().min()
    }

    /// Until when the timer sleeps.
    pub(super) fn sleep_until(&mut self, now: Duration) -> Duration {
        let latest = now + Duration::from_secs(3_600);
        self.wakes_at = self.deadline(now).map_or(latest, |deadline| deadline.min(latest));
        self.wakes_at
    }

    /// Whether something is due before the timer wakes.
    pub(super) fn is_sooner(&self) -> bool {
        self.deadline(Duration::ZERO).is_some_and(|deadline| deadline < self.wakes_at)
    }

    /// Whether so much waits to be received that no more is taken.
    fn is_held(&self) -> bool {
        self.guests.values().any(|guest| guest.waiting.is_much())
    }

    /// Takes what has happened, and what is to be done.
    pub(super) fn settle(&mut self, driver: &Driver, orders: &mut Orders, now: Duration) {
        while !self.is_held() {
            let Some(event) = self.client.event(now) else { break };
            self.take(event, driver, orders, now);
        }
        while let Some(output) = self.client.engine_mut().output() {
            match output {
                _ if self.over => {}
                Output::Get { query } => orders.push(Order::Poll(query)),
                Output::Post { query, body } => orders.push(Order::Post(query, body)),
                Output::Open { query } => {
                    orders.push(Order::Open(query, Arc::clone(&self.wakes)));
                }
                Output::Transmit => self.wakes.transmit.notify_one(),
                Output::Read => self.wakes.read.notify_one(),
            }
        }
    }

    fn take(&mut self, event: socket::Event, driver: &Driver, orders: &mut Orders, now: Duration) {
        match event {
            socket::Event::Ready { namespace } => {
                self.reconnect.connected(now);
                orders.push(Order::Authenticate(namespace));
            }
            socket::Event::Connected { namespace, recovered } => {
                if let Some(guest) = self.guests.get_mut(&namespace) {
                    guest.joined = true;
                }
                self.give(&namespace, Event::Connected { recovered });
            }
            socket::Event::Refused { namespace, message, data } => {
                self.give(&namespace, Event::Refused(Refused::new(message, data)));
                self.leave(&namespace, now);
            }
            socket::Event::Message { namespace, name, payload, reply, may_end_with_offset } => {
                let driver = driver.clone();
                let received = Received { driver, name, payload, reply, may_end_with_offset };
                self.give(&namespace, Event::Message(received));
            }
            socket::Event::Acked { asked, payload } => {
                // Without a payload, whoever waits hears that nothing comes.
                if let (Some(waits), Some(payload)) = (self.acks.remove(&asked), payload) {
                    drop(waits.send(payload));
                }
            }
            socket::Event::Disconnected { namespace, reason } => {
                self.give(&namespace, Event::Disconnected(reason));
                if !self.client.wants(&namespace) {
                    self.leave(&namespace, now);
                }
            }
            socket::Event::Closed { reason } => self.closed(reason, now),
            socket::Event::Upgraded => {}
        }
    }

    fn closed(&mut self, reason: DisconnectReason, now: Duration) {
        self.over = true;
        mem::take(&mut self.tasks).iter().for_each(AbortHandle::abort);
        // The WebSocket sees that, whatever it waits for. Those who wait for the end are heard when it has ended.
        let wakes = mem::take(&mut self.wakes);
        wakes.transmit.notify_one();
        wakes.read.notify_one();
        let mut closing = wakes.closing.lock().unwrap_or_else(PoisonError::into_inner);
        closing.append(&mut self.closing);
        drop(closing);
        self.reconnect.ended(outcome(reason), now, &mut OsEntropy);
        let failed = self.guests.values().filter(|guest| !guest.joined);
        failed.for_each(|guest| guest.give(Event::Failed(reason)));
        if matches!(self.reconnect.next(now), Next::GiveUp(_)) {
            self.guests.clear();
        }
    }

    fn give(&self, namespace: &Namespace, event: Event) {
        if let Some(guest) = self.guests.get(namespace) {
            guest.give(event);
        }
    }
}

impl Guest {
    fn give(&self, event: Event) {
        self.waiting.given(event.len());
        // Whoever has gone receives nothing.
        drop(self.events.send(event));
    }
}

/// What reconnecting makes of the end of a session.
fn outcome(reason: DisconnectReason) -> Outcome {
    match reason {
        DisconnectReason::Engine(Reason::Refused(status)) => {
            Outcome::Refused { status, retry_after: None }
        }
        DisconnectReason::Engine(Reason::Unreachable) => Outcome::Unreachable,
        _ => Outcome::Lost,
    }
}

/// Random bytes of the operating system, for the jitter of delays.
struct OsEntropy;

impl sockless_session::Entropy for OsEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        // Delays without jitter are no harm to one client.
        let _ = getrandom::fill(bytes);
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("client", &self.client).finish_non_exhaustive()
    }
}
