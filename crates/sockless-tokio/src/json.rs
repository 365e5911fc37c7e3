//! Messages as JSON, to and from any type of `serde`.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sockless::connection::Side;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::Error;
use crate::message::Message;
use crate::socket::WebSocket;

/// Why a message of JSON was not received or sent.
#[derive(Debug)]
pub enum JsonError {
    /// The connection.
    Socket(Error),
    /// A message arrived that is not what was expected, or a value can't be written as JSON. The connection goes on.
    Json(serde_json::Error),
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> WebSocket<S, R> {
    /// The next message, text or binary, as a value.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), and if the message is not the JSON of such a value: then the connection goes on.
    pub async fn recv_json<T: DeserializeOwned>(&mut self) -> Option<Result<T, JsonError>> {
        loop {
            let message = match self.recv().await? {
                Ok(message) => message,
                Err(error) => return Some(Err(JsonError::Socket(error))),
            };
            if let Message::Text(_) | Message::Binary(_) = message {
                return Some(serde_json::from_slice(message.as_bytes()).map_err(JsonError::Json));
            }
        }
    }

    /// Sends a value as a text message of JSON.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and if the value can't be written as JSON: then nothing is sent.
    pub async fn send_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), JsonError> {
        let text = serde_json::to_string(value).map_err(JsonError::Json)?;
        self.send_text(&text).await.map_err(JsonError::Socket)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(error) => error.fmt(f),
            Self::Json(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for JsonError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Socket(error) => Some(error),
            Self::Json(error) => Some(error),
        }
    }
}
