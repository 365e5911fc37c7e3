//! What carries out the decisions of a server: the lock, the timer, and where outputs go.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sockless_tokio::ServerOptions;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::ids::Ids;
use super::opening::Opening;
use super::outgoing::PreparedFrames;
use super::signal::{Signal, Woken};
use crate::engine::{Answer, Channel, Cors, Engine, Output, RequestId, Session};
use crate::entropy::Entropy;

/// Random bytes of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    ///
    /// If the operating system has none.
    fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system has random bytes");
        bytes
    }
}

/// What stands on the engine.
pub(super) trait Layer: Send + Sized + 'static {
    fn engine(&mut self) -> &mut Engine<OsEntropy>;
    /// Whether there is nothing to settle.
    fn is_settled(&self) -> bool;
    /// Takes all events. Tasks that begin are put to the others.
    fn settle(
        &mut self,
        begun: &mut Tasks,
        woken: &mut Woken,
        openings: &Openings,
        driver: &Driver<Self>,
        now: Duration,
    );
    fn deadline(&self) -> Option<Duration>;
    fn timeout(&mut self, now: Duration);
}

/// Tasks that begin once the lock is free: one that can't begin is dropped, and what is dropped may want the lock.
pub(super) type Tasks = Vec<Task>;
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What has opened each session.
pub(super) type Openings = Ids<Session, Opening>;

/// A server that runs. Cloning it gives another handle.
pub(super) struct Driver<L>(Arc<Shared<L>>);

struct Shared<L> {
    state: Mutex<State<L>>,
    start: Instant,
    alarm: Arc<Notify>,
    cors: Cors,
    options: ServerOptions,
    /// How long a body may take.
    patience: Duration,
}

/// A server that runs as long as somebody else has it.
#[cfg(feature = "redis")]
pub(super) struct WeakDriver<L>(Weak<Shared<L>>);

#[cfg(feature = "redis")]
impl<L> WeakDriver<L> {
    pub(super) fn upgrade(&self) -> Option<Driver<L>> {
        self.0.upgrade().map(Driver)
    }
}

/// What is guarded by the lock.
pub(super) struct State<L> {
    pub(super) layer: L,
    answers: Ids<RequestId, oneshot::Sender<Answer>>,
    channels: Ids<Channel, Arc<Signal>>,
    openings: Openings,
    pub(super) prepared: PreparedFrames,
    /// When the timer wakes; `None` before it was started.
    wakes_at: Option<Duration>,
}

impl<L> Clone for Driver<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L: Layer> Driver<L> {
    pub(super) fn new(mut layer: L, cors: Cors) -> Self {
        let config = layer.engine().config();
        let (most, patience) = (config.max_payload() as u64, config.patience());
        let shared = Shared {
            state: Mutex::new(State {
                layer,
                answers: Ids::default(),
                channels: Ids::default(),
                openings: Ids::default(),
                prepared: PreparedFrames::default(),
                wakes_at: None,
            }),
            start: Instant::now(),
            alarm: Arc::new(Notify::new()),
            cors,
            options: ServerOptions::new().with_max_message(most),
            patience,
        };
        Self(Arc::new(shared))
    }

    #[cfg(feature = "redis")]
    pub(super) fn downgrade(&self) -> WeakDriver<L> {
        WeakDriver(Arc::downgrade(&self.0))
    }

    pub(super) fn cors(&self) -> &Cors {
        &self.0.cors
    }

    pub(super) fn options(&self) -> &ServerOptions {
        &self.0.options
    }

    pub(super) fn patience(&self) -> Duration {
        self.0.patience
    }

    /// Changes the server, and carries out what comes of it.
    pub(super) fn with<R>(&self, call: impl FnOnce(&mut State<L>, Duration) -> R) -> R {
        self.with_then(call, |returned, _| returned)
    }

    /// The same, and then does something that depends on what has come of it.
    pub(super) fn with_then<T, R>(
        &self,
        call: impl FnOnce(&mut State<L>, Duration) -> T,
        then: impl FnOnce(T, &mut State<L>) -> R,
    ) -> R {
        let now = self.0.start.elapsed();
        let mut state = self.lock();
        let returned = call(&mut state, now);
        self.settle(state, now, |state| then(returned, state))
    }

    /// Changes the server in a way that needs no time and begins no deadline: mostly there are only outputs to carry out.
    pub(super) fn without_time<R>(&self, call: impl FnOnce(&mut State<L>) -> R) -> R {
        let mut state = self.lock();
        let returned = call(&mut state);
        if !state.layer.is_settled() {
            return self.settle(state, self.0.start.elapsed(), |_| returned);
        }
        let mut woken = Woken::default();
        state.carry_out_all(&mut woken);
        drop(state);
        woken.wake();
        returned
    }

