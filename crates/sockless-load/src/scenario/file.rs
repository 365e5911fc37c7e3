//! The form of a scenario in TOML: names, types, and where each value is. What values may be is checked elsewhere.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) url: Spanned<String>,
    pub(super) protocol: Option<Spanned<String>>,
    pub(super) transports: Option<Spanned<String>>,
    pub(super) connections: Spanned<u32>,
    pub(super) group: Option<Spanned<u32>>,
    pub(super) ramp: Option<Span>,
    pub(super) settle: Option<Span>,
    pub(super) duration: Span,
    pub(super) warmup: Option<Span>,
    pub(super) drain: Option<Span>,
    pub(super) timeout: Option<Span>,
    pub(super) user: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) subprotocols: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Spanned<String>>,
    pub(super) jwt: Option<Jwt>,
    #[serde(default)]
    pub(super) open: Vec<Step>,
    pub(super) message: Option<Message>,
    #[serde(default)]
    pub(super) thresholds: BTreeMap<Spanned<String>, Spanned<Bound>>,
}

/// A length of time: text, or a number of seconds.
pub(super) type Span = Spanned<Bound>;

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Bound {
    Whole(u64),
    Number(f64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Jwt {
    pub(super) secret: Option<Spanned<String>>,
    pub(super) secret_file: Option<Spanned<String>>,
    pub(super) claims: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) send: Option<Spanned<String>>,
    pub(super) event: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) binary: bool,
    pub(super) r#await: Option<Spanned<String>>,
    pub(super) refusal: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    pub(super) send: Spanned<String>,
    pub(super) event: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) binary: bool,
    pub(super) every: Span,
    pub(super) from: Option<Spanned<String>>,
    pub(super) senders: Option<Spanned<u32>>,
    pub(super) to: Option<Spanned<String>>,
    pub(super) padding: Option<Spanned<u32>>,
}
