//! The log: lines to stderr, for people or for programs. No line has a token, a text, or a query in it.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::prelude::*;

/// Logs from now on, as much as the level says; each line is an object of JSON, or text.
pub fn begin(level: LevelFilter, json: bool) {
    let ours = Targets::new().with_target("sockless_chat", level);
    let registry = tracing_subscriber::registry().with(ours);
    match json {
        true => registry.with(layer().json().with_writer(std::io::stderr)).init(),
        false => registry.with(layer().with_ansi(false).with_writer(std::io::stderr)).init(),
    }
}
