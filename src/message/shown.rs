//! What `Debug` says of a message: its length, and its beginning only where that is asked for with `{:#?}`. A log made with `{:?}` keeps
//! nobody's payload.

use core::fmt::{self, Debug, DebugStruct, Formatter};

/// How much of a payload is shown.
const SHOWN: usize = 64;

/// Adds the beginning of a text, if it is asked for.
pub(super) fn text(f: &mut Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    show(f, name, text.len(), |shown| {
        let end = (0..=text.len().min(SHOWN)).rev().find(|end| text.is_char_boundary(*end));
        shown.field("begins", &&text[..end.unwrap_or(0)]);
    })
}

/// Adds the beginning of a binary payload, if it is asked for.
pub(super) fn binary(f: &mut Formatter<'_>, name: &str, bytes: &[u8]) -> fmt::Result {
    show(f, name, bytes.len(), |shown| {
        shown.field("begins", &OnOneLine(&bytes[..bytes.len().min(SHOWN)]));
    })
}

fn show(
    f: &mut Formatter<'_>,
    name: &str,
    len: usize,
    begin: impl FnOnce(&mut DebugStruct<'_, '_>),
) -> fmt::Result {
    let asked = f.alternate();
    let mut shown = f.debug_struct(name);
    shown.field("len", &len);
    if asked {
        begin(&mut shown);
    }
    shown.finish()
}

/// Octets that don't take a line each.
struct OnOneLine<'a>(&'a [u8]);

impl Debug for OnOneLine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}
