//! A WebSocket proxy that passes frames through without assembling them: each piece of a frame goes on as soon as it is here,
//! under a header of our own, masked or unmasked in the buffer that it was read into.
//!
//! Two threads for each client, one for each direction, on level 1: a decoder and an encoder in each. They share nothing but the
//! right to say why it ends.
//!
//! Here lives who comes and goes. How a connection opens is `opening`, how frames pass is `passing`, which is the
//! example's, as are the streams.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod body;
mod opening;
mod options;
#[path = "../../../../examples/relay/src/passing.rs"]
mod passing;
#[path = "../../../../examples/relay/src/stream.rs"]
mod stream;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sockless_autobahn::listen;
use sockless_autobahn::stop::Stop;

use opening::Forwarded;
use options::Options;
use passing::{Relay, Terms};

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(options) => options,
        Err(status) => return status,
    };
    let address = options.listen;
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {}", listen::problem(address, &error));
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen)?;
    let stop = Stop::on_signal()?;
    let address = listener.local_addr()?;
    stop.wakes(address)?;
    println!("relay listens on http://{address}/ for {} (Ctrl-C stops it)", options.to);
    let options = Arc::new(options);
    let mut threads: Vec<thread::JoinHandle<()>> = Vec::new();
    while !stop.is_asked() {
        match listener.accept() {
            Ok(_) if stop.is_asked() => {}
            Ok((client, _)) => {
                let (options, stop) = (Arc::clone(&options), stop.clone());
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread::spawn(move || {
                    if let Err(error) = serve(client, &options, &stop) {
                        eprintln!("relay: {error}");
                    }
                }));
            }
            Err(error) => {
                eprintln!("relay: can't accept a client: {error}");
                thread::sleep(stream::LOOK);
            }
        }
    }
    let deadline = Instant::now() + options.grace;
    while Instant::now() < deadline && threads.iter().any(|thread| !thread.is_finished()) {
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn serve(client: TcpStream, options: &Options, stop: &Stop) -> io::Result<()> {
    stream::prepare(&client)?;
    let mut buffer = vec![0; stream::BUFFER];
    let limits = options.deadlines.handshake();
    let Some((request, first)) = opening::asked(&client, &mut buffer, &limits)? else {
        return Ok(());
    };
    let answer = match opening::forward(&request, &options.to, &limits) {
        Ok(Forwarded::Open { server, answer, first: from_server }) => {
            stream::write_all(&client, &answer, options.deadlines.write)?;
            let terms = Terms {
                limits: options.limits,
                write: options.deadlines.write,
                close: options.deadlines.close,
                stopping: &|| stop.is_asked(),
            };
            return Relay::new(client, server, terms).run(&first, &from_server);
        }
        Ok(Forwarded::Answered(answer)) => answer,
        Err(error) => {
            eprintln!("relay: {} can't be reached: {error}", options.to);
            opening::refusal(502, b"the server behind can't be reached")
        }
    };
    stream::finish(&client, &answer)
}
