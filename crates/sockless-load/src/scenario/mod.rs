//! What is measured, and how: a scenario, all of it checked. `file` is its form in TOML, `check` makes the one out of the other, `fault` says what is wrong with it and where.

mod check;
mod fault;
mod file;

use std::time::Duration;

pub use fault::{Fault, Place};

use crate::schedule::Pattern;
use crate::template::Template;

/// A scenario with comments, as `--example` prints it.
pub const EXAMPLE: &str = include_str!("example.toml");

/// What connections speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Messages of WebSocket.
    WebSocket,
    /// A session of `sockless-session` on WebSocket.
    Session,
    /// Socket.IO over WebSocket, over long-polling, or over the one and then the other.
    SocketIo {
        /// Whether it begins with long-polling.
        polling: bool,
        /// Whether it uses WebSocket.
        websocket: bool,
    },
}

/// Who gets a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The one who sends it: an echo.
    Sender,
    /// All of the group, the sender included.
    Group,
    /// All of the group but the sender.
    Others,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text message.
    Text(Template),
    /// A binary message.
    Binary(Template),
    /// An event of Socket.IO.
    Event {
        /// Its name.
        name: String,
        /// Its arguments, a JSON array.
        arguments: Template,
    },
}

/// Something that is done before the measurement.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is sent.
    pub send: Option<Shape>,
    /// What has to arrive before it goes on: a message that has this in it.
    pub awaits: Option<String>,
    /// What may arrive instead, and means that this connection has failed.
    pub refusal: Option<String>,
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Message {
    /// What is sent.
    pub shape: Shape,
    /// Who gets it.
    pub to: Audience,
    /// How many letters `{padding}` has.
    pub padding: usize,
}

/// How tokens are signed.
#[derive(Clone)]
pub struct Signing {
    /// The server's secret.
    pub secret: Vec<u8>,
    /// The claims, a JSON object.
    pub claims: Template,
}

impl std::fmt::Debug for Signing {
    /// Shows no secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signing").field("claims", &self.claims).finish_non_exhaustive()
    }
}

/// What has to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thresholds {
    /// The longest latency at each percentile, from the 50th to the 100th.
    pub latency: [Option<Duration>; 5],
    /// The greatest counts, in the order of [`COUNTS`].
    pub counts: [Option<u64>; 6],
}

/// The percentiles that have names.
pub const PERCENTILES: [(&str, f64); 5] =
    [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p999", 99.9), ("max", 100.0)];

/// What is counted of what goes wrong.
pub const COUNTS: [&str; 6] = ["failed", "dropped", "lost", "doubled", "reordered", "unsent"];

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Where to.
    pub url: Template,
    /// What connections speak.
    pub protocol: Protocol,
    /// Fields of the opening request.
    pub fields: Vec<(String, Template)>,
    /// The subprotocols that are offered.
    pub subprotocols: Vec<String>,
    /// What users are called.
    pub user: Template,
    /// How tokens are signed.
    pub signing: Option<Signing>,
    /// What is done on each connection before the measurement.
    pub opening: Vec<Step>,
    /// What is measured. Without it, connections are held.
    pub message: Option<Message>,
    /// How many connections there are, in groups of which size, and which of them send when.
    pub pattern: Pattern,
    /// Over how long connections are opened.
    pub ramp: Duration,
    /// How long nothing happens before the measurement.
    pub settle: Duration,
    /// How long the measurement is.
    pub duration: Duration,
    /// How much of its beginning counts for nothing but loss.
    pub warmup: Duration,
    /// How long late messages are waited for.
    pub drain: Duration,
    /// How long opening a connection may take, and each answer that is awaited.
    pub timeout: Duration,
    /// What has to hold.
    pub thresholds: Thresholds,
}

/// What the command line says instead of the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--url`.
    pub url: Option<String>,
    /// `--connections`.
    pub connections: Option<u32>,
    /// `--duration`.
    pub duration: Option<Duration>,
    /// `--secret-file`.
    pub secret_file: Option<std::path::PathBuf>,
}

impl Scenario {
    /// Reads a scenario, and checks all of it.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, and where.
    pub fn parse(text: &str, overrides: &Overrides) -> Result<Self, Fault> {
        check::check(text, overrides)
    }

    /// Whom a message reaches, of a group of this size.
    pub fn receivers(&self, group: u32) -> u32 {
        match self.message.as_ref().map(|message| message.to) {
            None => 0,
            Some(Audience::Sender) => 1,
            Some(Audience::Group) => group,
            Some(Audience::Others) => group.saturating_sub(1),
        }
    }
}
