//! A WebSocket in two tasks: the one reads, the other writes, and any number of them send.
//!
//! A queue leads to the writing task: messages, and the replies of the receiving half, in their order. What the writing task finds out goes back
//! through a second queue. Neither takes a lock: only who has to wait for room does.

mod order;
mod reader;
mod sender;
mod shared;
mod split;
mod writer;

pub use order::Role;
pub use reader::Reader;
pub use sender::Sender;
pub use split::IntoHalves;
pub use writer::Writer;
