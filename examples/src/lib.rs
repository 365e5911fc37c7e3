//! What the example programs share: their command line, the page they serve, and the signal to stop. Everything that concerns
//! WebSocket stands in the programs themselves, to be read and copied.

pub mod options;
pub mod page;
pub mod stop;
