//! What is to be done: the commands, with all that they need.

use std::path::PathBuf;

use super::choice::Choice;
use crate::setting::Setting;
use crate::wire::tls::Identity;

/// Which reports are written, and what of them is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) agent: Option<String>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) junit: Option<PathBuf>,
    pub(crate) tap: Option<PathBuf>,
    pub(crate) html: Option<PathBuf>,
    pub(crate) autobahn: Option<PathBuf>,
    pub(crate) baseline: Option<PathBuf>,
    pub(crate) write_baseline: Option<PathBuf>,
    pub(crate) log: bool,
    pub(crate) quiet: bool,
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) setting: Setting,
    /// Who we are to clients that come by TLS.
    pub(crate) identity: Option<Identity>,
    pub(crate) choice: Choice,
    pub(crate) wanted: Wanted,
    pub(crate) jobs: usize,
    pub(crate) quick: bool,
    /// As the user wrote it.
    pub(crate) address: String,
    pub(crate) stay: bool,
}

/// Several reports as one page.
#[derive(Clone, Debug)]
pub(crate) struct Merge {
    pub(crate) reports: Vec<PathBuf>,
    pub(crate) html: PathBuf,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    Server(Box<Run>),
    Client(Box<Run>),
    Cases(Choice),
    Merge(Merge),
}
