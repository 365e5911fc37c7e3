//! Where a server listens: the address on the command line, and what to do when it can't be had.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// How many clients may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Listeners at one address, for as many threads: the system gives each new client to one of them.
///
/// # Errors
///
/// If the address can't be had. Another program that listens there is an error, too, though one with the same right could be let in beside it.
pub fn group(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let address = TcpListener::bind(address)?.local_addr()?;
    let listen = |_| {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    (0..count).map(listen).collect()
}

/// The address that the user gives.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("--listen takes an address and a port, as in 127.0.0.1:9001, not {text:?}")
    })
}

/// What a user is told whose program can't serve at this address.
pub fn problem(address: SocketAddr, error: &io::Error) -> String {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => {
            ". Another program listens there: choose another port, or 0 for any that is free"
        }
        ErrorKind::AddrNotAvailable => {
            ". This machine has no such address: 127.0.0.1 is there always, and 0.0.0.0 means all"
        }
        ErrorKind::PermissionDenied => {
            ". Ports below 1024 are the administrator's: choose a higher one"
        }
        _ => "",
    };
    format!("can't serve on {address}: {error}{advice}")
}

#[cfg(test)]
mod tests {
    use super::{address, group, problem};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    #[test]
    fn an_address_that_is_none_is_told_with_one_that_is() {
        let told = address("9001").expect_err("no address");
        assert!(told.contains("127.0.0.1:9001") && told.contains("\"9001\""), "{told}");
        assert_eq!(address("[::1]:80"), Ok(([0, 0, 0, 0, 0, 0, 0, 1], 80).into()));
    }

    #[test]
    fn an_occupied_port_is_told_with_the_way_out() {
        let first = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let taken = first.local_addr().expect("its address");
        let error = TcpListener::bind(taken).expect_err("it is taken");
        let told = problem(taken, &error);
        assert!(told.contains(&taken.to_string()) && told.contains("another port"), "{told}");
    }

    #[test]
    fn a_group_shares_its_port_and_lets_nobody_else_in() {
        let listeners = group(([127, 0, 0, 1], 0).into(), 3).expect("listeners");
        let at = listeners[0].local_addr().expect("its address");
        assert!(listeners.iter().all(|each| each.local_addr().is_ok_and(|other| other == at)));
        assert!(group(at, 1).is_err(), "somebody listens there");
        let _clients: Vec<_> = (0..64).map(|_| TcpStream::connect(at).expect("a client")).collect();
        std::thread::sleep(Duration::from_millis(50));
        let accepted = |each: &TcpListener| std::iter::from_fn(|| each.accept().ok()).count();
        let shares: Vec<usize> = listeners.iter().map(accepted).collect();
        assert_eq!(shares.iter().sum::<usize>(), 64, "{shares:?}");
        assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
    }
}
