//! The times and limits of a server. What they do is decided elsewhere.

use core::time::Duration;

/// The times and limits of an [`Engine`](crate::engine::Engine).
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) ping_interval: Duration,
    pub(super) ping_timeout: Duration,
    pub(super) upgrade_timeout: Duration,
    pub(super) close_timeout: Duration,
    pub(super) max_payload: usize,
    pub(super) queue_frames: usize,
    pub(super) queue_bytes: usize,
    pub(super) sessions: usize,
    pub(super) polling: bool,
    pub(super) websocket: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(30),
            max_payload: 1_000_000,
            queue_frames: 4_096,
            queue_bytes: 4 << 20,
            sessions: 100_000,
            polling: true,
            websocket: true,
        }
    }
}

impl Config {
    /// A ping is sent after this time, and the session ends if no pong has come after the timeout. Default 25 s and 20 s.
    #[must_use]
    pub fn with_ping(mut self, interval: Duration, timeout: Duration) -> Self {
        (self.ping_interval, self.ping_timeout) = (interval, timeout);
        self
    }

    /// How long a change of the transport may take. Default 10 s.
    #[must_use]
    pub fn with_upgrade_timeout(mut self, timeout: Duration) -> Self {
        self.upgrade_timeout = timeout;
        self
    }

    /// How long a session that the server closes waits for the poll that takes what is left. Default 30 s.
    #[must_use]
    pub fn with_close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// The most bytes of a request's body, and of a message. Default 1,000,000; clients are told.
    #[must_use]
    pub fn with_max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }

    /// How much may wait to be sent in one session: frames, and their bytes. Default 4,096 and 4 MiB.
    #[must_use]
    pub fn with_queue(mut self, frames: usize, bytes: usize) -> Self {
        (self.queue_frames, self.queue_bytes) = (frames, bytes);
        self
    }

    /// The most sessions at once; further ones are answered with status 503. Default 100,000.
    #[must_use]
    pub fn with_sessions(mut self, sessions: usize) -> Self {
        self.sessions = sessions;
        self
    }

    /// Which transports there are. By default both, and polling can be changed for a WebSocket.
    #[must_use]
    pub fn with_transports(mut self, polling: bool, websocket: bool) -> Self {
        (self.polling, self.websocket) = (polling, websocket);
        self
    }

    /// The most bytes of a message: what a WebSocket of this server may receive.
    pub fn max_payload(&self) -> usize {
        self.max_payload
    }

    /// How long a client may say nothing before its session ends: no body of a request may take longer to arrive.
    pub fn patience(&self) -> Duration {
        self.ping_interval.saturating_add(self.ping_timeout)
    }
}
