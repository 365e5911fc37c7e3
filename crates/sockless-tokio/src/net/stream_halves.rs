//! A stream over the network, taken apart for two tasks. The halves of TCP share no lock; those of TLS have to, once for each read and write.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::tcp;

use super::stream::NetStream;
use crate::halves::IntoHalves;

#[cfg(feature = "rustls")]
type Tls = Box<tokio_rustls::TlsStream<tokio::net::TcpStream>>;

/// What reads.
#[derive(Debug)]
pub struct NetReadHalf(Read);

/// What writes.
#[derive(Debug)]
pub struct NetWriteHalf(Write);

#[derive(Debug)]
enum Read {
    Tcp(tcp::OwnedReadHalf),
    #[cfg(feature = "rustls")]
    Tls(tokio::io::ReadHalf<Tls>),
}

#[derive(Debug)]
enum Write {
    Tcp(tcp::OwnedWriteHalf),
    #[cfg(feature = "rustls")]
    Tls(tokio::io::WriteHalf<Tls>),
}

impl IntoHalves for NetStream {
    type Read = NetReadHalf;
    type Write = NetWriteHalf;

    fn into_halves(self) -> (NetReadHalf, NetWriteHalf) {
        match self {
            Self::Tcp(stream) => {
                let (read, write) = stream.into_split();
                (NetReadHalf(Read::Tcp(read)), NetWriteHalf(Write::Tcp(write)))
            }
            #[cfg(feature = "rustls")]
            Self::Tls(stream) => {
                let (read, write) = tokio::io::split(stream);
                (NetReadHalf(Read::Tls(read)), NetWriteHalf(Write::Tls(write)))
            }
        }
    }
}

impl AsyncRead for NetReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Read::Tcp(half) => Pin::new(half).poll_read(cx, buffer),
            #[cfg(feature = "rustls")]
            Read::Tls(half) => Pin::new(half).poll_read(cx, buffer),
        }
    }
}

macro_rules! either {
    ($self:expr, $half:ident => $do:expr) => {
        match &mut $self.get_mut().0 {
            Write::Tcp($half) => $do,
            #[cfg(feature = "rustls")]
            Write::Tls($half) => $do,
        }
    };
}

impl AsyncWrite for NetWriteHalf {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, half => Pin::new(half).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, half => Pin::new(half).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, half => Pin::new(half).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, half => Pin::new(half).poll_shutdown(cx))
    }
}
