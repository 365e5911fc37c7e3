//! Why a request is not served, as the answer to it.

use std::fmt;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::chat::Refusal;
use crate::token::TokenError;

/// Why a request is not served.
#[derive(Clone, Copy, Debug)]
pub(super) enum Denied {
    /// The page it comes from may not talk to us.
    Origin,
    /// Its address asks for too much: it may come back after this number of seconds.
    TooMany(u64),
    /// Its token.
    Token(TokenError),
    /// Names are given out elsewhere.
    NoGuests,
    /// The chat refuses a name.
    Name(Refusal),
    /// The server stops.
    Stopping,
}

impl Denied {
    fn status(self) -> StatusCode {
        match self {
            Self::Origin | Self::NoGuests => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Name(Refusal::Taken) => StatusCode::CONFLICT,
            Self::Name(Refusal::Name) => StatusCode::BAD_REQUEST,
            Self::Name(_) | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin => f.write_str("this origin is not allowed"),
            Self::TooMany(_) => f.write_str("too many requests"),
            Self::Token(error) => error.fmt(f),
            Self::NoGuests => f.write_str("names are given out elsewhere: sign in with a token"),
            Self::Name(refusal) => refusal.fmt(f),
            Self::Stopping => f.write_str("the server stops"),
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let text = self.to_string();
        let after = match self {
            Self::TooMany(seconds) => seconds,
            Self::Stopping => 2,
            _ => return (self.status(), text).into_response(),
        };
        (self.status(), [(header::RETRY_AFTER, after.to_string())], text).into_response()
    }
}
