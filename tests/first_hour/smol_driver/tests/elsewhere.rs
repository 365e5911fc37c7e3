//! Sending from elsewhere, as the chapter `asynchronous` says: the program's loop with a channel for what nobody has asked for.

use std::future::pending;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use smol::Timer;
use smol::channel::{Receiver, bounded};
use smol::future::or;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::net::{TcpListener, TcpStream};
use sockless::handshake::{Acceptor, HeadLimits};
use sockless::{Config, Connection, Event, Holding, Input, Outcome, Server, Want};

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

/// The program's loop, with a channel beside it.
async fn serve(
    channel: &Receiver<String>,
    stream: TcpStream,
    config: Arc<Config>,
) -> io::Result<Outcome> {
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
                let (room, mut message) = (!connection.is_congested(), None);
                let writing = write(&mut writer, &mut connection);
                let reading = read(&mut reader, &mut buffer);
                let taking = async {
                    if room && let Ok(taken) = channel.recv().await {
                        message = Some(taken);
                        return Input::none();
                    }
                    pending().await // no room, or nobody has the channel's other end any more
                };
                let next = or(writing, or(reading, or(taking, timer))).await;
                if let Some(message) = message {
                    // Refused once the connection is closing: whether the message is to be kept then is for the program to say.
                    let _ = connection.send_text(&message);
                }
                next
            }
            Want::Io { .. } => or(write(&mut writer, &mut connection), timer).await,
        };
    }
}

/// Twenty megabytes, more than the streams take: the channel is full nearly all the time.
#[test]
fn messages_of_a_channel_and_answers_go_out_and_nothing_is_lost() {
    const COUNT: usize = 400;
    let (sender, channel) = bounded(4);
    // It reads whatever waits, as a client does. A message that is taken without room is soon refused, and missing.
    let config = Config::default()
        .with_output_limits(200_000, 500_000)
        .with_holding(Holding::Independent);
    let (outcome, talked) = smol::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}/", listener.local_addr().expect("an address"));
        let client = thread::spawn(move || {
            let mut socket = sockless_blocking::connect(&url).expect("open");
            socket.set_timeout(Duration::from_secs(60));
            socket.send("echo").expect("sent");
            // Until the streams have no room, and the connection neither.
            thread::sleep(Duration::from_millis(300));
            let (mut next, mut echoed) = (0, 0);
            while next < COUNT || echoed < 3 {
                let message = socket.recv().expect("a message").expect("a message");
                let text = message.as_text().expect("text");
                if text == "echo" {
                    echoed += 1;
                    if echoed < 3 {
                        socket.send("echo").expect("sent");
                    }
                    continue;
                }
                let number = text.trim_start().parse::<usize>().expect("a number");
                assert_eq!((number, text.len()), (next, 50_000), "in order, and whole");
                next += 1;
            }
            socket.close(None, "").expect("closed").clean()
        });
        smol::spawn(async move {
            for number in 0..COUNT {
                let sent = sender.send(format!("{number:50000}")).await;
                sent.expect("somebody takes it");
            }
        })
        .detach();
        let (stream, _) = listener.accept().await.expect("a client");
        // In a task, as a program would: the future has to be `Send`.
        let serving = smol::spawn(async move { serve(&channel, stream, Arc::new(config)).await });
        (serving.await, client)
    });
    assert!(outcome.expect("an outcome").clean());
    assert!(talked.join().expect("no panic"));
}

#[test]
fn the_guide_shows_this_branch_word_for_word() {
    let own = include_str!("elsewhere.rs");
    let begin = own.find("            Want::Io { read: true, .. } => {\n");
    let begin = begin.expect("the branch");
    let end = own.find("            Want::Io { .. } =>").expect("its end");
    let chapter = include_str!("../../../../src/guide/asynchronous.md");
    let branch = &own[begin..end];
    assert!(
        chapter.contains(&format!("```rust,ignore\n{branch}```\n")),
        "{branch}"
    );
}
