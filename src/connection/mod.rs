//! Connections: what happens between the opening handshake and the end (RFC 6455, sections 5 to 7). Level 2, needs `alloc`.
//!
//! [`Connection`] is what nearly everyone uses. It is a [`Receiver`] and a [`Sender`] together, which share nothing and can live in
//! two tasks. What the receiving half finds to be due is a [`Reply`] for the sending half; what has become of it there is a [`Notice`] for the
//! receiving half. Both are small owned values. Congestion is neither: a [`Connection`] holds messages as [`Config::holding`] says; whoever drives
//! the halves decides, and calls [`Receiver::hold`] with [`Sender::is_congested`] if the endpoint answers what it receives.
//!
//! # Two halves in two threads
//!
//! ```
//! use core::time::Duration;
//! use std::sync::mpsc;
//! use std::thread;
//! use sockless::connection::Outcome;
//! use sockless::{Config, Connection, Event, Input};
//!
//! // What a client sends, and then closes.
//! let mut client = Connection::client(Config::default());
//! client.send_text("hello")?;
//! client.close(sockless::CloseCode::NORMAL, "", Duration::ZERO)?;
//! let mut arrived = client.output().to_vec();
//!
//! // A server's thread reads, another one writes. Messages and replies go from the one to the other, in order.
//! enum Job {
//!     Echo(String),
//!     Reply(sockless::connection::Reply),
//! }
//! let (mut receiver, mut sender) = Connection::server(Config::default()).split();
//! let (jobs, todo) = mpsc::channel();
//! let reader = thread::spawn(move || {
//!     let mut input = Input::new(&mut arrived);
//!     loop {
//!         let event = receiver.poll(&mut input, Duration::ZERO);
//!         // After every poll: the end of the stream has a reply, too, and no event.
//!         while let Some(reply) = receiver.reply() {
//!             jobs.send(Job::Reply(reply)).unwrap();
//!         }
//!         match event {
//!             Some(Event::Text(text)) => jobs.send(Job::Echo(text.into_string())).unwrap(),
//!             Some(_) => {}
//!             None => break,
//!         }
//!     }
//!     receiver.end()
//! });
//! let writer = thread::spawn(move || {
//!     let mut written = Vec::new();
//!     for job in todo {
//!         match job {
//!             Job::Echo(text) => sender.send_text(&text).unwrap(),
//!             Job::Reply(reply) => sender.apply(reply, Duration::ZERO),
//!         }
//!         let output = sender.output();
//!         written.extend_from_slice(output);
//!         sender.wrote(output.len());
//!     }
//!     (sender.end(), written)
//! });
//!
//! let received = reader.join().unwrap();
//! let (sent, written) = writer.join().unwrap();
//! assert!(Outcome::join(received, sent).clean());
//! assert_eq!(written, b"\x81\x05hello\x88\x02\x03\xE8");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aside;
mod close_reason;
mod close_status;
mod config;
mod control;
mod counters;
mod deadlines;
mod event;
mod failure;
mod incoming;
mod joined;
mod kept;
mod keys;
mod liveness;
mod loan;
mod outcome;
mod output;
mod pings;
mod receive_gate;
mod receive_transform;
mod receiver;
mod replies;
mod reply;
mod send_error;
mod send_gate;
mod send_transform;
mod sender;
mod state;
#[cfg(test)]
mod tests;
mod timers;
mod waiting;
mod want;
mod written;

pub use close_status::{CloseStatus, Initiator};
pub use config::{Config, Delivery, Holding, Keepalive};
pub use counters::{Counters, Traffic};
pub use event::{Closing, Event, Pong};
pub use failure::Failure;
pub use joined::Connection;
#[cfg(feature = "getrandom")]
pub use keys::Generator;
pub use keys::{Entropy, Side};
pub use loan::Loan;
pub use outcome::{Cause, Outcome, ReceiverEnd, SenderEnd};
pub use receiver::Receiver;
#[doc(hidden)]
pub use reply::ControlPayload;
pub use reply::{Notice, Probe, Reply};
pub use send_error::{Refused, SendError};
pub use sender::{Borrowed, Drain, Sender};
pub use want::Want;
