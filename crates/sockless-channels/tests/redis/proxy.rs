//! What lies between a node and its Redis, and goes wrong: it cuts, stalls, and swallows what is pushed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a proxy does to what the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mode {
    /// It passes.
    Pass,
    /// Connections stay open and nothing comes back on those that there are now.
    Stall,
    /// Answers come back, messages that are pushed don't.
    Deaf,
    /// Nobody gets through.
    Closed,
}

/// A proxy in front of a port.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    mode: Arc<AtomicU8>,
    cuts: watch::Sender<u64>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let mode = Arc::new(AtomicU8::new(Mode::Pass as u8));
        let (cuts, cut) = watch::channel(0);
        let connections = Arc::new(AtomicUsize::new(0));
        let (theirs, count) = (mode.clone(), connections.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if theirs.load(Ordering::SeqCst) == Mode::Closed as u8 {
                    continue;
                }
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(relay(client, target, theirs.clone(), cut.clone()));
            }
        });
        Self { port, mode, cuts, connections, task }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
        if mode == Mode::Closed {
            self.cut();
        }
    }

    /// Ends all connections.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|count| *count += 1);
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

async fn relay(client: TcpStream, target: u16, mode: Arc<AtomicU8>, mut cut: watch::Receiver<u64>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { return };
    cut.mark_unchanged();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(|_| ()) };
    let down = async {
        let (mut waiting, mut buffer) = (Vec::new(), [0; 16_384]);
        loop {
            let count = from_server.read(&mut buffer).await?;
            if count == 0 {
                return Ok(());
            }
            waiting.extend_from_slice(&buffer[..count]);
            while mode.load(Ordering::SeqCst) == Mode::Stall as u8 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            while let Some(len) = value_len(&waiting) {
                let value: Vec<u8> = waiting.drain(..len).collect();
                let message = value.starts_with(b">3\r\n$7\r\nmessage\r\n");
                if !(message && mode.load(Ordering::SeqCst) == Mode::Deaf as u8) {
                    to_client.write_all(&value).await?;
                }
            }
        }
    };
    tokio::select! {
        _ = up => {}
        result = down => { let _: std::io::Result<()> = result; }
        _ = cut.changed() => {}
    }
}

/// How many bytes the first whole value of Redis' protocol has.
fn value_len(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let number = || std::str::from_utf8(&bytes[1..line - 2]).ok()?.parse::<i64>().ok();
    match bytes[0] {
        b'$' | b'=' => {
            let len = number()?;
            let whole = if len < 0 { line } else { line + len as usize + 2 };
            (bytes.len() >= whole).then_some(whole)
        }
        b'*' | b'>' | b'~' | b'%' => {
            let mut count = number()?.max(0);
            if bytes[0] == b'%' {
                count *= 2;
            }
            let mut whole = line;
            for _ in 0..count {
                whole += value_len(bytes.get(whole..)?.get(..).filter(|rest| !rest.is_empty())?)?;
            }
            Some(whole)
        }
        _ => Some(line),
    }
}
