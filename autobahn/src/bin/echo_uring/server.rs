//! The loop: what is completed, who is due, who comes and goes.

use std::io;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use slab::Slab;
use sockless_autobahn::opening::Terms;
use sockless_autobahn::options::Options;
use sockless_autobahn::stop::Stop;
use sockless_autobahn::timers::Timers;

use crate::client::{Client, Next};
use crate::ring::{Completed, Event, Ring};

const LISTENER: usize = u32::MAX as usize;
const STOP: usize = LISTENER - 1;
/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);

/// What all clients share.
pub(crate) struct Shared {
    pub(crate) ring: Ring,
    pub(crate) terms: Terms,
    /// A buffer for output, lent to whoever has his turn.
    pub(crate) spare: Vec<u8>,
    pub(crate) now: Duration,
}

pub(crate) fn run(options: &Options, ring: Ring) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen)?;
    let stopped = Stop::on_signal()?.stream()?;
    println!("echo_uring listens on http://{}/ (Ctrl-C stops it)", listener.local_addr()?);

    let started = Instant::now();
    let shared =
        Shared { ring, terms: Terms::new(options), spare: Vec::new(), now: Duration::ZERO };
    let mut server = Server { clients: Slab::new(), timers: Timers::default(), shared };
    server.shared.ring.accept(&listener, LISTENER);
    server.shared.ring.watch(&stopped, Event::Readable, STOP);
    let (mut stop_at, mut accept_at) = (None, None);
    while stop_at.is_none_or(|at| server.shared.now < at && !server.clients.is_empty()) {
        let until = [server.timers.next(), stop_at, accept_at].into_iter().flatten().min();
        server.shared.ring.wait(until.map(|at| at.saturating_sub(started.elapsed())))?;
        server.shared.now = started.elapsed();
        while let Some((tag, completed)) = server.shared.ring.next() {
            match (tag, completed) {
                (LISTENER, Completed::Accepted(accepted)) => match accepted {
                    Ok(_) if stop_at.is_some() => {}
                    Ok(stream) => {
                        let key = server.clients.insert(Client::new(stream, &server.shared));
                        server.turn(key, None);
                        server.shared.ring.accept(&listener, LISTENER);
                    }
                    // Too many open files, say: `ulimit -n` tells how many there may be.
                    Err(error) => {
                        eprintln!("echo_uring: can't accept a client: {error}");
                        accept_at = Some(server.shared.now + RECOVER);
                    }
                },
                (STOP, _) => {
                    stop_at = Some(server.shared.now + options.grace);
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

struct Server {
    clients: Slab<Client>,
    timers: Timers,
    shared: Shared,
}

impl Server {
    fn turn(&mut self, key: usize, completed: Option<Completed>) {
        let Some(client) = self.clients.get_mut(key) else { return };
        match client.turn(key, completed, &mut self.shared) {
            Next::Wait(deadline) => self.timers.set(key, &mut client.wake, deadline),
            Next::Gone => drop(self.clients.remove(key)),
        }
    }

    fn wake(&mut self) {
        while let Some((at, key)) = self.timers.due(self.shared.now) {
            if let Some(client) = self.clients.get_mut(key)
                && client.wake == Some(at)
            {
                client.wake = None;
                self.turn(key, None);
            }
        }
    }

    /// Tells every client that the server is going away.
    fn stop(&mut self) {
        let keys: Vec<usize> = self.clients.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.clients[key].leave(self.shared.now);
            self.turn(key, None);
        }
    }
}
