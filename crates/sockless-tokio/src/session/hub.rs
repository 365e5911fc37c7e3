//! What all who have to do with a session share: where it is, and whom to wake. A client's session is here, a server's is in the
//! table until its end is known.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use sockless::CloseCode;
use sockless_session::reliable::{
    Event as Due, Failed, Fate, Link, Session, SessionId, Stage, Status,
};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use super::event::{Event, RequestError};
use super::inbox::{Inbox, Item};
use super::payload::Body;
use super::server::Shelf;
use crate::clock::Clock;
use crate::message::Message;

/// Where a session is.
pub(super) enum Place {
    /// A client's.
    Here(Box<Mutex<Session<Body>>>),
    /// A server's.
    Shelf(Weak<Shelf>),
}

/// What an unnumbered message takes while it waits.
fn cost(message: &Message) -> u64 {
    message.as_bytes().len() as u64 + 64
}

/// What a reply is waited for with.
type Asked = oneshot::Sender<Result<Message, RequestError>>;

/// What all who have to do with a session share.
pub(super) struct Hub {
    pub(super) id: SessionId,
    pub(super) clock: Clock,
    place: Place,
    /// What waits for the application.
    pub(super) inbox: Inbox,
    /// What waits there of messages without a number, which no window bounds: their octets, and some for each.
    unnumbered: AtomicU64,
    /// For the connections: there may be something to say.
    wake: Notify,
    /// For everybody who waits: something has been acknowledged, stored or ended.
    progress: Notify,
    asked: Mutex<HashMap<u64, Asked>>,
    /// Whether the connection is to be closed because its reader is too slow for a room.
    too_slow: AtomicBool,
    /// With what the application wants the connection to be closed.
    closing: Mutex<Option<(CloseCode, String)>>,
    /// Whose session it is, where connections were served as somebody's.
    pub(super) owner: OnceLock<Arc<str>>,
    /// What became of the last messages of a session that is gone.
    fates: Mutex<Option<Fates>>,
    /// For a client that has given up.
    pub(super) retry: Notify,
    #[cfg(feature = "journal")]
    pub(super) journal: Option<super::journal::Entry>,
}

/// What is still known of a session that has ended and is gone.
struct Fates {
    acked: u64,
    assigned: u64,
    failed: Vec<(u64, Fate)>,
}

