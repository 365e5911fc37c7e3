//! How `echo_mio` grows with threads: messages a second, and the processor time of one, on one thread and on as many as there are cores.
//!
//! ```sh
//! cargo bench -p sockless-autobahn --bench scaling
//! ```
//!
//! `benches/growth/report.py` runs it, and makes a table of each kind of traffic. The load generator runs on the same cores, on as many threads as there are: so more
//! threads of the server can't serve more messages a second than the cores leave, while the server's time for a message says what a
//! second thread costs. Each figure is the median of the rounds, in which all take turns.

#![allow(clippy::print_stdout, reason = "a program that is called by another")]
#![allow(clippy::unwrap_used, reason = "what goes wrong here ends it")]

#[path = "../../tests/wire/frames.rs"]
mod frames;
#[allow(unreachable_pub, reason = "in the comparison of servers it is a module that others use")]
#[path = "../../benches/peers/src/echo/load.rs"]
mod load;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use load::Load;

/// Connections, messages in flight on each, and bytes of a message.
const KINDS: [(&str, usize, usize, usize); 3] = [
    ("16 B, 64 connections x 1", 64, 1, 16),
    ("16 B, 64 connections x 64", 64, 64, 16),
    ("1 KiB, 64 connections x 16", 64, 16, 1 << 10),
];
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(700);

/// The server on a number of threads, which ends with this.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(threads: usize) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_echo_mio"));
        command.args(["--deflate", "off", "--keepalive", "0", "--threads", &threads.to_string()]);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("://").nth(1).and_then(|rest| rest.split('/').next());
        Self { process, address: address.unwrap().parse().unwrap() }
    }

    fn busy(&self) -> Duration {
        busy(&self.process.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The processor time that the threads of a process have had.
fn busy(process: &str) -> Duration {
    let threads = fs::read_dir(Path::new("/proc").join(process).join("task")).unwrap();
    let times = threads.map(|thread| {
        let times = fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
        times.split(' ').next().unwrap().parse::<u64>().unwrap()
    });
    Duration::from_nanos(times.sum())
}

/// What a round has found: messages a second, and the time of one, in nanoseconds, of the server and of the load.
type Round = [f64; 3];

fn round(server: &Server, loads: &mut [Load]) -> Round {
    let (started, before) = (Instant::now(), server.busy());
    // Each thread of the load says itself how long it was busy, since what has ended is counted no more.
    let done = thread::scope(|scope| {
        let run = |load| {
            move || {
                let messages = Load::run(load, ROUND).unwrap();
                (messages, own_time())
            }
        };
        let threads: Vec<_> = loads.iter_mut().map(|load| scope.spawn(run(load))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let messages = done.iter().map(|(messages, _)| *messages).sum::<u64>() as f64;
    let loading: Duration = done.iter().map(|(_, time)| *time).sum();
    let serving = server.busy() - before;
    let nanos = |time: Duration| time.as_nanos() as f64 / messages;
    [messages / started.elapsed().as_secs_f64(), nanos(serving), nanos(loading)]
}

/// The processor time that this thread has had.
fn own_time() -> Duration {
    let times = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(times.split(' ').next().unwrap().parse().unwrap())
}

fn median(rounds: &[Round], which: usize) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(|round| round[which]).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let cores = thread::available_parallelism().unwrap().get();
    let counts: Vec<usize> =
        (0..).map(|power| 1 << power).take_while(|count| *count <= cores).collect();
    for (kind, connections, in_flight, length) in KINDS {
        let mut running: Vec<_> = counts
            .iter()
            .map(|count| {
                let server = Server::start(*count);
                let load = |_| {
                    Load::new(server.address, false, connections / cores, in_flight, length)
                        .unwrap()
                };
                let loads: Vec<Load> = (0..cores).map(load).collect();
                (*count, server, loads, Vec::new())
            })
            .collect();
        for _ in 0..ROUNDS {
            for (_, server, loads, rounds) in &mut running {
                rounds.push(round(server, loads));
            }
        }
        for (count, _, _, rounds) in &running {
            let [rate, server, load] = [0, 1, 2].map(|which| median(rounds, which));
            for (series, value) in [
                ("messages a second", rate),
                ("server, ns a message", server),
                ("load, ns a message", load),
                ("cores that the server takes", rate * server / 1e9),
                ("cores that the load takes", rate * load / 1e9),
            ] {
                println!("{kind}\t{count}\t{series}\t{value}");
            }
        }
    }
}
