//! An echo server on smol: a task for each client, in which writing, reading and the timer race. Each of them gives the next input.

use std::future::pending;
use std::io;
use std::net::Shutdown;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smol::Timer;
use smol::future::or;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::net::{TcpListener, TcpStream};
use sockless::handshake::{Acceptance, Acceptor, Asked, HeadLimits, RequestError};
use sockless::{Config, Connection, Event, Input, Outcome, Server, Want, endpoint};

async fn read<'b>(stream: &mut TcpStream, buffer: &'b mut [u8]) -> Input<'b> {
    match stream.read(buffer).await {
        Ok(0) | Err(_) => Input::eof(),
        Ok(count) => Input::new(&mut buffer[..count]),
    }
}

/// Nothing to write: nothing happens.
async fn write<'b>(stream: &mut TcpStream, connection: &mut Connection<Server>) -> Input<'b> {
    if connection.output().is_empty() {
        return pending().await;
    }
    match stream.write(connection.output()).await {
        Ok(count) => connection.wrote(count),
        Err(_) => connection.lost(), // what waits will never be written
    }
    Input::none()
}

async fn due<'b>(started: Instant, deadline: Option<Duration>) -> Input<'b> {
    match deadline {
        Some(deadline) => Timer::at(started + deadline).await,
        None => pending().await,
    };
    Input::none()
}

/// The connection, and where its first frames lie in the buffer. An error, if the client was answered otherwise.
async fn open(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    started: Instant,
    config: Arc<Config>,
) -> io::Result<(Connection<Server>, Range<usize>)> {
    let mut acceptor = Acceptor::new(&HeadLimits::default(), started.elapsed());
    let answer = loop {
        let timer = due(started, acceptor.deadline());
        let input = or(read(stream, buffer), timer).await;
        let (end, arrived) = (input.is_eof(), input.into_rest());
        let asked = match end {
            true => acceptor.end(),
            false => acceptor.poll(arrived, started.elapsed()),
        };
        match asked {
            None => {}
            Some(Asked::WebSocket(request)) => {
                let accepted = endpoint::accept(&request, &Acceptance::new(), config);
                let (connection, _) = accepted.map_err(io::Error::other)?;
                return Ok((connection, request.consumed()..arrived.len()));
            }
            Some(Asked::Plain(_)) => break RequestError::PlainRequest.answer().to_vec(),
            Some(Asked::Refused(error)) => break error.answer().to_vec(),
        }
    };
    stream.write_all(&answer).await?;
    Err(io::Error::other("no request for a WebSocket"))
}

/// Serves one client to the end: how it ended.
pub async fn serve(stream: TcpStream, config: Arc<Config>) -> io::Result<Outcome> {
    let started = Instant::now();
    let (mut reader, mut writer) = (stream.clone(), stream);
    let mut buffer = vec![0; 16 << 10];
    let opened = open(&mut reader, &mut buffer, started, config);
    let (mut connection, first) = opened.await?;
    let mut input = Input::new(&mut buffer[first]);
    loop {
        while let Some(event) = connection.poll(&mut input, started.elapsed()) {
            match event {
                Event::Text(text) => connection.send_text(&text).map_err(io::Error::other)?,
                Event::Binary(bytes) => connection.send_binary(&bytes).map_err(io::Error::other)?,
                _ => {} // pings and the peer's Close frame are answered already
            }
        }
        let want = connection.want();
        let timer = due(started, want.deadline());
        input = match want {
            Want::Done(outcome) => return Ok(outcome),
            Want::ShutdownWrite => {
                writer.shutdown(Shutdown::Write)?;
                connection.shut();
                Input::none()
            }
            Want::Io { read: true, .. } => {
                let writing = write(&mut writer, &mut connection);
                let reading = read(&mut reader, &mut buffer);
                or(writing, or(reading, timer)).await
            }
            Want::Io { .. } => or(write(&mut writer, &mut connection), timer).await,
        };
    }
}

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:9001".into());
    let second = Duration::from_secs(1);
    let config = Arc::new(Config::default().with_keepalive(30 * second, 10 * second));
    smol::block_on(async {
        let listener = TcpListener::bind(address).await?;
        println!("ws://{}/", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            smol::spawn(serve(stream, config.clone())).detach();
        }
    })
}
