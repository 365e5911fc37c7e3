//! The paths that the sockless client asks for.

use std::error::Error;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::{CloseCode, Data};
use tungstenite::{Message, WebSocket};

use super::{config, fragment};

/// How the last connection ended that was none to `/seen`.
type Last = Arc<Mutex<Option<Receiver<String>>>>;

/// Serves until the process is ended.
pub(crate) fn run() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("listening {}", listener.local_addr().expect("its address").port());
    let last = Last::default();
    for stream in listener.incoming().map_while(Result::ok) {
        let last = Arc::clone(&last);
        thread::spawn(move || {
            // The client tells what is wrong.
            let _ = serve(stream, &last);
        });
    }
}

fn serve(stream: TcpStream, last: &Last) -> Result<(), Box<dyn Error>> {
    stream.set_nodelay(true)?;
    let (teller, told) = sync_channel(1);
    let (mut path, mut told) = (String::new(), Some(told));
    #[allow(clippy::result_large_err, reason = "the signature is tungstenite's")]
    let asked = |request: &Request, response: Response| {
        request.uri().path().clone_into(&mut path);
        if path != "/seen" {
            // Noted before the client hears that it is open, so that its next connection finds it.
            *last.lock().unwrap_or_else(PoisonError::into_inner) = told.take();
        }
        Ok(response)
    };
    let mut socket = tungstenite::accept_hdr_with_config(stream, asked, Some(config()))
        .map_err(|error| error.to_string())?;
    if path == "/seen" {
        let told = last.lock().unwrap_or_else(PoisonError::into_inner).take();
        let seen = told.ok_or("no connection before")?.recv_timeout(Duration::from_secs(30))?;
        socket.send(Message::text(seen))?;
        return end(&mut socket, &teller);
    }
    if path == "/ping" {
        socket.send(Message::Ping("are you there?".into()))?;
    }
    loop {
        let message = match socket.read()? {
            Message::Pong(payload) if path == "/ping" => {
                socket
                    .send(Message::text(format!("pong: {}", String::from_utf8_lossy(&payload))))?;
                continue;
            }
            Message::Close(frame) => {
                tell(&teller, frame);
                return end(&mut socket, &teller);
            }
            message @ (Message::Text(_) | Message::Binary(_)) => message,
            _ => continue,
        };
        match path.as_str() {
            "/echo" => socket.send(message)?,
            "/fragments" => send_fragments(&mut socket, &message)?,
            "/close" => {
                let code = CloseCode::from(4002);
                socket.close(Some(CloseFrame { code, reason: "done".into() }))?;
            }
            "/kill" => {
                // The header of a frame that is longer than what follows.
                socket.get_mut().write_all(&[0x82, 127, 0, 0, 0, 0, 1, 0, 0, 0])?;
                let payload = message.into_data();
                return Ok(socket.get_mut().write_all(&payload)?);
            }
            _ => return Err("no such path".into()),
        }
    }
}

/// Reads to the end of the connection.
fn end(
    socket: &mut WebSocket<TcpStream>,
    teller: &SyncSender<String>,
) -> Result<(), Box<dyn Error>> {
    loop {
        if let Message::Close(frame) = socket.read()? {
            tell(teller, frame);
        }
    }
}

fn tell(teller: &SyncSender<String>, frame: Option<CloseFrame>) {
    let frame = frame.map(|frame| (u16::from(frame.code), frame.reason));
    let (code, reason) = frame.unwrap_or_else(|| (1005, "".into()));
    // Only the first is of interest.
    let _ = teller.try_send(format!("{code} {reason}"));
}

fn send_fragments(
    socket: &mut WebSocket<TcpStream>,
    message: &Message,
) -> Result<(), Box<dyn Error>> {
    let opcode = if message.is_text() { Data::Text } else { Data::Binary };
    let payload = message.clone().into_data();
    let (first, rest) = payload.split_at(payload.len() / 3);
    socket.send(fragment(first, opcode, false))?;
    socket.send(Message::Ping("between".into()))?;
    socket.send(fragment(b"", Data::Continue, false))?;
    Ok(socket.send(fragment(rest, Data::Continue, true))?)
}
