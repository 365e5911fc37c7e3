//! fastwebsockets, with hyper.

use bytes::Bytes;
use fastwebsockets::{FragmentCollector, OpCode, WebSocket, handshake, upgrade};
use http_body_util::Empty;
use hyper::header::{CONNECTION, HOST, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

pub(crate) fn server(port: u16) {
    super::runtime().block_on(async move {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let io = TokioIo::new(stream);
                let served = http1::Builder::new().serve_connection(io, service_fn(answer));
                let _ = served.with_upgrades().await;
            });
        }
    });
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, hyper::Error> {
    let Ok((response, socket)) = upgrade::upgrade(&mut request) else {
        let mut response = Response::new(Empty::new());
        *response.status_mut() = hyper::StatusCode::BAD_REQUEST;
        return Ok(response);
    };
    tokio::spawn(async move {
        if let Ok(socket) = socket.await {
            each(socket, true).await;
        }
    });
    Ok(response)
}

pub(crate) fn visit(url: &str, echoes: bool) -> String {
    super::runtime().block_on(async move {
        let host = url.trim_start_matches("ws://").split('/').next().expect("an address");
        let Ok(stream) = TcpStream::connect(host).await else { return String::new() };
        let _ = stream.set_nodelay(true);
        let request = Request::get(url.replacen("ws:", "http:", 1))
            .header(HOST, host)
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "upgrade")
            .header("Sec-WebSocket-Key", handshake::generate_key())
            .header("Sec-WebSocket-Version", "13")
            .body(Empty::<Bytes>::new())
            .expect("a URL");
        match handshake::client(&TokioExecutor::new(), request, stream).await {
            Ok((socket, _)) => each(socket, echoes).await,
            Err(_) => String::new(),
        }
    })
}

/// Sends every message back, or says what all of them were.
async fn each(mut socket: WebSocket<TokioIo<Upgraded>>, echoes: bool) -> String {
    socket.set_max_message_size(64 << 20);
    let (mut socket, mut told) = (FragmentCollector::new(socket), String::new());
    while let Ok(frame) = socket.read_frame().await {
        match frame.opcode {
            OpCode::Close => break,
            OpCode::Text | OpCode::Binary if echoes => {
                if socket.write_frame(frame).await.is_err() {
                    break;
                }
            }
            OpCode::Text => told.push_str(&String::from_utf8_lossy(&frame.payload)),
            _ => {}
        }
    }
    told
}
