//! An echo over loopback TCP, judged by what it costs the server: its processor time for a message.
//!
//! Every server is a process with one thread. One load generator drives them all, one at a time, in an order that
//! rotates; throughput is not looked at, because it tells more about the machine than about the server.

mod bare;
mod codec;
mod epoll;
mod load;
mod opening;
pub mod servers;
mod tungstenite;

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::time::ClockId;
use nix::unistd::Pid;

use crate::race::{Effort, Entry, Row};
use load::Load;

/// Connections, messages in flight on each, and bytes of a message.
const KINDS: [(&str, usize, usize, usize); 4] = [
    ("16 B, 50 connections x 1", 50, 1, 16),
    ("16 B, 10 connections x 64", 10, 64, 16),
    ("1 KiB, 10 connections x 16", 10, 16, 1 << 10),
    ("64 KiB, 10 connections x 1", 10, 1, 64 << 10),
];
/// A server is under load for so long in a round.
const SLICE: Duration = Duration::from_millis(120);

pub fn measure(effort: Effort) -> Result<Vec<Row>, String> {
    // A round is much longer here, and a median needs no more than a few of them.
    let rounds = effort.rounds.div_ceil(4).max(5);
    let rows = KINDS.into_iter().map(|(title, connections, in_flight, length)| {
        eprint!("  {title} ...");
        let start = Instant::now();
        let row = row(title, rounds, length, |raw, address| {
            Load::new(address, raw, connections, in_flight, length)
        });
        eprintln!(" {:.1} s", start.elapsed().as_secs_f64());
        row.map_err(|error| format!("{title}: {error}"))
    });
    rows.collect()
}

fn row(
    title: &str,
    rounds: usize,
    length: usize,
    load: impl Fn(bool, SocketAddr) -> io::Result<Load>,
) -> io::Result<Row> {
    let mut running = Vec::new();
    for name in servers::NAMES {
        let server = Server::start(name, length)?;
        let failed = |error| io::Error::other(format!("{name}: {error}"));
        let mut load = load(servers::is_bare(name), server.address).map_err(failed)?;
        load.run(SLICE / 2).map_err(failed)?;
        running.push((name, server, load, Vec::new()));
    }
    let count = running.len();
    for round in 0..rounds {
        for place in 0..count {
            let (name, server, load, found) = &mut running[(round + place) % count];
            let start = server.busy()?;
            let messages =
                load.run(SLICE).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
            let busy = server.busy()? - start;
            found.push(busy.as_nanos() as f64 / messages as f64);
        }
    }
    let entries = running.into_iter().map(|(name, _, _, found)| Entry {
        name,
        rounds: Ok(found),
        choice: None,
        unchecked: false,
    });
    Ok(Row { title: title.into(), entries: entries.collect() })
}

/// A server's process. It ends with this.
struct Server {
    process: Child,
    address: SocketAddr,
    clock: ClockId,
}

impl Server {
    fn start(name: &str, length: usize) -> io::Result<Self> {
        let ourselves = std::env::current_exe()?;
        let mut command;
        if name == servers::MIO {
            command = Command::new(ourselves.with_file_name("echo_mio"));
            command.args(["--listen", "127.0.0.1:0", "--deflate", "off", "--keepalive", "0"]);
        } else {
            command = Command::new(ourselves);
            command.args(["serve", name, &length.to_string()]);
        }
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it was piped");
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.split("://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let _ = process.kill();
            let _ = process.wait();
            return Err(io::Error::other(format!("{name} doesn't say where it listens: {line:?}")));
        };
        let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(process.id() as i32))?;
        Ok(Self { process, address, clock })
    }

    /// The processor time that it has had.
    fn busy(&self) -> io::Result<Duration> {
        Ok(self.clock.now()?.into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
