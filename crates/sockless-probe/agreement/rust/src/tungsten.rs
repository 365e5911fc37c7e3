//! tungstenite, on threads.

use std::net::{TcpListener, TcpStream};
use std::thread;

use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

fn config() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(64 << 20)).max_frame_size(Some(64 << 20))
}

pub(crate) fn server(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    for stream in listener.incoming().map_while(Result::ok) {
        thread::spawn(move || {
            let _ = stream.set_nodelay(true);
            if let Ok(socket) = tungstenite::accept_with_config(stream, Some(config())) {
                echo(socket);
            }
        });
    }
}

fn echo(mut socket: WebSocket<TcpStream>) {
    while let Ok(message) = socket.read() {
        let sent = match message {
            Message::Text(_) | Message::Binary(_) => socket.send(message),
            _ => socket.flush(),
        };
        if sent.is_err() {
            // Whatever was to be said is said by reading on.
            while socket.read().is_ok() {}
            return;
        }
    }
    let _ = socket.flush();
}

pub(crate) fn visit(url: &str, echoes: bool) -> String {
    let address = url.trim_start_matches("ws://").split('/').next().expect("an address");
    let Ok(stream) = TcpStream::connect(address) else { return String::new() };
    let _ = stream.set_nodelay(true);
    let Ok((mut socket, _)) = tungstenite::client::client_with_config(url, stream, Some(config()))
    else {
        return String::new();
    };
    if echoes {
        echo(socket);
        return String::new();
    }
    let mut told = String::new();
    while let Ok(message) = socket.read() {
        if let Message::Text(text) = message {
            told.push_str(&text);
        }
    }
    told
}
