//! Prints the frames that a client sends, out of what it has written after its handshake: `decoder <BYTES`. The engine is built without `alloc` here.

use std::error::Error;
use std::io::{Read, Write, stdin, stdout};

use sockless::frame::{Decoder, Input, Limits, Piece};
use sockless::words::role::Server;

/// A line for each frame when it begins, then its payload as far as it has come.
fn print(piece: &Piece<'_>, out: &mut impl Write) -> std::io::Result<()> {
    if piece.begins {
        let len = piece.payload.len() as u64 + piece.remaining;
        let more = if piece.fin { "" } else { ", more to come" };
        write!(out, "{} of {len} bytes{more}: ", piece.opcode)?;
    }
    write!(out, "{}", piece.payload.escape_ascii())?;
    if piece.remaining == 0 {
        writeln!(out)?;
    }
    Ok(())
}

/// Prints all frames, up to the first byte that breaks a rule or to the end of the stream.
pub fn decode(mut stream: impl Read, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let limits = Limits::default();
    let mut decoder = Decoder::<Server>::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 && !decoder.is_idle() {
            return Err("the stream was cut".into());
        } else if count == 0 {
            return Ok(());
        }
        let mut input = Input::new(&mut buffer[..count]);
        while let Some(piece) = decoder.decode(&mut input, &limits)? {
            print(&piece, out)?;
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    decode(stdin().lock(), &mut stdout().lock())
}
