//! The programs, and what stands behind those that need a server themselves.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread;

use super::server::Server;

/// A network program of this package.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    path: &'static str,
    needs: Needs,
}

enum Needs {
    Nothing,
    /// A TCP server to connect clients to.
    Bytes,
    /// A WebSocket server, which pings in its stead.
    WebSockets,
    /// A directory, and no word of pings.
    Directory,
}

macro_rules! program {
    ($name:literal, $needs:ident) => {
        Program { name: $name, path: env!(concat!("CARGO_BIN_EXE_", $name)), needs: Needs::$needs }
    };
}

pub(crate) static PROGRAMS: [Program; 11] = [
    program!("echo_std", Nothing),
    program!("echo_mio", Nothing),
    program!("echo_tokio", Nothing),
    program!("echo_uring", Nothing),
    program!("echo_tls", Nothing),
    program!("echo_axum", Nothing),
    program!("echo_h2", Nothing),
    program!("echo_heapless", Nothing),
    program!("echo_recorded", Directory),
    program!("relay", WebSockets),
    program!("bridge", Bytes),
];

/// A program that runs, with the server that stands behind it.
pub(crate) struct Running {
    pub(crate) server: Server,
    /// How many streams a message goes over until it is back, after the first.
    pub(crate) streams: usize,
    _behind: Option<Server>,
}

impl Program {
    /// Starts it; `None` if this system can't run it.
    pub(crate) fn start(&'static self, options: &[&str]) -> Option<Running> {
        let (mut behind, mut all) = (None, options.to_vec());
        let to;
        match self.needs {
            Needs::Nothing => {}
            Needs::Bytes => {
                to = bytes().unwrap().to_string();
                all.extend(["--to", &to]);
            }
            Needs::WebSockets => {
                let server = Server::start(env!("CARGO_BIN_EXE_echo_std"), options)?;
                to = server.address.to_string();
                behind = Some(server);
                // Pings pass: the relay has none.
                let at = all.iter().position(|option| *option == "--keepalive");
                drop(at.map(|at| all.drain(at..at + 2)));
                all.extend(["--to", &to]);
            }
            Needs::Directory => {
                let directory = concat!(env!("CARGO_TARGET_TMPDIR"), "/hostile");
                all.extend(["--record", directory]);
            }
        }
        let streams = if matches!(self.needs, Needs::Bytes | Needs::WebSockets) { 3 } else { 1 };
        let server = Server::start(self.path, &all)?;
        Some(Running { server, streams, _behind: behind })
    }
}

/// A TCP server that sends back what it gets.
fn bytes() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || io::copy(&mut &stream, &mut &stream));
        }
    });
    Ok(address)
}
