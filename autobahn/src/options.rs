//! The command line of the echo servers.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use sockless::extension::Supported;
use sockless::extension::deflate::Terms;
use sockless::{Config, Limits};

use crate::deadlines::Deadlines;
use crate::listen;

/// What an echo server is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen: a port of the system's choice by default.
    pub listen: SocketAddr,
    /// Whether `permessage-deflate` is accepted.
    pub deflate: bool,
    /// The longest message.
    pub max_message: u64,
    /// How long a client may take for what.
    pub deadlines: Deadlines,
    /// How long clients have for closing when the server stops.
    pub grace: Duration,
    /// On how many threads to serve, for `echo_mio`: one for each core if nothing is said.
    pub threads: Option<NonZeroUsize>,
}

impl Options {
    /// The options from the command line. `Err` with the status to end with: the user has been told why.
    #[allow(clippy::print_stdout, clippy::print_stderr, reason = "the user is told")]
    pub fn from_args(program: &str) -> Result<Self, ExitCode> {
        match Self::parse(program, std::env::args().skip(1)) {
            Ok(Some(options)) => Ok(options),
            Ok(None) => {
                println!("{}", usage(program));
                Err(ExitCode::SUCCESS)
            }
            Err(problem) => {
                eprintln!("{program}: {problem}\n\n{}", usage(program));
                Err(ExitCode::from(2))
            }
        }
    }

    /// The options in these arguments; `None` if help is asked for.
    fn parse(
        program: &str,
        mut args: impl Iterator<Item = String>,
    ) -> Result<Option<Self>, String> {
        let mut options = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            deflate: true,
            max_message: 64 << 20,
            deadlines: Deadlines::default(),
            grace: Duration::from_secs(5),
            threads: None,
        };
        while let Some(name) = args.next() {
            if matches!(name.as_str(), "--help" | "-h") {
                return Ok(None);
            }
            let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--listen" => options.listen = listen::address(&value()?)?,
                "--deflate" => options.deflate = on_or_off(&name, &value()?)?,
                "--max-message" => options.max_message = parse(&name, &value()?)?,
                "--grace" => options.grace = seconds(&name, &value()?)?,
                "--threads" if program == THREADED => {
                    options.threads = Some(parse(&name, &value()?)?);
                }
                _ if options.deadlines.take(&name, value)? => {}
                _ => return Err(format!("unknown option {name}")),
            }
        }
        Ok(Some(options))
    }

    /// The extensions that the server accepts.
    pub fn extensions(&self) -> Supported {
        if self.deflate { deflate() } else { Supported::default() }
    }

    /// The configuration of the server's connections.
    pub fn config(&self) -> Config {
        let limits = Limits::default().with_frame(self.max_message).with_message(self.max_message);
        self.deadlines.config(Config::default().with_limits(limits))
    }
}

/// `permessage-deflate` on its default terms.
pub fn deflate() -> Supported {
    Supported::default().with_deflate(Terms::default())
}

/// The server that shares its clients among threads.
const THREADED: &str = "echo_mio";

fn usage(program: &str) -> String {
    let threads = if program == THREADED { "[--threads COUNT] " } else { "" };
    format!(
        "usage: {program} [--listen ADDRESS:PORT] [--deflate on|off] [--max-message BYTES]\n\
         \x20       {threads}[--grace SECONDS] {}\n\n\
         Sends back every WebSocket message. GET / is answered with a page that talks to it.",
        Deadlines::USAGE
    )
}

/// The number that an option is given.
///
/// # Errors
///
/// What the user is to be told.
pub fn parse<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} can't be {value:?}"))
}

fn on_or_off(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("{name} is either on or off, not {value:?}")),
    }
}

/// The time that an option is given.
///
/// # Errors
///
/// What the user is to be told.
pub fn seconds(name: &str, value: &str) -> Result<Duration, String> {
    let seconds: f64 = parse(name, value)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("{name} can't be {value:?}"))
}
