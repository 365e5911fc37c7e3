//! The server's first packet: what it says of the session.

use alloc::string::String;
use core::time::Duration;

use serde::Deserialize;

/// The longest id of a session that is believed.
const LONGEST: usize = 1_024;

/// The most bytes of what a server says of a session.
const MOST: usize = 16 << 10;

/// What a server says of a session.
#[derive(Debug)]
pub(super) struct Hello {
    pub(super) sid: String,
    /// For how long it may say nothing.
    pub(super) patience: Duration,
    /// The most bytes of a body, and of a message.
    pub(super) max_payload: usize,
    /// Whether it has a WebSocket to change to.
    pub(super) upgrades: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    sid: String,
    #[serde(default)]
    upgrades: alloc::vec::Vec<String>,
    ping_interval: u64,
    ping_timeout: u64,
    #[serde(default)]
    max_payload: u64,
}

impl Hello {
    /// Reads it. `None` if it isn't what a server of version 4 says.
    pub(super) fn read(json: &str) -> Option<Self> {
        // An array would be read as an object whose names are left out.
        if json.len() > MOST || !json.trim_start().starts_with('{') {
            return None;
        }
        let said: Said = serde_json::from_str(json).ok()?;
        if said.sid.is_empty() || said.sid.len() > LONGEST {
            return None;
        }
        let patience = Duration::from_millis(said.ping_interval.saturating_add(said.ping_timeout));
        // A server that says nothing of it has no limit.
        let max_payload = match said.max_payload {
            0 => usize::MAX,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        };
        let upgrades = said.upgrades.iter().any(|name| name == "websocket");
        Some(Self { sid: said.sid, patience, max_payload, upgrades })
    }
}
