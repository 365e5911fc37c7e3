//! A connection that carries a session: what arrives goes to the session, what it says goes out, until one of them ends.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use sockless::CloseCode;
use sockless::connection::{Cause, Failure};
use sockless_session::reconnect::{Outcome, asked_by_close_reason};
use sockless_session::reliable::{CloseReason, Link, LinkError, Output, Received};
use tokio::io::{AsyncRead, AsyncWrite};

use super::event::Event;
use super::hub::Hub;
use super::payload::{Body, incoming, outgoing, owned};
use crate::error::Error;
use crate::halves::Role;
use crate::message::Message;
use crate::socket::WebSocket;

/// What a message was for the connection.
enum Step {
    GoOn,
    /// A client's session is open.
    Opened {
        resumed: bool,
    },
    /// The connection has another name now.
    Renamed(Link),
    Close(CloseReason),
}

/// What there is to wait for.
enum Turn {
    Message(Option<Result<Message, Error>>),
    Look,
}

/// Says that the connection is lost, also where the future that carries is dropped.
struct Carrying<'a> {
    hub: &'a Arc<Hub>,
    link: Link,
}

impl Drop for Carrying<'_> {
    fn drop(&mut self) {
        let link = self.link;
        self.hub.change(|session| session.lost(link));
        self.hub.settle();
    }
}

/// Carries a session until the connection ends: how it has.
pub(super) async fn carry<S: AsyncRead + AsyncWrite + Unpin, R: Role>(
    socket: &mut WebSocket<S, R>,
    hub: &Arc<Hub>,
    link: Link,
    mut opened: impl FnMut(),
) -> Outcome {
    // What was meant for another connection.
    drop(hub.take_closing());
    let mut carrying = Carrying { hub, link };
    loop {
        let link = carrying.link;
        if hub.look_at_the_time(link) {
            break close(socket, CloseReason::Silent).await;
        }
        if hub.take_too_slow() {
            break close(socket, CloseReason::Full).await;
        }
        let changed = hub.changed();
        let spoken = speak(socket, hub, link);
        if let Some((code, reason)) = hub.take_closing() {
            // How the peer takes it changes nothing for the session.
            let _ = socket.close(code, &reason).await;
            break Outcome::Closed { code: Some(code.get()), retry_after: None };
        }
        let congested = match spoken {
            Ok(congested) => congested,
            Err(reason) => break close(socket, reason).await,
        };
        hub.settle();
        let state = hub.with(|session| (session.current_link(), session.deadline()));
        let Some((Some(current), deadline)) = state else {
            // The session is over, or has given this connection up.
            break close(socket, CloseReason::Done).await;
        };
        if current != link {
            break close(socket, CloseReason::Superseded).await;
        }
        let turn = poll_fn(|cx| {
            if let Poll::Ready(message) = socket.poll_recv(cx) {
                return Poll::Ready(Turn::Message(message));
            }
            if congested && !socket.connection_mut().is_congested() {
                return Poll::Ready(Turn::Look);
            }
            Poll::Pending
        });
        let turn = tokio::select! {
            biased;
            turn = turn => turn,
            () = changed => Turn::Look,
            () = hub.clock.sleep_until(deadline) => Turn::Look,
        };
        match turn {
            Turn::Look => {}
            Turn::Message(Some(Ok(message))) => match take(hub, link, &message) {
                Step::GoOn => {}
                Step::Renamed(other) => carrying.link = other,
                Step::Opened { resumed } => {
                    opened();
                    hub.tell(Event::Connected { resumed });
                }
                Step::Close(reason) => break close(socket, reason).await,
            },
            Turn::Message(ended) => break how_it_ended(socket, ended),
        }
    }
}

