//! How long a client may take for what: the options that every server has for it, and what they mean to a connection.

use std::time::Duration;

use sockless::{Config, handshake};

use crate::options::seconds;

/// How long a client may take for what.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// For its part of the opening handshake.
    pub handshake: Duration,
    /// How long it may be silent before it is pinged, and how long after the ping; zero for ever.
    pub keepalive: Duration,
    /// How long it may send no message; zero for ever.
    pub idle: Duration,
    /// How long it may take none of the output that waits for it.
    pub write: Duration,
    /// For its part of the closing handshake.
    pub close: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            keepalive: Duration::from_secs(30),
            idle: Duration::ZERO,
            write: Duration::from_secs(60),
            close: Duration::from_secs(10),
        }
    }
}

impl Deadlines {
    /// The options, as a program's usage shows them.
    pub const USAGE: &str = "[--handshake-timeout SECONDS] [--keepalive SECONDS] [--idle SECONDS]\n\
        \x20       [--write-timeout SECONDS] [--close-timeout SECONDS]";

    /// Takes an option; whether it is one of these.
    ///
    /// # Errors
    ///
    /// What the user is to be told.
    pub fn take(
        &mut self,
        name: &str,
        value: impl FnOnce() -> Result<String, String>,
    ) -> Result<bool, String> {
        let deadline = match name {
            "--handshake-timeout" => &mut self.handshake,
            "--keepalive" => &mut self.keepalive,
            "--idle" => &mut self.idle,
            "--write-timeout" => &mut self.write,
            "--close-timeout" => &mut self.close,
            _ => return Ok(false),
        };
        *deadline = seconds(name, &value()?)?;
        Ok(true)
    }

    /// The limits of the opening handshake.
    pub fn handshake(&self) -> handshake::HeadLimits {
        handshake::HeadLimits::default().with_timeout(self.handshake)
    }

    /// A connection's configuration with these deadlines.
    pub fn config(&self, config: Config) -> Config {
        let mut config = config.with_close(self.close).with_write_timeout(self.write);
        if !self.keepalive.is_zero() {
            config = config.with_keepalive(self.keepalive, self.keepalive);
        }
        if !self.idle.is_zero() {
            config = config.with_idle(self.idle);
        }
        config
    }
}
