//! Echo servers of those who are neither a `Stream` nor a `Sink`.

use std::io::{self, Read as _, Write as _};

use nexus_web::ws::{FrameReader, FrameWriter, Message, Role};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncReadCompatExt as _;
use wtx::collection::Vector;
use wtx::rng::Xorshift64;
use wtx::web_socket::{WebSocket, WebSocketBuffer, WebSocketPayloadOrigin};

use super::epoll::{Link, Turn};
use super::servers::open;

/// From how many bytes on a message is written from where it is, as `echo_mio` does.
const LARGE: usize = 32 << 10;

/// nexus-web's codec, which brings no loop of its own, in ours.
pub struct Nexus {
    reader: FrameReader,
    writer: FrameWriter,
}

impl Nexus {
    pub fn open(stream: &mut std::net::TcpStream) -> io::Result<Self> {
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head)?;
        let request = sockudo_ws::handshake::parse_request(&head[..length]);
        let Ok(Some((request, _))) = request else { return Err(io::ErrorKind::InvalidData.into()) };
        let accept = sockudo_ws::handshake::generate_accept_key(request.key);
        stream.write_all(&sockudo_ws::handshake::build_response(&accept, None, None))?;
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
