//! What both servers stand on: axum, and no heartbeats.

#[path = "running.rs"]
mod running;

use std::io;
use std::time::Duration;

use axum::Router;

/// Heartbeats are left out: they aren't what is measured.
pub const NEVER: Duration = Duration::from_secs(86_400);

/// Serves on any port of 127.0.0.1, on as many threads as the first argument says.
pub fn serve(router: Router) -> io::Result<()> {
    running::run(async |listener| axum::serve(listener, router).await)
}
