//! A client: a task that connects, carries the session, and connects again.

use std::sync::Arc;

use sockless_session::Session;
use sockless_session::reconnect::Outcome;
use sockless_session::reliable::{SUBPROTOCOL, Stage};

use super::carry::carry;
use super::dial::{Dialed, Dialer};
use super::event::Event;
use super::hub::{Hub, Place};
use super::options::{Options, SystemEntropy};
use super::reliable::Reliable;
use crate::clock::Clock;
use crate::net::NetStream;
use crate::opening::ClientOptions;
use crate::socket::WebSocket;

impl Reliable {
    /// A client's session: the one that the journal has, if there is one that has one, otherwise a new one. A task of tokio's keeps it connected
    /// from now on; messages can be sent at once.
    ///
    /// The subprotocol is added to the options.
    pub fn connect(url: &str, client: impl Into<ClientOptions>, options: Options) -> Self {
        let client = client.into().with_subprotocols([SUBPROTOCOL]);
        let clock = Clock::start();
        let config = options.shared();
        #[cfg(feature = "journal")]
        let restored = options.journal.as_ref().and_then(super::Journal::take_client);
        #[cfg(not(feature = "journal"))]
        let restored: Option<sockless_session::reliable::Saved<super::payload::Body>> = None;
        let session = match restored {
            Some(saved) => Session::restore(config, saved),
            None => Session::client(config, &mut SystemEntropy),
        };
        let id = session.id();
        let place = Place::Here(Box::new(std::sync::Mutex::new(session)));
        #[cfg(feature = "journal")]
        let hub = {
            let entry = options.journal.as_ref().map(super::Journal::entry);
            let hub = Hub::new(id, place, clock, entry);
            if let Some(journal) = &options.journal {
                journal.keep(&hub);
            }
            hub
        };
        #[cfg(not(feature = "journal"))]
        let hub = Hub::new(id, place, clock);
        let dialer = Dialer::new(url, client, options.reconnect, clock);
        tokio::spawn(drive(Arc::clone(&hub), dialer));
        Self::new(hub)
    }
}

/// Keeps the session connected until it has ended, or nobody wants it any more.
async fn drive(hub: Arc<Hub>, mut dialer: Dialer) {
    loop {
        let changed = hub.changed();
        hub.settle();
        if hub.is_finished() || hub.inbox.is_abandoned() {
            return;
        }
        // Requests have deadlines without a connection, too.
        let deadline = hub.with(|session| session.deadline()).flatten();
        let dialed = tokio::select! {
            dialed = dialer.next() => dialed,
            () = hub.retry.notified() => {
                dialer.retry_now();
                continue;
            }
            () = changed => continue,
            () = hub.clock.sleep_until(deadline) => {
                look_at_the_time(&hub);
                continue;
            }
            () = hub.inbox.until_abandoned() => return,
        };
        let ended = match dialed {
            Dialed::Open(mut socket) => {
                let outcome = connection(&hub, &mut dialer, &mut socket).await;
                if hub.is_finished() {
                    return;
                }
                dialer.ended(outcome)
            }
            other => other,
        };
        hub.tell(match ended {
            Dialed::Trying { failed } => Event::Trying { failed },
            Dialed::Waiting { outcome, delay } => Event::Waiting { outcome, delay },
            Dialed::GaveUp(why) => Event::GaveUp(why),
            Dialed::Open(_) => continue,
        });
    }
}

/// Carries the session on a connection: how that has ended.
async fn connection(
    hub: &Arc<Hub>,
    dialer: &mut Dialer,
    socket: &mut WebSocket<NetStream, sockless::Client>,
) -> Outcome {
    if socket.subprotocol() != Some(SUBPROTOCOL) {
        let _ = socket.close(None, "").await;
        return Outcome::BadHandshake;
    }
    let now = hub.clock.now();
    let Some(Ok(link)) = hub.change(|session| session.connect(now)) else {
        return Outcome::Failed;
    };
    let mut opened = false;
    let carried = carry(socket, hub, link, || {
        dialer.connected();
        opened = true;
    });
    let outcome = tokio::select! {
        outcome = carried => outcome,
        // What isn't stored has been ended by then, and says so to the peer.
        () = abandoned(hub) => Outcome::Lost,
    };
    if opened {
        hub.tell(Event::Lost);
    }
    outcome
}

/// Waits until nobody wants the session any more, and there is nothing to be said to the peer.
async fn abandoned(hub: &Arc<Hub>) {
    hub.inbox.until_abandoned().await;
    hub.until(|hub| {
        let says_bye = hub.with(|session| session.stage() == Stage::Ending);
        (says_bye != Some(true)).then_some(())
    })
    .await;
}

fn look_at_the_time(hub: &Arc<Hub>) {
    let now = hub.clock.now();
    while let Some(due) = hub.with(|session| session.poll(now)).flatten() {
        hub.happened(due);
    }
}
