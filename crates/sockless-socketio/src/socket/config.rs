//! The times and limits of a server of Socket.IO. Those of its transports are the engine's.

use core::time::Duration;

/// The times and limits of a [`Server`](crate::socket::Server).
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) connect_timeout: Duration,
    pub(super) namespaces: usize,
    pub(super) namespace_name: usize,
    pub(super) attachments: usize,
    pub(super) attachment_bytes: usize,
    pub(super) depth: usize,
    pub(super) acks: usize,
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
        }
    }
}

impl Config {
    /// How long a client may take until it is connected to a namespace. Default 45 s.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// To how many namespaces a client may be connected at once, and the most bytes of a namespace's name. Default 32 and 256.
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

    /// How deep the JSON of a packet may be nested. Default 64.
    #[must_use]
    pub fn with_depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// How many acknowledgements of one socket may be waited for at once. Default 1,024.
    #[must_use]
    pub fn with_acks(mut self, acks: usize) -> Self {
        self.acks = acks;
        self
    }
}
