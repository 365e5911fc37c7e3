//! TCP to one of a host's addresses.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;

use super::Until;
use crate::ending::Ending;

/// A stream to the host; `whom` is what it is called.
pub(super) fn dial(host: &str, port: u16, until: Until, whom: &str) -> Result<TcpStream, Ending> {
    let addresses = resolve(host, port, until).map_err(|error| {
        Ending::unreached(format!("{whom} {host} has no address: {error}. Is the name right?"))
    })?;
    let mut failed = None;
    for (before, address) in addresses.iter().enumerate() {
        if before > 0 && until.is_over() {
            break;
        }
        // One that doesn't answer leaves time for the others.
        let others = u32::try_from(addresses.len() - before).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(address, until.left() / others) {
            Ok(stream) => return Ok(stream),
            Err(error) => drop(failed.get_or_insert(format!("{address}: {error}"))),
        }
    }
    let why = failed.unwrap_or_else(|| "it has no address".into());
    Err(Ending::unreached(format!(
        "can't reach {whom}: {why}. Is it running, and are host and port right?"
    )))
}

/// The host's addresses. The system is asked by a thread, because it may take its time.
fn resolve(host: &str, port: u16, until: Until) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (found, finds) = mpsc::channel();
    let asked = host.to_owned();
    thread::Builder::new().spawn(move || {
        let addresses = (asked.as_str(), port).to_socket_addrs().map(Iterator::collect);
        // Nobody may be left who waits for it.
        let _ = found.send(addresses);
    })?;
    finds.recv_timeout(until.left()).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
