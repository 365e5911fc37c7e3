//! The name of a namespace.

use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

/// The name of a namespace: it begins with `/`, and has no comma. Cloning it copies nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Arc<str>);

impl Namespace {
    /// A name, if it can be one.
    pub fn new(name: &str) -> Option<Self> {
        (name.starts_with('/') && !name.contains(',')).then(|| Self(name.into()))
    }

    /// The main namespace, `/`.
    pub fn main() -> Self {
        Self("/".into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the main namespace, which isn't written in packets.
    pub fn is_main(&self) -> bool {
        self.as_str() == "/"
    }
}

impl Deref for Namespace {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl core::borrow::Borrow<str> for Namespace {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
