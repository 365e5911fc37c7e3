//! The two directions of a stream to the server under test, for two threads: with TLS or without.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ClientConnection;

/// The direction from the server.
#[derive(Debug)]
pub struct Incoming {
    half: Half,
    /// What has arrived and is not decrypted.
    encrypted: VecDeque<u8>,
}

/// The direction to the server.
#[derive(Debug)]
pub struct Outgoing(Half);

#[derive(Debug)]
struct Half {
    stream: TcpStream,
    tls: Option<Arc<Mutex<ClientConnection>>>,
}

/// Takes a stream apart, once the handshake of TLS is over, if there is to be one.
pub fn halves(
    mut stream: TcpStream,
    tls: Option<ClientConnection>,
) -> io::Result<(Incoming, Outgoing)> {
    let tls = match tls {
        Some(mut tls) => {
            while tls.is_handshaking() || tls.wants_write() {
                tls.complete_io(&mut stream)?;
            }
            Some(Arc::new(Mutex::new(tls)))
        }
        None => None,
    };
    let outgoing = Outgoing(Half { stream: stream.try_clone()?, tls: tls.clone() });
    Ok((Incoming { half: Half { stream, tls }, encrypted: VecDeque::new() }, outgoing))
}

impl Half {
    /// The state of TLS. Nobody waits for the stream while holding it.
    fn session(&self) -> Option<MutexGuard<'_, ClientConnection>> {
        self.tls.as_ref().map(|tls| tls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut arrived = [0; 16 << 10];
        loop {
            let Some(mut tls) = self.half.session() else { return self.half.stream.read(buffer) };
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
            drop(tls);
            if self.encrypted.is_empty() {
                let count = self.half.stream.read(&mut arrived)?;
                self.encrypted.extend(&arrived[..count]);
            }
            // At the end of the stream there is nothing, which is how TLS hears of it.
            if let Some(mut tls) = self.half.session() {
                tls.read_tls(&mut self.encrypted)?;
                tls.process_new_packets().map_err(io::Error::other)?;
            }
        }
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(mut tls) = self.0.session() else { return self.0.stream.write(bytes) };
        let taken = tls.writer().write(bytes)?;
        drop(tls);
        self.flush()?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut encrypted = Vec::new();
        if let Some(mut tls) = self.0.session() {
            while tls.wants_write() {
                tls.write_tls(&mut encrypted)?;
            }
        }
        self.0.stream.write_all(&encrypted)
    }
}

impl Outgoing {
    /// Half-closes the stream: nothing will follow.
    pub fn finish(&mut self) -> io::Result<()> {
        if let Some(mut tls) = self.0.session() {
            tls.send_close_notify();
        }
        self.flush()?;
        self.0.stream.shutdown(Shutdown::Write)
    }
}
