//! Sends each line of standard input to three clients: encoded and compressed once, for those who can decompress and for those who can't.
//!
//! A client that takes nothing for a second keeps the others waiting for that long, and gets the rest with a later line; one for which 16 MiB wait misses lines. Nothing is read after the handshake,
//! so pings and Close frames aren't answered: that takes a loop for each client, as the guide's chapter `driver` has it.

use std::io::{Read, Write, stdin};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use sockless::extension::deflate::{Compression, Terms, WindowBits};
use sockless::handshake::{Acceptance, Acceptor, Asked, HeadLimits};
use sockless::{Config, Connection, Input, Prepared, Server, endpoint::server};

/// The connection beside its stream, once it is open; nothing if the client asks for something else.
fn open(mut stream: TcpStream) -> Option<(TcpStream, Connection<Server>)> {
    let (mut buffer, started, second) = ([0; 4096], Instant::now(), Duration::from_secs(1));
    stream.set_read_timeout(Some(second)).ok()?;
    stream.set_write_timeout(Some(second)).ok()?;
    let mut acceptor = Acceptor::new(&HeadLimits::default(), Duration::ZERO);
    loop {
        let count = stream.read(&mut buffer).ok()?;
        match acceptor.poll(&mut Input::new(&mut buffer[..count]), started.elapsed()) {
            Some(Asked::WebSocket(request)) => {
                let acceptance = Acceptance::new().with_extensions(Terms::default());
                let answer = request.accept(&acceptance).ok()?;
                stream.write_all(&answer.to_vec()).ok()?;
                return Some((stream, server(&answer.established(), Config::default())));
            }
            None if count > 0 => {}
            _ => return None,
        }
    }
}

fn main() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("ws://{}/", tcp.local_addr().expect("an address"));
    let mut room: Vec<_> = tcp.incoming().flatten().filter_map(open).take(3).collect();
    for line in stdin().lines().map_while(Result::ok) {
        let news = Prepared::text(&line);
        let news = news.compressed(WindowBits::MAX, &Compression::default());
        for (stream, to) in &mut room {
            let _ = to.send_prepared(&news); // refused where too much waits
            while let Ok(count @ 1..) = stream.write(to.output()) {
                to.wrote(count);
            }
        }
    }
}
