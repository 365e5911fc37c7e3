//! The same rooms for clients of Socket.IO: actions come as the event `do`, and what the chat says goes out as `event`, parts of files as `part`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next as Rest;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sockless_socketio::service::{Connecting, Refuse, Sender, Socket, SocketIo};
use sockless_socketio::socket::Payload;
use sockless_tokio::session::SessionsServer;
use sockless_tokio::{Shutdown, Text};

use super::App;
use super::caller::Caller;
use super::carried;
use super::denied::Denied;
use super::door::{check_caller, check_origin};
use super::guest::{Presence, act, give, owner_name};
use super::hall::{Hall, Next};
use super::login::cookie;
use super::outlet::Outlet;
use super::reader;
use super::tasks::Task;
use crate::chat::{Action, Event};
use crate::token::{Claims, TokenError, Tokens};

pub(super) type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// What a client gives for its authentication.
#[derive(Deserialize)]
struct Auth {
    token: Option<String>,
}

/// A client of Socket.IO.
struct Client(Sender);

impl Outlet for Client {
    fn event(&self, event: &Event, _: &Text) -> bool {
        let payload = Payload::new().with(event);
        payload.is_ok_and(|payload| self.0.emit("event", payload).is_ok())
    }

    fn part(&self, bytes: Vec<u8>) -> bool {
        let Some((number, part)) = bytes.split_first_chunk::<4>() else { return true };
        let Ok(mut payload) = Payload::new().with(&u32::from_be_bytes(*number)) else {
            return true;
        };
        payload.push_binary(part.to_vec());
        self.0.emit("part", payload).is_ok()
    }

    fn close(&self, code: u16, _: &str) {
        // Who is disconnected doesn't come back by itself; whose transport is closed does.
        match code {
            1008 => self.0.disconnect(),
            _ => self.0.close(),
        }
    }
}

/// The service, to be mounted at `/socket.io/`. These sessions are those that the other namespace carries.
pub(super) fn service(
    hall: &Arc<Hall>,
    tokens: &Tokens,
    sessions: &SessionsServer,
    shutdown: &Shutdown,
) -> SocketIo {
    let (for_check, hall) = (Arc::clone(hall), Arc::clone(hall));
    let (tokens_for_check, tokens) = (tokens.clone(), tokens.clone());
    let check = move |asks: Connecting| {
        let who = claims(&asks, &tokens_for_check, &for_check);
        async move { who.map(drop).map_err(|error| Refuse::new(error.to_string())) }
    };
    let (hall_of_carried, tokens_of_carried) = (Arc::clone(&hall), tokens.clone());
    let (sessions, shutdown) = (sessions.clone(), shutdown.clone());
    let carry = move |socket: Socket| {
        let (sessions, shutdown) = (sessions.clone(), shutdown.clone());
        let claims = claims(socket.connecting(), &tokens_of_carried, &hall_of_carried);
        async move { carried::serve(socket, &owner_name(&claims?), sessions, shutdown).await }
    };
    let handler = move |socket: Socket| serve(socket, Arc::clone(&hall), tokens.clone());
    SocketIo::builder()
        .namespace_if("/", check.clone(), handler)
        .namespace_if(carried::NAMESPACE, check, carry)
        .build()
}

/// What is asked before anything of a request is looked at: as for WebSockets, but that the requests of a client cost nothing.
pub(super) async fn guard(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
    rest: Rest,
) -> Response {
    let goes_on = request.uri().query().is_some_and(|query| query.contains("sid="));
    let allowed = check_origin(&app, &headers).and_then(|()| match goes_on {
        true => Ok(()),
        false if app.hall.is_stopping() => Err(Denied::Stopping),
        false => check_caller(&app, caller),
    });
    match allowed {
        Ok(()) => rest.run(request).await,
        Err(denied) => denied.into_response(),
    }
}

fn claims(asks: &Connecting, tokens: &Tokens, hall: &Hall) -> Result<Claims, TokenError> {
    let auth = asks.auth::<Auth>().ok().and_then(|auth| auth.token);
    let token = auth.or_else(|| asks.query("token")).or_else(|| cookie(asks.headers()));
    tokens.read(&token.unwrap_or_default(), hall.clock.now())
}

async fn serve(mut socket: Socket, hall: Arc<Hall>, tokens: Tokens) -> Ended {
    let claims = claims(socket.connecting(), &tokens, &hall)?;
    let (peer, tasks) = hall.enter(Box::new(Client(socket.sender())));
    let _presence = Presence::new(&hall, peer);
    loop {
        let event = tokio::select! {
            // What was read comes before the next message: the chat relies on it.
            biased;
            task = tasks.next() => match task {
                Task::Read(read) => {
                    let answer = reader::read(&hall, peer, read).await;
                    give(&hall, peer, answer);
                    continue;
                }
                Task::Leave => return Ok(()),
            },
            event = socket.recv() => event,
        };
        let Some(event) = event else { return Ok(()) };
        hall.counts.actions.fetch_add(1, Ordering::Relaxed);
        let next: Next = match event.read::<(Action,)>() {
            Ok((action,)) if event.name() == "do" => {
                act(&hall, peer, &tokens, Some(&claims), action)
            }
            _ => hall.change(|chat, now| chat.malformed(peer, now)),
        };
        hall.before_next(next).await;
    }
}
