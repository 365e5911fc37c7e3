//! Sessions over Socket.IO: where a network lets no WebSocket pass, a page has the messages of its session carried as events of a namespace, by
//! polling. Each such client has a WebSocket within this program, so that sessions know one kind of connection alone.
//!
//! The events are `text` with a string, `binary` with octets, and `close` with the code and the reason that a WebSocket would have ended with.

use sockless_socketio::service::{Received, Socket};
use sockless_socketio::socket::Payload;
use sockless_tokio::session::{SUBPROTOCOL, SessionsServer};
use sockless_tokio::{
    Client, ClientOptions, Message, ServerOptions, Shutdown, WebSocket, accept, connect_over,
};
use tokio::io::DuplexStream;

use super::door::LONGEST;
use super::socketio::Ended;

/// The namespace.
pub(super) const NAMESPACE: &str = "/session";

/// How much is between the two ends of such a WebSocket.
const PIPE: usize = 64 << 10;

/// Serves a client until its connection ends.
pub(super) async fn serve(
    mut socket: Socket,
    owner: &str,
    sessions: SessionsServer,
    shutdown: Shutdown,
) -> Ended {
    let (near, far) = tokio::io::duplex(PIPE);
    let serving = async {
        let options = ServerOptions::new().with_subprotocols([SUBPROTOCOL]);
        let options = options.with_max_message(LONGEST as u64);
        if let Ok(far) = accept(far, options.with_shutdown(&shutdown)).await {
            sessions.serve_as(far, owner).await;
        }
    };
    let carrying = async {
        let options = ClientOptions::new().with_subprotocols([SUBPROTOCOL]);
        let near = connect_over(near, "ws://session/", options).await?;
        carry(&mut socket, near).await
    };
    tokio::join!(carrying, serving).0
}

/// Carries between the two. When it returns, the WebSocket is dropped, and its session learns that the connection is lost.
async fn carry(socket: &mut Socket, mut near: WebSocket<DuplexStream, Client>) -> Ended {
    loop {
        tokio::select! {
            event = socket.recv() => {
                let Some(event) = event else { return Ok(()) };
                // What a session's window allows has room.
                near.try_send(message(&event)?)?;
            }
            message = near.recv() => match message {
                // What a session's window allows has room here, too; a client that takes nothing loses its connection.
                Some(Ok(Message::Text(text))) => {
                    socket.emit("text", Payload::new().with(text.as_str())?)?;
                }
                Some(Ok(message)) => {
                    let mut payload = Payload::new();
                    payload.push_binary(message.into_data());
                    socket.emit("binary", payload)?;
                }
                Some(Err(_)) | None => {
                    let closed = near.close_frame().map(|frame| (frame.code.get(), &*frame.reason));
                    let (code, reason) = closed.unwrap_or((1006, ""));
                    return Ok(socket.emit("close", Payload::new().with(&code)?.with(reason)?)?);
                }
            },
        }
    }
}

/// What an event carries.
fn message(event: &Received) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
    match (event.name(), event.payload().attachments()) {
        ("text", []) => Ok(Message::text(event.read::<(String,)>()?.0)),
        ("binary", [octets]) => Ok(Message::binary(octets.clone())),
        (name, _) => Err(format!("the event {name} carries no message").into()),
    }
}
