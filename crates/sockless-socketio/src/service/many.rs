//! What a program does with a server that is one of many. What carries it to Redis is in `cluster`.

use std::sync::Arc;
use std::time::Duration;

use sockless_channels::redis::{Carrier, OpenError, Settings as RedisSettings};
use tokio::sync::oneshot;

use super::cluster::{Acknowledged, Fetched, Health, Member, OnServer, OnUnsent, carry};
use super::live::Live;
use super::socket_io::{Builder, SocketIo};
use crate::socket::cluster::Cluster;
use crate::socket::{EmitError, Namespace, Payload, Recovery, Target};

/// How a server takes part in a cluster.
pub(super) struct Redis {
    settings: RedisSettings,
    cluster: Cluster,
    on_server: Option<OnServer>,
    on_unsent: Option<OnUnsent>,
}

impl Redis {
    pub(super) fn cluster(&self) -> Cluster {
        self.cluster.clone()
    }
}

impl SocketIo {
    /// The sockets of all servers of a cluster that something would be sent to, within a time.
    ///
    /// # Errors
    ///
    /// If it can't be asked now, or this server is in no cluster.
    pub async fn fetch(&self, target: &Target, timeout: Duration) -> Result<Fetched, EmitError> {
        let receives = self.driver.with(|state, now| {
            let Live { server, member, .. } = &mut state.layer;
            let inquiry = server.fetch(target, timeout, now)?;
            let (sends, receives) = oneshot::channel();
            member.as_mut().map(|member| member.fetches.insert(inquiry, sends));
            Ok::<_, EmitError>(receives)
        })?;
        receives.await.map_err(|_| EmitError::Disconnected)
    }

    /// Sends an event to many, on all servers of a cluster, and waits for their acknowledgements, a second longer than this at most.
    ///
    /// # Errors
    ///
    /// If it can't be sent now, or this server is in no cluster.
    pub async fn ask_all(
        &self,
        target: &Target,
        name: &str,
        payload: Payload,
        timeout: Duration,
    ) -> Result<Acknowledged, EmitError> {
        let receives = self.driver.with(|state, now| {
            let Live { server, member, .. } = &mut state.layer;
            let inquiry = server.ask_all(target, name, payload, timeout, now)?;
            let (sends, receives) = oneshot::channel();
            member.as_mut().map(|member| member.questions.insert(inquiry, sends));
            Ok::<_, EmitError>(receives)
        })?;
        receives.await.map_err(|_| EmitError::Disconnected)
    }

    /// Says something to the other servers of a cluster: see [`Builder::on_server`]. Nobody waits for it.
    ///
    /// # Errors
    ///
    /// If too much waits to be said, or this server is in no cluster.
    pub fn emit_to_servers(
        &self,
        namespace: &Namespace,
        name: &str,
        payload: &Payload,
    ) -> Result<(), EmitError> {
        self.driver.with(|state, _| state.layer.server.emit_to_servers(namespace, name, payload))
    }

    /// How this server's part of a cluster is; `None` if it is in none.
    pub fn health(&self) -> Option<Health> {
        self.driver.with(|state, _| {
            let Live { server, member, .. } = &mut state.layer;
            let (servers, member) = (server.servers(), member.as_ref()?);
            let connected = server.channels_mut()?.is_connected();
            let (losses, trouble) = (member.losses, member.trouble.clone());
            Some(Health { connected, losses, trouble, servers })
        })
    }

    /// Begins to carry.
    pub(super) fn join(&self, redis: Redis, recovery: &Recovery) {
        let Redis { settings, on_server, on_unsent, .. } = redis;
        // The address was tried before.
        let Ok(carrier) = Carrier::new(settings.with_retention(Cluster::retention(recovery)))
        else {
            return;
        };
        let member = Member::new(on_server, on_unsent);
        let signal = Arc::clone(&member.signal);
        self.driver.with(|state, _| state.layer.member = Some(member));
        tokio::spawn(carry(self.driver.downgrade(), carrier, signal));
    }
}

impl Builder {
    /// One server of many, which are one through this Redis: `redis://[user:password@]host[:port][/database]`. See
    /// [`cluster`](crate::socket::cluster).
    ///
    /// # Errors
    ///
    /// If that is no address. Whether it can be reached shows in [`SocketIo::health`].
    pub fn with_redis(self, url: &str) -> Result<Self, OpenError> {
        self.with_cluster(RedisSettings::new(url).with_prefix("sockless-io:"), Cluster::default())
    }

    /// The same with other settings. The retention is this server's.
    ///
    /// # Errors
    ///
    /// If there is no such address.
    pub fn with_cluster(
        mut self,
        settings: RedisSettings,
        cluster: Cluster,
    ) -> Result<Self, OpenError> {
        Carrier::new(settings.clone()).map_err(OpenError::Address)?;
        self.redis = Some(Redis { settings, cluster, on_server: None, on_unsent: None });
        Ok(self)
    }

    /// What is called when another server of the cluster says something: see [`SocketIo::emit_to_servers`]. To be said after
    /// [`with_redis`](Self::with_redis).
    pub fn on_server(
        mut self,
        handler: impl Fn(Namespace, String, Payload) + Send + Sync + 'static,
    ) -> Self {
        if let Some(redis) = &mut self.redis {
            redis.on_server = Some(Arc::new(handler));
        }
        self
    }

    /// What is called when an event of this name in this namespace couldn't be written to Redis in time: nobody gets it, or that isn't
    /// known. To be said after [`with_redis`](Self::with_redis).
    pub fn on_unsent(
        mut self,
        handler: impl Fn(Namespace, String) + Send + Sync + 'static,
    ) -> Self {
        if let Some(redis) = &mut self.redis {
            redis.on_unsent = Some(Arc::new(handler));
        }
        self
    }
}
