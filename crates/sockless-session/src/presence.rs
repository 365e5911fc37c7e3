//! Presence of the peer: who probes whom, when a silent peer counts as dead, and when it counts as offline.
//!
//! A connection that is dead isn't a peer that is offline: a [session](crate::reliable) outlives its connection by its grace time, and
//! only its end is the end of the peer's presence. What a session reports, in this order, is: online (a connection carries it), away
//! (none does), offline (it has ended).

use core::time::Duration;

use crate::reliable::{Payload, Session, Stage};

/// Who probes whom. Each side that probes learns of the other's death within interval and timeout together; the other one learns
/// of it when its own connection fails, or through its own limit on silence.
///
/// The probes are WebSocket's pings wherever both sides can use them: the two durations are what a WebSocket engine's keepalive
/// wants. A browser can neither send nor see a ping: against browsers the client's side takes
/// [`Config::with_probe`](crate::reliable::Config::with_probe), whose probes are messages.
///
/// ```
/// use std::time::Duration;
/// use sockless_session::{presence::Heartbeat, reliable::Role};
///
/// let heartbeat = Heartbeat::SERVER;
/// assert_eq!(heartbeat.keepalive(Role::Client), None);
/// let probing = heartbeat.keepalive(Role::Server).expect("the server probes");
/// assert_eq!(probing.dead_within(), Duration::from_secs(45));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    client: Option<Probing>,
    server: Option<Probing>,
}

/// How one side probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probing {
    /// After how long without anything from the peer it is probed.
    pub interval: Duration,
    /// How long after that it counts as dead, if there is still nothing.
    pub timeout: Duration,
}

impl Probing {
    /// Probes after `interval`, and death after `timeout` more.
    pub const fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout }
    }

    /// After which silence the peer counts as dead.
    pub fn dead_within(&self) -> Duration {
        self.interval.saturating_add(self.timeout)
    }
}

/// Probes every 25 seconds, which keeps the usual proxies' idle limits (30 and 60 seconds) away; 20 seconds for the answer.
const USUAL: Probing = Probing::new(Duration::from_secs(25), Duration::from_secs(20));

impl Heartbeat {
    /// The server probes its clients, every 25 seconds, and gives them 20 to answer.
    pub const SERVER: Self = Self { client: None, server: Some(USUAL) };

    /// The client probes the server, likewise: it is the one who can reconnect.
    pub const CLIENT: Self = Self { client: Some(USUAL), server: None };

    /// Both probe.
    pub const BOTH: Self = Self { client: Some(USUAL), server: Some(USUAL) };

    /// Other times: `None` for a side that doesn't probe.
    pub const fn new(client: Option<Probing>, server: Option<Probing>) -> Self {
        Self { client, server }
    }

    /// How this side probes, if it does.
    pub const fn keepalive(&self, role: crate::reliable::Role) -> Option<Probing> {
        match role {
            crate::reliable::Role::Client => self.client,
            crate::reliable::Role::Server => self.server,
        }
    }
}

/// What is known of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// A connection carries the session.
    Online,
    /// None does, and it may come back within the grace time.
    Away,
    /// The session has ended.
    Offline,
}

impl Presence {
    /// What is known of a session's peer.
    pub fn of<M: Payload>(session: &Session<M>) -> Self {
        match session.stage() {
            Stage::Ended(_) => Self::Offline,
            _ if session.is_open() => Self::Online,
            _ => Self::Away,
        }
    }
}

/// Reports changes of presence, each once: eight octets or less beside a session.
///
/// ```
/// use sockless_session::presence::{Presence, Watch};
///
/// let mut watch = Watch::new();
/// assert_eq!(watch.change(Presence::Online), Some(Presence::Online));
/// assert_eq!(watch.change(Presence::Online), None);
/// assert_eq!(watch.change(Presence::Away), Some(Presence::Away));
/// assert_eq!(watch.change(Presence::Offline), Some(Presence::Offline));
/// // Offline is the end.
/// assert_eq!(watch.change(Presence::Online), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watch(Option<Presence>);

impl Watch {
    /// Nothing has been reported.
    pub const fn new() -> Self {
        Self(None)
    }

    /// What is to be reported now, if anything is.
    pub fn change(&mut self, presence: Presence) -> Option<Presence> {
        if self.0 == Some(presence) || self.0 == Some(Presence::Offline) {
            return None;
        }
        self.0 = Some(presence);
        Some(presence)
    }
}
