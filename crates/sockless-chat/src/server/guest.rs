//! The task of one session: its messages go to the hall one after the other, and what is read for it comes from the store.

use std::sync::Arc;

use sockless_session::limit::{Bucket, Rate};
use sockless_tokio::session::{Event as SessionEvent, Reliable, ReliableSender};
use sockless_tokio::{CloseCode, Message, Text};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::hall::{Hall, Next};
use super::outlet::Outlet;
use super::reader::{self, Answer};
use super::tasks::Task;
use crate::chat::{Action, Event, PeerId};
use crate::token::{Claims, Tokens};

/// What a session may send, parts of files included: 8 MiB at once, and as much again every four seconds. Who sends more waits.
const OCTETS: Rate = Rate::new(8 << 20, Duration::from_secs(4));

/// How long a connection that is closed may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// A client with a session.
struct Session(ReliableSender);

impl Outlet for Session {
    fn event(&self, _: &Event, json: &Text) -> bool {
        self.0.try_send(Message::Text(json.clone())).is_ok()
    }

    fn part(&self, bytes: Vec<u8>) -> bool {
        self.0.try_send(bytes).is_ok()
    }

    fn close(&self, code: u16, reason: &str) {
        if let Some(code) = CloseCode::new(code) {
            self.0.close_connection(code, reason);
        }
    }
}

/// Leaves the hall however the task ends.
pub(super) struct Presence {
    hall: Arc<Hall>,
    peer: PeerId,
}

impl Presence {
    pub(super) fn new(hall: &Arc<Hall>, peer: PeerId) -> Self {
        Self { hall: Arc::clone(hall), peer }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.hall.leave(self.peer);
    }
}

/// Serves a session until it ends.
pub(super) async fn serve(mut session: Reliable, hall: Arc<Hall>, tokens: Tokens) {
    let (peer, tasks) = hall.enter(Box::new(Session(session.sender().clone())));
    let _presence = Presence::new(&hall, peer);
    let claims = session.owner().and_then(owner_claims);
    let mut octets = Bucket::new();
    loop {
        let event = tokio::select! {
            // What was read comes before the next message: the chat relies on it.
            biased;
            task = tasks.next() => match task {
                Task::Read(read) => {
                    // Rare, and longer than what a guest needs otherwise.
                    let answer = Box::pin(reader::read(&hall, peer, read)).await;
                    give(&hall, peer, answer);
                    continue;
                }
                Task::Leave => {
                    let lost = until_lost(&mut session);
                    let _ = Box::pin(tokio::time::timeout(FAREWELL, lost)).await;
                    return;
                }
            },
            event = session.recv() => event,
        };
        let next = match event {
            Some(SessionEvent::Message { message, .. }) => {
                hall.counts.actions.fetch_add(1, Ordering::Relaxed);
                octets.charge(&OCTETS, message.as_bytes().len() as u64, hall.clock.now());
                take(&hall, peer, &tokens, claims.as_ref(), &message)
            }
            Some(SessionEvent::Connected { .. }) => hall.change(|chat, now| chat.back(peer, now)),
            Some(SessionEvent::Lost) => hall.change(|chat, now| chat.lost(peer, now)),
            Some(SessionEvent::Request { number, .. }) => {
                // The chat's answers are messages, which survive a reload of the page.
                let _ = session.reject(number, "requests are not served");
                Next::default()
            }
            Some(SessionEvent::Ended { .. }) | None => return,
            Some(_) => Next::default(),
        };
        hall.before_next(next).await;
        let wait = octets.wait(&OCTETS, hall.clock.now());
        if !wait.is_zero() {
            Box::pin(tokio::time::sleep(wait)).await;
        }
    }
}

/// Waits until the connection has ended, whose close code says more than the end of the session.
async fn until_lost(session: &mut Reliable) {
    while let Some(event) = session.recv().await {
        if matches!(event, SessionEvent::Lost | SessionEvent::Ended { .. }) {
            return;
        }
    }
}

/// Gives a peer what was read.
pub(super) fn give(hall: &Hall, peer: PeerId, answer: Answer) {
    match answer {
        Answer::Keys(keys) => drop(hall.change(|chat, _| chat.keys(peer, keys))),
        Answer::Missed(list, more) => drop(hall.change(|chat, _| chat.missed(peer, list, more))),
        Answer::Event(event) => hall.send_event(peer, &event),
        Answer::Part(bytes) => hall.send_part(peer, bytes),
        Answer::Broken => hall.end(peer, 1011, "the store can't be read"),
    }
}

/// Takes a message of a client.
fn take(
    hall: &Hall,
    peer: PeerId,
    tokens: &Tokens,
    claims: Option<&Claims>,
    message: &Message,
) -> Next {
    let text = match message {
        Message::Binary(bytes) => return hall.change(|chat, now| chat.part(peer, bytes, now)),
        message => message.as_text().unwrap_or_default(),
    };
    match serde_json::from_str(text) {
        Ok(action) => act(hall, peer, tokens, claims, action),
        Err(_) => hall.change(|chat, now| chat.malformed(peer, now)),
    }
}

/// Takes an action of a client, whose connection came with these claims.
pub(super) fn act(
    hall: &Hall,
    peer: PeerId,
    tokens: &Tokens,
    claims: Option<&Claims>,
    action: Action,
) -> Next {
    let Action::Hello { token, after } = action else {
        return hall.change(|chat, now| chat.act(peer, action, now));
    };
    let Some(claims) = who(tokens, claims, token.as_deref(), hall.clock.now()) else {
        hall.end(peer, 1008, "the token is wrong");
        return Next::default();
    };
    let expires = Duration::from_secs(claims.exp);
    hall.change(|chat, now| chat.hello(peer, claims.sub, expires, after, now))
}

/// Who says hello: the one whose token the connection came with, or the one whose token is in it; if both, they must be the same.
fn who(
    tokens: &Tokens,
    known: Option<&Claims>,
    token: Option<&str>,
    now: Duration,
) -> Option<Claims> {
    let said = match token {
        Some(token) => Some(tokens.read(token, now).ok()?),
        None => None,
    };
    match (known, said) {
        (Some(known), Some(said)) if known.sub != said.sub => None,
        (known, said) => said.or_else(|| known.cloned()),
    }
}

/// Claims as the name of an owner of sessions: a session is of no use with another token, not even of the same user.
pub(super) fn owner_name(claims: &Claims) -> String {
    format!("{} {}", claims.exp, claims.sub)
}

fn owner_claims(owner: &str) -> Option<Claims> {
    let (exp, name) = owner.split_once(' ')?;
    Some(Claims { sub: crate::chat::Name::parse(name).ok()?, exp: exp.parse().ok()? })
}
