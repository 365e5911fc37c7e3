//! The times and limits of a client. The heartbeat's are the server's to say.

use core::time::Duration;

/// The times and limits of a [`Client`](super::Client), and its transports.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) connect_timeout: Duration,
    pub(super) upgrade_timeout: Duration,
    pub(super) close_timeout: Duration,
    pub(super) queue_frames: usize,
    pub(super) queue_bytes: usize,
    pub(super) backlog_messages: usize,
    pub(super) backlog_bytes: usize,
    pub(super) max_input: usize,
    pub(super) polling: bool,
    pub(super) websocket: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            queue_frames: 4_096,
            queue_bytes: 4 << 20,
            backlog_messages: 1_024,
            backlog_bytes: 4 << 20,
            max_input: 16 << 20,
            polling: true,
            websocket: true,
        }
    }
}

impl Config {
    /// How long it may take until the session is open. Default 20 s.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a change of the transport may take. When the time is up, long-polling goes on. Default 10 s.
    #[must_use]
    pub fn with_upgrade_timeout(mut self, timeout: Duration) -> Self {
        self.upgrade_timeout = timeout;
        self
    }

    /// How long a session that is closed waits until what is left has been sent. Default 5 s.
    #[must_use]
    pub fn with_close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// How much may wait to be sent: frames, and their bytes. Default 4,096 and 4 MiB.
    #[must_use]
    pub fn with_queue(mut self, frames: usize, bytes: usize) -> Self {
        (self.queue_frames, self.queue_bytes) = (frames, bytes);
        self
    }

    /// From how much that was received and isn't taken on no more is read: messages, and their bytes. The server's pings aren't heard then
    /// either, and in the end it gives the client up. Default 1,024 and 4 MiB.
    #[must_use]
    pub fn with_backlog(mut self, messages: usize, bytes: usize) -> Self {
        (self.backlog_messages, self.backlog_bytes) = (messages, bytes);
        self
    }

    /// The most bytes of an answer, and of a message of the WebSocket. Default 16 MiB.
    #[must_use]
    pub fn with_max_input(mut self, bytes: usize) -> Self {
        self.max_input = bytes;
        self
    }

    /// Which transports are used. By default both: long-polling first, which works everywhere, then a WebSocket if the server has it.
    /// With a WebSocket alone, it is opened at once.
    #[must_use]
    pub fn with_transports(mut self, polling: bool, websocket: bool) -> Self {
        (self.polling, self.websocket) = (polling, websocket);
        self
    }

    /// The most bytes of an answer, and of a message of the WebSocket: its driver reads no more.
    pub fn max_input(&self) -> usize {
        self.max_input
    }
}
