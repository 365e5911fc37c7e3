//! The name of a namespace.

use alloc::sync::Arc;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;

/// The name of a namespace: it begins with `/`, and has no comma. Cloning it copies nothing, and the main one takes no memory.
#[derive(Clone)]
pub struct Namespace(Option<Arc<str>>);

impl Namespace {
    /// A name, if it can be one.
    pub fn new(name: &str) -> Option<Self> {
        match name {
            "/" => Some(Self::main()),
            _ => (name.starts_with('/') && !name.contains(',')).then(|| Self(Some(name.into()))),
        }
    }

    /// The main namespace, `/`.
    pub const fn main() -> Self {
        Self(None)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("/")
    }

    /// Whether it is the main namespace, which isn't written in packets.
    pub const fn is_main(&self) -> bool {
        self.0.is_none()
    }
}

// They compare as their names do: maps are asked with a `str`.

impl PartialEq for Namespace {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Namespace {}

impl PartialOrd for Namespace {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Namespace {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Namespace {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
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
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}
