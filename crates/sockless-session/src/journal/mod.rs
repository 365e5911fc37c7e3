//! Journals: the state of sessions as an append-only file that can be cut anywhere.
//!
//! A [`Session`](crate::Session) says what is to be stored, in batches. A [`Writer`] turns each batch into a *frame*, whose octets are
//! appended to a file; [`replay`] makes sessions of a file again. One journal can hold one session or all of a server's: where many
//! share a file, one sync serves them all.
//!
//! # Promises
//!
//! - A frame is all there or not at all, with the application's own *effects* that it carries: so a message can be accepted exactly
//!   once.
//! - What was synced is there. What was not may be cut at any octet, or be there in parts: [`replay`] goes as far as the frames
//!   are whole, and says how much it left. If what is damaged had been synced, that is an [error](ReplayError::Damaged), and
//!   nothing is left out silently. It tells the two apart by what every frame says: how far the journal was synced when it was made.
//!
//! # The file
//!
//! Numbers are little-endian. A file begins with the eight octets `SLSJ` 1 0 0 0, of which the fifth is the version, and a salt of
//! eight random octets. Frames follow:
//!
//! | octets | what |
//! |---|---|
//! | 4 | the length of all that follows the checksum |
//! | 4 | the checksum: CRC-32 (as in zlib) of the salt, the length, and all that follows the checksum |
//! | 8 | the frame's serial number: the first has 1, the next has one more |
//! | 8 | the serial number of the last frame that was synced when this one was made; 0 if none was |
//! | 16 | the session's id |
//! | 4 | the length of the records |
//! | | the records, as the session made them |
//! | | the application's effects |
//!
//! # Compaction
//!
//! A journal grows with every message. [`Writer::wants_compaction`] says when it is worth while to write a new file, of one
//! [snapshot](crate::Session::snapshot) for each session and what the application needs beside, to sync it, and to put it into the
//! old one's place in one step (a rename).
//!
//! ```
//! use std::sync::Arc;
//! use sockless_session::{Session, journal::{self, Writer}, reliable::{Config, Message, SessionId}};
//!
//! let config = Arc::new(Config::default().with_storage());
//! let id = SessionId::from_bytes(*b"nobody knows it.");
//! let mut session = Session::<Message>::client_with_id(config.clone(), id);
//! session.send("to be kept".into()).expect("the queue has room");
//!
//! // What is appended to a file, and synced.
//! # struct Seed;
//! # impl sockless_session::Entropy for Seed { fn fill(&mut self, bytes: &mut [u8]) { bytes.fill(7); } }
//! # let mut entropy = Seed;
//! let mut file = Vec::new();
//! let mut writer = Writer::new(&mut file, &mut entropy);
//! let batch = session.take_batch().expect("a message is to be stored");
//! let serial = writer.frame(&mut file, id, &batch.records, b"what the application did");
//! writer.synced(serial);
//! session.synced(batch.mark);
//!
//! // After a restart.
//! let mut replay = journal::replay::<Message>(&file)?;
//! assert_eq!(replay.effects, [(id, b"what the application did".to_vec())]);
//! let (_, saved) = replay.sessions.pop_first().expect("the session");
//! let session = Session::restore(config, saved);
//! assert_eq!(session.queued(), 1);
//! # Ok::<(), journal::ReplayError>(())
//! ```

mod frame;
mod reader;
mod writer;

pub use reader::{Frame, Reader, Replay, ReplayError, replay};
pub use writer::{Writer, export};
