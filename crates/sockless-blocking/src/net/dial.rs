//! A TCP stream to one of a host's addresses: both families in turn, all within one time.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::Time;
use crate::opening::{ConnectError, Stage};

/// A TCP stream to the host.
pub(super) fn dial(host: &str, port: u16, time: Time) -> Result<TcpStream, ConnectError> {
    let addresses = interleave(resolve(host, port, time)?);
    connect_in_turn(&addresses, time, |address, wait| match wait {
        Some(wait) => TcpStream::connect_timeout(&address, wait),
        None => TcpStream::connect(address),
    })
}

/// The host's addresses. The standard library asks for them without a timeout, so a thread does that, which is left alone if it takes too long.
fn resolve(host: &str, port: u16, time: Time) -> Result<Vec<SocketAddr>, ConnectError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let asked = host.to_owned();
    let ask = move || Ok((asked.as_str(), port).to_socket_addrs()?.collect());
    let Some(left) = time.left() else { return ask().map_err(ConnectError::Resolve) };
    let (found, finds) = mpsc::channel();
    // Nobody may be left who waits for it.
    let asking = thread::Builder::new().spawn(move || drop(found.send(ask())));
    asking.map_err(ConnectError::Resolve)?;
    match finds.recv_timeout(left) {
        Ok(addresses) => addresses.map_err(ConnectError::Resolve),
        Err(RecvTimeoutError::Timeout) => Err(ConnectError::TimedOut(Stage::Resolve)),
        Err(RecvTimeoutError::Disconnected) => {
            Err(ConnectError::Resolve(io::Error::other("the resolver gave no answer")))
        }
    }
}

/// The first that can be connected to. One that doesn't answer gets its share of the time, so that the others have theirs.
fn connect_in_turn<T>(
    addresses: &[SocketAddr],
    time: Time,
    connect: impl Fn(SocketAddr, Option<Duration>) -> io::Result<T>,
) -> Result<T, ConnectError> {
    let mut failed = None;
    for (before, address) in addresses.iter().enumerate() {
        let left = time.left();
        if left.is_some_and(|left| left.is_zero()) {
            break;
        }
        let others = u32::try_from(addresses.len() - before).unwrap_or(u32::MAX);
        // Zero would be refused.
        let share = left.map(|left| (left / others).max(Duration::from_millis(1)));
        match connect(*address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) => drop(failed.get_or_insert(error)),
        }
    }
    match failed {
        _ if time.is_over() => Err(ConnectError::TimedOut(Stage::Connect)),
        Some(error) => Err(ConnectError::Connect(error)),
        None => Err(ConnectError::Resolve(io::Error::new(
            io::ErrorKind::NotFound,
            "the host has no address",
        ))),
    }
}

/// The addresses in the order of the attempts: the families in turn, beginning with the first one's, each in the order of the system's resolver.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else { return addresses };
    let (firsts, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first);
    let longest = firsts.len().max(others.len());
    let turns = (0..longest).flat_map(|at| [firsts.get(at), others.get(at)]);
    turns.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::clock::Clock;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn seconds(limit: u64) -> Time {
        Time { clock: Clock::start(), limit: Some(Duration::from_secs(limit)) }
    }

    #[test]
    fn families_take_turns_beginning_with_the_first() {
        let [a, b, c, d] = ["[::1]:1", "[::2]:1", "1.1.1.1:1", "[::3]:1"].map(address);
        assert_eq!(interleave(vec![a, b, c, d]), [a, c, b, d]);
        assert_eq!(interleave(vec![c, a, b]), [c, a, b]);
        assert_eq!(interleave(Vec::new()), []);
    }

    #[test]
    fn one_that_does_not_answer_leaves_time_for_the_others() {
        let addresses = ["[::1]:1", "1.1.1.1:1", "[::2]:1"].map(address);
        let waits = RefCell::new(Vec::new());
        let reached = connect_in_turn(&addresses, seconds(60), |address, wait| {
            waits.borrow_mut().push(wait.expect("a time").as_secs_f64());
            match address.port() == 1 && address.is_ipv4() {
                true => Ok(address),
                false => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        });
        assert_eq!(reached.expect("one answers"), addresses[1]);
        let waits = waits.into_inner();
        assert!(waits[0] > 19.0 && waits[0] <= 20.0, "a third of the time: {waits:?}");
        assert!(waits[1] > 29.0 && waits[1] <= 30.0, "half of the rest: {waits:?}");
    }

    #[test]
    fn the_first_error_says_why_none_could_be_connected_to() {
        let addresses = ["[::1]:1", "1.1.1.1:1"].map(address);
        let fails = |address: SocketAddr, _: Option<Duration>| {
            Err::<(), _>(io::Error::from(match address.is_ipv6() {
                true => io::ErrorKind::ConnectionRefused,
                false => io::ErrorKind::TimedOut,
            }))
        };
        match connect_in_turn(&addresses, seconds(60), fails) {
            Err(ConnectError::Connect(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            }
            other => panic!("{other:?}"),
        }
        let over = connect_in_turn(&addresses, seconds(0), fails);
        assert!(matches!(over, Err(ConnectError::TimedOut(Stage::Connect))), "{over:?}");
        let none = connect_in_turn(&[], seconds(60), fails);
        assert!(matches!(none, Err(ConnectError::Resolve(_))), "{none:?}");
    }
}
