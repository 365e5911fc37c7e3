//! Signing in: a name for a token, a token for a cookie, and out again.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::App;
use super::caller::Caller;
use super::denied::Denied;
use super::door::check_origin;
use crate::chat::{Name, Refusal};
use crate::token::Claims;

const COOKIE: &str = "sockless_chat";

/// Who wants to come in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum Wants {
    /// Somebody with a name that is free, or is the caller's own.
    Name(String),
    /// Somebody with a token.
    Token(String),
}

/// Gives out a cookie.
pub(super) async fn login(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(wants): Json<Wants>,
) -> Result<Response, Denied> {
    check_origin(&app, &headers)?;
    app.addresses.take(caller.0, 5)?;
    let now = app.hall.clock.now();
    let (token, claims) = match wants {
        Wants::Token(token) => {
            let claims = app.tokens.read(&token, now);
            (token, claims.map_err(Denied::Token)?)
        }
        Wants::Name(name) => {
            let name = Name::parse(&name).map_err(Denied::Name)?;
            let own = cookie(&headers).and_then(|token| app.tokens.read(&token, now).ok());
            if own.is_none_or(|own| own.sub != name) {
                claim(&app, &name).await?;
            }
            let exp = (now + app.token_life).as_secs();
            let claims = Claims { sub: name, exp };
            let token = app.tokens.make(&claims).map_err(Denied::Token)?;
            (token, claims)
        }
    };
    let life = Duration::from_secs(claims.exp).saturating_sub(now).as_secs();
    Ok(([(header::SET_COOKIE, set_cookie(&app, &token, life))], me_of(&claims)).into_response())
}

/// A name that nobody has. It is stored before it is given out.
async fn claim(app: &App, name: &Name) -> Result<(), Denied> {
    if !app.guests {
        return Err(Denied::NoGuests);
    }
    let mut claimed = Ok(0);
    let next = app.hall.change(|chat, _| claimed = chat.claim(name));
    claimed.map_err(Denied::Name)?;
    let number = claimed.unwrap_or_default();
    app.hall.until_settled(next).await;
    let mut lost = false;
    app.hall.change(|chat, _| lost = chat.take_lost_claim(number));
    match app.hall.ask(|chat| chat.knows(name)) {
        _ if lost => Err(Denied::Name(Refusal::Taken)),
        true => Ok(()),
        false => Err(Denied::Name(Refusal::Storage)),
    }
}

/// Who the cookie says the caller is.
pub(super) async fn me(State(app): State<App>, headers: HeaderMap) -> Result<Response, Denied> {
    let token = cookie(&headers).unwrap_or_default();
    let claims = app.tokens.read(&token, app.hall.clock.now());
    Ok(me_of(&claims.map_err(Denied::Token)?).into_response())
}

/// Takes the cookie back.
pub(super) async fn logout(State(app): State<App>, headers: HeaderMap) -> Result<Response, Denied> {
    check_origin(&app, &headers)?;
    let fields = [(header::SET_COOKIE, set_cookie(&app, "", 0))];
    Ok((StatusCode::NO_CONTENT, fields).into_response())
}

/// The token in the cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<String> {
    let fields = headers.get_all(header::COOKIE);
    let pairs = fields.iter().filter_map(|field| field.to_str().ok()).flat_map(|it| it.split(';'));
    let mut found = pairs.filter_map(|pair| pair.trim().split_once('='));
    found.find(|(name, _)| *name == COOKIE).map(|(_, token)| token.into())
}

fn set_cookie(app: &App, token: &str, life: u64) -> String {
    let secure = if app.secure_cookies { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={life}{secure}")
}

fn me_of(claims: &Claims) -> Json<serde_json::Value> {
    Json(serde_json::json!({ "you": claims.sub, "expires": claims.exp }))
}
