//! What the example programs share: their command line, the answers to what clients ask for, the page they serve, and the signal
//! to stop.

pub mod answer;
pub mod deadlines;
pub mod echo;
pub mod h2_stream;
pub mod listen;
pub mod opening;
pub mod options;
pub mod page;
pub mod stop;
pub mod timers;
pub mod trace;
