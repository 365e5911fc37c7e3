//! Header fields: one, those of a head, and the check of those that a caller adds to a head (RFC 9110, section 5).
//!
//! What a field of a certain name means is decided in `request_fields` and `response_fields`.

use core::fmt;

use super::misuse::HandshakeMisuse;
use crate::words::token::{is_token, trim};

/// A header field. `Debug` shows the length of the value, not the value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name. Names are compared without regard to ASCII case.
    pub name: &'a str,
    /// The value, without the whitespace around it.
    pub value: &'a [u8],
}

impl<'a> Field<'a> {
    /// A field to be sent. It is checked when a head is made from it.
    pub fn new<V: AsRef<[u8]> + ?Sized>(name: &'a str, value: &'a V) -> Self {
        Self { name, value: value.as_ref() }
    }

    /// Whether this is the field called `name`.
    #[inline]
    pub fn is(&self, name: &str) -> bool {
        // Most names are spelled as in the specifications, and an exact comparison takes only a few instructions.
        self.name == name || self.name.eq_ignore_ascii_case(name)
    }

    /// The value, if it is visible ASCII with spaces and tabs.
    pub fn text(&self) -> Option<&'a str> {
        if self.value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            core::str::from_utf8(self.value).ok()
        } else {
            None
        }
    }

    /// Checks that the field can be part of a head.
    fn check(&self) -> Result<(), HandshakeMisuse> {
        if !is_token(self.name.as_bytes()) {
            return Err(HandshakeMisuse::FieldName);
        }
        check_value(self.value)
    }

    /// Whether the handshake itself writes this field, so that a caller may not add it.
    fn is_owned(&self) -> bool {
        const OWNED: [&str; 5] =
            ["Host", "Upgrade", "Connection", "Content-Length", "Transfer-Encoding"];
        let prefix = b"sec-websocket-";
        OWNED.iter().any(|name| self.is(name))
            || self
                .name
                .as_bytes()
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ({} bytes)", self.name, self.value.len())
    }
}

/// Checks that a value has no CR, LF, NUL or other control characters except tabs.
fn check_value(value: &[u8]) -> Result<(), HandshakeMisuse> {
    if value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..)) {
        Ok(())
    } else {
        Err(HandshakeMisuse::FieldValue)
    }
}

/// Checks the fields that a caller adds to a head.
pub(super) fn check_added(fields: &[Field<'_>]) -> Result<(), HandshakeMisuse> {
    for field in fields {
        field.check()?;
        if field.is_owned() {
            return Err(HandshakeMisuse::OwnedField);
        }
    }
    Ok(())
}

/// The fields of a head that has been parsed, in their order.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of a head without its start line.
    pub(super) const fn new(lines: &'a [u8]) -> Self {
        Self { rest: lines }
    }

    /// The value of the first field called `name`.
    pub(super) fn value(mut self, name: &str) -> Option<&'a [u8]> {
        self.find(|field| field.is(name)).map(|field| field.value)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let end = self.rest.iter().position(|byte| *byte == b'\r')?;
        let (line, rest) = self.rest.split_at(end);
        let colon = line.iter().position(|byte| *byte == b':')?;
        self.rest = rest.get(2..)?;
        let name = core::str::from_utf8(&line[..colon]).ok()?;
        Some(Field { name, value: trim(&line[colon + 1..]) })
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// The values of all fields called `name`, in their order.
pub(super) fn values_of<'h>(
    fields: impl Iterator<Item = Field<'h>>,
    name: &str,
) -> impl Iterator<Item = &'h [u8]> {
    fields.filter(move |field| field.is(name)).map(|field| field.value)
}
