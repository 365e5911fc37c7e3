//! What the codec has to hold by itself. What it does in a connection is tested over the public interface.

extern crate std;

mod bounds;
mod decoding;
mod differential;
mod encoding;
mod parts;
mod room;
mod support;
