//! How much of the output has been written, as a driver comes to know it: a number, or what a call of the standard library returned.
//!
//! What that means for the connection is decided by `Connection::wrote`.

/// How much has been written. Not to be named outside: who calls `Connection::wrote` has a number or a result.
pub trait Written {
    /// How many bytes the stream has taken; `None` if it takes no more.
    fn count(self) -> Option<usize>;
}

impl Written for usize {
    #[inline]
    fn count(self) -> Option<usize> {
        Some(self)
    }
}

#[cfg(feature = "std")]
impl Written for std::io::Result<usize> {
    #[inline]
    fn count(self) -> Option<usize> {
        match self {
            Ok(0) => None,
            Ok(count) => Some(count),
            Err(error) if crate::frame::is_pause(&error) => Some(0),
            Err(_) => None,
        }
    }
}
