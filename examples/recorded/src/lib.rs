//! A connection as a list of calls: each is a line of text, written down while it is made, and made again out of the text.
//!
//! A connection does nothing by itself: what it does follows from what it is given, which is bytes, times, and what became of its output. So these
//! lines are all that is needed to have a failure from production again under a debugger, as often as one likes. A client's would have its masking keys,
//! too: `Connection::client_with` takes where they come from.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sockless::{Config, Connection, Event, Input, Server, Want};

/// What is done with a connection, with all that it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// These bytes have arrived, at this time; none, if only time has passed.
    Input(Duration, Vec<u8>),
    /// The stream has ended, at this time.
    End(Duration),
    /// These bytes of the output have been written.
    Wrote(Vec<u8>),
    /// The stream was half-closed.
    Shut,
    /// The stream is gone.
    Lost,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = match self {
            Self::Input(now, bytes) => {
                write!(f, "{} ", now.as_nanos())?;
                ("input", &bytes[..])
            }
            Self::End(now) => return write!(f, "{} end", now.as_nanos()),
            Self::Wrote(bytes) => ("wrote", &bytes[..]),
            Self::Shut => return f.write_str("shut"),
            Self::Lost => return f.write_str("lost"),
        };
        write!(f, "{name} ")?;
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Call {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let call = match line.split(' ').collect::<Vec<_>>()[..] {
            [now, "input", hex] => {
                nanos(now).zip(bytes(hex)).map(|(now, hex)| Self::Input(now, hex))
            }
            [now, "end"] => nanos(now).map(Self::End),
            ["wrote", hex] => bytes(hex).map(Self::Wrote),
            ["shut"] => Some(Self::Shut),
            ["lost"] => Some(Self::Lost),
            _ => None,
        };
        call.ok_or_else(|| format!("{line:?} is no call"))
    }
}

fn nanos(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_nanos)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs
        .map(|pair| {
            u8::from_str_radix(pair.filter(|pair| pair.len() == 2 && !pair.starts_with('+'))?, 16)
                .ok()
        })
        .collect()
}

/// A connection that echoes, as the server runs it and as it is made again: what came of a call depends on the calls so far alone.
#[derive(Debug)]
pub struct Echo(Connection<Server>);

impl Default for Echo {
    fn default() -> Self {
        let patience = Duration::from_secs(10);
        Self(Connection::server(Config::default().with_keepalive(3 * patience, patience)))
    }
}

impl Echo {
    /// Makes a call, and shows the events that come of it.
    ///
    /// # Errors
    ///
    /// If an answer can't be sent, or the output that is said to be written isn't there: then this is another program than the one that wrote the calls
    /// down.
    pub fn make(&mut self, call: Call, mut show: impl FnMut(&Event<'_>)) -> Result<(), String> {
        let (now, mut bytes, end) = match call {
            Call::Input(now, bytes) => (now, bytes, false),
            Call::End(now) => (now, Vec::new(), true),
            Call::Wrote(bytes) if !self.0.output().starts_with(&bytes) => {
                let output = &self.0.output()[..bytes.len().min(self.0.output().len())];
                let (was, is) = (bytes.escape_ascii(), output.escape_ascii());
                return Err(format!("\"{was}\" was written, and now it would be \"{is}\""));
            }
            Call::Wrote(bytes) => {
                self.0.wrote(bytes.len());
                return Ok(());
            }
            Call::Shut => {
                self.0.shut();
                return Ok(());
            }
            Call::Lost => {
                self.0.lost();
                return Ok(());
            }
        };
        let mut input = if end { Input::eof() } else { Input::new(&mut bytes) };
        while let Some(event) = self.0.poll(&mut input, now) {
            show(&event);
            let sent = match &event {
                Event::Text(text) => self.0.send_text(text),
                Event::Binary(bytes) => self.0.send_binary(bytes),
                _ => Ok(()), // pongs and Close frames are queued already
            };
            sent.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// What waits to be written.
    pub fn output(&self) -> &[u8] {
        self.0.output()
    }

    /// What is to be done next.
    pub fn want(&self) -> Want {
        self.0.want()
    }
}
