//! What is the same for all cases of a run.

use std::net::SocketAddr;
use std::time::Duration;

use crate::wire::tls::Secure;

/// What is the same for all cases of a run.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Where the server under test is; nothing is ever sent elsewhere.
    pub(crate) address: SocketAddr,
    /// For `wss`.
    pub(crate) secure: Option<Secure>,
    /// Whether WebSockets are streams of HTTP/2.
    #[cfg_attr(not(feature = "http2"), allow(dead_code, reason = "it is always false"))]
    pub(crate) http2: bool,
    /// The value of `Host`.
    pub(crate) host: String,
    pub(crate) target: String,
    /// Further fields for every request.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) subprotocol: Option<String>,
    /// How long a testee has to react.
    pub(crate) patience: Duration,
    /// How many messages a compressed case has.
    pub(crate) messages: usize,
    pub(crate) seed: u64,
}
