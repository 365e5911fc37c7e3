//! The cases: Autobahn's own under their own ids, and chapters of ours.

mod autobahn;
mod closing;
mod control;
mod deflate;
mod entry;
mod expect;
mod framing;
mod handshake;
mod hostile;
#[cfg(feature = "http2")]
mod http2;
mod limits;
mod list;
mod negotiation;
mod offer;
mod rules;
mod text;

pub(crate) use list::all;
