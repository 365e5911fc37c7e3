//! What is written about a run: on the terminal, and as files for people and programs.

mod autobahn;
mod baseline;
mod files;
mod json;
mod junit;
mod list;
mod merge;
mod page;
mod publish;
mod result;
mod tap;
mod terminal;

pub(crate) use list::list;
pub(crate) use merge::merge;
pub(crate) use publish::{check, publish};
pub(crate) use result::{Report, Result};
pub(crate) use terminal::Progress;
