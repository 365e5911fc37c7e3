//! The task that carries a node's requests to Redis and back. It decides nothing but whether a connection is of use.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::{Future, pending};
use core::pin::Pin;
use core::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, PushInfo, PushKind, RedisError, Value};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Settings;
use super::shared::Shared;
use super::wire::{ConnectionLost, Digests, Kind, SCRIPTS, Wire, answer};
use crate::request::{Answer, Command, Request, RequestId};

/// How many pushes are taken at once.
const AT_ONCE: usize = 256;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Reply = (RequestId, Result<Answer, ConnectionLost>);

/// A connection that is ready to be used.
struct Link {
    connection: MultiplexedConnection,
    pushes: mpsc::Receiver<PushInfo>,
    wire: Wire,
    /// In the order in which they were sent, which is that of the first poll.
    replies: FuturesUnordered<Boxed<Reply>>,
}

/// What has happened.
enum Happened {
    Work,
    Connected(Result<Box<Link>, RedisError>),
    Reply(Reply),
    /// At least one, or the connection has ended, or it has brought more than there is room for.
    Pushes(Vec<PushInfo>),
}

/// Carries until the task is aborted, which the last handle does.
pub(super) async fn carry(shared: Arc<Shared>, client: Client, settings: Settings) {
    let mut link: Option<Box<Link>> = None;
    let mut dialing: Option<Boxed<Result<Box<Link>, RedisError>>> = None;
    loop {
        let deadline = serve(&shared, &client, &settings, &mut link, &mut dialing);
        let sleep = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(shared.moment(at)).await,
                None => pending().await,
            }
        };
        let happened = tokio::select! {
            biased;
            happened = next(&mut link, &mut dialing) => happened,
            () = shared.work.notified() => Happened::Work,
            () = sleep => Happened::Work,
        };
        let now = shared.now();
        let mut state = shared.lock();
        let lost = match happened {
            Happened::Work => false,
            Happened::Connected(result) => {
                dialing = None;
                match result {
                    Ok(connected) => {
                        link = Some(connected);
                        state.trouble = None;
                        state.node.connected();
                    }
                    Err(error) => {
                        state.trouble = Some(format!("{error}").into());
                        state.node.disconnected(now);
                    }
                }
                false
            }
            Happened::Reply((id, Ok(answer))) => {
                state.node.answer(id, answer, now);
                false
            }
            Happened::Reply((_, Err(ConnectionLost))) => true,
            Happened::Pushes(pushes) => {
                let mut lost = pushes.is_empty();
                for info in pushes {
                    lost |= info.kind == PushKind::Disconnection;
                    if let Some(push) = link.as_ref().and_then(|link| link.wire.push(info)) {
                        state.node.push(push, now);
                    }
                }
                lost
            }
        };
        if lost {
            link = None;
            state.losses += 1;
            state.node.disconnected(now);
        }
    }
}

/// Does what the node wants and wakes who waits. Returns the node's deadline.
fn serve(
    shared: &Shared,
    client: &Client,
    settings: &Settings,
    link: &mut Option<Box<Link>>,
    dialing: &mut Option<Boxed<Result<Box<Link>, RedisError>>>,
) -> Option<Duration> {
    let now = shared.now();
    let mut state = shared.lock();
    if state.node.deadline().is_some_and(|at| at <= now) {
        state.node.timeout(now);
    }
    while let Some(command) = state.node.command(now) {
        match command {
            Command::Connect => {
                *dialing = Some(Box::pin(connect(client.clone(), settings.clone())))
            }
            Command::Disconnect => {
                state.losses += 1;
                (*link, *dialing) = (None, None);
            }
            Command::Send(id, request) => {
                if let Some(link) = link {
                    link.send(id, &request);
                }
            }
        }
    }
    state.wake();
    state.node.deadline()
}

/// The next thing that happens on the way to Redis.
async fn next(
    link: &mut Option<Box<Link>>,
    dialing: &mut Option<Boxed<Result<Box<Link>, RedisError>>>,
) -> Happened {
    if let Some(attempt) = dialing {
        return Happened::Connected(attempt.await);
    }
    let Some(link) = link else { return pending().await };
    // Neither first: with as many replies as there can be, pushes have to get their turn, and there are more of them.
    let mut pushes = Vec::new();
    tokio::select! {
        Some(reply) = link.replies.next() => Happened::Reply(reply),
        _ = link.pushes.recv_many(&mut pushes, AT_ONCE) => Happened::Pushes(pushes),
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
