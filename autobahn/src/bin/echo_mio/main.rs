//! An echo server for thousands of clients: a thread for each core that it may run on, which share nothing but the port. Each has its epoll (or
//! kqueue) through mio, one buffer that all reads go to, and one that is lent to whoever has output. A client that is idle holds neither.
//!
//! Here live the threads and the loop of each: who is ready, who is due, who comes and goes. One client's turn is [`client`]; who is due when is
//! `timers`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod client;

use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, UnixStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use sockless_autobahn::listen;
use sockless_autobahn::opening::Terms;
use sockless_autobahn::options::Options;
use sockless_autobahn::stop::Stop;
use sockless_autobahn::timers::Timers;

use client::{Client, Next, Shared};

const LISTENER: Token = Token(usize::MAX - 1);
const STOP: Token = Token(usize::MAX - 2);
/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let options = match Options::from_args("echo_mio") {
        Ok(options) => options,
        Err(status) => return status,
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_mio: {}", listen::problem(options.listen, &error));
            ExitCode::FAILURE
        }
    }
}

/// Starts a thread for each core, and waits for all of them.
fn run(options: &Options) -> io::Result<()> {
    let stop = Stop::on_signal()?;
    let threads = options.threads.map_or_else(cores, NonZeroUsize::get);
    let listeners = listen::group(options.listen, threads)?;
    println!("echo_mio listens on http://{}/ (Ctrl-C stops it)", listeners[0].local_addr()?);
    thread::scope(|scope| {
        let serve =
            |listener| scope.spawn(|| serve(TcpListener::from_std(listener), &stop, options));
        let threads: Vec<_> = listeners.into_iter().map(serve).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(served) => served,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

/// On how many cores the program may run. Elsewhere than on Linux, only one of the threads at a port would get clients.
fn cores() -> usize {
    match cfg!(target_os = "linux") {
        true => thread::available_parallelism().map_or(1, usize::from),
        false => 1,
    }
}

/// Serves those who come to one of the listeners, until the program is asked to stop.
fn serve(listener: TcpListener, stop: &Stop, options: &Options) -> io::Result<()> {
    let mut server = Server::new(listener, options)?;
    let mut stopped = UnixStream::from_std(stop.stream()?);
    server.poll.registry().register(&mut stopped, STOP, Interest::READABLE)?;

    let mut events = Events::with_capacity(1024);
    let mut stop_at = None;
    while stop_at.is_none_or(|at| server.shared.now < at && !server.clients.is_empty()) {
        server.wait(&mut events, stop_at)?;
        for event in &events {
            match event.token() {
                LISTENER => server.accepting = true,
                STOP => {
                    server.stop();
                    stop_at.get_or_insert(server.shared.now + options.grace);
                }
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
    Ok(())
}

struct Server {
    poll: Poll,
    /// None once the server stops.
    listener: Option<TcpListener>,
    /// Whether clients may be waiting to be accepted: said by the poll, until there is none.
    accepting: bool,
    clients: Slab<Client>,
    /// Those who had more to read than one turn allows.
    unfinished: Vec<usize>,
    timers: Timers,
    /// The origin of all times.
    started: Instant,
    shared: Shared,
}

impl Server {
    fn new(mut listener: TcpListener, options: &Options) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            listener: Some(listener),
            accepting: false,
            clients: Slab::new(),
            unfinished: Vec::new(),
            timers: Timers::default(),
            started: Instant::now(),
            shared: Shared::new(Terms::new(options)),
        })
    }

    /// Waits until something is ready or due, and looks at the clock.
    fn wait(&mut self, events: &mut Events, stop_at: Option<Duration>) -> io::Result<()> {
        let recover = self.accepting.then_some(self.shared.now + RECOVER);
        let more = (!self.unfinished.is_empty()).then_some(Duration::ZERO);
        let until = [self.timers.next(), recover, more, stop_at].into_iter().flatten().min();
        let timeout = until.map(|at| at.saturating_sub(self.started.elapsed()));
        if let Err(error) = self.poll.poll(events, timeout)
            && error.kind() != ErrorKind::Interrupted
        {
            return Err(error);
        }
        self.shared.now = self.started.elapsed();
        Ok(())
    }

    fn accept(&mut self) {
        while let (true, Some(listener)) = (self.accepting, &self.listener) {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) => {
                    match error.kind() {
                        ErrorKind::WouldBlock => self.accepting = false,
                        ErrorKind::Interrupted | ErrorKind::ConnectionAborted => continue,
                        // Too many open files, say: `ulimit -n` tells how many there may be. It is tried again.
                        _ => eprintln!("echo_mio: can't accept a client: {error}"),
                    }
                    return;
                }
            };
            let entry = self.clients.vacant_entry();
            let (key, both) = (entry.key(), Interest::READABLE | Interest::WRITABLE);
            // The poll is told once; it says whenever one of the two becomes possible.
            if self.poll.registry().register(&mut stream, Token(key), both).is_ok() {
                entry.insert(Client::new(stream, &self.shared));
                self.turn(key);
            }
        }
    }

    fn turn(&mut self, key: usize) {
        let Some(client) = self.clients.get_mut(key) else { return };
        match client.turn(&mut self.shared) {
            Next::Wait(deadline) => self.timers.set(key, &mut client.wake, deadline),
            Next::Again => self.unfinished.push(key),
            Next::Gone => drop(self.clients.remove(key)),
        }
    }

    /// Those who are due, and those who had more to read.
    fn go_on(&mut self) {
        while let Some((at, key)) = self.timers.due(self.shared.now) {
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

    /// Accepts nobody any more, and tells every client that the server is going away.
    fn stop(&mut self) {
        self.listener = None;
        self.accepting = false;
        let keys: Vec<usize> = self.clients.iter().map(|(key, _)| key).collect();
        for key in keys {
            if self.clients[key].leave(self.shared.now) {
                self.turn(key);
            } else {
                self.clients.remove(key);
            }
        }
    }
}
