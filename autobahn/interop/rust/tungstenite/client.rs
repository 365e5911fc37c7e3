//! The scenarios against an echo server.

use std::error::Error;
use std::net::TcpStream;
use std::time::Duration;

use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::{CloseCode, Data};
use tungstenite::{Error as Ended, Message, WebSocket};

use super::{config, fragment};

const LENGTHS: [usize; 9] = [0, 1, 125, 126, 4096, 65_535, 65_536, 262_144, 1 << 20];
const LARGE: usize = 16 << 20;
const PATIENCE: Duration = Duration::from_secs(60);

type Client = WebSocket<TcpStream>;
type Said = Result<String, Box<dyn Error>>;
type Scenario = fn(&str) -> Said;

/// Runs the scenarios against a server, and those of its pings against one that pings soon.
pub(crate) fn run(url: &str, pinging: &str) {
    let scenarios: [(&str, &str, Scenario); 9] = [
        ("text", url, texts),
        ("binary", url, binaries),
        ("large", url, large),
        ("fragments", url, fragments),
        ("client pings", url, client_pings),
        ("server pings", pinging, server_pings),
        ("client closes", url, client_closes),
        ("killed", url, killed),
        ("server closes", url, server_closes),
    ];
    for (name, url, scenario) in scenarios {
        match scenario(url) {
            Ok(said) => println!("{name}\tok\t{said}"),
            Err(error) => println!("{name}\tFAILED\t{error}"),
        }
    }
}

fn dial(url: &str) -> Result<Client, Box<dyn Error>> {
    let address = url.trim_start_matches("ws://").trim_end_matches('/');
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let opened = tungstenite::client::client_with_config(url, stream, Some(config()));
    Ok(opened.map_err(|error| format!("the handshake: {error}"))?.0)
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 31 % 251) as u8).collect()
}

fn text(len: usize) -> String {
    let piece = "a grüß 世界 😀 ";
    piece.repeat(len / piece.len()) + &"x".repeat(len % piece.len())
}

fn echoed(client: &mut Client, message: Message) -> Result<(), Box<dyn Error>> {
    client.send(message.clone())?;
    expect(client, &message)
}

/// The next message but for pings is this one.
fn expect(client: &mut Client, message: &Message) -> Result<(), Box<dyn Error>> {
    loop {
        match client.read()? {
            Message::Ping(_) => {}
            back if back == *message => return Ok(()),
            back => {
                return Err(
                    format!("{} bytes came, {} were expected", back.len(), message.len()).into()
                );
            }
        }
    }
}

/// The code in the server's Close frame, when the connection has ended.
fn ended(client: &mut Client) -> Result<Option<u16>, Box<dyn Error>> {
    let mut code = None;
    loop {
        match client.read() {
            Ok(Message::Close(frame)) => code = frame.map(|frame| frame.code.into()),
            Ok(_) => {}
            Err(Ended::ConnectionClosed | Ended::AlreadyClosed) => return Ok(code),
            Err(error) => return Err(error.into()),
        }
    }
}

fn close(mut client: Client, code: u16) -> Result<(), Box<dyn Error>> {
    client.close(Some(CloseFrame { code: CloseCode::from(code), reason: "enough".into() }))?;
    match ended(&mut client)? {
        Some(seen) if seen == code => Ok(()),
        other => Err(format!("closed with {code}, answered with {other:?}").into()),
    }
}

fn texts(url: &str) -> Said {
    let mut client = dial(url)?;
    for len in LENGTHS {
        echoed(&mut client, Message::text(text(len)))?;
    }
    close(client, 1000)?;
    Ok("extensions: none".into())
}

fn binaries(url: &str) -> Said {
    let mut client = dial(url)?;
    for len in LENGTHS {
        echoed(&mut client, Message::binary(bytes(len)))?;
    }
    close(client, 1000)?;
    Ok(String::new())
}

fn large(url: &str) -> Said {
    let mut client = dial(url)?;
    echoed(&mut client, Message::binary(bytes(LARGE)))?;
    echoed(&mut client, Message::text(text(LARGE)))?;
    close(client, 1000)?;
    Ok(String::new())
}

fn fragments(url: &str) -> Said {
    let mut client = dial(url)?;
    for len in [3, 1000, 300_000] {
        let whole = text(len);
        // Inside a code point, too.
        let (first, rest) = whole.as_bytes().split_at(len / 3);
        client.send(fragment(first, Data::Text, false))?;
        client.send(Message::Ping("between".into()))?;
        client.send(fragment(b"", Data::Continue, false))?;
        client.send(fragment(rest, Data::Continue, true))?;
        expect(&mut client, &Message::Pong("between".into()))?;
        expect(&mut client, &Message::text(whole))?;
    }
    close(client, 1000)?;
    Ok(String::new())
}

fn client_pings(url: &str) -> Said {
    let mut client = dial(url)?;
    for len in [0, 1, 125] {
        client.send(Message::Ping(bytes(len).into()))?;
        expect(&mut client, &Message::Pong(bytes(len).into()))?;
    }
    close(client, 1000)?;
    Ok(String::new())
}

fn server_pings(url: &str) -> Said {
    let mut client = dial(url)?;
    for _ in 0..2 {
        match client.read()? {
            Message::Ping(_) => {}
            other => return Err(format!("a ping was expected, {other} came").into()),
        }
    }
    echoed(&mut client, Message::text("still open"))?;
    close(client, 1000)?;
    Ok(String::new())
}

fn client_closes(url: &str) -> Said {
    for code in [1000, 3000, 4001] {
        close(dial(url)?, code)?;
    }
    Ok("1000 3000 4001".into())
}

fn killed(url: &str) -> Said {
    for len in [1000, LARGE] {
        let mut client = dial(url)?;
        client.send(fragment(&bytes(len), Data::Binary, false))?;
    }
    let mut client = dial(url)?;
    echoed(&mut client, Message::text("still there"))?;
    close(client, 1000)?;
    Ok(String::new())
}

fn server_closes(url: &str) -> Said {
    let mut client = dial(url)?;
    echoed(&mut client, Message::text("here"))?;
    println!("ready");
    match ended(&mut client)? {
        Some(1001) => Ok("1001".into()),
        other => Err(format!("1001 was expected, {other:?} came").into()),
    }
}
