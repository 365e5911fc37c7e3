//! The page: files of this program, and the headers that every answer has.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::App;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path, type and content. The client of sessions comes from its own crate.
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("../../page/index.html")),
    ("/chat.css", CSS, include_str!("../../page/chat.css")),
    ("/chat.js", JS, include_str!("../../page/chat.js")),
    ("/client.js", JS, include_str!("../../page/client.js")),
    ("/connection.js", JS, include_str!("../../page/connection.js")),
    ("/memory.js", JS, include_str!("../../page/memory.js")),
    ("/files.js", JS, include_str!("../../page/files.js")),
    ("/view.js", JS, include_str!("../../page/view.js")),
    ("/offline.js", JS, include_str!("../../page/offline.js")),
    ("/simple.html", HTML, include_str!("../../page/simple.html")),
    ("/simple.js", JS, include_str!("../../page/simple.js")),
    ("/icon.svg", SVG, include_str!("../../page/icon.svg")),
    ("/reliable.js", JS, include_str!("../../../sockless-session/js/reliable.js")),
];

/// Nothing from elsewhere, nothing inline, no text that becomes markup or code.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
    connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types chat";

static HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// The routes of the page.
pub(super) fn routes() -> Router<App> {
    FILES.iter().fold(Router::new(), |router, (path, kind, text)| {
        let fields = [(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "no-cache")];
        router.route(path, get(move || async move { (fields, *text).into_response() }))
    })
}

/// The route of the official client of Socket.IO, if it is given.
pub(super) fn official(client: Option<Arc<str>>) -> Router<App> {
    let Some(client) = client else { return Router::new() };
    let fields = [(header::CONTENT_TYPE, JS), (header::CACHE_CONTROL, "no-cache")];
    let answer = move || async move { (fields, client.to_string()).into_response() };
    Router::new().route("/socket.io.js", get(answer))
}

/// Adds the headers of security to every answer.
pub(super) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in &HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
