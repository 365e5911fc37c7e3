//! The user's side: lines in, messages out.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use mio::Waker;

/// How many lines are read ahead.
const AHEAD: usize = 64;

/// The lines of the standard input, read by a thread: there is no way to wait for a terminal, a pipe and a file alike.
pub(crate) struct Console {
    lines: Receiver<Vec<u8>>,
    terminal: bool,
}

/// The input has ended.
pub(crate) struct Ended;

impl Console {
    /// Reads lines from now on. `waker` is woken for each.
    pub(crate) fn start(waker: Waker) -> io::Result<Self> {
        let (sender, lines) = sync_channel(AHEAD);
        let waker = Arc::new(waker);
        thread::Builder::new().spawn(move || {
            let mut input = io::stdin().lock();
            loop {
                let mut line = Vec::new();
                match input.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
                if line.pop_if(|byte| *byte == b'\n').is_some() {
                    line.pop_if(|byte| *byte == b'\r');
                }
                if sender.send(line).is_err() {
                    break;
                }
                let _ = waker.wake();
            }
            drop(sender);
            let _ = waker.wake();
        })?;
        Ok(Self { lines, terminal: io::stdin().is_terminal() })
    }

    /// The next line, if there is one.
    pub(crate) fn next(&self) -> Result<Option<Vec<u8>>, Ended> {
        match self.lines.try_recv() {
            Ok(line) => Ok(Some(line)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Ended),
        }
    }

    /// Whether somebody types the lines.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }
}

/// Prints a message on a line of its own. A terminal gets no control characters from the network, unless it is to be `raw`.
pub(crate) fn print(message: &[u8], raw: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if raw || !out.is_terminal() {
        out.write_all(message)?;
    } else {
        for character in String::from_utf8_lossy(message).chars() {
            match character {
                '\t' | '\n' => write!(out, "{character}")?,
                _ if character.is_control() => write!(out, "{}", character.escape_default())?,
                _ => write!(out, "{character}")?,
            }
        }
    }
    out.write_all(b"\n")?;
    out.flush()
}
