//! One message to many subscribers over loopback TCP, judged by what a delivered message costs the server: its processor time.
//!
//! Every client is a subscriber, and one of them publishes: what it sends goes to all, itself included. The next message is published when
//! everybody has the last one.

mod audience;
mod hall;
mod servers;

use std::io;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::echo::server::Server;
use crate::race::{Cell, Effort, Entry, Row};
use audience::Audience;
pub use servers::{BARE, UWEBSOCKETS, serve};

/// A table.
pub struct Field {
    pub title: &'static str,
    pub text: &'static str,
    compressed: bool,
    /// Ours first; those of whom nothing can be measured have a reason.
    names: &'static [(&'static str, Option<&'static str>)],
}

const NO_DEFLATE: Option<&str> = Some("no permessage-deflate");

pub const FIELDS: [Field; 2] = [
    Field {
        title: "Broadcast",
        text: "One publishes a text, and all subscribers get it; processor time of the server for each delivered message. `bare epoll` writes a frame that was \
               made before, in the loop of `sockless`, which is a connection without a driver of ours and a prepared message. `on tokio` is the `Broadcast` of \
               `crates/sockless-tokio`. The peers on tokio have the form of axum's chat: a `tokio::sync::broadcast` channel, and two tasks for each client. \
               uWebSockets (v20.79.0, C++ with `-O3`) publishes to a topic.",
        compressed: false,
        names: &[
            (servers::LOOP, None),
            (servers::ADAPTER, None),
            (BARE, None),
            (UWEBSOCKETS, None),
            (servers::TUNGSTENITE, None),
            (servers::TOKIO_WEBSOCKETS, None),
            (servers::SOCKUDO, None),
            (servers::YAWC, None),
        ],
    },
    Field {
        title: "Broadcast, compressed",
        text: "The same text over permessage-deflate without context takeover, each at its default level. `sockless` compresses a message once for all, \
               the others for each subscriber; what `bare epoll` writes was compressed before.",
        compressed: true,
        names: &[
            (servers::LOOP, None),
            (servers::ADAPTER, None),
            (BARE, None),
            (UWEBSOCKETS, None),
            (servers::TUNGSTENITE, NO_DEFLATE),
            (servers::TOKIO_WEBSOCKETS, NO_DEFLATE),
            (servers::SOCKUDO, None),
            (servers::YAWC, None),
        ],
    },
];

/// Subscribers, and bytes of a message.
const CROWDS: [(&str, usize); 2] = [("1,000", 1_000), ("10,000", 10_000)];
const SIZES: [(&str, usize); 2] = [("64 B", 64), ("1 KiB", 1 << 10)];
/// How many connections are open at once at most: as many servers as that allows take turns.
const AT_ONCE: usize = 10_000;
/// Descriptors that are needed beside them.
const BESIDE: u64 = 100;
/// A server publishes for so long in a round, and once at least.
const SLICE: Duration = Duration::from_millis(50);
/// One contender has to be fetched and built by itself.
pub const NOT_BUILT: &str = "isn't built here, see `benches/peers/uwebsockets/build.sh`";
const TOO_FEW_FILES: &str = "needs more open files than this system allows, see `ulimit -Hn`";
/// Reasons that lie in this machine.
pub const SKIPS: [&str; 2] = [NOT_BUILT, TOO_FEW_FILES];

/// A table, in which a server that can't run on this machine has a reason instead of figures.
pub fn measure(field: &Field, effort: Effort) -> Result<Vec<Row>, String> {
    let rounds = effort.rounds.div_ceil(8).max(4);
    let mut rows = Vec::new();
    for (crowd, subscribers) in CROWDS {
        eprint!("  {crowd} subscribers ...");
        let start = Instant::now();
        let found = rows_of(field, crowd, subscribers, rounds);
        rows.extend(found.map_err(|error| format!("{crowd} subscribers: {error}"))?);
        eprintln!(" {:.1} s", start.elapsed().as_secs_f64());
    }
    Ok(rows)
}

fn rows_of(field: &Field, crowd: &str, subscribers: usize, rounds: usize) -> io::Result<Vec<Row>> {
    let entry = |(name, reason): &(&'static str, Option<&'static str>)| {
        let rounds = reason.map_or(Ok(Vec::new()), Err);
        Entry { name, rounds, choice: None, unchecked: false }
    };
    let row = |(size, _): &(&str, usize)| Row {
        title: format!("{crowd} x {size}"),
        entries: field.names.iter().map(entry).collect(),
    };
    let mut rows: Vec<Row> = SIZES.iter().map(row).collect();
    let wanted: Vec<usize> =
        (0..field.names.len()).filter(|place| field.names[*place].1.is_none()).collect();
    let enough = descriptors(subscribers as u64 + BESIDE)?;
    for batch in wanted.chunks(AT_ONCE / subscribers) {
        let mut running = Vec::new();
        for place in batch.iter().copied() {
            let (name, _) = field.names[place];
            match open(field, name, subscribers, enough)? {
                Ok(server) => running.push((place, server)),
                Err(reason) => {
                    rows.iter_mut().for_each(|row| row.entries[place].rounds = Err(reason))
                }
            }
        }
        for (row, (_, length)) in rows.iter_mut().zip(SIZES) {
            let text = text(length);
            for (place, (_, audience)) in &mut running {
                let (name, _) = field.names[*place];
                audience
                    .learn(&text, name == BARE)
                    .map_err(|error| io::Error::other(format!("{name}: {error}")))?;
            }
            for round in 0..rounds * running.len() {
                // In an order that rotates.
                let count = running.len();
                let (place, (server, audience)) = &mut running[(round / count + round) % count];
                let (name, _) = field.names[*place];
                let start = server.busy()?;
                let published = audience
                    .publish_for(SLICE)
                    .map_err(|error| io::Error::other(format!("{name}: {error}")))?;
                let busy = server.busy()? - start;
                let rounds = row.entries[*place].rounds.as_mut().expect("it runs");
                rounds.push(busy.as_nanos() as f64 / (published * subscribers as u64) as f64);
            }
        }
    }
    Ok(rows)
}

/// A server and its subscribers, or why there is none.
fn open(
    field: &Field,
    name: &'static str,
    subscribers: usize,
    enough: bool,
) -> io::Result<Cell<(Server, Audience)>> {
    if !enough {
        return Ok(Err(TOO_FEW_FILES));
    }
    let Some(command) = servers::command(name, field.compressed)? else {
        return Ok(Err(NOT_BUILT));
    };
    let failed = |error| io::Error::other(format!("{name}: {error}"));
    let server = Server::spawn(name, command)?;
    let audience =
        Audience::gather(server.address, subscribers, field.compressed).map_err(failed)?;
    Ok(Ok((server, audience)))
}

/// Whether this number of files may be open, in this process and those that it starts.
fn descriptors(wanted: u64) -> io::Result<bool> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < wanted && hard >= wanted {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard >= wanted)
}

/// What is published: JSON of a length.
fn text(length: usize) -> String {
    let event = |id: usize| format!("{{\"id\":{id},\"symbol\":\"ABC-{}\",\"open\":true}},", id % 7);
    let mut text: String = (1..).map(event).take(length / 32 + 1).collect();
    text.truncate(length);
    text
}
