//! The chat itself, as a machine: actions, what was stored and the time come in; events for clients, what is to be stored and what is to
//! be read come out. It knows no socket, file, clock, task or encoding.
//!
//! ```
//! use std::time::Duration;
//! use sockless_chat::chat::{Action, Chat, Limits, Name, Output, PeerId, Place, Saved};
//!
//! let mut chat = Chat::restore(Limits::default(), Saved::default());
//! let (ann, now) = (PeerId(1), Duration::ZERO);
//! chat.connect(ann, now);
//! chat.hello(ann, Name::parse("ann")?, Duration::MAX, 0, now);
//! // She is new: that is stored before anything else happens.
//! let Some(Output::Write { number, .. }) = chat.poll() else { panic!() };
//! chat.stored(number, now);
//! assert!(matches!(chat.poll(), Some(Output::Send { .. })));
//! # Ok::<(), sockless_chat::chat::Refusal>(())
//! ```

mod action;
mod event;
mod files;
mod limits;
mod machine;
mod name;
mod people;
mod reading;
mod rooms;
mod saving;
mod shared;
mod talking;

pub use action::{Action, Key, Place};
pub use event::{Event, FileInfo, Message, RoomInfo};
pub use limits::Limits;
pub use machine::{Chat, End, Output, PeerId};
pub use name::{Name, Refusal};
pub use reading::Read;
pub use saving::{Fact, Saved};