impl Hub {
    pub(super) fn new(
        id: SessionId,
        place: Place,
        clock: Clock,
        #[cfg(feature = "journal")] journal: Option<super::journal::Entry>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            clock,
            place,
            inbox: Inbox::default(),
            unnumbered: AtomicU64::new(0),
            wake: Notify::new(),
            progress: Notify::new(),
            asked: Mutex::default(),
            too_slow: AtomicBool::new(false),
            closing: Mutex::default(),
            owner: OnceLock::new(),
            fates: Mutex::default(),
            retry: Notify::new(),
            #[cfg(feature = "journal")]
            journal,
        })
    }

    /// Does something with the session: `None` if it is gone.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Session<Body>) -> R) -> Option<R> {
        match &self.place {
            Place::Here(session) => Some(work(&mut lock(session))),
            Place::Shelf(shelf) => shelf.upgrade()?.with(self.id, work),
        }
    }

    /// The same, for what may have changed it: the connection and the journal look again.
    pub(super) fn change<R>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Session<Body>) -> R,
    ) -> Option<R> {
        let (result, wants_sync) = self.with(|session| {
            let result = work(session);
            (result, session.wants_sync())
        })?;
        self.after(wants_sync);
        Some(result)
    }

    /// What has to happen after a change.
    pub(super) fn after(self: &Arc<Self>, wants_sync: bool) {
        self.store(wants_sync);
        self.wake.notify_waiters();
    }

    /// Ready when there may be something to say that wasn't there at this call, whenever it is awaited.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.wake.notified()
    }

    /// Has the journal look, if there is one.
    pub(super) fn store(self: &Arc<Self>, wants_sync: bool) {
        #[cfg(feature = "journal")]
        if let (true, Some(journal)) = (wants_sync, &self.journal) {
            journal.push(self);
        }
        let _ = wants_sync;
    }

    /// Tells the application.
    pub(super) fn tell(&self, event: Event) {
        self.hand_over(None, Some(event));
    }

    /// Hands something over. An application that has dropped its end hears nothing, and keeps nobody from going on.
    pub(super) fn hand_over(&self, number: Option<u64>, event: Option<Event>) {
        self.inbox.push(Item { number, event });
    }

    /// Hands over a message without a number, unless `most` octets of such messages wait already.
    pub(super) fn hand_over_unnumbered(&self, message: Message, most: u64) {
        let cost = cost(&message);
        if self.unnumbered.fetch_add(cost, Ordering::Relaxed) + cost > most {
            self.unnumbered.fetch_sub(cost, Ordering::Relaxed);
            return;
        }
        self.tell(Event::Unnumbered(message));
    }

    /// The application has taken a message without a number.
    pub(super) fn took_unnumbered(&self, message: &Message) {
        self.unnumbered.fetch_sub(cost(message), Ordering::Relaxed);
    }

    /// Sees to what has ended.
    pub(super) fn settle(&self) {
        match &self.place {
            Place::Here(session) => drop(self.finish(&mut lock(session))),
            Place::Shelf(shelf) => {
                if let Some(shelf) = shelf.upgrade() {
                    shelf.reap();
                }
            }
        }
    }

    /// Something has been acknowledged, stored or ended.
    pub(super) fn progress(&self) {
        self.progress.notify_waiters();
    }

    /// Waits until something can be said.
    pub(super) async fn until<R>(&self, mut look: impl FnMut(&Self) -> Option<R>) -> R {
        loop {
            // It hears of what happens from here on.
            let progress = self.progress.notified();
            if let Some(result) = look(self) {
                return result;
            }
            progress.await;
        }
    }

    pub(super) fn status(&self, number: u64) -> Status {
        let live = self.with(|session| session.status(number)).flatten();
        live.unwrap_or_else(|| {
            let fates = lock(&self.fates);
            let Some(fates) = fates.as_ref().filter(|fates| number > fates.acked) else {
                return Status::Delivered;
            };
            let found = fates.failed.iter().find(|(other, _)| *other == number);
            Status::Failed(found.map_or(Fate::Unknown, |(_, fate)| *fate))
        })
    }

    /// The last number that a message has been given.
    pub(super) fn assigned(&self) -> u64 {
        let live = self.with(|session| session.assigned());
        live.or_else(|| Some(lock(&self.fates).as_ref()?.assigned)).unwrap_or(0)
    }

    /// Whether the message with this number, and so the session, survives the process.
    pub(super) fn is_stored(&self, number: u64) -> bool {
        self.with(|session| {
            !session.config().stored
                || session.stored_assigned() >= number
                || session.stage() > Stage::Established
        })
        .unwrap_or(true)
    }

    /// What time, or room, has brought; whether the connection is to be closed because the peer is silent.
    pub(super) fn look_at_the_time(self: &Arc<Self>, link: Link) -> bool {
        let now = self.clock.now();
        let mut dead = false;
        while let Some(due) = self.with(|session| session.poll(now)).flatten() {
            dead |= matches!(due, Due::Dead(other, _) if other == link);
            self.happened(due);
        }
        dead
    }

    /// The connection, if there is one, is to be closed with 1013.
    pub(super) fn close_as_too_slow(self: &Arc<Self>) {
        if self.with(|session| session.current_link()).flatten().is_some() {
            self.too_slow.store(true, Ordering::Release);
            self.after(false);
        }
    }

    /// The connection, if there is one, is to be closed.
    pub(super) fn close_connection(self: &Arc<Self>, code: CloseCode, reason: &str) {
        if self.with(|session| session.current_link()).flatten().is_some() {
            *lock(&self.closing) = Some((code, reason.into()));
            self.after(false);
        }
    }

    /// With what the connection is to be closed.
    pub(super) fn take_closing(&self) -> Option<(CloseCode, String)> {
        lock(&self.closing).take()
    }

    /// Whether the connection is to be closed for that.
    pub(super) fn take_too_slow(&self) -> bool {
        self.too_slow.swap(false, Ordering::AcqRel)
    }

    /// Time has brought something.
    pub(super) fn happened(&self, due: Due) {
        match due {
            Due::TimedOut { request } => self.answer(request, Err(RequestError::TimedOut)),
            _ => self.progress(),
        }
    }

    pub(super) fn ask(&self, number: u64, asked: Asked) {
        lock(&self.asked).insert(number, asked);
    }

    /// Hands a reply to whoever waits for it.
    pub(super) fn answer(&self, request: u64, reply: Result<Message, RequestError>) {
        if let Some(asked) = lock(&self.asked).remove(&request) {
            // Whoever asked may have gone.
            let _ = asked.send(reply);
        }
    }

    /// The session has ended for good: tells the application, once. Whether it has.
    pub(super) fn finish(&self, session: &mut Session<Body>) -> bool {
        let Stage::Ended(end) = session.stage() else { return false };
        if !session.is_final() || lock(&self.fates).is_some() {
            return false;
        }
        let (acked, assigned) = (session.acked(), session.assigned());
        let failed: Vec<Failed<Message>> =
            std::iter::from_fn(|| session.take_failed()).map(owned).collect();
        let fates = failed.iter().map(|failed| (failed.number, failed.fate)).collect();
        *lock(&self.fates) = Some(Fates { acked, assigned, failed: fates });
        for (_, asked) in lock(&self.asked).drain() {
            let _ = asked.send(Err(RequestError::Ended));
        }
        self.tell(Event::Ended { end, failed });
        self.progress();
        true
    }

    /// Whether messages can be sent still.
    pub(super) fn goes_on(&self) -> bool {
        self.with(|session| session.stage() <= Stage::Established).unwrap_or(false)
    }

    /// Whether its end has been told.
    pub(super) fn is_finished(&self) -> bool {
        lock(&self.fates).is_some()
    }
}

fn owned(failed: Failed<Body>) -> Failed<Message> {
    let Failed { number, fate, message } = failed;
    Failed { number, fate, message: message.map(Message::from) }
}

/// Whoever panicked with the lock in hand has changed nothing that isn't whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("id", &self.id).finish_non_exhaustive()
    }
}
