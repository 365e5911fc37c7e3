//! Messages of WebSocket.

use sockless_tokio::{
    Client, CloseCode, Message, NetStream, TrySendError, WebSocket, connect_with,
};

use super::{Body, Dial, Outgoing, Received, Sent};

pub(crate) struct Plain(WebSocket<NetStream, Client>);

impl Plain {
    pub(super) async fn open(dial: &Dial) -> Result<Self, String> {
        let options = dial.options().with_subprotocols(dial.subprotocols.iter().cloned());
        connect_with(&dial.url, options).await.map(Self).map_err(|error| error.to_string())
    }

    pub(super) fn try_send(&mut self, outgoing: Outgoing) -> Sent {
        let message = match outgoing {
            Outgoing::Text(text) => Message::from(text),
            Outgoing::Binary(bytes) => Message::from(bytes),
            Outgoing::Event { .. } => return Sent::No,
        };
        match self.0.try_send(message) {
            Ok(()) => Sent::Yes,
            Err(TrySendError::Full(_)) => Sent::Full,
            Err(_) => Sent::No,
        }
    }

    pub(super) async fn recv(&mut self) -> Received {
        match self.0.recv().await {
            Some(Ok(message)) => Received::Body(Body::Message(message)),
            Some(Err(error)) => Received::Ended(error.to_string()),
            None => Received::Ended(match self.0.close_frame() {
                Some(frame) => super::plain::closed(frame.code.get(), &frame.reason),
                None => "closed by the server without a code".into(),
            }),
        }
    }

    pub(super) async fn close(mut self) {
        // Whether the server answers is no part of the measurement.
        let _ = self.0.close(CloseCode::NORMAL, "").await;
    }
}

/// A close in words.
pub(super) fn closed(code: u16, reason: &str) -> String {
    match reason {
        "" => format!("closed by the server with {code}"),
        reason => format!("closed by the server with {code}: {reason}"),
    }
}
