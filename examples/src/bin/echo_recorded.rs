//! An echo server that records every connection, for `trace` to print and to replay.
//!
//! ```sh
//! echo_recorded --listen 127.0.0.1:9001 --record traces
//! ```
//!
//! A file for each connection appears in the directory `traces`. It is written along with the traffic, so that it is there when something
//! goes wrong. It holds all that was sent and received.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use sockless::handshake::{Acceptance, Acceptor, Asked, Limits};
use sockless::{Config, Event, Input, Server, Want};
use sockless_examples::opening::plain;
use sockless_examples::options::deflate;
use sockless_examples::trace::Recorder;

/// How long a read waits while something else is wanted too.
const TURN: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    let (mut listen, mut record) = ("127.0.0.1:0".to_owned(), None);
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        match (name.as_str(), args.next()) {
            ("--listen", Some(address)) => listen = address,
            ("--record", Some(directory)) => record = Some(PathBuf::from(directory)),
            _ => record = None,
        }
    }
    let Some(directory) = record else {
        eprintln!("usage: echo_recorded [--listen ADDRESS:PORT] --record DIRECTORY");
        return ExitCode::from(2);
    };
    match run(&directory, &listen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_recorded: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(directory: &Path, address: &str) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let listener = TcpListener::bind(address)?;
    println!("echo_recorded listens on http://{}/", listener.local_addr()?);
    for number in 1.. {
        let (stream, _) = listener.accept()?;
        let path = directory.join(format!("{number}.trace"));
        thread::spawn(move || {
            if let Err(error) = serve(stream, &path) {
                eprintln!("echo_recorded: a client was lost: {error}");
            }
        });
    }
    Ok(())
}

fn serve(mut stream: TcpStream, path: &Path) -> io::Result<()> {
    let (started, mut buffer) = (Instant::now(), vec![0; 16 << 10]);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TURN))?;
    let mut acceptor = Acceptor::new(&Limits::default(), started.elapsed());
    loop {
        let count = read(&mut stream, &mut buffer)?;
        let asked = match count {
            Some(0) => acceptor.end(),
            count => acceptor.poll(&buffer[..count.unwrap_or(0)], started.elapsed()),
        };
        let answer = match asked {
            None => continue,
            Some(Asked::WebSocket(request)) => {
                let acceptance = Acceptance::new().with_extensions(deflate());
                let switching = request.accept(&acceptance).map_err(io::Error::other)?;
                // The answer comes before all that is recorded.
                stream.write_all(&switching.to_vec())?;
                let recorder = Recorder::server(&switching.established(), Config::default());
                let unread = request.consumed()..count.unwrap_or(0);
                drop(request);
                return echo(
                    &mut stream,
                    &mut buffer,
                    unread,
                    recorder,
                    File::create(path)?,
                    started,
                );
            }
            Some(Asked::Plain(request)) => plain(&request),
            Some(Asked::Refused(error)) => error.answer().to_vec(),
        };
        stream.write_all(&answer)?;
        return stream.shutdown(Shutdown::Write);
    }
}

fn echo(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    unread: std::ops::Range<usize>,
    mut recorder: Recorder<Server>,
    mut file: File,
    started: Instant,
) -> io::Result<()> {
    let mut input = Input::new(&mut buffer[unread]);
    loop {
        while let Some(event) = recorder.poll(&mut input, started.elapsed()) {
            match event {
                Event::Text(text) => drop(recorder.send_text(&text)),
                Event::Binary(bytes) => drop(recorder.send_binary(&bytes)),
                _ => {}
            }
        }
        while !recorder.output().is_empty() {
            match stream.write(recorder.output()) {
                Ok(count) => recorder.wrote(count),
                Err(_) => recorder.lost(),
            }
        }
        file.write_all(&recorder.take_trace())?;
        input = match recorder.want() {
            Want::Done(_) => return file.write_all(&recorder.finish()),
            Want::ShutdownWrite => {
                // A stream that is gone is read to its end next.
                let _ = stream.shutdown(Shutdown::Write);
                recorder.shut();
                Input::none()
            }
            Want::Io { .. } => match read(stream, buffer) {
                Ok(Some(0)) | Err(_) => Input::eof(),
                Ok(Some(count)) => Input::new(&mut buffer[..count]),
                Ok(None) => Input::none(),
            },
        };
    }
}

/// `None` if nothing arrived in time.
fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
