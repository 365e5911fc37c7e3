//! The opening handshake for servers that bring none.

use std::io::{self, Read as _, Write as _};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// For those on tokio whose own would not leave them the stream itself.
pub async fn open(stream: &mut TcpStream) -> bool {
    sockudo_ws::handshake::server_handshake(stream).await.is_ok()
}

/// The same, for those who agree on extensions, or on none.
pub async fn agree(stream: &mut TcpStream, extensions: &str) -> io::Result<()> {
    let mut head = vec![0; 4096];
    let length = stream.read(&mut head).await?;
    let extensions = Some(extensions).filter(|extensions| !extensions.is_empty());
    stream.write_all(&response(&head[..length], extensions)?).await
}

/// For those on epoll.
pub fn answer(stream: &mut std::net::TcpStream) -> io::Result<()> {
    let mut head = vec![0; 4096];
    let length = stream.read(&mut head)?;
    stream.write_all(&response(&head[..length], None)?)
}

fn response(head: &[u8], extensions: Option<&str>) -> io::Result<Bytes> {
    let request = sockudo_ws::handshake::parse_request(head);
    let Ok(Some((request, _))) = request else { return Err(io::ErrorKind::InvalidData.into()) };
    let accept = sockudo_ws::handshake::generate_accept_key(request.key);
    Ok(sockudo_ws::handshake::build_response(&accept, None, extensions))
}
