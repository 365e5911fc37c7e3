//! The command line.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use sockless::frame::Limits;
use sockless_autobahn::deadlines::Deadlines;
use sockless_autobahn::{listen, options};

const USAGE: &str = "\
usage: relay --to HOST:PORT [--listen ADDRESS:PORT] [--max-frame BYTES] [--grace SECONDS]
        [--handshake-timeout SECONDS] [--write-timeout SECONDS] [--close-timeout SECONDS]

Listens for WebSockets, opens one to the server HOST:PORT for each, with the same path, origin, subprotocols and other header
fields, and passes on what either side sends.";

/// What the relay is told.
pub(crate) struct Options {
    /// The server behind: a host and a port.
    pub(crate) to: String,
    pub(crate) listen: SocketAddr,
    pub(crate) limits: Limits,
    /// How long either side may take for what.
    pub(crate) deadlines: Deadlines,
    /// How long both have for closing when the relay stops.
    pub(crate) grace: Duration,
}

impl Options {
    /// The options from the command line. `Err` with the status to end with: the user has been told why.
    pub(crate) fn from_args() -> Result<Self, ExitCode> {
        match Self::parse(std::env::args().skip(1)) {
            Ok(Some(options)) => Ok(options),
            Ok(None) => {
                println!("{USAGE}");
                Err(ExitCode::SUCCESS)
            }
            Err(problem) => {
                eprintln!("relay: {problem}\n\n{USAGE}");
                Err(ExitCode::from(2))
            }
        }
    }

    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut to, mut frame, mut grace) = (String::new(), 1 << 30, Duration::from_secs(5));
        let mut deadlines = Deadlines::default();
        let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
        while let Some(name) = args.next() {
            if matches!(name.as_str(), "--help" | "-h") {
                return Ok(None);
            }
            let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--to" => to = value()?,
                "--listen" => address = listen::address(&value()?)?,
                "--max-frame" => frame = options::parse(&name, &value()?)?,
                "--grace" => grace = options::seconds(&name, &value()?)?,
                "--handshake-timeout" | "--write-timeout" | "--close-timeout" => {
                    deadlines.take(&name, value)?;
                }
                _ => return Err(format!("unknown option {name}")),
            }
        }
        if !to.contains(':') {
            return Err("which server? --to HOST:PORT".into());
        }
        // How long a message is in the end is nothing to a relay, which holds none.
        let limits = Limits::default().with_frame(frame).with_message(u64::MAX);
        Ok(Some(Self { to, listen: address, limits, deadlines, grace }))
    }
}
