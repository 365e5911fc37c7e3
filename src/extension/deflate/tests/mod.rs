//! The compression alone. Compression in connections is tested over the public interface.

extern crate std;

mod bounds;
mod decoding;
mod differential;
mod encoding;
mod parts;
mod room;
mod support;
