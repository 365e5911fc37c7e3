//! How sessions behave: the choices and the limits, shared by any number of them.

use core::time::Duration;

use super::window::Window;

/// The behaviour of sessions. One can serve any number of them, in an `Arc`.
///
/// ```
/// use sockless_session::reliable::{Config, Window};
///
/// let config = Config::default().with_window(Window::new(64, 1 << 20)).with_storage();
/// assert!(config.stored);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What the peer may have outstanding: 1024 messages or 4 MiB by default.
    pub window: Window,
    /// How many messages may wait for being sent or acknowledged: 1024 by default.
    pub queue_messages: usize,
    /// How many octets may wait likewise: 8 MiB by default. The last message accepted may reach over it.
    pub queue_bytes: usize,
    /// How long an ack may be held back: 50 ms by default.
    pub ack_delay: Duration,
    /// When a message counts as accepted: on delivery by default.
    pub acceptance: Acceptance,
    /// Whether the state is stored, so that nothing goes out before what it presumes is stored: no by default.
    pub stored: bool,
    /// How long the answer to an opening may take: ten seconds by default.
    pub opening: Duration,
    /// Probes after silence, as messages: none by default. Who can use the pings of WebSocket does so instead.
    pub probe: Option<Probe>,
    /// For how long a session is kept without a connection: two minutes by default. It is the server's to decide.
    pub grace: Duration,
    /// How many requests may wait for their replies: 256 by default.
    pub requests: usize,
}

/// When a message that has been handed over counts as accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acceptance {
    /// At once.
    #[default]
    OnDelivery,
    /// When the application says so. Until then it fills the window, so that a slow application slows the peer down.
    ByApplication,
}

/// Probes after silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// After how long without a message from the peer it is probed.
    pub interval: Duration,
    /// How long after that the connection is taken for lost, if there is still no message.
    pub timeout: Duration,
}

impl Config {
    /// The same configuration with another window.
    #[must_use]
    pub fn with_window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// The same configuration with other limits on the queue.
    #[must_use]
    pub fn with_queue(mut self, messages: usize, bytes: usize) -> Self {
        (self.queue_messages, self.queue_bytes) = (messages, bytes);
        self
    }

    /// The same configuration with another delay of acks.
    #[must_use]
    pub fn with_ack_delay(mut self, delay: Duration) -> Self {
        self.ack_delay = delay;
        self
    }

    /// The same configuration, messages being accepted by the application itself.
    #[must_use]
    pub fn with_acceptance(mut self, acceptance: Acceptance) -> Self {
        self.acceptance = acceptance;
        self
    }

    /// The same configuration for sessions whose state is stored.
    #[must_use]
    pub fn with_storage(mut self) -> Self {
        self.stored = true;
        self
    }

    /// The same configuration with another limit on the time of the opening.
    #[must_use]
    pub fn with_opening(mut self, limit: Duration) -> Self {
        self.opening = limit;
        self
    }

    /// The same configuration with probes after silence.
    #[must_use]
    pub fn with_probe(mut self, interval: Duration, timeout: Duration) -> Self {
        self.probe = Some(Probe { interval, timeout });
        self
    }

    /// The same configuration with another grace time.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The same configuration with another limit on waiting requests.
    #[must_use]
    pub fn with_requests(mut self, requests: usize) -> Self {
        self.requests = requests;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            window: Window::new(1024, 4 << 20),
            queue_messages: 1024,
            queue_bytes: 8 << 20,
            ack_delay: Duration::from_millis(50),
            acceptance: Acceptance::OnDelivery,
            stored: false,
            opening: Duration::from_secs(10),
            probe: None,
            grace: Duration::from_secs(120),
            requests: 256,
        }
    }
}
