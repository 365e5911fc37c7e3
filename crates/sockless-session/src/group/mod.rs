//! Groups: rooms whose members all get what one of them says, or the server.
//!
//! A [`Group`] is generic over the payload, which is cloned for each member: one that is encoded already is encoded, and compressed,
//! once for all.
//!
//! There are two kinds of members:
//!
//! - *Plain* ones have a queue of their own in the group, of a bounded length. The group's [`Policy`] says what happens if a reader is
//!   too slow for it. [`Group::take`] gives the member's connection the next payload when it has room; while nothing waits, the
//!   [`Outlet`] may take it at once.
//! - *Reliable* ones have a [session](crate::Session), whose queue is theirs. The caller hands the payload to it, through an
//!   [`Outlet`]; if that queue is full, the group's [`Overflow`] says whether the member is closed with 1013 or learns of the gap.
//!
//! ```
//! use sockless_session::group::{Group, Member, NoOutlet, Policy, Settings};
//!
//! let mut room = Group::<u32, &str>::new(Settings::default().with_policy(Policy::DropOldest).with_queue(2));
//! room.join(1, Member::Plain).expect("there is room");
//! room.join(2, Member::Plain).expect("there is room");
//!
//! // Whoever speaks doesn't hear himself.
//! for text in ["one", "two", "three"] {
//!     room.broadcast(text, None, Some(&1), &mut NoOutlet);
//! }
//! assert_eq!(room.take(&1), None);
//! assert_eq!(room.take(&2), Some("two"));
//! assert_eq!(room.take(&2), Some("three"));
//! assert_eq!(room.counters().dropped, 1);
//! ```

mod member;
mod room;
mod settings;

pub use member::Member;
pub use room::{Event, Group, NoOutlet, Outlet, Report};
pub use settings::{Counters, JoinError, Overflow, Policy, Settings};
