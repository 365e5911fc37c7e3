//! Record and replay: what a connection was given, in a file, and the same connection again out of it.
//!
//! A connection does nothing by itself. What it does follows from the calls, with the bytes and the times in them, and from the
//! masking keys that it draws. A [`Recorder`] is a connection that writes these down while it is used; [`replay`] makes the same
//! calls again, and compares every event, every refusal and every byte of output with what was there then. So a failure that
//! happened once in production happens again under a debugger, as often as one likes.
//!
//! ```
//! use std::time::Duration;
//! use sockless::{Config, Event, Input, established::Established};
//! use sockless_autobahn::trace::{Recorder, Step, replay};
//!
//! let mut recorder = Recorder::server(&Established::default(), Config::default());
//! let mut input = *b"\x81\x82\0\0\0\0hi";
//! let mut input = Input::new(&mut input);
//! while let Some(event) = recorder.poll(&mut input, Duration::from_millis(5)) {
//!     if let Event::Text(text) = event {
//!         recorder.send_text(&text)?;
//!     }
//! }
//! recorder.wrote(4);
//! let trace = recorder.finish();
//!
//! let mut output = Vec::new();
//! let replayed = replay(&trace, |step| {
//!     if let Step::Wrote(bytes) = step {
//!         output.extend_from_slice(bytes);
//!     }
//! });
//! assert!(replayed.is_ok());
//! assert_eq!(output, b"\x81\x02hi");
//! # Ok::<(), sockless::connection::SendError>(())
//! ```
//!
//! The handshake is no part of a trace: it begins with what the handshake agreed on, and the answer's head has to be written before.
//! What is not offered by a `Recorder` can't be recorded: the two halves, prepared messages, and payloads that are borrowed. An input
//! that is to be [copied](sockless::Input::copied) is copied before the connection sees it.
//!
//! **A trace holds all that the peer has sent and all that was sent to it.** It is to be kept like the messages themselves.
//!
//! # The format
//!
//! A trace begins with the eight bytes `SOCKLESS` and a byte for the version, 2. Records follow. Each is a byte that says what it
//! is, its body's length, the body, and four bytes, the lowest first: the 32-bit FNV-1a hash of all records so far, this one
//! without these four bytes included. So nothing can be changed, left out or put elsewhere unnoticed.
//!
//! A *number* has seven bits in a byte, the lowest first; the highest bit of a byte says that another one follows. A *time* is two
//! numbers, seconds and nanoseconds. *Bytes* are a number, their count, and themselves; where they are the last in a body, their
//! count is left out. A *flag* is a byte, 0 or 1. An *option* is a flag, and what it announces.
//!
//! | byte | calls | body |
//! |---|---|---|
//! | 1 | the beginning | flag: client; option: the parameters of `permessage-deflate` (two flags: no context takeover of the server's, of the client's; two numbers: window bits of the server's, of the client's, 0 for none); then as 2 |
//! | 2 | `set_config` | numbers: limit on frames, limit on messages; flags: delivery in parts, automatic pong, automatic close, reasons in Close frames; numbers: soft limit, hard limit; option: times of keepalive, interval and timeout; option: time of idle; time of close; numbers: level, memory and threshold of compression |
//! | 3 | `poll` | time; flag: the stream has ended; bytes: the input |
//! | 4 | `poll` with what the call before has left of the input | time |
//! | 5, 6 | `send_text`, `send_binary` | bytes |
//! | 7, 8 | `send` of a text or binary message | bytes |
//! | 9, 10 | `begin_text`, `begin_binary` | flag: last; bytes |
//! | 11, 12 | `continue_text`, `continue_binary` | flag: last; bytes |
//! | 13 | `stream_frame` | number: 0 for a continuation, 1 for text, 2 for binary; flag: fin; number: length |
//! | 14 | `stream_payload` | bytes |
//! | 15 | `ping` | time; bytes |
//! | 16 | `pong` | bytes |
//! | 17 | `close` | time; number: code, 0 for none; bytes: reason |
//! | 18 | `wrote` | number: count; number: the 64-bit FNV-1a hash of all output written so far |
//! | 19, 20 | `shut`, `lost` | |
//! | 21, 22 | `take_buffer`, `put_buffer` with more bytes | none; bytes |
//! | 23, 24 | `set_compression`, `release` | flag; none |
//!
//! | byte | what came of the call before | body |
//! |---|---|---|
//! | 32 | masking keys were drawn | bytes |
//! | 33 | an event | numbers: kind (1 text, 2 binary, 3 part, 4 ping, 5 pong, 6 closing, 7 quiet, 8 idle, 9 failed), length of the payload, 64-bit FNV-1a hash of all that it tells |
//! | 34 | a refusal | bytes: the reason's name |
//! | 35 | the end of the trace | bytes: the outcome |
//!
//! A call is written down before it is made: a trace that ends without its last record says what was done last.

mod codec;
mod damage;
mod record;
mod recorder;
mod replay;
mod settings;

pub use damage::Damage;
pub use record::{Record, Records};
pub use recorder::Recorder;
pub use replay::{Mismatch, Step, replay};
pub use settings::{Beginning, Settings};
