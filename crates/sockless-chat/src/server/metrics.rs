//! What those who watch can read: whether it works, and counters in the text format of Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::App;

/// 200 if messages can be stored and delivered, otherwise 503 with the reason.
pub(super) async fn health(State(app): State<App>) -> Response {
    match app.hall.trouble() {
        _ if app.hall.is_stopping() => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".into()),
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")),
    }
    .into_response()
}

/// The counters.
pub(super) async fn metrics(State(app): State<App>) -> Response {
    let counts = &app.hall.counts;
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (online, uploading) = app.hall.ask(|chat| (chat.online(), chat.uploading()));
    let alone = app.hall.ask(|chat| u64::from(chat.is_alone()));
    let unhealthy = u64::from(app.hall.trouble().is_some());
    let rows = [
        ("connections", "gauge", "WebSocket connections", app.shutdown.connections() as u64),
        ("sessions", "gauge", "sessions, with a connection or not", app.sessions.len() as u64),
        ("peers", "gauge", "clients that are served", app.hall.peers() as u64),
        ("users_online", "gauge", "users who are online", online as u64),
        ("upload_bytes", "gauge", "octets that files on their way will have", uploading),
        ("unhealthy", "gauge", "whether the store fails or stalls", unhealthy),
        ("connections_total", "counter", "connections that were opened", read(&counts.connections)),
        ("refused_total", "counter", "connections that were refused", read(&counts.refused)),
        ("actions_total", "counter", "messages of clients", read(&counts.actions)),
        ("events_total", "counter", "events to clients", read(&counts.events)),
        ("overflows_total", "counter", "clients that were too slow", read(&counts.overflows)),
        ("writes_total", "counter", "writes to the store", read(&counts.writes)),
        ("failed_writes_total", "counter", "writes that have failed", read(&counts.failed_writes)),
        ("gaps_total", "counter", "gaps of the shared log", read(&counts.gaps)),
        ("alone", "gauge", "whether the other servers can't be reached", alone),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in rows {
        let name = format!("sockless_chat_{name}");
        // A string takes everything.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
