//! How a server takes part in a cluster.

use core::time::Duration;

use sockless_channels::{Config, Retention};

use crate::socket::recovery::Recovery;

/// How a server takes part in a cluster. What is kept for clients that come back, and for how long, is what
/// [`Config::with_recovery`](crate::socket::Config::with_recovery) says, or the default: all servers of a cluster need the same.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(super) node: Config,
    pub(super) patience: Duration,
    pub(super) returning: usize,
    pub(super) silence: Duration,
}

impl Default for Cluster {
    fn default() -> Self {
        let node = Config::default().with_payload(4 << 20).with_audit(Duration::from_secs(10));
        Self {
            node,
            patience: Duration::from_secs(5),
            returning: 64,
            silence: Duration::from_secs(15),
        }
    }
}

impl Cluster {
    /// The limits and times of the node. The longest entry of a stream is its longest payload: 4 MiB by default.
    #[must_use]
    pub fn with_node(mut self, config: Config) -> Self {
        self.node = config;
        self
    }

    /// How long a client that comes back waits for its record and for what it has missed, before it is accepted as somebody new. Default 5 s.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// For how many clients at once what they have missed is gathered: others wait for their turn. Default 64.
    #[must_use]
    pub fn with_returning(mut self, clients: usize) -> Self {
        self.returning = clients.max(1);
        self
    }

    /// How long a server has to be silent until nobody waits for its answers any more. Default 15 s.
    #[must_use]
    pub fn with_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// What a broker has to keep of each channel of such servers, and a node's copy too.
    ///
    /// A stream is remembered for a day in which nothing happens: until then, clients that have everything come back.
    pub fn retention(recovery: &Recovery) -> Retention {
        recovery.retention().with_keys(10_000).with_quiet(Duration::from_secs(86_400))
    }
}
