//! What carries a node's requests to Redis and back. It decides nothing but whether a connection is of use.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::{Future, pending};
use core::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind,
    RedisError, Value,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Settings;
use super::wire::{ConnectionLost, Digests, Kind, SCRIPTS, Wire, answer};
use crate::request::{Answer, Command, Push, Request, RequestId};

/// How many pushes are taken at once.
const AT_ONCE: usize = 256;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Reply = (RequestId, Result<Answer, ConnectionLost>);

/// What carries the commands of a [`Node`](crate::Node) of yours to Redis: a connection at a time, and no task of its own.
///
/// [`Channels`](super::Channels) is a node with a carrier. A node that is part of a larger state machine has its own:
///
/// ```no_run
/// use core::time::Duration;
/// use sockless_channels::redis::{Carried, Carrier, Settings};
/// use sockless_channels::{Config, Node, Retention};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let settings = Settings::new("redis://127.0.0.1/");
/// let mut carrier = Carrier::new(settings)?;
/// # let entropy = || 4;
/// let mut node = Node::new(Config::default(), Retention::default(), entropy, Duration::ZERO);
/// let start = tokio::time::Instant::now();
/// loop {
///     while let Some(command) = node.command(start.elapsed()) {
///         carrier.carry_out(command);
///     }
///     // A program also waits for the node's deadline, and for its own work.
///     match carrier.next().await {
///         Carried::Connected => node.connected(),
///         Carried::Lost(_) => node.disconnected(start.elapsed()),
///         Carried::Answer(id, answer) => node.answer(id, answer, start.elapsed()),
///         Carried::Pushes(pushes) => {
///             pushes.into_iter().for_each(|push| node.push(push, start.elapsed()));
///         }
///     }
/// }
/// # }
/// ```
pub struct Carrier {
    client: Client,
    settings: Settings,
    link: Option<Box<Link>>,
    dialing: Option<Boxed<Result<Box<Link>, RedisError>>>,
    /// The connection is known to be gone, and that has still to be said.
    lost: bool,
}

/// What comes back from Redis: each is to be handed to the node.
#[derive(Debug)]
pub enum Carried {
    /// The connection is there: [`Node::connected`](crate::Node::connected).
    Connected,
    /// The connection is gone, or couldn't be made, for this reason: [`Node::disconnected`](crate::Node::disconnected).
    Lost(Option<Arc<str>>),
    /// The answer to a request: [`Node::answer`](crate::Node::answer).
    Answer(RequestId, Answer),
    /// What has arrived unasked: [`Node::push`](crate::Node::push).
    Pushes(Vec<Push>),
}

/// A connection that is ready to be used.
struct Link {
    connection: MultiplexedConnection,
    pushes: mpsc::Receiver<PushInfo>,
    wire: Wire,
    /// In the order in which they were sent, which is that of the first poll.
    replies: FuturesUnordered<Boxed<Reply>>,
}

