//! Conversion between header fields and the header map of the `http` crate.

use ::http::header::{HeaderMap, HeaderName, HeaderValue, Iter};

use super::field::Field;

/// The fields of a header map.
pub(super) fn header_fields(headers: &HeaderMap) -> HeaderFields<'_> {
    HeaderFields { headers, rest: headers.iter(), taken: 0 }
}

/// The fields of a header map, as an iterator that can be cloned, which the map's own can't.
pub(super) struct HeaderFields<'h> {
    headers: &'h HeaderMap,
    rest: Iter<'h, HeaderValue>,
    /// How many fields have been taken: as many as a clone has to skip.
    taken: usize,
}

impl Clone for HeaderFields<'_> {
    fn clone(&self) -> Self {
        let mut rest = self.headers.iter();
        rest.by_ref().take(self.taken).for_each(drop);
        Self { rest, ..*self }
    }
}

impl<'h> Iterator for HeaderFields<'h> {
    type Item = Field<'h>;

    fn next(&mut self) -> Option<Field<'h>> {
        let (name, value) = self.rest.next()?;
        self.taken += 1;
        Some(Field { name: name.as_str(), value: value.as_bytes() })
    }
}

/// Appends fields to a header map.
pub(super) fn append_fields<'h>(
    fields: impl Iterator<Item = Field<'h>>,
    headers: &mut HeaderMap,
) -> Result<(), ::http::Error> {
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes())?;
        headers.try_append(name, HeaderValue::from_bytes(field.value)?)?;
    }
    Ok(())
}
