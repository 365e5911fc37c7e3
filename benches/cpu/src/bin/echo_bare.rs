//! Sends every byte back as it came, without a look at it: what the system alone costs.

use std::io::{self, ErrorKind, Read, Write};

use echo_cpu::{Client, Link, serve};

const READ: usize = 64 << 10;

struct Bare {
    link: Link,
    buffer: Box<[u8]>,
    waits: Vec<u8>,
}

impl Client for Bare {
    fn open(link: Link) -> io::Result<Self> {
        Ok(Self { link, buffer: vec![0; READ].into_boxed_slice(), waits: Vec::new() })
    }

    fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    fn turn(&mut self) -> io::Result<()> {
        while !self.waits.is_empty() {
            match taken(self.link.write(&self.waits))? {
                0 => return Ok(()),
                count => drop(self.waits.drain(..count)),
            }
        }
        loop {
            let count = match self.link.read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                read => read?,
            };
            let written = taken(self.link.write(&self.buffer[..count]))?;
            if written < count {
                self.waits.extend_from_slice(&self.buffer[written..count]);
                return Ok(());
            }
        }
    }
}

/// Nothing, if the system takes nothing now.
fn taken(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}

fn main() -> io::Result<()> {
    serve::<Bare>("echo_bare", true)
}