impl Carrier {
    /// A carrier that isn't connected. It fails if the address isn't one of a Redis.
    pub fn new(settings: Settings) -> Result<Self, RedisError> {
        let info = settings.url.as_str().into_connection_info()?;
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(redis))?;
        Ok(Self { client, settings, link: None, dialing: None, lost: false })
    }

    /// Carries out a command of the node. To be called inside a tokio runtime with time and input enabled.
    pub fn carry_out(&mut self, command: Command) {
        match command {
            Command::Connect => {
                self.dialing = Some(Box::pin(connect(self.client.clone(), self.settings.clone())));
            }
            Command::Disconnect => (self.link, self.dialing, self.lost) = (None, None, false),
            Command::Send(id, request) => {
                if let Some(link) = &mut self.link {
                    link.send(id, &request);
                }
            }
        }
    }

    /// The next thing that comes back. Without a connection that is there or being made, it waits for ever. Nothing is lost if the
    /// future is dropped.
    pub async fn next(&mut self) -> Carried {
        if core::mem::take(&mut self.lost) {
            return self.disconnected();
        }
        if let Some(attempt) = &mut self.dialing {
            let attempt = attempt.await;
            self.dialing = None;
            return match attempt {
                Ok(connected) => {
                    self.link = Some(connected);
                    Carried::Connected
                }
                Err(error) => Carried::Lost(Some(format!("{error}").into())),
            };
        }
        let Some(link) = &mut self.link else { return pending().await };
        // Neither first: with as many replies as there can be, pushes have to get their turn, and there are more of them.
        let mut infos = Vec::new();
        tokio::select! {
            Some(reply) = link.replies.next() => match reply {
                (id, Ok(answer)) => Carried::Answer(id, answer),
                (_, Err(ConnectionLost)) => self.disconnected(),
            },
            _ = link.pushes.recv_many(&mut infos, AT_ONCE) => {
                // None: the connection has ended, or has brought more than there is room for.
                let lost = infos.is_empty()
                    || infos.iter().any(|info| info.kind == PushKind::Disconnection);
                let pushes: Vec<_> =
                    infos.into_iter().filter_map(|info| link.wire.push(info)).collect();
                match pushes.is_empty() {
                    true if lost => self.disconnected(),
                    _ => {
                        self.lost = lost;
                        Carried::Pushes(pushes)
                    }
                }
            }
        }
    }

    fn disconnected(&mut self) -> Carried {
        self.link = None;
        Carried::Lost(None)
    }
}

impl fmt::Debug for Carrier {
    /// Shows no address: it may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connected = self.link.is_some();
        f.debug_struct("Carrier").field("connected", &connected).finish_non_exhaustive()
    }
}

impl Link {
    fn send(&mut self, id: RequestId, request: &Request) {
        let (command, kind) = (self.wire.command(request), Kind::of(request));
        let mut connection = self.connection.clone();
        self.replies.push(Box::pin(async move {
            let reply = connection.send_packed_command(&command).await;
            (id, answer(&kind, reply))
        }));
    }
}

/// Connects, teaches the server the scripts, and asks what it does for durability.
async fn connect(client: Client, settings: Settings) -> Result<Box<Link>, RedisError> {
    let (sender, pushes) = mpsc::channel(settings.pushes);
    // When there is no room any more, the receiver gets to know by the end of the channel.
    let sender = std::sync::Mutex::new(Some(sender));
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect))
        // How long to wait for an answer is decided by the node.
        .set_response_timeout(None)
        .set_pipeline_buffer_size(settings.config.window + SCRIPTS.len() + 1)
        .set_push_sender(move |info: PushInfo| {
            let mut sender = sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let sent = sender.as_ref().is_some_and(|sender| sender.try_send(info).is_ok());
            if !sent {
                *sender = None;
            }
            Ok::<(), ()>(())
        });
    let connecting = async {
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut digests: Digests = Default::default();
        for (digest, script) in digests.iter_mut().zip(SCRIPTS) {
            let mut load = redis::cmd("SCRIPT");
            load.arg("LOAD").arg(script);
            *digest = load.query_async::<String>(&mut connection).await?;
        }
        let durable = settings.durable && is_durable(&mut connection).await;
        Ok::<_, RedisError>((connection, digests, durable))
    };
    let (connection, digests, durable) = match timeout(settings.connect, connecting).await {
        Ok(connected) => connected?,
        Err(_) => return Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))),
    };
    let wire = Wire::new(settings, digests, durable);
    Ok(Box::new(Link { connection, pushes, wire, replies: FuturesUnordered::new() }))
}

/// Whether the server says that it acknowledges nothing that it may forget. One that doesn't say so isn't believed to.
async fn is_durable(connection: &mut MultiplexedConnection) -> bool {
    for (name, wanted) in [("appendonly", "yes"), ("appendfsync", "always")] {
        let mut ask = redis::cmd("CONFIG");
        ask.arg("GET").arg(name);
        let said: Result<Value, RedisError> = ask.query_async(connection).await;
        let pairs: Vec<(String, String)> =
            said.ok().and_then(|value| redis::from_redis_value(value).ok()).unwrap_or_default();
        if !pairs.iter().any(|(key, value)| key == name && value == wanted) {
            return false;
        }
    }
    true
}
