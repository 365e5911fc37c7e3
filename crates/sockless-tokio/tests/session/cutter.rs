//! A proxy that cuts each connection after some octets in either direction, stalls some of them for a while, and lets attempts overtake each
//! other.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Cutter {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Cutter {
    /// Cuts after less than `most` octets, none of which is more likely than the others.
    pub(crate) async fn start(server: SocketAddr, most: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            let random = AtomicU64::new(0x9E37_79B9_7F4A_7C15);
            let draw = || {
                let mut drawn = random.load(Ordering::Relaxed);
                drawn ^= drawn << 13;
                drawn ^= drawn >> 7;
                drawn ^= drawn << 17;
                random.store(drawn, Ordering::Relaxed);
                drawn % most
            };
            while let Ok((near, _)) = listener.accept().await {
                let (up, down, waits, stalls) = (draw(), draw(), draw() % 20, draw() % 4 == 0);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(waits)).await;
                    let Ok(far) = TcpStream::connect(server).await else { return };
                    let (mut near_read, mut near_write) = near.into_split();
                    let (mut far_read, mut far_write) = far.into_split();
                    // One that stalls doesn't end when it is cut: both sides wait for a while.
                    tokio::select! {
                        () = copy(&mut near_read, &mut far_write, up) => {}
                        () = copy(&mut far_read, &mut near_write, down) => {}
                    }
                    if stalls {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                });
            }
        });
        Self { address, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn copy(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, mut left: u64) {
    let mut buffer = vec![0; 4096];
    while left > 0 {
        let most = buffer.len().min(left as usize);
        match from.read(&mut buffer[..most]).await {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                left -= count as u64;
                if to.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
