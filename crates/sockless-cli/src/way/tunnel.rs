//! A tunnel through a proxy: HTTP CONNECT (RFC 9110, section 9.3.6) and SOCKS5 (RFC 1928, RFC 1929). What follows it is the server's.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Until;
use crate::proxy::{Kind, Proxy};

/// The most bytes of a proxy's answer.
const HEAD: usize = 8 << 10;

/// Why there is no tunnel.
#[derive(Debug)]
pub(super) enum TunnelError {
    /// The proxy wants credentials, or others.
    Credentials,
    /// It refuses, with this status of HTTP.
    Status(u16),
    /// It refuses, with this code of SOCKS5 (RFC 1928, section 6).
    Code(u8),
    /// It does not answer as a proxy does.
    Answer,
    /// The host's name is too long for it.
    Host,
    /// The stream failed.
    Io(io::Error),
}

/// Makes a tunnel to the server out of a stream that leads to the proxy.
pub(super) fn tunnel(
    stream: &TcpStream,
    proxy: &Proxy,
    host: &str,
    port: u16,
    until: Until,
) -> Result<(), TunnelError> {
    let mut talk = Talk { stream, until };
    match proxy.kind {
        Kind::Http => connect(&mut talk, proxy, host, port),
        Kind::Socks5 => socks(&mut talk, proxy, host, port),
    }
}

/// What is said to the proxy, and what it answers, while there is time.
struct Talk<'s> {
    stream: &'s TcpStream,
    until: Until,
}

impl Talk<'_> {
    fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.set_write_timeout(Some(self.until.left()))?;
        self.stream.write_all(bytes)
    }

    fn hear<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.hear_all(&mut bytes)?;
        Ok(bytes)
    }

    fn hear_all(&mut self, mut bytes: &mut [u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.until.is_over() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(self.until.left()))?;
            match self.stream.read(bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => bytes = &mut bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn connect(talk: &mut Talk<'_>, proxy: &Proxy, host: &str, port: u16) -> Result<(), TunnelError> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some((user, password)) = &proxy.credentials {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        request += &format!("Proxy-Authorization: Basic {credentials}\r\n");
    }
    request += "\r\n";
    talk.say(request.as_bytes())?;
    // One byte at a time: what follows the head is the server's.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD {
            return Err(TunnelError::Answer);
        }
        let [byte] = talk.hear()?;
        head.push(byte);
        if !b"HTTP/1.".starts_with(&head[..head.len().min(7)]) {
            return Err(TunnelError::Answer);
        }
    }
    let status = std::str::from_utf8(&head).ok().and_then(|head| head.split([' ', '\r']).nth(1));
    match status.and_then(|status| status.parse().ok()) {
        Some(200..=299) => Ok(()),
        // 401 is for servers; but tinyproxy answers wrong credentials with it.
        Some(401 | 407) => Err(TunnelError::Credentials),
        Some(status) => Err(TunnelError::Status(status)),
        None => Err(TunnelError::Answer),
    }
}

fn socks(talk: &mut Talk<'_>, proxy: &Proxy, host: &str, port: u16) -> Result<(), TunnelError> {
    talk.say(if proxy.credentials.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] })?;
    match (talk.hear()?, &proxy.credentials) {
        ([5, 0], _) => {}
        ([5, 2], Some((user, password))) => {
            let mut message = vec![1];
            for part in [user, password] {
                message.push(u8::try_from(part.len()).map_err(|_| TunnelError::Credentials)?);
                message.extend_from_slice(part.as_bytes());
            }
            talk.say(&message)?;
            if talk.hear()? != [1, 0] {
                return Err(TunnelError::Credentials);
            }
        }
        ([5, 0xFF], _) => return Err(TunnelError::Credentials),
        _ => return Err(TunnelError::Answer),
    }
    let mut request = vec![5, 1, 0];
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(1);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(4);
            request.extend(address.octets());
        }
        Err(_) => {
            request.extend([3, u8::try_from(host.len()).map_err(|_| TunnelError::Host)?]);
            request.extend_from_slice(host.as_bytes());
        }
    }
    request.extend(port.to_be_bytes());
    talk.say(&request)?;
    let bound = match talk.hear()? {
        [5, 0, _, 1] => 4,
        [5, 0, _, 4] => 16,
        [5, 0, _, 3] => usize::from(talk.hear::<1>()?[0]),
        [5, code, _, _] if code > 0 => return Err(TunnelError::Code(code)),
        _ => return Err(TunnelError::Answer),
    };
    // The address that the proxy is bound to, and its port.
    Ok(talk.hear_all(&mut vec![0; bound + 2])?)
}

impl From<io::Error> for TunnelError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Answer,
            // What a timeout is called depends on the system.
            io::ErrorKind::WouldBlock => Self::Io(io::ErrorKind::TimedOut.into()),
            _ => Self::Io(error),
        }
    }
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials => f.write_str(
                "the proxy demands credentials, or others: --proxy http://USER:PASSWORD@HOST:PORT",
            ),
            Self::Status(status) => write!(
                f,
                "the proxy does not connect to the server: status {status}. --proxy none goes without it"
            ),
            Self::Code(code) => {
                let why = match code {
                    2 => "its rules forbid it",
                    3 => "the network can't be reached",
                    4 => "the host can't be reached",
                    5 => "the server refused the connection",
                    6 => "it took too long",
                    _ => "it failed",
                };
                write!(f, "the proxy does not connect to the server: {why} (code {code})")
            }
            Self::Answer => f.write_str("what answers at the proxy's address is no such proxy"),
            Self::Host => f.write_str("the host's name is too long for the proxy"),
            Self::Io(error) => write!(f, "the proxy did not answer: {error}"),
        }
    }
}