/// Sends what the session has to say: whether there is more than the connection takes now.
fn speak<S: AsyncRead + AsyncWrite + Unpin, R: Role>(
    socket: &mut WebSocket<S, R>,
    hub: &Hub,
    link: Link,
) -> Result<bool, CloseReason> {
    loop {
        if socket.connection_mut().is_congested() {
            return Ok(true);
        }
        let now = hub.clock.now();
        match hub.with(|session| session.poll_output(link, now)).flatten() {
            None => return Ok(false),
            Some(Output::Close(reason)) => return Err(reason),
            Some(output) => {
                // A connection that takes nothing any more has ended, which the next turn finds.
                let sent = match outgoing(output) {
                    Some(Body::Message(message)) => socket.try_send(message).is_ok(),
                    Some(Body::Prepared(prepared)) => socket.try_send_prepared(&prepared),
                    None => true,
                };
                if !sent {
                    return Ok(false);
                }
            }
        }
    }
}

/// Hands a message of the connection to the session, and what it is to the application.
fn take(hub: &Arc<Hub>, link: Link, message: &Message) -> Step {
    let Some(arrived) = incoming(message) else { return Step::GoOn };
    let now = hub.clock.now();
    let taken = hub.with(|session| {
        let most = session.config().window.bytes;
        let step = match session.receive(link, arrived, now) {
            Ok(received) => {
                if let Received::Reply { number, .. } | Received::Late { number, .. } = received {
                    // A reply is with whoever asked; it is accepted in its turn.
                    match session.accepted() + 1 == number {
                        true => drop(session.accept(number, now)),
                        false => hub.hand_over(Some(number), None),
                    }
                }
                tell(hub, message, received, most)
            }
            Err(error) => Step::Close(LinkError::close_reason(error)),
        };
        (step, session.wants_sync())
    });
    let Some((step, wants_sync)) = taken else { return Step::Close(CloseReason::Done) };
    hub.store(wants_sync);
    step
}

fn tell(hub: &Hub, message: &Message, received: Received<'_>, most: u64) -> Step {
    match received {
        Received::Message { number, payload } => {
            let message = owned(message, payload);
            hub.hand_over(Some(number), Some(Event::Message { number, message }));
        }
        Received::Request { number, payload } => {
            let message = owned(message, payload);
            hub.hand_over(Some(number), Some(Event::Request { number, message }));
        }
        Received::Gap { number, count } => {
            hub.hand_over(Some(number), Some(Event::Gap { number, count }));
        }
        Received::Unnumbered(payload) => hub.hand_over_unnumbered(owned(message, payload), most),
        Received::Reply { to, rejected, payload, .. } => {
            let reply = owned(message, payload);
            let reply =
                if rejected { Err(super::event::RequestError::Rejected(reply)) } else { Ok(reply) };
            hub.answer(to, reply);
        }
        Received::Opened { resumed, .. } => {
            hub.progress();
            return Step::Opened { resumed };
        }
        Received::Retried(link) => return Step::Renamed(link),
        Received::NoRoom => return Step::Close(CloseReason::Full),
        Received::Delivered { .. } => hub.progress(),
        _ => {}
    }
    Step::GoOn
}

/// Closes the connection, as far as the peer goes along.
async fn close<S: AsyncRead + AsyncWrite + Unpin, R: Role>(
    socket: &mut WebSocket<S, R>,
    reason: CloseReason,
) -> Outcome {
    // The session doesn't depend on how this ends, and the engine has its own limit on the time.
    let _ = socket.close(CloseCode::new(reason.code()), reason.reason()).await;
    match reason {
        CloseReason::Violation(_) => Outcome::Failed,
        CloseReason::Silent => Outcome::Lost,
        reason => Outcome::Closed { code: Some(reason.code()), retry_after: None },
    }
}

/// How the connection has ended, when it has by itself.
fn how_it_ended<S: AsyncRead + AsyncWrite + Unpin, R: Role>(
    socket: &WebSocket<S, R>,
    ended: Option<Result<Message, Error>>,
) -> Outcome {
    if let Some(frame) = socket.close_frame() {
        let retry_after = asked_by_close_reason(&frame.reason);
        return Outcome::Closed { code: Some(frame.code.get()), retry_after };
    }
    match (ended, socket.outcome().cause) {
        (Some(Err(Error::Limit(_))), _) | (_, Cause::Failed(Failure::Violation(_))) => {
            Outcome::Failed
        }
        _ => Outcome::Lost,
    }
}
