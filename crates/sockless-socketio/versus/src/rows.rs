//! What is measured: a row is one load, on one number of threads, against all servers.

use std::io;
use std::thread;
use std::time::Duration;

use crate::load::{broadcast, echo, idle, polling};
use crate::server::Server;

/// The servers' programs: ours, the other, and the one that knows no protocol.
const PROGRAMS: [&str; 3] = ["serve-sockless", "serve-socketioxide", "serve-floor"];

/// One row of the table.
pub struct Row {
    load: Load,
    threads: usize,
    /// How many times as much the other has to take.
    pub aim: f64,
}

enum Load {
    Echo(echo::Load),
    Polling(polling::Load),
    Broadcast(broadcast::Load),
    Idle { count: usize, used: bool },
}

/// What each server has taken in each round: nanoseconds for an event, or bytes for a socket, for which there is no floor.
pub type Measured = Vec<[f64; 3]>;

/// All of them.
pub fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    for threads in [1, 2] {
        let mut row = |load, aim| rows.push(Row { load, threads, aim });
        for (connections, window, length) in
            [(50, 1, 16), (10, 16, 16), (50, 1, 1_000), (10, 16, 1_000)]
        {
            row(Load::Echo(echo::Load { connections, window, length }), 2.0);
        }
        for length in [16, 1_000] {
            row(Load::Polling(polling::Load { clients: 20, length }), 1.0);
        }
        for (window, length) in [(1, 16), (8, 16), (1, 1_000), (1, 16_000)] {
            row(Load::Broadcast(broadcast::Load { sockets: 1_000, window, length }), 2.0);
        }
        for used in [false, true] {
            row(Load::Idle { count: 2_000, used }, 2.0);
        }
    }
    rows
}

impl Row {
    pub fn name(&self) -> String {
        let what = match &self.load {
            Load::Echo(echo::Load { connections, window, length }) => {
                format!("WebSocket, echo of {length} B, {connections} x {window} on their way")
            }
            Load::Polling(polling::Load { clients, length }) => {
                format!("polling, echo of {length} B, {clients} x 1 on their way")
            }
            Load::Broadcast(broadcast::Load { sockets, window, length }) => {
                format!("broadcast of {length} B to {sockets}, {window} on their way")
            }
            Load::Idle { used: false, .. } => "idle socket on a WebSocket, never used".to_owned(),
            Load::Idle { used: true, .. } => "idle socket on a WebSocket, used once".to_owned(),
        };
        let threads = if self.threads == 1 { "one thread" } else { "two threads" };
        format!("{what}; {threads}")
    }

    /// A value as people read it.
    pub fn shown(&self, value: f64) -> String {
        match &self.load {
            Load::Idle { .. } => format!("{:.1} KiB", value / 1024.0),
            _ => format!("{:.2} µs", value / 1000.0),
        }
    }

    pub fn measure(&self, rounds: usize) -> io::Result<Measured> {
        match &self.load {
            Load::Echo(load) => {
                let events = if load.window == 1 { 20_000 } else { 60_000 };
                self.race(rounds, events, events, |server| {
                    let mut clients = echo::Clients::open(server.address, *load)?;
                    Ok(Box::new(move |events| clients.run(events)) as Runs)
                })
            }
            Load::Polling(load) => self.race(rounds, 8_000, 8_000, |server| {
                let mut clients = polling::Clients::open(server.address, *load)?;
                Ok(Box::new(move |events| clients.run(events)) as Runs)
            }),
            Load::Broadcast(load) => {
                let broadcasts = if load.length > 10_000 { 30 } else { 100 };
                self.race(rounds, broadcasts, broadcasts * load.sockets, |server| {
                    let mut clients = broadcast::Clients::open(server.address, *load)?;
                    Ok(Box::new(move |events| clients.run(events)) as Runs)
                })
            }
            Load::Idle { count, used } => {
                // Memory hardly differs from one run to the next.
                let round = || {
                    let [ours, theirs, _] = PROGRAMS;
                    let weigh = |program| {
                        self.weigh(program, *count, *used).map_err(|error| of(program, error))
                    };
                    Ok([weigh(ours)?, weigh(theirs)?, f64::NAN])
                };
                (0..rounds.div_ceil(5)).map(|_| round()).collect()
            }
        }
    }

    /// Runs the same load against all, in turns: the processor time for one event.
    fn race(
        &self,
        rounds: usize,
        load: usize,
        count: usize,
        open: impl Fn(&Server) -> io::Result<Runs>,
    ) -> io::Result<Measured> {
        let mut fields = Vec::new();
        for program in PROGRAMS {
            let server = Server::start(program, self.threads)?;
            let mut runs = open(&server).map_err(|error| of(program, error))?;
            // Memory is there, and branches are known.
            runs(load).map_err(|error| of(program, error))?;
            fields.push((server, runs));
        }
        let mut measured = Measured::new();
        for round in 0..rounds {
            let mut times = [0.0; 3];
            for turn in 0..3 {
                let which = (round + turn) % 3;
                let (server, runs) = &mut fields[which];
                let before = server.busy()?;
                runs(load).map_err(|error| of(PROGRAMS[which], error))?;
                // What it still does by itself belongs to the load.
                thread::sleep(Duration::from_millis(20));
                times[which] = (server.busy()? - before).as_nanos() as f64 / count as f64;
            }
            measured.push(times);
        }
        Ok(measured)
    }

    /// The memory of one socket, when there are many.
    fn weigh(&self, program: &str, count: usize, used: bool) -> io::Result<f64> {
        let server = Server::start(program, self.threads)?;
        // What is there once.
        let first = idle::Clients::open(server.address, 100, used)?;
        let before = server.memory()?;
        let clients = idle::Clients::open(server.address, count, used)?;
        thread::sleep(Duration::from_millis(300));
        let grown = server.memory()?.saturating_sub(before);
        drop(first);
        Ok(grown as f64 / clients.len() as f64)
    }
}

/// Names the server whose load has failed.
fn of(program: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{program}: {error}"))
}

/// The clients that run the load.
type Runs = Box<dyn FnMut(usize) -> io::Result<()>>;