    fn lock(&self) -> MutexGuard<'_, State<L>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out what has come of a call.
    fn settle<R>(
        &self,
        mut state: MutexGuard<'_, State<L>>,
        now: Duration,
        then: impl FnOnce(&mut State<L>) -> R,
    ) -> R {
        let State { layer, openings, .. } = &mut *state;
        let (mut begun, mut woken) = (Tasks::new(), Woken::default());
        layer.settle(&mut begun, &mut woken, openings, self, now);
        state.carry_out_all(&mut woken);
        if let Some(timer) = self.set_alarm(&mut state) {
            begun.push(timer);
        }
        let returned = then(&mut state);
        drop(state);
        woken.wake();
        if !begun.is_empty()
            && let Ok(runtime) = Handle::try_current()
        {
            begun.into_iter().for_each(|task| drop(runtime.spawn(task)));
        }
        returned
    }

    /// Looks at the server without changing it.
    pub(super) fn look<R>(&self, call: impl FnOnce(&L) -> R) -> R {
        call(&self.lock().layer)
    }

    /// Lets the timer know of a deadline that is sooner than the one it waits for. The first time, it has to begin.
    fn set_alarm(&self, state: &mut State<L>) -> Option<Task> {
        let deadline = state.layer.deadline()?;
        let before = state.wakes_at;
        if before.is_some_and(|at| at <= deadline) {
            return None;
        }
        state.wakes_at = Some(deadline);
        if before.is_some() {
            self.0.alarm.notify_one();
            return None;
        }
        Some(Box::pin(watch(Arc::downgrade(&self.0), Arc::clone(&self.0.alarm))))
    }
}

/// The timer of a server: it ends with it.
async fn watch<L: Layer>(shared: Weak<Shared<L>>, alarm: Arc<Notify>) {
    loop {
        let Some(driver) = shared.upgrade().map(Driver) else { return };
        let at = driver.with(|state, now| {
            state.layer.timeout(now);
            // Set anew by what comes after this.
            let at = state.layer.deadline().unwrap_or(now + Duration::from_secs(3600));
            state.wakes_at = Some(at);
            at
        });
        let at = driver.0.start + at;
        drop(driver);
        tokio::select! {
            () = tokio::time::sleep_until(at) => {}
            () = alarm.notified() => {}
        }
    }
}

impl<L> Drop for Shared<L> {
    fn drop(&mut self) {
        self.alarm.notify_one();
    }
}

impl<L: Layer> State<L> {
    fn carry_out_all(&mut self, woken: &mut Woken) {
        while let Some(output) = self.layer.engine().output() {
            self.carry_out(output, woken);
        }
    }

    fn carry_out(&mut self, output: Output, woken: &mut Woken) {
        match output {
            Output::Answer(request, answer) => {
                if let Some(waits) = self.answers.remove(&request) {
                    woken.answer(waits, answer);
                }
            }
            Output::Transmit(channel) | Output::Read(channel) => {
                if let Some(signal) = self.channels.get(&channel) {
                    woken.add(signal.raise());
                }
            }
        }
    }

    /// The answer to a request will come there.
    pub(super) fn expect(&mut self, request: RequestId) -> oneshot::Receiver<Answer> {
        let (sends, receives) = oneshot::channel();
        self.answers.insert(request, sends);
        receives
    }

    pub(super) fn unexpect(&mut self, request: RequestId) {
        self.answers.remove(&request);
        self.layer.engine().request_lost(request);
    }

    /// What is woken when a WebSocket has something to do.
    pub(super) fn add_channel(&mut self, channel: Channel) -> Arc<Signal> {
        Arc::clone(self.channels.entry(channel).or_default())
    }

    pub(super) fn remove_channel(&mut self, channel: Channel) {
        self.channels.remove(&channel);
        self.prepared.forget();
        self.layer.engine().channel_lost(channel);
    }

    /// Remembers what has opened a session, if this has. What has opened sessions that have ended is forgotten now and then.
    pub(super) fn remember(&mut self, session: Option<Session>, head: impl FnOnce() -> Opening) {
        let Some(session) = session else { return };
        let engine = self.layer.engine();
        if self.openings.len() > 2 * engine.sessions() + 64 {
            self.openings.retain(|session, _| engine.sid(*session).is_some());
        }
        self.openings.entry(session).or_insert_with(head);
    }
}

impl<L> fmt::Debug for Driver<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
