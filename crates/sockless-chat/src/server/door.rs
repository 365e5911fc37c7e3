//! The door: who may open a WebSocket. Whoever may not gets a status before the upgrade: 403 for the origin, 429 for too many, 401 for the
//! token, 503 while the server stops.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sockless_tokio::axum::{Rejection, WebSocketUpgrade};
use sockless_tokio::session::SUBPROTOCOL;
use tracing::info;

use super::App;
use super::caller::Caller;
use super::denied::Denied;
use super::guest::owner_name;
use super::login::cookie;

/// The longest message: a part of a file with its number, and more than any action.
pub(super) const LONGEST: usize = (64 << 10) + 4096;
const SECOND: Duration = Duration::from_secs(1);

/// What may be in the query.
#[derive(Deserialize)]
pub(super) struct Asked {
    token: Option<String>,
}

/// Answers a request for a WebSocket.
pub(super) async fn open(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, Rejection>,
) -> Response {
    match admit(&app, caller, asked, &headers) {
        Err(refusal) => {
            app.hall.counts.refused.fetch_add(1, Ordering::Relaxed);
            info!(caller = %caller.0, why = %refusal, "refused");
            refusal.into_response()
        }
        Ok(owner) => match upgrade {
            Err(rejection) => rejection.into_response(),
            Ok(upgrade) => carry(app, owner, upgrade),
        },
    }
}

/// Whether it may, and whose its sessions are.
fn admit(
    app: &App,
    caller: Caller,
    asked: Asked,
    headers: &HeaderMap,
) -> Result<Option<String>, Denied> {
    if app.hall.is_stopping() {
        return Err(Denied::Stopping);
    }
    check_origin(app, headers)?;
    check_caller(app, caller)?;
    let token = asked.token.or_else(|| cookie(headers));
    // Without one, it has to be in the hello.
    let Some(token) = token else { return Ok(None) };
    let claims = app.tokens.read(&token, app.hall.clock.now()).map_err(Denied::Token)?;
    Ok(Some(owner_name(&claims)))
}

/// Whether a page of this origin may talk to us. What is no browser says none.
pub(super) fn check_origin(app: &App, headers: &HeaderMap) -> Result<(), Denied> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let allowed = |origin: &str| app.origins.iter().any(|other| other == origin);
    if origin.to_str().is_ok_and(allowed) { Ok(()) } else { Err(Denied::Origin) }
}

/// Whether whoever asks hasn't asked for too much.
pub(super) fn check_caller(app: &App, caller: Caller) -> Result<(), Denied> {
    app.addresses.take(caller.0, 1)
}

fn carry(app: App, owner: Option<String>, upgrade: WebSocketUpgrade) -> Response {
    let answer = upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(LONGEST)
        .with_keepalive(25 * SECOND, 20 * SECOND)
        .with_shutdown(&app.shutdown);
    answer.on_upgrade(|socket| async move {
        app.hall.counts.connections.fetch_add(1, Ordering::Relaxed);
        match owner {
            Some(owner) => app.sessions.serve_as(socket, &owner).await,
            None => app.sessions.serve(socket).await,
        }
    })
}
