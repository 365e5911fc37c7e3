//! The command line.

mod choice;
mod command;
mod given;
mod help;

pub(crate) use choice::Choice;
pub(crate) use command::{Command, Merge, Run, Wanted};
pub(crate) use given::{Stop, command};
