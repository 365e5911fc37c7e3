//! What the programs under test share: of the clients, the plan of a run against the suite's fuzzing server; of the servers, their command
//! line, the answers to what clients ask for, the page they serve, and the signal to stop.

pub mod answer;
pub mod deadlines;
pub mod echo;
pub mod h2_stream;
pub mod listen;
pub mod opening;
pub mod options;
pub mod page;
mod plan;
pub mod session;
pub mod stop;
pub mod timers;
pub mod trace;

pub use plan::Plan;

/// The longest message of the suite has 16 MiB.
pub const LONGEST: u64 = 64 << 20;

/// What went wrong, to be shown.
pub type Failure = Box<dyn std::error::Error>;
