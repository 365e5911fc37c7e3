//! Tests anybody's WebSocket endpoint, server or client, in any language, against RFC 6455, RFC 7692 and
//! RFC 8441.
//!
//! ```text
//! main               the exit status
//!     server, client how the cases are run: against a server, or for the clients that connect
//!     greeting       whether there is a server at all
//!     address        what a client asks for
//!     report         what is written about them
//!     options        the command line
//!     cases          the cases, chapter by chapter
//!     case           what a case is
//!     stage          what a case is run on: one testee, and the way to a connection with it
//!     exchange       an open connection
//!     setting        what is the same for all cases of a run
//!     wire           streams, frames, handshake heads, compression, the log
//!     verdict        a testee, a rule, a finding
//! ```
//!
//! A file names only files of lines below its own. A case is a script in plain Rust that blocks on its own stream until its own
//! deadline; many run at a time, each on a thread. Everything that a case sends follows from the seed and its id.
//!
//! Of the engine this uses level 1 alone: a testee has to be shown every form of broken frame, which level 2 refuses to send.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod address;
mod case;
mod cases;
mod client;
mod exchange;
mod greeting;
mod options;
mod report;
mod server;
mod setting;
mod stage;
mod verdict;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    let command = match options::command(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(options::Stop::Shown(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(options::Stop::Wrong(text)) => {
            eprintln!("sockless-probe: {text}");
            eprintln!("Try: sockless-probe --help");
            return ExitCode::from(2);
        }
    };
    let ended = match command {
        options::Command::Server(run) => server::run(&run),
        options::Command::Client(run) => client::run(&run),
        options::Command::Cases(choice) => report::list(&choice),
        options::Command::Merge(merge) => report::merge(&merge),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(text) => {
            eprintln!("sockless-probe: {text}");
            ExitCode::from(2)
        }
    }
}
