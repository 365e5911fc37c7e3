//! A client of Socket.IO in the namespace that the URL's path names. It doesn't reconnect.

use sockless_socketio::client::{Client, Event};
use sockless_socketio::socket::{EmitError, Payload};
use sockless_tokio::ClientOptions;

use super::{Body, Dial, Outgoing, Received, Sent};

pub(crate) struct Events(Client);

impl Events {
    pub(super) async fn open(dial: &Dial, polling: bool, websocket: bool) -> Result<Self, String> {
        let mut builder = Client::builder(&dial.url)
            .with_transports(polling, websocket)
            .with_options(ClientOptions::new().with_timeout(dial.timeout))
            .without_reconnect();
        for (name, value) in &dial.fields {
            builder = builder.with_field(name, value);
        }
        builder.connect().await.map(Self).map_err(|error| error.to_string())
    }

    pub(super) fn try_send(&mut self, outgoing: Outgoing) -> Sent {
        let Outgoing::Event { name, payload } = outgoing else { return Sent::No };
        match self.0.emit(&name, payload) {
            Ok(()) => Sent::Yes,
            Err(EmitError::Full) => Sent::Full,
            Err(_) => Sent::No,
        }
    }

    pub(super) async fn recv(&mut self) -> Received {
        loop {
            return match self.0.recv().await {
                Some(Event::Message(mut message)) => {
                    if message.wants_reply() {
                        // A server that waits for one goes on.
                        let _ = message.reply(Payload::new());
                    }
                    let name = message.name().to_owned();
                    Received::Body(Body::Event { name, payload: message.into_payload() })
                }
                Some(Event::Disconnected(reason) | Event::Failed(reason)) => {
                    Received::Ended(reason.to_string())
                }
                Some(Event::Refused(refused)) => Received::Ended(refused.message().to_owned()),
                Some(_) => continue,
                None => Received::Ended("the connection has ended".into()),
            };
        }
    }

    pub(super) async fn close(self) {
        self.0.close().await;
    }
}
