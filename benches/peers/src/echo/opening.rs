//! The opening handshake for servers that bring none.

use std::io::{self, Read as _, Write as _};

use tokio::net::TcpStream;

/// For those on tokio whose own would not leave them the stream itself.
pub async fn open(stream: &mut TcpStream) -> bool {
    sockudo_ws::handshake::server_handshake(stream).await.is_ok()
}

/// For those on epoll.
pub fn answer(stream: &mut std::net::TcpStream) -> io::Result<()> {
    let mut head = vec![0; 4096];
    let length = stream.read(&mut head)?;
    let request = sockudo_ws::handshake::parse_request(&head[..length]);
    let Ok(Some((request, _))) = request else { return Err(io::ErrorKind::InvalidData.into()) };
    let accept = sockudo_ws::handshake::generate_accept_key(request.key);
    stream.write_all(&sockudo_ws::handshake::build_response(&accept, None, None))
}
