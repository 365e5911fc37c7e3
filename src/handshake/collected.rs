//! The fields of one name in a head, collected one by one: a field that may occur once, or a list of tokens over any number of them.
//!
//! Which fields are collected, and what follows from an absent or malformed one, is decided in `request_fields` and `response_fields`.

use crate::words::token::{elements, is_token};

/// A field that may occur once.
#[derive(Clone, Copy, Default)]
pub(super) enum SingleField<'h> {
    #[default]
    Absent,
    Once(&'h [u8]),
    Repeated,
}

impl<'h> SingleField<'h> {
    /// Adds a field with this value.
    pub(super) fn add(&mut self, value: &'h [u8]) {
        *self = match self {
            Self::Absent => Self::Once(value),
            _ => Self::Repeated,
        };
    }

    /// The value; one of the errors if the field is missing or repeated.
    pub(super) fn require<E>(self, missing: E, repeated: E) -> Result<&'h [u8], E> {
        match self {
            Self::Once(value) => Ok(value),
            Self::Absent => Err(missing),
            Self::Repeated => Err(repeated),
        }
    }
}

/// A list of tokens, over any number of fields.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum TokenList {
    #[default]
    Absent,
    /// There are fields, but no element in them: malformed, unless a later field has one.
    Empty,
    /// At least one element, and all are tokens.
    Tokens,
    Malformed,
}

impl TokenList {
    /// Adds the elements of a field with this value.
    pub(super) fn add(&mut self, value: &[u8]) {
        if *self == Self::Absent {
            *self = Self::Empty;
        }
        for element in elements(value) {
            if !is_token(element) {
                *self = Self::Malformed;
            } else if *self == Self::Empty {
                *self = Self::Tokens;
            }
        }
    }
}
