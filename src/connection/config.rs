//! How a connection behaves: the choices and the limits, shared by any number of connections. The limits on what the peer sends are in
//! `frame::limits`; those on output are kept by `sender`, the times by `timers`.

use core::time::Duration;

#[cfg(feature = "deflate")]
use crate::extension::deflate;
use crate::frame::Limits;
use crate::words::simd::Level;

/// The behaviour of connections. One can serve any number of them, in an `Arc`.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use sockless::{CloseCode, Config, Connection, Event, Input, Limits};
///
/// // What all clients of a server share: short messages, and a ping after half a minute of silence.
/// let config = Arc::new(
///     Config::default()
///         .with_limits(Limits::default().with_message(1000))
///         .with_keepalive(Duration::from_secs(30), Duration::from_secs(10)),
/// );
/// let mut connections = [Connection::server(Arc::clone(&config)), Connection::server(config)];
///
/// // A frame announces 1001 bytes, and fails before they have come.
/// let mut header = [0x82, 0xFE, 0x03, 0xE9, 0, 0, 0, 0];
/// let failed = connections[0].poll(&mut Input::new(&mut header), Duration::ZERO);
/// let Some(Event::Failed(failure)) = failed else { panic!("{failed:?}") };
/// assert_eq!(failure.close_code(), Some(CloseCode::MESSAGE_TOO_BIG));
///
/// // The other goes on, and is asked after half a minute whether it is there.
/// assert!(connections[1].poll(&mut Input::none(), Duration::ZERO).is_none());
/// assert!(matches!(connections[1].poll(&mut Input::none(), Duration::from_secs(30)), Some(Event::Quiet)));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What the peer may send: frames and messages of at most 16 MiB by default.
    pub limits: Limits,
    /// How messages are delivered: whole by default.
    pub delivery: Delivery,
    /// Whether every ping is answered by itself: yes by default.
    pub auto_pong: bool,
    /// Whether the peer's Close frame is answered by itself: yes by default. Otherwise the application finishes what it has to
    /// say and calls `close` in its own time.
    pub auto_close: bool,
    /// Whether the Close frame of a connection that fails says why in a few words, beside the code: yes by default.
    pub close_reasons: bool,
    /// What becomes of incoming messages while output is congested: a server holds them, a client doesn't. For a
    /// [`Connection`](super::Connection); with the halves apart, their driver decides.
    pub holding: Holding,
    /// From how much waiting output on the connection is congested: 256 KiB by default.
    pub soft_limit: usize,
    /// At how much waiting output a message is refused: 16 MiB by default. The last message accepted may reach over it.
    pub hard_limit: usize,
    /// Pings after silence: none by default.
    pub keepalive: Option<Keepalive>,
    /// For how long the peer may send no data frame before the connection is closed: no limit by default.
    pub idle: Option<Duration>,
    /// How long the closing handshake may take, the writing of our Close frame included: ten seconds by default. With zero nothing is
    /// written any more: the connection has ended as soon as a Close frame is due.
    pub close: Duration,
    /// How long output may wait with none of it being written, before the connection fails: a minute by default.
    pub write_timeout: Duration,
    /// The SIMD level of the kernels: the best that the CPU has by default; beside compression AVX2 at most. For tests.
    #[doc(hidden)]
    pub simd: Level,
    /// How messages are compressed, where the handshake agreed on compression.
    #[cfg(feature = "deflate")]
    pub deflate: deflate::Compression,
}

/// How messages reach the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Whole, when the last byte has arrived.
    #[default]
    Whole,
    /// In parts, as they arrive.
    Parts,
}

/// What becomes of incoming messages while a connection is congested, that is, while its waiting output is at the soft limit or over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holding {
    /// A server is [`Answering`](Self::Answering), a client [`Independent`](Self::Independent).
    #[default]
    ByRole,
    /// For an endpoint that sends because it has received: no message is given out until output has been written, and `want` asks for
    /// no input, so that a peer that doesn't read can't make output grow. Control frames before the next message, time and the end
    /// of the stream are dealt with all the same.
    Answering,
    /// For an endpoint that sends whenever it likes: messages are given out whatever waits. Whoever produces messages
    /// stops while the connection [is congested](super::Connection::is_congested), and is refused at the hard limit.
    Independent,
}

