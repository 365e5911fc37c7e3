//! A client that behaves, which must not notice the others; and how late this machine itself is.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use tungstenite::Message;

use super::server::Server;

/// How often it says something.
const TURN: Duration = Duration::from_millis(20);

/// A client that echoes all the while.
pub(crate) struct Witness<'scope> {
    thread: ScopedJoinHandle<'scope, Result<Duration, String>>,
    over: &'static AtomicBool,
}

impl<'scope> Witness<'scope> {
    pub(crate) fn start<'env>(scope: &'scope Scope<'scope, 'env>, server: &'env Server) -> Self {
        let over: &'static AtomicBool = Box::leak(Box::default());
        Self { thread: scope.spawn(|| echoes(server, over)), over }
    }

    /// How long the longest echo took.
    pub(crate) fn worst(self) -> Result<Duration, String> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| Err("it could not connect".into()))
    }
}

fn echoes(server: &Server, over: &AtomicBool) -> Result<Duration, String> {
    let mut client = server.connect();
    let mut worst = Duration::ZERO;
    for number in 0.. {
        let sent = Instant::now();
        let message = Message::binary(format!("number {number}").into_bytes());
        client.send(message.clone()).map_err(|error| error.to_string())?;
        loop {
            match client.read().map_err(|error| error.to_string())? {
                Message::Ping(_) => {}
                echo if echo == message => break,
                other => return Err(format!("{other:?} came back")),
            }
        }
        worst = worst.max(sent.elapsed());
        if over.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep(TURN);
    }
    Ok(worst)
}

/// How late an echo of plain bytes has been at most on this machine, which others use as well.
pub(crate) fn delay_of_this_machine() -> Duration {
    static WORST: AtomicU64 = AtomicU64::new(0);
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        thread::spawn(move || {
            let mut byte = [0];
            while far.read_exact(&mut byte).and_then(|()| far.write_all(&byte)).is_ok() {}
        });
        thread::spawn(move || {
            loop {
                let sent = Instant::now();
                near.write_all(&[0]).and_then(|()| near.read_exact(&mut [0])).unwrap();
                let micros = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
                WORST.fetch_max(micros, Ordering::Relaxed);
                thread::sleep(TURN);
            }
        });
    });
    Duration::from_micros(WORST.load(Ordering::Relaxed))
}
