//! An echo over loopback TCP, judged by what it costs the server: its processor time for a message.
//!
//! Every server is a process. One load generator drives all of a table, one at a time, in an order that
//! rotates; throughput is not looked at, because it tells more about the machine than about the server.

mod bare;
mod codec;
pub mod epoll;
pub mod field;
mod form;
pub mod load;
pub mod opening;
pub mod server;
pub mod servers;
mod tungstenite;

use std::io;
use std::time::{Duration, Instant};

use crate::race::{Effort, Entry, Row};
use field::Field;
use load::Load;
use server::Server;

/// Connections, messages in flight on each, and bytes of a message.
const KINDS: [(&str, usize, usize, usize); 4] =
    [(ALONE, 50, 1, 16), (SMALL, 10, 64, 16), (MIDDLE, 10, 16, 1 << 10), (LARGE, 10, 1, 64 << 10)];
pub const ALONE: &str = "16 B, 50 connections x 1";
pub const SMALL: &str = "16 B, 10 connections x 64";
pub const MIDDLE: &str = "1 KiB, 10 connections x 16";
pub const LARGE: &str = "64 KiB, 10 connections x 1";
/// A server is under load for so long in a round.
const SLICE: Duration = Duration::from_millis(75);
/// Why there may be no `echo_uring`.
pub const NO_URING: &str = "is refused io_uring by the kernel";

/// A table, in which a server that can't run on this machine has a reason instead of figures.
pub fn measure(field: &Field, effort: Effort) -> Result<Vec<Row>, String> {
    // A round is much longer here, and a median needs no more than a few of them.
    let rounds = effort.rounds.div_ceil(4).max(5);
    let rows = KINDS.into_iter().map(|(title, connections, in_flight, length)| {
        eprint!("  {title} ...");
        let start = Instant::now();
        let load = |raw, address| Load::new(address, raw, connections, in_flight, length);
        let row = row(field, title, rounds, length, load);
        eprintln!(" {:.1} s", start.elapsed().as_secs_f64());
        row.map_err(|error| format!("{title}: {error}"))
    });
    rows.collect()
}

fn row(
    field: &Field,
    title: &str,
    rounds: usize,
    length: usize,
    load: impl Fn(bool, std::net::SocketAddr) -> io::Result<Load>,
) -> io::Result<Row> {
    let (mut running, mut entries) = (Vec::new(), Vec::new());
    for name in field.names.iter().copied() {
        let failed = |error| io::Error::other(format!("{name}: {error}"));
        let server = match Server::start(field.ground, name, length) {
            Err(_) if name == servers::URING => Err(NO_URING),
            server => Ok(server?),
        };
        let rounds = match server {
            Err(reason) => Err(reason),
            Ok(server) => {
                let mut load = load(servers::is_bare(name), server.address).map_err(failed)?;
                load.run(SLICE / 2).map_err(failed)?;
                running.push((entries.len(), server, load));
                Ok(Vec::new())
            }
        };
        entries.push(Entry { name, rounds, choice: None, unchecked: false });
    }
    let count = running.len();
    for round in 0..rounds {
        for place in 0..count {
            let (entry, server, load) = &mut running[(round + place) % count];
            let Entry { name, rounds, .. } = &mut entries[*entry];
            let start = server.busy()?;
            let messages =
                load.run(SLICE).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
            let busy = server.busy()? - start;
            let rounds = rounds.as_mut().expect("it runs");
            rounds.push(busy.as_nanos() as f64 / messages as f64);
        }
    }
    Ok(Row { title: title.into(), entries })
}
