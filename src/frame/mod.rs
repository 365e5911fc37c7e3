//! Level 1: the decoding and the encoding of frames, without memory (RFC 6455, section 5).
//!
//! Everything here has a fixed size and needs no allocator. The rest of the library is built on two machines: [`Decoder`] enforces every
//! rule of receiving at the first byte that breaks it, [`Encoder`] every rule of sending. [`Header`] is the codec of a single header, for
//! programs that only inspect frames.
//!
//! # A relay
//!
//! Pieces of frames are decoded in place, and go out again under a header of our own:
//!
//! ```
//! use sockless::frame::{Decoder, Encoder, Fragment, Input, Limits};
//! use sockless::words::{opcode::Kind, role::{Client, Server}};
//!
//! // "Hello" as a client sends it (RFC 6455, section 5.7).
//! let mut arrived = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
//! let mut decoder = Decoder::<Server>::new();
//! let mut encoder = Encoder::<Client>::new();
//! let mut out = Vec::new();
//!
//! let mut input = Input::new(&mut arrived);
//! while let Some(piece) = decoder.decode(&mut input, &Limits::default())? {
//!     assert_eq!(&*piece.payload, b"Hello");
//!     if piece.begins {
//!         let len = piece.payload.len() as u64 + piece.remaining;
//!         let fragment = Fragment { first: Some(Kind::Text), fin: piece.fin, rsv1: false, len };
//!         out.extend_from_slice(&encoder.begin(fragment, [1, 2, 3, 4])?);
//!     }
//!     encoder.payload(piece.payload)?;
//!     out.extend_from_slice(piece.payload);
//! }
//! assert_eq!(out, [0x81, 0x85, 1, 2, 3, 4, b'H' ^ 1, b'e' ^ 2, b'l' ^ 3, b'l' ^ 4, b'o' ^ 1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod control_frame;
pub(crate) mod decoder;
mod encoder;
#[cfg(feature = "alloc")]
mod fast_decode;
#[cfg(feature = "alloc")]
mod fast_encode;
mod header;
mod input;
mod limits;
mod misuse;
mod open_frame;
mod open_message;
mod piece;
mod rules;
mod violation;

pub use decoder::{Decoder, Piece};
pub use encoder::{ControlFrame, Encoder, Fragment};
#[cfg(feature = "alloc")]
pub(crate) use fast_decode::FastLimit;
#[cfg(feature = "alloc")]
pub(crate) use header::MAX_LEN;
pub use header::{Header, HeaderBytes};
pub use input::Input;
#[cfg(all(feature = "alloc", feature = "std"))]
pub(crate) use input::is_pause;
pub use limits::Limits;
pub use misuse::Misuse;
pub use violation::Violation;
