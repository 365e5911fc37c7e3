//! An echo server on one thread, for thousands of clients: `cargo run -p example-mio [ADDRESS]`.
//!
//! It waits for all of them at once, by epoll, kqueue or whatever mio finds on this system. All reads go to one buffer, and one buffer is
//! lent to whoever has output: a client that is idle holds neither.
//!
//! Here is who is ready, who is due, who comes and goes. One client's turn is `client.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod client;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use client::{Client, Next, Shared};

const LISTENER: Token = Token(usize::MAX - 1);
/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let mut server = Server::new(TcpListener::bind(address.parse()?)?)?;
    println!("ws://{}/ echoes what it gets. Ctrl-C stops it.", server.listener.local_addr()?);
    let mut events = Events::with_capacity(1024);
    loop {
        server.wait(&mut events)?;
        for event in &events {
            match event.token() {
                LISTENER => server.accepting = true,
                Token(key) => {
                    if let Some(client) = server.clients.get_mut(key) {
                        client.note(event.is_readable(), event.is_read_closed());
                        server.turn(key);
                    }
                }
            }
        }
        server.accept();
        server.go_on();
    }
}

struct Server {
    poll: Poll,
    listener: TcpListener,
    /// Whether clients may be waiting to be accepted: said by the poll, until there is none.
    accepting: bool,
    clients: Slab<Client>,
    /// Those who had more to read than one turn allows.
    unfinished: Vec<usize>,
    /// When to wake whom. Nothing is removed: an entry that no longer counts is skipped when its time comes.
    due: BinaryHeap<Reverse<(Duration, usize)>>,
    /// The origin of all times.
    started: Instant,
    shared: Shared,
}

impl Server {
    fn new(mut listener: TcpListener) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            listener,
            accepting: false,
            clients: Slab::new(),
            unfinished: Vec::new(),
            due: BinaryHeap::new(),
            started: Instant::now(),
            shared: Shared::new(),
        })
    }

    /// Waits until something is ready or due, and looks at the clock.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let due = self.due.peek().map(|Reverse((at, _))| *at);
        let recover = self.accepting.then_some(self.shared.now + RECOVER);
        let more = (!self.unfinished.is_empty()).then_some(Duration::ZERO);
        let until = [due, recover, more].into_iter().flatten().min();
        let timeout = until.map(|at| at.saturating_sub(self.started.elapsed()));
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        self.shared.now = self.started.elapsed();
        Ok(())
    }

    fn accept(&mut self) {
        while self.accepting {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return self.accepting = false,
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted => continue,
                    // Too many open files, for example. It is tried again.
                    _ => return eprintln!("nobody can be accepted for a moment: {error}"),
                },
            };
            let entry = self.clients.vacant_entry();
            let (key, both) = (entry.key(), Interest::READABLE | Interest::WRITABLE);
            // It is registered once; the poll says whenever one of the two becomes possible.
            if self.poll.registry().register(&mut stream, Token(key), both).is_ok() {
                entry.insert(Client::new(stream, self.shared.now));
                self.turn(key);
            }
        }
    }

    fn turn(&mut self, key: usize) {
        let Some(client) = self.clients.get_mut(key) else { return };
        match client.turn(&mut self.shared) {
            // A deadline that moves on, as a keepalive's does with every byte, needs no new entry: the client is woken at the old
            // time, has nothing to do, and is entered again.
            Next::Wait(Some(at)) if client.wake.is_none_or(|wake| at < wake) => {
                client.wake = Some(at);
                self.due.push(Reverse((at, key)));
            }
            Next::Wait(_) => {}
            Next::Again => self.unfinished.push(key),
            Next::Gone => drop(self.clients.remove(key)),
        }
    }

    /// Those who are due, and those who had more to read.
    fn go_on(&mut self) {
        while let Some(Reverse((at, key))) = self.due.peek().copied()
            && at <= self.shared.now
        {
            self.due.pop();
            if let Some(client) = self.clients.get_mut(key)
                && client.wake == Some(at)
            {
                client.wake = None;
                self.turn(key);
            }
        }
        for key in std::mem::take(&mut self.unfinished) {
            self.turn(key);
        }
    }
}