impl Holding {
    /// Whether messages are held while output is congested, for an endpoint that is a client or not.
    pub(super) const fn holds(self, client: bool) -> bool {
        match self {
            Self::ByRole => !client,
            Self::Answering => true,
            Self::Independent => false,
        }
    }
}

/// Pings after silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// After how long without a byte from the peer a ping is sent.
    pub interval: Duration,
    /// How long after that ping was written the peer is taken for dead, if it still sends nothing. Any byte counts as an answer: a
    /// peer that is busy sending a large frame can't put a pong into it.
    pub timeout: Duration,
}

impl Config {
    /// The same configuration with other limits on what the peer may send.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same configuration with another way of delivery.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// The same configuration, pings being answered by themselves or not.
    #[must_use]
    pub fn with_auto_pong(mut self, auto_pong: bool) -> Self {
        self.auto_pong = auto_pong;
        self
    }

    /// The same configuration, the peer's Close frame being answered by itself or not.
    #[must_use]
    pub fn with_auto_close(mut self, auto_close: bool) -> Self {
        self.auto_close = auto_close;
        self
    }

    /// The same configuration, a failing connection's Close frame saying why in words or not.
    #[must_use]
    pub fn with_close_reasons(mut self, close_reasons: bool) -> Self {
        self.close_reasons = close_reasons;
        self
    }

    /// The same configuration with another choice of what becomes of incoming messages while output is congested.
    #[must_use]
    pub fn with_holding(mut self, holding: Holding) -> Self {
        self.holding = holding;
        self
    }

    /// The same configuration with other limits on waiting output. The soft one is no higher than the hard one.
    #[must_use]
    pub fn with_output_limits(mut self, soft: usize, hard: usize) -> Self {
        (self.soft_limit, self.hard_limit) = (soft.min(hard), hard);
        self
    }

    /// The same configuration with pings after silence.
    #[must_use]
    pub fn with_keepalive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.keepalive = Some(Keepalive { interval, timeout });
        self
    }

    /// The same configuration with a limit on the time without a data frame.
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// The same configuration with another limit on the closing handshake.
    #[must_use]
    pub fn with_close(mut self, close: Duration) -> Self {
        self.close = close;
        self
    }

    /// The same configuration with another limit on the time in which nothing of the waiting output is written.
    #[must_use]
    pub fn with_write_timeout(mut self, write_timeout: Duration) -> Self {
        self.write_timeout = write_timeout;
        self
    }

    /// The same configuration with another way of compressing messages.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(mut self, deflate: deflate::Compression) -> Self {
        self.deflate = deflate;
        self
    }

    /// The same configuration with a fixed SIMD level, for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn with_simd(mut self, simd: Level) -> Self {
        self.simd = simd;
        self
    }
}

impl Default for Config {
    /// Frames and messages of at most 16 MiB, delivered whole. Pings and the peer's Close frame are answered. A server holds messages
    /// while 256 KiB of output or more wait, a client doesn't; at 16 MiB a message is refused. Ten seconds for the closing handshake, a
    /// minute for waiting output to move, no keepalive and no limit on idle time. The best SIMD level that the CPU has, and the default
    /// compression where it is agreed on.
    fn default() -> Self {
        Self {
            limits: Limits::DEFAULT,
            delivery: Delivery::Whole,
            auto_pong: true,
            auto_close: true,
            close_reasons: true,
            holding: Holding::ByRole,
            soft_limit: 256 << 10,
            hard_limit: 16 << 20,
            keepalive: None,
            idle: None,
            close: Duration::from_secs(10),
            write_timeout: Duration::from_secs(60),
            simd: Level::detect(),
            #[cfg(feature = "deflate")]
            deflate: deflate::Compression::default(),
        }
    }
}
