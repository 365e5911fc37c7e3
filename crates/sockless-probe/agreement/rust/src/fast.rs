//! fastwebsockets, with hyper.

use bytes::Bytes;
use fastwebsockets::{FragmentCollector, OpCode, upgrade};
use http_body_util::Empty;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

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
        let Ok(mut socket) = socket.await else { return };
        socket.set_max_message_size(64 << 20);
        let mut socket = FragmentCollector::new(socket);
        while let Ok(frame) = socket.read_frame().await {
            match frame.opcode {
                OpCode::Close => break,
                OpCode::Text | OpCode::Binary => {
                    if socket.write_frame(frame).await.is_err() {
                        break;
                    }
                }
                _ => {}
            }
        }
    });
    Ok(response)
}
