//! A connection to a peer's server, on the socket whole or in halves; nothing takes longer than it may.

use std::error::Error;
use std::time::Duration;

use sockless_tokio::{
    Client, ClientOptions, CloseCode, Message, NetStream, Outcome, WebSocket, connect_with,
};
use tokio::time::timeout;

use crate::options::LONGEST;

type Reader = sockless_tokio::Reader<<NetStream as sockless_tokio::IntoHalves>::Read, Client>;
type Sender = sockless_tokio::Sender<Client>;
type Failed = Box<dyn Error>;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server that someone else wrote, and how it is to be spoken with.
pub(crate) struct Peer {
    pub(crate) url: String,
    pub(crate) compress: bool,
    pub(crate) halves: bool,
}

/// A connection to it.
pub(crate) struct Socket {
    form: Form,
    /// Whether messages may be compressed.
    pub(crate) compresses: bool,
}

enum Form {
    Whole(Box<WebSocket<NetStream, Client>>),
    Halves(Sender, Box<Reader>),
}

impl Peer {
    pub(crate) async fn connect(&self, path: &str) -> Result<Socket, Failed> {
        let mut options = ClientOptions::new().with_max_message(LONGEST).with_timeout(PATIENCE);
        if self.compress {
            options = options.with_compression();
        }
        let mut socket = connect_with(&format!("{}/{path}", self.url), options).await?;
        socket.show_control_frames(true);
        let field = socket.response().and_then(|answer| answer.field("sec-websocket-extensions"));
        let compresses = field.is_some_and(|field| field.starts_with(b"permessage-deflate"));
        let form = match self.halves {
            false => Form::Whole(Box::new(socket)),
            true => {
                let (sender, reader) = socket.split();
                Form::Halves(sender, Box::new(reader))
            }
        };
        Ok(Socket { form, compresses })
    }

    /// The code and the reason that the server has received in the Close frame of the connection before.
    pub(crate) async fn seen(&self) -> Result<String, Failed> {
        let mut socket = self.connect("seen").await?;
        match socket.next().await? {
            Message::Text(text) => Ok(text.to_string()),
            other => Err(format!("the code was expected, {other:?} came").into()),
        }
    }
}

impl Socket {
    pub(crate) async fn send(&mut self, message: impl Into<Message>) -> Result<(), Failed> {
        let message = message.into();
        let sent = async {
            match &mut self.form {
                Form::Whole(socket) => socket.send(message).await,
                Form::Halves(sender, _) => sender.send(message).await,
            }
        };
        Ok(timeout(PATIENCE, sent).await.map_err(|_| "sending takes too long")??)
    }

    /// Sends a text in three fragments, the second of them empty, with a ping after the first; in halves, which can't, the ping and the text.
    pub(crate) async fn send_fragments(&mut self, text: &str, at: usize) -> Result<(), Failed> {
        match &mut self.form {
            Form::Whole(socket) => {
                let connection = socket.connection_mut();
                connection.begin_text(&text[..at], false)?;
                socket.ping(b"between").await?;
                let connection = socket.connection_mut();
                connection.continue_text("", false)?;
                connection.continue_text(&text[at..], true)?;
                timeout(PATIENCE, socket.flush()).await.map_err(|_| "sending takes too long")??;
                Ok(())
            }
            Form::Halves(..) => {
                self.send(Message::Ping(b"between"[..].into())).await?;
                self.send(text).await
            }
        }
    }

    /// What arrives next: a message or a control frame.
    pub(crate) async fn next(&mut self) -> Result<Message, Failed> {
        self.recv().await?.ok_or_else(|| "the connection has ended".into())
    }

    /// What the connection fails with, after whatever arrives before.
    pub(crate) async fn failure(&mut self) -> Result<sockless_tokio::Error, Failed> {
        loop {
            match self.recv().await {
                Ok(Some(_)) => {}
                Ok(None) => return Err("a failure was expected, not an orderly end".into()),
                Err(error) => return Ok(*error.downcast::<sockless_tokio::Error>()?),
            }
        }
    }

    async fn recv(&mut self) -> Result<Option<Message>, Failed> {
        let received = async {
            match &mut self.form {
                Form::Whole(socket) => socket.recv().await,
                Form::Halves(_, reader) => reader.recv().await,
            }
        };
        let received = timeout(PATIENCE, received).await.map_err(|_| "nothing has arrived")?;
        Ok(received.transpose()?)
    }

    /// Closes with a code, and waits for the end.
    pub(crate) async fn close(&mut self, code: u16) -> Result<Outcome, Failed> {
        let code = CloseCode::new(code).ok_or("a code")?;
        match &mut self.form {
            Form::Whole(socket) => socket.start_close(code, "enough")?,
            Form::Halves(sender, _) => sender.close(code, "enough")?,
        }
        self.end().await
    }

    /// Waits for the end.
    pub(crate) async fn end(&mut self) -> Result<Outcome, Failed> {
        while self.recv().await?.is_some() {}
        Ok(self.outcome())
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match &self.form {
            Form::Whole(socket) => socket.outcome(),
            Form::Halves(_, reader) => reader.outcome(),
        }
    }
}
