//! The loop: what is completed, who is due, who comes and goes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use slab::Slab;

use crate::client::{Client, Next, Shared};
use crate::ring::{Completed, Event, Ring};

const LISTENER: usize = u32::MAX as usize;
const STOP: usize = LISTENER - 1;
/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);
/// How long the clients have for closing when the server stops.
const GRACE: Duration = Duration::from_secs(5);

struct Server {
    clients: Slab<Client>,
    /// When to wake whom. Nothing is removed: an entry that no longer counts is skipped when its time comes.
    due: BinaryHeap<Reverse<(Duration, usize)>>,
    shared: Shared,
}

pub(crate) fn run(address: &str, ring: Ring) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    let (stopped, signal) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(SIGINT, signal)?;
    println!("ws://{}/ echoes what it gets. Ctrl-C stops it.", listener.local_addr()?);

    let started = Instant::now();
    let shared = Shared::new(ring);
    let mut server = Server { clients: Slab::new(), due: BinaryHeap::new(), shared };
    server.shared.ring.accept(&listener, LISTENER);
    server.shared.ring.watch(&stopped, Event::Readable, STOP);
    let (mut stop_at, mut accept_at) = (None, None);
    while stop_at.is_none_or(|at| server.shared.now < at && !server.clients.is_empty()) {
        let due = server.due.peek().map(|Reverse((at, _))| *at);
        let until = [due, stop_at, accept_at].into_iter().flatten().min();
        server.shared.ring.wait(until.map(|at| at.saturating_sub(started.elapsed())))?;
        server.shared.now = started.elapsed();
        while let Some((tag, completed)) = server.shared.ring.next() {
            match (tag, completed) {
                (LISTENER, Completed::Accepted(_)) if stop_at.is_some() => {}
                (LISTENER, Completed::Accepted(Ok(stream))) => {
                    let key = server.clients.insert(Client::new(stream, server.shared.now));
                    server.turn(key, None);
                    server.shared.ring.accept(&listener, LISTENER);
                }
                // Too many open files, for example. It is tried again.
                (LISTENER, Completed::Accepted(Err(error))) => {
                    eprintln!("nobody can be accepted for a moment: {error}");
                    accept_at = Some(server.shared.now + RECOVER);
                }
                (STOP, _) => {
                    stop_at = Some(server.shared.now + GRACE);
                    server.stop();
                }
                (key, completed) => server.turn(key, Some(completed)),
            }
        }
        if accept_at.is_some_and(|at| server.shared.now >= at) {
            accept_at = None;
            server.shared.ring.accept(&listener, LISTENER);
        }
        server.wake();
    }
    Ok(())
}

impl Server {
    fn turn(&mut self, key: usize, completed: Option<Completed>) {
        let Some(client) = self.clients.get_mut(key) else { return };
        match client.turn(key, completed, &mut self.shared) {
            Next::Wait(Some(at)) if client.wake.is_none_or(|wake| at < wake) => {
                client.wake = Some(at);
                self.due.push(Reverse((at, key)));
            }
            Next::Wait(_) => {}
            Next::Gone => drop(self.clients.remove(key)),
        }
    }

    fn wake(&mut self) {
        while let Some(Reverse((at, key))) = self.due.peek().copied()
            && at <= self.shared.now
        {
            self.due.pop();
            if let Some(client) = self.clients.get_mut(key)
                && client.wake == Some(at)
            {
                client.wake = None;
                self.turn(key, None);
            }
        }
    }

    /// Every client hears that the server is going away.
    fn stop(&mut self) {
        let keys: Vec<usize> = self.clients.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.clients[key].leave(self.shared.now);
            self.turn(key, None);
        }
    }
}
