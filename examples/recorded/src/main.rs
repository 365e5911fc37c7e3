//! An echo server that writes down what each connection was given: `cargo run -p example-recorded [ADDRESS [DIRECTORY]]`.
//!
//! It is the loop of the README, in which every call is a line in a file before it is made: so a file that ends early says what was done last.
//! `cargo run -p example-recorded --bin example-trace FILE` makes the same calls again. **A file holds all that was sent and received**: it is to be kept
//! like the messages themselves, and it grows with them.
//!
//! Here are the stream and the clock. The calls are in `lib.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use example_recorded::{Call, Echo};
use sockless::handshake::{Acceptance, Acceptor, Asked, HeadLimits, RequestError};
use sockless::{Input, Want};

/// How long a client has for an answer to its request.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let traces = args.next().map_or_else(|| std::env::temp_dir().join("sockless"), PathBuf::from);
    fs::create_dir_all(&traces)?;
    let listener = TcpListener::bind(address)?;
    println!("ws://{}/ echoes what it gets. Ctrl-C stops the server.", listener.local_addr()?);
    for number in 1.. {
        match listener.accept() {
            Ok((stream, client)) => {
                let trace = traces.join(format!("{number}.trace"));
                println!("{client}: {}", trace.display());
                thread::spawn(move || {
                    if let Err(error) = serve(stream, &trace) {
                        eprintln!("{client} was lost: {error}");
                    }
                });
            }
            Err(error) => {
                eprintln!("nobody can be accepted for a moment: {error}");
                thread::sleep(Duration::from_millis(250));
            }
        }
    }
    Ok(())
}

/// Serves one client, from its request to the end of the connection.
fn serve(mut stream: TcpStream, trace: &Path) -> io::Result<()> {
    let (started, mut buffer) = (Instant::now(), vec![0; 64 << 10]);
    let mut acceptor = Acceptor::new(&HeadLimits::default(), started.elapsed());
    let first = loop {
        let mut input = match read(&mut stream, &mut buffer, acceptor.deadline(), started)? {
            Some(0) => Input::eof(),
            Some(count) => Input::new(&mut buffer[..count]),
            None => Input::none(),
        };
        let asked = acceptor.poll(&mut input, started.elapsed());
        stream.set_write_timeout(Some(PATIENCE))?;
        let answer = match asked {
            None => continue, // more is needed
            Some(Asked::WebSocket(request)) => {
                let accepted = request.accept(&Acceptance::new()).map_err(io::Error::other)?;
                // What is written down begins after the answer.
                stream.write_all(&accepted.to_vec())?;
                break input.into_rest().to_vec();
            }
            Some(Asked::Plain(_)) => RequestError::PlainRequest.answer(),
            Some(Asked::Refused(error)) => error.answer(),
        };
        stream.write_all(answer)?;
        let _ = stream.shutdown(Shutdown::Write); // the peer may be gone already
        // What it still sends is thrown away: unread, it would reset the stream before the answer is read.
        let second = Some(started.elapsed() + Duration::from_secs(1));
        return read(&mut stream, &mut buffer, second, started).map(drop);
    };

    let (mut echo, mut file) = (Echo::default(), File::create(trace)?);
    let mut make = |echo: &mut Echo, call: Call| {
        file.write_all(format!("{call}\n").as_bytes())?;
        echo.make(call, |_| {}).map_err(io::Error::other)
    };
    let mut call = Call::Input(started.elapsed(), first);
    loop {
        // 1. What has happened.
        make(&mut echo, call)?;
        // 2. Write what waits, as far as the stream takes it.
        while !echo.output().is_empty() {
            stream.set_write_timeout(wait(echo.want().deadline(), started))?;
            let written = match stream.write(echo.output()) {
                Ok(count) => Call::Wrote(echo.output()[..count].to_vec()),
                Err(error) if is_timeout(&error) => break,
                Err(_) => Call::Lost, // what waits will never be written
            };
            make(&mut echo, written)?;
        }
        // 3. Do what the connection wants.
        call = match echo.want() {
            Want::Done(outcome) => return writeln!(file, "done {outcome:?}"),
            Want::ShutdownWrite => {
                let _ = stream.shutdown(Shutdown::Write); // the peer may be gone already
                Call::Shut
            }
            Want::Io { read: true, deadline, .. } => {
                match read(&mut stream, &mut buffer, deadline, started) {
                    Ok(Some(0)) | Err(_) => Call::End(started.elapsed()), // or a reset
                    Ok(count) => {
                        Call::Input(started.elapsed(), buffer[..count.unwrap_or(0)].to_vec())
                    }
                }
            }
            Want::Io { .. } => Call::Input(started.elapsed(), Vec::new()), // written, or due
        };
    }
}

/// How much has arrived; `None` if nothing did in time.
fn read(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    deadline: Option<Duration>,
    started: Instant,
) -> io::Result<Option<usize>> {
    stream.set_read_timeout(wait(deadline, started))?;
    match stream.read(buffer) {
        Ok(count) => Ok(Some(count)),
        Err(error) if is_timeout(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// How long a call on the stream may wait. A timeout of zero would mean "none" to the standard library.
fn wait(deadline: Option<Duration>, started: Instant) -> Option<Duration> {
    deadline.map(|at| at.saturating_sub(started.elapsed()).max(Duration::from_millis(1)))
}

/// Whether only time has passed. Systems differ in what they call it.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
