//! WebSockets as streams of HTTP/2 (RFC 8441): one connection to the server under test, on a thread that has a runtime. Each stream is
//! joined to a link by a pair of sockets, so that a case works with it as with any other: the end of the stream is the link's end, a
//! reset is a reset.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::mpsc as answers;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Ping, Reason, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connect::Request;
use super::head::Head;
use super::link::Link;
use super::tls::Secure;

/// How much of a stream may be on its way to us.
const WINDOW: u32 = 256 << 10;
/// How much of all streams may be: a stream that is not read keeps no room from the others.
const CONNECTION_WINDOW: u32 = 64 << 20;
/// How long it is waited for a server's end of a stream whose case is over.
const LEAVING: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Nobody is there.
    Unreachable(io::Error),
    /// Somebody is there, and this is not HTTP/2.
    Other(String),
}

/// What was answered, and the stream.
pub(crate) struct Answer {
    /// With a first line as HTTP/1.1 would write it.
    pub(crate) head: Head,
    pub(crate) link: Link,
    reset: oneshot::Sender<()>,
}

impl Answer {
    /// Leaves without an end: the server sees a reset of the stream.
    pub(crate) fn reset(self) {
        let _ = self.reset.send(());
    }
}

/// What a stream's task gives to the case.
struct Opened {
    head: Head,
    socket: std::net::TcpStream,
    reset: oneshot::Sender<()>,
}

/// A stream that is to be opened.
struct Open {
    request: Request,
    wait: Duration,
    reply: answers::Sender<Result<Opened, String>>,
}

/// A connection. It lives as long as this, or a stream of it.
#[derive(Debug)]
pub(crate) struct Http2 {
    open: mpsc::UnboundedSender<Open>,
    /// Whether the server has said that it takes extended CONNECT.
    pub(crate) extended: bool,
}

impl Http2 {
    /// Connects, and waits until the server's settings are known.
    pub(crate) fn connect(
        address: SocketAddr,
        secure: Option<&Secure>,
        wait: Duration,
    ) -> Result<Self, Refused> {
        let stream = std::net::TcpStream::connect_timeout(&address, wait);
        let stream = stream.map_err(Refused::Unreachable)?;
        let (ready, connected) = answers::channel();
        let (open, opened) = mpsc::unbounded_channel();
        let secure = secure.cloned();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(run(stream, secure, wait, &ready, opened)),
                Err(error) => drop(ready.send(Err(error.to_string()))),
            }
        });
        let extended = connected
            .recv_timeout(wait + Duration::from_secs(1))
            .map_err(|_| Refused::Other("nothing came in time".to_owned()))?
            .map_err(Refused::Other)?;
        Ok(Self { open, extended })
    }

    /// Opens a stream, and waits for the answer.
    ///
    /// # Errors
    ///
    /// What happened instead, in words.
    pub(crate) fn open(&self, request: Request, wait: Duration) -> Result<Answer, String> {
        let (reply, answer) = answers::channel();
        let gone = || "the connection has ended".to_owned();
        self.open.send(Open { request, wait, reply }).map_err(|_| gone())?;
        let Opened { head, socket, reset } = answer.recv().map_err(|_| gone())??;
        let link = Link::new(socket, None).map_err(|error| error.to_string())?;
        Ok(Answer { head, link, reset })
    }
}

/// What HTTP/2 is spoken on.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn run(
    stream: std::net::TcpStream,
    secure: Option<Secure>,
    wait: Duration,
    ready: &answers::Sender<Result<bool, String>>,
    mut opened: mpsc::UnboundedReceiver<Open>,
) {
    let late = || Err("the server did not answer HTTP/2's preface in time".to_owned());
    let begun = timeout(wait, begin(stream, secure)).await.unwrap_or_else(|_| late());
    let requests = match begun {
        Ok(requests) => requests,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let _ = ready.send(Ok(requests.is_extended_connect_protocol_enabled()));
    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            open = opened.recv() => match open {
                Some(open) => drop(streams.spawn(serve(requests.clone(), open))),
                None => break,
            },
            Some(_) = streams.join_next() => {}
        }
    }
    while streams.join_next().await.is_some() {}
}

/// Begins to speak HTTP/2; after the answer to a Ping the server's settings are known.
async fn begin(
    stream: std::net::TcpStream,
    secure: Option<Secure>,
) -> Result<SendRequest<Bytes>, String> {
    let words = |error: io::Error| error.to_string();
    stream.set_nonblocking(true).map_err(words)?;
    stream.set_nodelay(true).map_err(words)?;
    let stream = TcpStream::from_std(stream).map_err(words)?;
    let stream: Box<dyn Stream> = match secure {
        None => Box::new(stream),
        Some(secure) => {
            let (config, name) = secure.parts();
            let connector = tokio_rustls::TlsConnector::from(config);
            let stream = connector.connect(name, stream).await.map_err(words)?;
            if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
                return Err("the server did not choose h2 by ALPN".to_owned());
            }
            Box::new(stream)
        }
    };
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
    let (requests, mut connection) =
        builder.handshake(stream).await.map_err(|error| error.to_string())?;
    let pings = connection.ping_pong();
    let driven = tokio::spawn(connection);
    if let Some(mut pings) = pings {
        let answered = pings.ping(Ping::opaque()).await;
        if let Err(error) = answered {
            // The connection's own error says more.
            return Err(match driven.await {
                Ok(Err(own)) => own.to_string(),
                _ => error.to_string(),
            });
        }
    }
    Ok(requests)
}

