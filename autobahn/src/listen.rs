//! Where a server listens: the address on the command line, and what to do when it can't be had.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

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
    use super::{address, problem};
    use std::net::TcpListener;

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
}
