//! Echo servers of those who are neither a `Stream` nor a `Sink`.

use std::io::{self, Read as _};
use std::time::Duration;

use nexus_web::ws::{FrameReader, FrameWriter, Message, Role};
use sockless::connection::Loan;
use sockless::{Config, Connection, Event, Input, Server, Want};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncReadCompatExt as _;
use wtx::collection::Vector;
use wtx::rng::Xorshift64;
use wtx::web_socket::{WebSocket, WebSocketBuffer, WebSocketPayloadOrigin};

use super::epoll::{Link, Turn};
use super::opening::{answer, open};

/// From how many bytes on a message is written from where it is, as `echo_mio` does.
const LARGE: usize = 32 << 10;

/// Ours in the same loop as nexus-web's codec.
pub struct Sockless(Connection<Server>);

impl Sockless {
    pub fn open(stream: &mut std::net::TcpStream) -> io::Result<Self> {
        answer(stream)?;
        let mut connection = Connection::server(Config::default());
        let _ = connection.lend(Loan::Output, Vec::with_capacity(16 << 10));
        Ok(Self(connection))
    }
}

impl Turn for Sockless {
    fn turn(&mut self, link: &mut Link, buffer: &mut [u8]) -> io::Result<bool> {
        let Self(connection) = self;
        let count = link.stream.read(buffer)?;
        let drained = count < buffer.len();
        let mut input = if count == 0 { Input::eof() } else { Input::new(&mut buffer[..count]) };
        loop {
            // 1. Poll until there is nothing left in the input: then the buffer is ours again.
            while let Some(event) = connection.poll(&mut input, Duration::ZERO) {
                match &event {
                    Event::Text(text) if text.len() < LARGE => {
                        connection.send_text(text).map_err(io::Error::other)?;
                    }
                    Event::Binary(bytes) if bytes.len() < LARGE => {
                        connection.send_binary(bytes).map_err(io::Error::other)?;
                    }
                    Event::Text(_) | Event::Binary(_) => {
                        link.write(connection.output())?;
                        connection.wrote(usize::MAX);
                        let message = match &event {
                            Event::Text(text) => connection.send_text_borrowed(text),
                            Event::Binary(bytes) => connection.send_binary_borrowed(bytes),
                            _ => break,
                        };
                        let mut message = message.map_err(io::Error::other)?;
                        let [header, payload] = message.slices();
                        link.write_both(header, payload)?;
                        message.wrote(usize::MAX);
                    }
                    _ => {}
                }
            }
            // 2. Write what waits: the link takes it all.
            link.write(connection.output())?;
            connection.wrote(usize::MAX);
            // 3. Do what the connection wants. No time passes here: a deadline is one that has passed.
            input = match connection.want() {
                Want::Io { deadline: Some(_), .. } => Input::none(),
                Want::Io { .. } => return Ok(drained),
                _ => return Err(io::ErrorKind::ConnectionAborted.into()),
            };
        }
    }
}

/// nexus-web's codec, which brings no loop of its own, in ours.
pub struct Nexus {
    reader: FrameReader,
    writer: FrameWriter,
}

impl Nexus {
    pub fn open(stream: &mut std::net::TcpStream) -> io::Result<Self> {
        answer(stream)?;
        let reader = FrameReader::builder().role(Role::Server).buffer_capacity(256 << 10).build();
        Ok(Self { reader, writer: FrameWriter::new(Role::Server) })
    }
}

impl Turn for Nexus {
    fn turn(&mut self, link: &mut Link, batch: &mut [u8]) -> io::Result<bool> {
        let room = self.reader.spare().len();
        let count = self.reader.read_from(&mut link.stream)?;
        let mut end = 0;
        while let Some(message) = self.reader.next().map_err(io::Error::other)? {
            let first = match message {
                Message::Text(_) => 0x81,
                Message::Binary(_) => 0x82,
                _ => continue,
            };
            let payload = message.as_bytes();
            let length = self.writer.max_encoded_len(payload.len());
            let is_large = payload.len() >= LARGE;
            if is_large || batch.len() - end < length {
                link.write(&batch[..end])?;
                end = 0;
            }
            if is_large {
                let (header, _) = self.writer.build_header(first, payload.len());
                link.write_both(header.as_bytes(), payload)?;
            } else if first == 0x81 {
                end += self.writer.encode_text(payload, &mut batch[end..]);
            } else {
                end += self.writer.encode_binary(payload, &mut batch[end..]);
            }
        }
        link.write(&batch[..end])?;
        if self.reader.should_compact() {
            self.reader.compact();
        }
        Ok(count < room)
    }
}

/// Each frame is written by itself: that is the one way it has.
pub async fn wtx(mut stream: TcpStream) {
    if !open(&mut stream).await {
        return;
    }
    let Ok(buffer) = WebSocketBuffer::with_capacity(16 << 10, 0, 0) else { return };
    let mut socket: WebSocket<_, _, _, _, false> =
        WebSocket::new((), false, Xorshift64::from(1), stream, buffer);
    let mut message = Vector::new();
    loop {
        let (mut common, mut reader, mut writer) = socket.split_mut();
        let origin = WebSocketPayloadOrigin::Adaptive;
        let Ok(mut frame) = reader.read_frame(&mut message, &mut common, origin).await else {
            return;
        };
        if frame.op_code().is_close() || writer.write_frame(&mut common, &mut frame).await.is_err()
        {
            return;
        }
        message.clear();
    }
}

/// Its futures must not be dropped, so that nobody can know whether more has arrived: it writes each message by itself.
pub async fn soketto(mut stream: TcpStream) {
    use soketto::connection::{Builder, Mode};
    if !open(&mut stream).await {
        return;
    }
    let (mut sender, mut receiver) = Builder::new(stream.compat(), Mode::Server).finish();
    let mut message = Vec::new();
    while let Ok(data) = receiver.receive_data(&mut message).await {
        let sent = match std::str::from_utf8(&message) {
            Ok(text) if data.is_text() => sender.send_text(text).await,
            _ => sender.send_binary_mut(&mut message).await,
        };
        if sent.is_err() || sender.flush().await.is_err() {
            return;
        }
        message.clear();
    }
}
