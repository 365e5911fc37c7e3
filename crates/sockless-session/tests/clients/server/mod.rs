//! A server for clients in other languages: sessions over real TCP, a thread for each connection. What it does with messages lives in
//! `application`, the loop of a connection in `connection`.
//!
//! The path of a request says how the server treats its connection: `/` well, `/cut/N` cuts it after some octets in either
//! direction, 2 N at most, `/full` has no room, `/silent` says nothing after the welcome.

mod application;
mod connection;

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use application::Memory;
use sockless_session::reliable::{
    Acceptance, Config, Message, SessionId, Table, TableLimits, Window,
};

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the threads share.
#[derive(Debug)]
struct Shared {
    started: Instant,
    stops: AtomicBool,
    connections: AtomicU64,
    sessions: Mutex<Sessions>,
    /// A table that is full.
    full: Mutex<Sessions>,
}

/// Sessions, and what the application remembers of each.
#[derive(Debug)]
struct Sessions {
    table: Table<Message>,
    memories: HashMap<SessionId, Memory>,
}

impl Sessions {
    fn new(limits: TableLimits) -> Self {
        let config = Config::default()
            .with_window(Window::new(64, 65536))
            .with_acceptance(Acceptance::ByApplication)
            .with_ack_delay(Duration::from_millis(20));
        Self { table: Table::new(Arc::new(config), limits), memories: HashMap::new() }
    }

    fn forget_all(&mut self) {
        *self = Self::new(TableLimits::default());
    }
}

impl Shared {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Server {
    /// Starts on a free port.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            started: Instant::now(),
            stops: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            sessions: Mutex::new(Sessions::new(TableLimits::default())),
            full: Mutex::new(Sessions::new(TableLimits::new(0, 0))),
        });
        let accepts = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepts.stops.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let seed = accepts.connections.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&accepts);
                // A connection that fails is the client's to notice.
                thread::spawn(move || drop(connection::serve(stream, &shared, seed)));
            }
        });
        Ok(Self { address, shared })
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stops.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

/// A lock whose holder panicked is a test that has failed already.
fn lock(sessions: &Mutex<Sessions>) -> std::sync::MutexGuard<'_, Sessions> {
    sessions.lock().unwrap_or_else(PoisonError::into_inner)
}
