//! A stream of HTTP/2 as a stream of bytes, and the heads of a request for a WebSocket and of its answer (RFC 8441), between the types of
//! the `h2` crate and those of sockless.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use h2::ext::Protocol;
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use sockless::handshake::connect::ConnectAccepted;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is written at once at most.
const WRITE: usize = 64 << 10;

/// A stream of HTTP/2, to be read and written like one of TCP. When it is dropped, what waits is still sent, and its end after it.
#[derive(Debug)]
pub struct H2Stream {
    send: SendStream<Bytes>,
    recv: RecvStream,
    /// What has arrived and was not read yet.
    rest: Bytes,
    ended: bool,
}

impl H2Stream {
    /// A stream of its two directions.
    pub fn new(send: SendStream<Bytes>, recv: RecvStream) -> Self {
        Self { send, recv, rest: Bytes::new(), ended: false }
    }
}

impl Drop for H2Stream {
    fn drop(&mut self) {
        // `h2` itself would reset the stream, and throw away what has been written last.
        if !self.ended {
            let _ = self.send.send_data(Bytes::new(), true);
        }
    }
}

impl AsyncRead for H2Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.rest.is_empty() {
            match ready!(this.recv.poll_data(cx)) {
                Some(Ok(bytes)) => this.rest = bytes,
                Some(Err(error)) => return Poll::Ready(Err(failed(error))),
                // END_STREAM: what FIN is in TCP.
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = this.rest.len().min(buffer.remaining());
        buffer.put_slice(&this.rest[..count]);
        this.rest.advance(count);
        // Only what has been read makes room for more: so whoever does not read slows the peer down.
        this.recv.flow_control().release_capacity(count).map_err(failed)?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for H2Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        this.send.reserve_capacity(bytes.len().min(WRITE));
        while this.send.capacity() == 0 {
            match ready!(this.send.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(failed(error))),
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        }
        let count = bytes.len().min(this.send.capacity());
        this.send.send_data(Bytes::copy_from_slice(&bytes[..count]), false).map_err(failed)?;
        Poll::Ready(Ok(count))
    }

    /// The task of the connection writes; there is nothing to do here.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ended {
            this.ended = true;
            this.send.send_data(Bytes::new(), true).map_err(failed)?;
        }
        Poll::Ready(Ok(()))
    }
}

/// The error of a stream. CANCEL is what a reset is in TCP.
fn failed(error: h2::Error) -> io::Error {
    match error.reason() {
        Some(Reason::CANCEL) => io::ErrorKind::ConnectionReset.into(),
        _ => io::Error::other(error),
    }
}

/// The fields of a request that `h2` has read, the pseudo-header fields first: for
/// [`connect::ConnectRequest::decode`](sockless::handshake::connect::ConnectRequest::decode).
pub fn request_fields<B>(request: &Request<B>) -> Vec<(&[u8], &[u8])> {
    let uri = request.uri();
    let pseudo: [(&[u8], Option<&[u8]>); 5] = [
        (b":method", Some(request.method().as_str().as_bytes())),
        (b":protocol", request.extensions().get::<Protocol>().map(|name| name.as_str().as_bytes())),
        (b":scheme", uri.scheme_str().map(str::as_bytes)),
        (b":authority", uri.authority().map(|authority| authority.as_str().as_bytes())),
        (b":path", uri.path_and_query().map(|path| path.as_str().as_bytes())),
    ];
    let pseudo = pseudo.into_iter().filter_map(|(name, value)| Some((name, value?)));
    pseudo.chain(fields(request.headers())).collect()
}

/// The fields of an answer that `h2` has read, or of any head.
pub fn fields(headers: &http::HeaderMap) -> Vec<(&[u8], &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())).collect()
}

/// The answer that opens a WebSocket, for `h2` to send.
///
/// # Errors
///
/// If the `http` crate can't hold a value.
pub fn response(accepted: &ConnectAccepted<'_>) -> Result<Response<()>, http::Error> {
    let builder = Response::builder().status(accepted.status());
    accepted
        .fields()
        .fold(builder, |builder, (name, value)| builder.header(name, value.to_vec()))
        .body(())
}
