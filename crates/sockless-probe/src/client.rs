//! Runs the cases for the clients that connect.

use crate::options::Run;

/// Runs them: whether all is well.
pub(crate) fn run(_run: &Run) -> std::result::Result<bool, String> {
    Err("client mode comes next".to_owned())
}
