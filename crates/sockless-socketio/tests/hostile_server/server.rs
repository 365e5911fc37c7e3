//! A server that follows a script: the same over long-polling and over a WebSocket. What it says is not looked at.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Duration;

use sockless_socketio::engine::{Frame, encode_payload};
use sockless_tokio::{Message, accept};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Notify, mpsc};

/// A session that says what can be believed.
pub(crate) const HELLO: &str = r#"0{"sid":"s1","upgrades":[],"pingInterval":600000,"pingTimeout":600000,"maxPayload":1000000}"#;

/// What a server says at once: a body of long-polling, or a message of the WebSocket.
pub(crate) enum Say {
    Text(String),
    Binary(Vec<u8>),
}

/// The server's end of a session, in its script. When this is dropped, the session's connections are cut.
pub(crate) struct Talk {
    /// How many sessions there were before.
    pub(crate) number: usize,
    says: mpsc::Sender<Say>,
    hears: mpsc::UnboundedReceiver<String>,
}

impl Talk {
    /// Says something, once the client has room for it.
    pub(crate) async fn say(&self, text: impl Into<String>) {
        // A client that has gone hears nothing.
        let _ = self.says.send(Say::Text(text.into())).await;
    }

    /// Whether the client is still there.
    pub(crate) fn is_heard(&self) -> bool {
        !self.says.is_closed()
    }

    pub(crate) async fn say_binary(&self, bytes: &[u8]) {
        let _ = self.says.send(Say::Binary(bytes.to_vec())).await;
    }

    /// The client's next packet.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        self.hears.recv().await
    }

    /// Opens the session, and waits until the client asks for the main namespace.
    pub(crate) async fn greet(&mut self) {
        self.say(HELLO).await;
        self.hear().await;
    }

    /// Opens the session, and connects the client to the main namespace.
    pub(crate) async fn accept(&mut self) {
        self.greet().await;
        self.say(r#"40{"sid":"c1"}"#).await;
    }

    /// Does nothing until the client has gone.
    pub(crate) async fn stay(&mut self) {
        while self.hear().await.is_some() {}
    }
}

/// What becomes of the WebSocket that a session is to change to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Probe {
    /// Its request isn't answered.
    Unanswered,
    /// It is open, and nothing is said.
    Silent,
    /// Something else is said.
    Says(&'static str),
    /// Bytes are sent.
    Sends(&'static [u8]),
    /// It is closed when the probe has come.
    Closes,
}

type Script = Arc<dyn Fn(Talk) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

struct Session {
    says: Mutex<mpsc::Receiver<Say>>,
    hears: mpsc::UnboundedSender<String>,
}

#[derive(Clone)]
struct Server {
    script: Script,
    probe: Probe,
    /// Hears of a WebSocket that was probed and is there no more.
    left: Arc<Notify>,
    /// How many sessions there were, and the last one.
    last: Arc<StdMutex<(usize, Option<Arc<Session>>)>>,
}

/// Starts a server that has a WebSocket for sessions that begin with one.
pub(crate) async fn start<F, R>(script: F) -> SocketAddr
where
    F: Fn(Talk) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    start_with(Probe::Closes, Arc::default(), script).await
}

/// The same with another WebSocket for those that change to one. Whoever waits for that hears when the client has left it.
pub(crate) async fn start_with<F, R>(probe: Probe, left: Arc<Notify>, script: F) -> SocketAddr
where
    F: Fn(Talk) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let script: Script = Arc::new(move |talk| Box::pin(script(talk)));
    let server = Server { script, probe, left, last: Arc::default() };
    streams(move |stream| server.clone().serve(stream)).await
}

/// Does the same with every connection.
pub(crate) async fn streams<F, R>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    at
}

