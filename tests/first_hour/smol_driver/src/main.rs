//! An echo server on smol: a task for each client, in which writing, reading and the timer race. Each of them gives the next input.

use std::future::pending;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smol::Timer;
use smol::future::or;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::net::{TcpListener, TcpStream};
use sockless::handshake::{Acceptor, HeadLimits};
use sockless::{Config, Connection, Event, Input, Outcome, Server, Want};

async fn read<'b>(stream: &mut TcpStream, buffer: &'b mut [u8]) -> Input<'b> {
    Input::read(stream.read(buffer).await, buffer)
}

/// Nothing to write: nothing happens.
async fn write<'b>(stream: &mut TcpStream, connection: &mut Connection<Server>) -> Input<'b> {
    if connection.output().is_empty() {
        return pending().await;
    }
    connection.wrote(stream.write(connection.output()).await);
    Input::none()
}

async fn due<'b>(started: Instant, deadline: Option<Duration>) -> Input<'b> {
    match deadline {
        Some(deadline) => Timer::at(started + deadline).await,
        None => pending().await,
    };
    Input::none()
}

/// Serves one client to the end: how it ended.
pub async fn serve(stream: TcpStream, config: Arc<Config>) -> io::Result<Outcome> {
    let started = Instant::now();
    let (mut reader, mut writer) = (stream.clone(), stream);
    let mut buffer = vec![0; 16 << 10];
    let mut acceptor = Acceptor::new(&HeadLimits::default(), started.elapsed());
    let mut input = Input::none();
    let mut connection = loop {
        if let Some(asked) = acceptor.poll(&mut input, started.elapsed()) {
            break asked.into_connection(config, started.elapsed());
        }
        let timer = due(started, acceptor.deadline());
        input = or(read(&mut reader, &mut buffer), timer).await;
    };
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
                let _ = writer.shutdown(Shutdown::Write); // the peer may be gone already
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
            match listener.accept().await {
                Ok((stream, _)) => smol::spawn(serve(stream, config.clone())).detach(),
                Err(_) => drop(Timer::after(second / 4).await), // too many open files, say
            }
        }
    })
}