/// Opens a stream, and joins it to a link.
async fn serve(requests: SendRequest<Bytes>, open: Open) {
    let asked = async {
        let message = open.request.message()?;
        let mut requests = requests.ready().await.map_err(|error| error.to_string())?;
        let (response, send) =
            requests.send_request(message, false).map_err(|error| error.to_string())?;
        let response = response.await.map_err(|error| error.to_string())?;
        Ok((response, send))
    };
    let late = || Err("the server did not answer in time".to_owned());
    let joined = match timeout(open.wait, asked).await.unwrap_or_else(|_| late()) {
        Ok((response, send)) => pair()
            .await
            .map_err(|error| error.to_string())
            .map(|(ours, theirs)| (head(&response), ours, theirs, send, response.into_body())),
        Err(error) => Err(error),
    };
    match joined {
        Ok((head, ours, theirs, send, body)) => {
            let (reset, is_reset) = oneshot::channel();
            if open.reply.send(Ok(Opened { head, socket: ours, reset })).is_err() {
                return;
            }
            tokio::select! {
                () = join(theirs, send, body) => {}
                // What is dropped without an end is reset.
                Ok(()) = is_reset => {}
            }
        }
        Err(error) => drop(open.reply.send(Err(error))),
    }
}

fn head(response: &http::Response<RecvStream>) -> Head {
    let line = format!("HTTP/2 {}", response.status().as_u16());
    let fields: Vec<(String, String)> = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let mut text = format!("{line}\r\n");
    for (name, value) in &fields {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    Head { line, fields, text }
}

/// Two sockets that are connected to each other.
async fn pair() -> io::Result<(std::net::TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let ours = std::net::TcpStream::connect(listener.local_addr()?)?;
    loop {
        // Whoever else on this machine has found the port is sent away.
        let (theirs, from) = listener.accept()?;
        if from == ours.local_addr()? {
            theirs.set_nonblocking(true)?;
            theirs.set_nodelay(true)?;
            return Ok((ours, TcpStream::from_std(theirs)?));
        }
    }
}

/// How one direction has ended.
#[derive(PartialEq, Eq)]
enum Over {
    /// With its end.
    Ended,
    /// By a reset, or because nobody is there any more.
    Broken,
}

/// Carries bytes between a link and a stream until both directions have ended.
async fn join(socket: TcpStream, mut send: SendStream<Bytes>, mut body: RecvStream) {
    let (mut read, mut write) = socket.into_split();
    let broken = {
        let mut out = pin!(carry_out(&mut read, &mut send));
        let mut back = pin!(carry_back(&mut body, &mut write));
        tokio::select! {
            over = &mut out => match over {
                Over::Broken => true,
                Over::Ended => !matches!(timeout(LEAVING, back).await, Ok(Over::Ended)),
            },
            over = &mut back => match over {
                Over::Broken => true,
                // The link hears of the end, and says its own.
                Over::Ended => {
                    tokio::select! { over = &mut out => over == Over::Broken, () = sleep(LEAVING) => true }
                }
            },
        }
    };
    if broken {
        send.send_reset(Reason::CANCEL);
        let _ = read.as_ref().set_zero_linger();
        // Dropped as it is it would say its end first.
        write.forget();
    }
}

/// From the link to the server.
async fn carry_out(read: &mut OwnedReadHalf, send: &mut SendStream<Bytes>) -> Over {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match read.read(&mut buffer).await {
            Ok(0) => {
                return match send.send_data(Bytes::new(), true) {
                    Ok(()) => Over::Ended,
                    Err(_) => Over::Broken,
                };
            }
            Ok(count) => count,
            Err(_) => return Over::Broken,
        };
        let mut chunk = Bytes::copy_from_slice(&buffer[..count]);
        while !chunk.is_empty() {
            send.reserve_capacity(chunk.len());
            let Some(Ok(room)) = poll_fn(|context| send.poll_capacity(context)).await else {
                return Over::Broken;
            };
            let part = chunk.split_to(room.min(chunk.len()));
            if send.send_data(part, false).is_err() {
                return Over::Broken;
            }
        }
    }
}

/// From the server to the link. What the link doesn't take keeps its place in the stream's window.
async fn carry_back(body: &mut RecvStream, write: &mut OwnedWriteHalf) -> Over {
    while let Some(data) = body.data().await {
        let Ok(data) = data else { return Over::Broken };
        if write.write_all(&data).await.is_err() {
            return Over::Broken;
        }
        let _ = body.flow_control().release_capacity(data.len());
    }
    match write.shutdown().await {
        Ok(()) => Over::Ended,
        Err(_) => Over::Broken,
    }
}
