//! The command line: what was typed, all of it checked.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::scenario::Overrides;
use crate::span;

/// What `--help` prints.
pub const USAGE: &str = "\
sockless-load SCENARIO [FLAGS]: puts load on a WebSocket or Socket.IO server

  --example              prints a scenario with comments, to begin with
  --check                reads the scenario, says what is wrong with it, and ends

What the scenario says is overridden by
  --url URL              where to
  --connections NUMBER   how many connections
  --duration TIME        how long it measures: 500ms, 30s, 5m, 1h
  --secret-file FILE     what tokens are signed with

  --json FILE            writes the report as JSON; - is the standard output
  --html FILE            writes the report as a page
  --quiet                no line each second

Exit status: 0 the thresholds held; 1 one didn't, or nothing was measured; 2 the command, the scenario or the
system doesn't allow it; 130 stopped by Ctrl-C.
";

/// What the user wants.
#[derive(Debug)]
pub enum Asked {
    /// To put load on a server.
    Run(Box<Command>),
    /// The help.
    Help,
    /// The version.
    Version,
    /// A scenario to begin with.
    Example,
}

/// What is to be done.
#[derive(Debug, Default)]
pub struct Command {
    /// The file with the scenario.
    pub scenario: PathBuf,
    /// What is said instead of it.
    pub overrides: Overrides,
    /// Whether to check the scenario alone.
    pub check: bool,
    /// Where to write the report as JSON.
    pub json: Option<PathBuf>,
    /// Where to write it as a page.
    pub html: Option<PathBuf>,
    /// Whether nothing is printed while it runs.
    pub quiet: bool,
}

impl Command {
    /// Reads what was typed: `--name value` or `--name=value`, and one scenario.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
        let mut args = args.into_iter();
        let (mut command, mut scenario) = (Self::default(), None);
        while let Some(arg) = args.next() {
            let arg = text(arg)?;
            if !arg.starts_with('-') || arg == "-" {
                if let Some(first) = scenario.replace(PathBuf::from(&arg)) {
                    return Err(format!("one scenario, not {} and {arg}", first.display()));
                }
                continue;
            }
            let (name, given) = match arg.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (arg, None),
            };
            let alone = given.is_none();
            match name.as_str() {
                "--help" | "-h" if alone => return Ok(Asked::Help),
                "--version" | "-V" if alone => return Ok(Asked::Version),
                "--example" if alone => return Ok(Asked::Example),
                "--check" if alone => command.check = true,
                "--quiet" | "-q" if alone => command.quiet = true,
                "--help" | "--version" | "--example" | "--check" | "--quiet" => {
                    return Err(format!("{name} takes no value"));
                }
                "--url" | "--connections" | "--duration" | "--secret-file" | "--json"
                | "--html" => {
                    let value = match given {
                        Some(value) => value,
                        None => text(args.next().ok_or(format!("{name} needs a value"))?)?,
                    };
                    command.set(&name, value).map_err(|why| format!("{name}: {why}"))?;
                }
                _ => return Err(format!("unknown flag {name}")),
            }
        }
        command.scenario = scenario.ok_or("which scenario? --example prints one")?;
        Ok(Asked::Run(Box::new(command)))
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        let overrides = &mut self.overrides;
        match name {
            "--url" => overrides.url = Some(value),
            "--connections" => {
                let number = value.parse().map_err(|_| format!("a number, not {value:?}"))?;
                overrides.connections = Some(number);
            }
            "--duration" => overrides.duration = Some(span::parse(&value)?),
            "--secret-file" => overrides.secret_file = Some(value.into()),
            "--json" => self.json = Some(value.into()),
            _ => self.html = Some(value.into()),
        }
        Ok(())
    }
}

fn text(arg: OsString) -> Result<String, String> {
    arg.into_string().map_err(|arg| format!("the argument {arg:?} is not UTF-8"))
}