impl Server {
    async fn serve(self, stream: TcpStream) {
        let head = first_head(&stream).await.to_ascii_lowercase();
        let begun = head.contains("sid=");
        match (head.contains("upgrade: websocket"), begun) {
            (true, true) => self.probe(stream).await,
            (true, false) => {
                let session = self.begin();
                carry(stream, session).await;
            }
            (false, _) => {
                // A client that has gone asks nothing more.
                let _ = self.answer(stream).await;
            }
        }
    }

    /// Begins a session.
    fn begin(&self) -> Arc<Session> {
        let (says, said) = mpsc::channel(1);
        let (heard, hears) = mpsc::unbounded_channel();
        let session = Arc::new(Session { says: Mutex::new(said), hears: heard });
        let mut last = self.last.lock().expect("a lock");
        let number = last.0;
        *last = (number + 1, Some(Arc::clone(&session)));
        drop(last);
        tokio::spawn((self.script)(Talk { number, says, hears }));
        session
    }

    /// Answers requests of long-polling, one after the other.
    async fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufStream::new(stream);
        loop {
            let (head, body) = request(&mut stream).await?;
            let last = self.last.lock().expect("a lock").1.clone();
            let session = match last.filter(|_| head.contains("sid=")) {
                Some(session) => session,
                None => self.begin(),
            };
            let answer = match head.starts_with("POST") {
                true => {
                    for packet in body.split('\x1e') {
                        if session.hears.send(packet.to_owned()).is_err() {
                            return Ok(());
                        }
                    }
                    "ok".to_owned()
                }
                false => match session.says.lock().await.recv().await {
                    Some(Say::Text(text)) => text,
                    Some(Say::Binary(bytes)) => encode_payload(&[Frame::Binary(bytes.into())]),
                    None => return Ok(()),
                },
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
        }
    }

    /// Has a WebSocket that is no use, until the client has left it.
    async fn probe(self, mut stream: TcpStream) {
        if matches!(self.probe, Probe::Unanswered) {
            while stream.read(&mut [0; 256]).await.is_ok_and(|read| read > 0) {}
            return self.left.notify_one();
        }
        let Ok(mut socket) = accept(stream, ()).await else { return };
        let _ = socket.recv().await;
        let sent = match self.probe {
            Probe::Says(text) => socket.send(text).await,
            Probe::Sends(bytes) => socket.send(Message::binary(bytes.to_vec())).await,
            Probe::Closes => return self.left.notify_one(),
            Probe::Silent | Probe::Unanswered => Ok(()),
        };
        if sent.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
        self.left.notify_one();
    }
}

/// Carries a session on a WebSocket.
async fn carry(stream: TcpStream, session: Arc<Session>) {
    let Ok(socket) = accept(stream, ()).await else { return };
    let (sends, mut receives) = socket.split();
    let says = async {
        while let Some(say) = session.says.lock().await.recv().await {
            let message = match say {
                Say::Text(text) => Message::text(text),
                Say::Binary(bytes) => Message::binary(bytes),
            };
            if sends.send(message).await.is_err() {
                return;
            }
        }
    };
    let hears = async {
        while let Some(Ok(message)) = receives.recv().await {
            let text = match message {
                Message::Text(text) => text.to_string(),
                other => format!("{other:?}"),
            };
            if session.hears.send(text).is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = says => {}
        () = hears => {}
    }
}

/// The head of the first request. It stays in the stream.
async fn first_head(stream: &TcpStream) -> String {
    let mut head = [0; 2048];
    loop {
        let read = stream.peek(&mut head).await.unwrap_or(0);
        if read == 0 || head[..read].windows(4).any(|end| end == b"\r\n\r\n") {
            return String::from_utf8_lossy(&head[..read]).into_owned();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The head and the body of the next request.
pub(crate) async fn request(
    stream: &mut (impl AsyncRead + Unpin),
) -> std::io::Result<(String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let lower = head.to_ascii_lowercase();
    let len = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let mut body = vec![0; len.and_then(|len| len.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    Ok((head, String::from_utf8_lossy(&body).into_owned()))
}
