//! `ws`: WebSocket from the command line, as a client and as a server. The README says what it does; here is how.
//!
//! Each connection has one thread and one loop over a non-blocking stream, plain or with TLS: both TLS and WebSocket are state machines, so that
//! the loop is the same. Whatever may block has a separate thread, with a queue between: reading the input, writing the output, a command's input and
//! output. A queue that is full holds back what fills it: nothing is read from the network while nobody reads what is printed.
//!
//! `sockless-blocking` doesn't fit: it gives out messages alone, and here pings and pongs are shown, too; its reader would take one thread more for each connection, and its
//! opening knows no proxies and no unix sockets. Where it fits, a program is a tenth as long.
//!
//! | module | what lives there |
//! |---|---|
//! | `client` | the client: one try after the other |
//! | `listen` | the server: accepting clients, `room` who is there, `guest` what becomes of one |
//! | `talk` | an open connection, in both roles |
//! | `wire` | a non-blocking stream, plain or with TLS, and waiting |
//! | `way` | TCP, unix sockets, tunnels by a proxy |
//! | `tls` | which certificates are trusted |
//! | `exec` | a command that messages are passed to |
//! | `output` | events on their way to the standard output |
//! | `event` | what there is to be seen, as lines or as JSON |
//! | `stop` | signals, and the time of `--max-time` |
//! | `ending` | how it ends: a status, and words |
//! | `screen` | notes, and what is harmless for terminals |
//! | `pump` | the threads that block |
//! | `queue` | what waits between them and the loops |
//! | `bell` | waking the loops |
//! | `options` | the command line: what was typed, all of it checked |
//! | `proxy` | which proxy to take |
//!
//! Each uses those further down alone.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

mod bell;
mod client;
mod ending;
mod event;
mod exec;
mod listen;
mod options;
mod output;
mod proxy;
mod pump;
mod queue;
mod screen;
mod stop;
mod talk;
mod tls;
mod way;
mod wire;

use std::process::ExitCode;

use ending::Ending;
use options::{Asked, Options, Role, USAGE};
use output::Output;
use stop::Stop;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args_os().skip(1)) {
        Ok(Asked::Run(options)) => options,
        Ok(Asked::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(Asked::Version) => {
            println!("ws {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            screen::note(&format!("{problem}; ws --help tells more"));
            return ExitCode::from(2);
        }
    };
    let ending = run(&options).unwrap_or_else(|error| Ending::unusable(error.to_string()));
    ending.say(options.quiet);
    ExitCode::from(ending.status)
}

fn run(options: &Options) -> std::io::Result<Ending> {
    let stop = Stop::start(options.max_time)?;
    let (output, writing) = Output::start(options)?;
    let ending = match &options.role {
        Role::Client(url) => client::run(options, url, &output, &stop),
        Role::Server(address) => listen::run(options, address, &output, &stop),
    };
    output.end();
    // What has arrived is printed before the end. A thread that panics has said so.
    let _ = writing.join();
    Ok(ending)
}
