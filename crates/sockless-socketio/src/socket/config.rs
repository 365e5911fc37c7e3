//! The times and limits of Socket.IO, in both roles. Those of its transports are the engine's.

use core::time::Duration;

use super::parser::Parser;
use super::recovery::Recovery;

/// The times and limits of a [`Server`](crate::socket::Server), or of a [`Client`](crate::socket::client::Client).
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) connect_timeout: Duration,
    pub(super) namespaces: usize,
    pub(super) namespace_name: usize,
    pub(super) attachments: usize,
    pub(super) attachment_bytes: usize,
    pub(super) depth: usize,
    pub(super) acks: usize,
    pub(super) repeats: (usize, usize),
    pub(super) recovery: Option<Recovery>,
    pub(super) parser: Parser,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(45),
            namespaces: 32,
            namespace_name: 256,
            attachments: 10,
            attachment_bytes: 8 << 20,
            depth: 64,
            acks: 1_024,
            repeats: (1_024, 4 << 20),
            recovery: None,
            parser: Parser::Json,
        }
    }
}

impl Config {
    /// How long a client may take until it is connected to a namespace; and a server, until it has answered. Default 45 s.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// To how many namespaces a client may be connected at once, and the most bytes of a namespace's name. Default 32 and 256.
    /// In a cluster, names of more than 253 bytes are refused as invalid, because channels have names of their own.
    #[must_use]
    pub fn with_namespaces(mut self, count: usize, name: usize) -> Self {
        (self.namespaces, self.namespace_name) = (count, name);
        self
    }

    /// How many binary attachments a packet may have, and their bytes in all. Default 10 and 8 MiB.
    #[must_use]
    pub fn with_attachments(mut self, count: usize, bytes: usize) -> Self {
        (self.attachments, self.attachment_bytes) = (count, bytes);
        self
    }

    /// How deep the JSON or MessagePack of a packet may be nested. Default 64; more than 127 is taken for 127, because serde reads nothing deeper.
    #[must_use]
    pub fn with_depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// What is kept for clients that come back, if anything is.
    #[cfg(feature = "redis")]
    pub(crate) fn recovery(&self) -> Option<Recovery> {
        self.recovery
    }

    /// How many acknowledgements of one socket may be waited for at once. Default 1,024.
    #[must_use]
    pub fn with_acks(mut self, acks: usize) -> Self {
        self.acks = acks;
        self
    }

    /// How many events of a client may wait in a namespace until they were acknowledged, and their bytes in all: those that are sent
    /// repeatedly. Default 1,024 and 4 MiB.
    #[must_use]
    pub fn with_repeats(mut self, count: usize, bytes: usize) -> Self {
        self.repeats = (count, bytes);
        self
    }

    /// Clients that come back get what they have missed, within these limits. By default they don't.
    ///
    /// Every event that needs no acknowledgement has one more argument then, the last: a string that clients keep and give back. An event that
    /// a broadcast can't send to a socket because too much waits for it ends that socket's session: it comes back, and gets it.
    #[must_use]
    pub fn with_recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = Some(recovery);
        self
    }

    /// How packets are written: the other end has to use the same. By default, as JSON.
    #[must_use]
    pub fn with_parser(mut self, parser: Parser) -> Self {
        self.parser = parser;
        self
    }
}
