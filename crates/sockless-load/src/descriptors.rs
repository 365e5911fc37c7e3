//! The limit on open files: each connection is one.

/// What else is open: the standard streams, the runtime's, files of the report.
const BESIDE: u64 = 64;

/// Raises the limit as far as this many connections need.
///
/// # Errors
///
/// It can't be raised that far, and what to do.
#[cfg(unix)]
pub(crate) fn raise(connections: u32) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = u64::from(connections) + BESIDE;
    let limit = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= wanted);
    if enough(limit.current) {
        return Ok(());
    }
    let most = limit.maximum.unwrap_or(wanted);
    let raised = Rlimit { current: Some(wanted.min(most)), maximum: limit.maximum };
    if enough(limit.maximum) && setrlimit(Resource::Nofile, raised).is_ok() {
        return Ok(());
    }
    Err(format!(
        "{connections} connections need {wanted} open files, and this process may have {most}: raise the limit \
         (as root `ulimit -n {wanted}` in this shell, or LimitNOFILE= in a unit), or use --connections {}",
        most.saturating_sub(BESIDE)
    ))
}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub(crate) fn raise(_: u32) -> Result<(), String> {
    Ok(())
}
