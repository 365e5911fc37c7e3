//! What a server of a cluster has besides: the task that carries its node's commands to Redis, and who waits for answers of other servers.

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use sockless_channels::Command;
use sockless_channels::redis::{Carried, Carrier};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::driver::{Driver, WeakDriver};
use super::live::Live;
use super::signal::Signal;
use crate::socket::cluster::{Channels, Found, Inquiry};
use crate::socket::{Event, Namespace, Payload};

/// How many things that come back from Redis are taken at once.
const AT_ONCE: usize = 128;

/// The sockets of all servers that something would be sent to: see [`SocketIo::fetch`](super::SocketIo::fetch).
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The sockets.
    pub sockets: Vec<Found>,
    /// How many servers haven't answered in time. Their sockets are missing.
    pub missing: usize,
}

/// What sockets of all servers have acknowledged: see [`SocketIo::ask_all`](super::SocketIo::ask_all).
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// The ids of those that have acknowledged it, and with what.
    pub answers: Vec<(Arc<str>, Payload)>,
    /// How many sockets haven't.
    pub silent: usize,
    /// How many servers haven't answered in time.
    pub missing: usize,
}

/// How a server of a cluster is.
#[derive(Clone, Debug)]
pub struct Health {
    /// Whether there is a connection to Redis.
    pub connected: bool,
    /// How often a connection was lost or given up.
    pub losses: u64,
    /// Why the last attempt to connect has failed, if it has.
    pub trouble: Option<Arc<str>>,
    /// How many servers there are, with this one, as far as it knows.
    pub servers: usize,
}

/// What another server says.
pub(super) type OnServer = Arc<dyn Fn(Namespace, String, Payload) + Send + Sync>;

/// What nobody gets.
pub(super) type OnUnsent = Arc<dyn Fn(Namespace, String) + Send + Sync>;

/// A server's part of a cluster, beside what its machine has.
pub(super) struct Member {
    pub(super) signal: Arc<Signal>,
    commands: Vec<Command>,
    pub(super) losses: u64,
    pub(super) trouble: Option<Arc<str>>,
    pub(super) fetches: HashMap<Inquiry, oneshot::Sender<Fetched>>,
    pub(super) questions: HashMap<Inquiry, oneshot::Sender<Acknowledged>>,
    pub(super) on_server: Option<OnServer>,
    pub(super) on_unsent: Option<OnUnsent>,
}

impl Member {
    pub(super) fn new(on_server: Option<OnServer>, on_unsent: Option<OnUnsent>) -> Self {
        Self {
            signal: Arc::default(),
            commands: Vec::new(),
            losses: 0,
            trouble: None,
            fetches: HashMap::new(),
            questions: HashMap::new(),
            on_server,
            on_unsent,
        }
    }

    /// Takes the node's commands. Returns what is to be woken to carry them out.
    pub(super) fn collect(&mut self, channels: &mut Channels, now: Duration) -> Option<Waker> {
        while let Some(command) = channels.command(now) {
            self.losses += u64::from(command == Command::Disconnect);
            self.commands.push(command);
        }
        if self.commands.is_empty() { None } else { self.signal.raise() }
    }

    /// What the machine says of other servers.
    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Found { inquiry, sockets, missing } => {
                if let Some(waits) = self.fetches.remove(&inquiry) {
                    drop(waits.send(Fetched { sockets, missing }));
                }
            }
            Event::Answered { inquiry, answers, silent, missing } => {
                if let Some(waits) = self.questions.remove(&inquiry) {
                    drop(waits.send(Acknowledged { answers, silent, missing }));
                }
            }
            Event::ServerMessage { namespace, name, payload } => {
                if let Some(on_server) = self.on_server.clone() {
                    apart(move || on_server(namespace, name, payload));
                }
            }
            Event::Unsent { namespace, name, .. } => {
                if let Some(on_unsent) = self.on_unsent.clone() {
                    apart(move || on_unsent(namespace, name));
                }
            }
            _ => {}
        }
    }

    fn carried(&mut self, channels: &mut Channels, carried: Carried, now: Duration) {
        match carried {
            Carried::Connected => {
                self.trouble = None;
                channels.connected();
            }
            Carried::Lost(trouble) => {
                match trouble {
                    Some(trouble) => self.trouble = Some(trouble),
                    None => self.losses += 1,
                }
                channels.disconnected(now);
            }
            Carried::Answer(id, answer) => channels.answer(id, answer, now),
            Carried::Pushes(pushes) => pushes.into_iter().for_each(|push| channels.push(push, now)),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // The task ends with the server.
        self.signal.raise().into_iter().for_each(Waker::wake);
    }
}

/// Calls a function of the application's without the server's lock, wherever the server was called from.
fn apart(call: impl FnOnce() + Send + 'static) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(async move { call() })),
        Err(_) => drop(std::thread::spawn(call)),
    }
}

/// Carries until the server is gone.
pub(super) async fn carry(driver: WeakDriver<Live>, mut carrier: Carrier, signal: Arc<Signal>) {
    let mut all = Vec::new();
    loop {
        tokio::select! {
            carried = carrier.next() => all.push(carried),
            () = signal.raised() => {}
        }
        while all.len() < AT_ONCE {
            tokio::select! {
                biased;
                carried = carrier.next() => all.push(carried),
                () = ready(()) => break,
            }
        }
        let Some(driver) = driver.upgrade() else { return };
        let commands = hand_in(&driver, &mut all);
        commands.into_iter().for_each(|command| carrier.carry_out(command));
    }
}

/// Hands in what has come back, and takes what there is to do then.
fn hand_in(driver: &Driver<Live>, all: &mut Vec<Carried>) -> Vec<Command> {
    driver.with_then(
        |state, now| {
            let Live { server, member, .. } = &mut state.layer;
            if let (Some(member), Some(channels)) = (member, server.channels_mut()) {
                all.drain(..).for_each(|carried| member.carried(channels, carried, now));
            }
        },
        |(), state| {
            let member = state.layer.member.as_mut();
            member.map(|member| std::mem::take(&mut member.commands)).unwrap_or_default()
        },
    )
}
