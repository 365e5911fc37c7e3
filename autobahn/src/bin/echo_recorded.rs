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
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sockless::handshake::{Acceptance, Acceptor, Asked};
use sockless::{Config, Event, Input, Server, Want};
use sockless_autobahn::answer::sent;
use sockless_autobahn::deadlines::Deadlines;
use sockless_autobahn::listen;
use sockless_autobahn::opening::plain;
use sockless_autobahn::options::deflate;
use sockless_autobahn::trace::Recorder;

/// How long a thread waits for bytes, or for room.
const LOOK: Duration = Duration::from_millis(250);
/// How long while the other is wanted too.
const TURN: Duration = Duration::from_millis(5);
/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!(
                "echo_recorded: {problem}\n\n\
                 usage: echo_recorded --record DIRECTORY [--listen ADDRESS:PORT] {}",
                Deadlines::USAGE
            );
            return ExitCode::from(2);
        }
    };
    match run(Arc::new(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_recorded: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the program is told.
struct Options {
    listen: SocketAddr,
    directory: PathBuf,
    deadlines: Deadlines,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut directory, mut deadlines) = (None, Deadlines::default());
        let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
        while let Some(name) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--listen" => address = listen::address(&value()?)?,
                "--record" => directory = Some(PathBuf::from(value()?)),
                _ if deadlines.take(&name, value)? => {}
                _ => return Err(format!("unknown option {name}")),
            }
        }
        let directory = directory.ok_or("where to? --record DIRECTORY")?;
        Ok(Self { listen: address, directory, deadlines })
    }
}

fn run(options: Arc<Options>) -> io::Result<()> {
    std::fs::create_dir_all(&options.directory)?;
    let listener = TcpListener::bind(options.listen)?;
    println!("echo_recorded listens on http://{}/", listener.local_addr()?);
    let mut number = 0;
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            // Too many open files, say: `ulimit -n` tells how many there may be.
            Err(error) => {
                eprintln!("echo_recorded: can't accept a client: {error}");
                thread::sleep(RECOVER);
                continue;
            }
        };
        number += 1;
        let (options, path) =
            (Arc::clone(&options), options.directory.join(format!("{number}.trace")));
        thread::spawn(move || {
            if let Err(error) = serve(stream, &path, options.deadlines) {
                eprintln!("echo_recorded: a client was lost: {error}");
            }
        });
    }
}

fn serve(mut stream: TcpStream, path: &Path, deadlines: Deadlines) -> io::Result<()> {
    let (started, mut buffer) = (Instant::now(), vec![0; 16 << 10]);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(LOOK))?;
    let mut acceptor = Acceptor::new(&deadlines.handshake(), started.elapsed());
    loop {
        let count = read(&mut stream, &mut buffer)?;
        let mut input = match count {
            Some(0) => Input::eof(),
            count => Input::new(&mut buffer[..count.unwrap_or(0)]),
        };
        let count = count.unwrap_or(0);
        let answer = match acceptor.poll(&mut input, started.elapsed()) {
            None => continue,
            Some(Asked::WebSocket(request)) => {
                let acceptance = Acceptance::new().with_extensions(deflate());
                let switching = request.accept(&acceptance).map_err(io::Error::other)?;
                // The answer comes before all that is recorded.
                stream.write_all(&switching.to_vec())?;
                let recorder =
                    Recorder::server(&switching.established(), deadlines.config(Config::default()));
                let unread = count - input.len()..count;
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
    first: std::ops::Range<usize>,
    mut recorder: Recorder<Server>,
    mut file: File,
    started: Instant,
) -> io::Result<()> {
    let mut input = Input::new(&mut buffer[first]);
    let mut turn = TURN;
    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = recorder.poll(&mut input, started.elapsed()) {
            sent(match event {
                Event::Text(text) => recorder.send_text(&text),
                Event::Binary(bytes) => recorder.send_binary(&bytes),
                _ => Ok(()),
            })
            .map_err(io::Error::other)?;
        }
        // 2. Write what waits, as far as the stream takes it.
        turn = if write(stream, &mut recorder) { TURN } else { (turn * 2).min(LOOK) };
        file.write_all(&recorder.take_trace())?;
        // 3. Do what the connection wants.
        input = match recorder.want() {
            Want::Done(_) => return file.write_all(&recorder.finish()),
            Want::ShutdownWrite => {
                // A stream that is gone is read to its end next.
                let _ = stream.shutdown(Shutdown::Write);
                recorder.shut();
                Input::none()
            }
            Want::Io { read: wants_read, write: wants_write, deadline } => {
                let until =
                    deadline.map_or(LOOK, |at| at.saturating_sub(started.elapsed()).min(LOOK));
                // Where both are wanted, neither keeps the other waiting for long.
                let wait = if wants_read && wants_write { until.min(turn) } else { until };
                if wait.is_zero() {
                    Input::none()
                } else if wants_read {
                    stream.set_write_timeout(Some(wait.min(TURN)))?;
                    stream.set_read_timeout(Some(wait))?;
                    match read(stream, buffer) {
                        Ok(Some(0)) | Err(_) => Input::eof(),
                        Ok(Some(count)) => Input::new(&mut buffer[..count]),
                        Ok(None) => Input::none(),
                    }
                } else {
                    match wants_write {
                        // The next write waits.
                        true => stream.set_write_timeout(Some(wait))?,
                        false => thread::sleep(wait),
                    }
                    Input::none()
                }
            }
        };
    }
}

/// Writes as much of the output as the stream takes in time; whether that was all.
fn write(stream: &mut TcpStream, recorder: &mut Recorder<Server>) -> bool {
    while !recorder.output().is_empty() {
        match stream.write(recorder.output()) {
            Ok(count) => recorder.wrote(count),
            Err(error) if is_timeout(&error) => return false,
            Err(_) => recorder.lost(),
        }
    }
    true
}

/// `None` if nothing arrived in time.
fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(count) => Ok(Some(count)),
        Err(error) if is_timeout(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
