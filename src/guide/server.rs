use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sockless::handshake::{Acceptor, Asked, HeadLimits, Refusal};
use sockless::{Config, Event, Input, Outcome, Want};

/// How long a client may say nothing, and how long it has for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9001")?;
    let config = Arc::new(Config::default().with_keepalive(PATIENCE, PATIENCE));
    loop {
        match listener.accept() {
            Ok((tcp, _)) => {
                let config = Arc::clone(&config);
                thread::spawn(|| serve(tcp, config).ok());
            }
            Err(_) => thread::sleep(Duration::from_millis(250)), // too many open files, say
        }
    }
}

/// Serves one client, from its request to the end of its connection.
fn serve(mut tcp: TcpStream, config: Arc<Config>) -> Result<Outcome, Box<dyn Error>> {
    let started = Instant::now();
    let mut buffer = vec![0; 64 << 10];
    let mut acceptor = Acceptor::new(&HeadLimits::default(), started.elapsed());
    let mut input = Input::none();
    let mut connection = loop {
        match acceptor.poll(&mut input, started.elapsed()) {
            None => {} // more is needed
            Some(Asked::Plain(request)) if request.path() == "/" => {
                let page = Refusal::page("<!DOCTYPE html><title>Echo</title>");
                break page.into_connection(config, started.elapsed());
            }
            Some(asked) => break asked.into_connection(config, started.elapsed()),
        }
        tcp.set_read_timeout(acceptor.timeout(started.elapsed()))?;
        input = Input::read(tcp.read(&mut buffer), &mut buffer);
    };

    // What came after the request is still in the input: the client's first frames.
    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = connection.poll(&mut input, started.elapsed()) {
            match event {
                // While much output waits, no message comes: only an answer too long for the hard limit is refused.
                Event::Text(text) => connection.send_text(&text)?,
                Event::Binary(bytes) => connection.send_binary(&bytes)?,
                _ => {} // pongs and Close frames are queued already
            }
        }
        // 2. Do what the connection wants, for as long as it can wait.
        let timeout = connection.want().timeout(started.elapsed());
        tcp.set_read_timeout(timeout)?;
        tcp.set_write_timeout(timeout)?;
        match connection.want() {
            Want::Done(outcome) => return Ok(outcome),
            Want::ShutdownWrite => {
                let _ = tcp.shutdown(Shutdown::Write); // the peer may be gone already
                connection.shut();
            }
            // Where both are to be done, reading doesn't wait, and writing only if nothing was read.
            Want::Io { read, write, .. } => {
                if read {
                    tcp.set_nonblocking(write)?;
                    input = Input::read(tcp.read(&mut buffer), &mut buffer);
                }
                if write {
                    tcp.set_nonblocking(!input.is_empty())?;
                    connection.wrote(tcp.write(connection.output()));
                }
            }
        }
    }
}
