//! The page that a browser gets: it connects back, sends, and shows what comes back.

/// The page.
pub const PAGE: &str = include_str!("../../examples/minimal/src/page.html");
