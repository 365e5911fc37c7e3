//! Server processes, and what stands before them: a port that leads to one of them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::broker::{Broker, free_port};

/// A server process, killed when it is dropped.
pub(crate) struct Process {
    pub(crate) port: u16,
    child: Child,
}

impl Process {
    /// Starts one, and waits until it has its Redis.
    pub(crate) fn start(broker: &Broker) -> Self {
        let port = free_port();
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["serve", &port.to_string(), &broker.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().expect("it was asked for"));
        said.read_line(&mut line).expect("it says something");
        assert_eq!(line.trim(), "ready");
        Self { port, child }
    }

    /// By signal 9: nothing of it says a word.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One address for all servers: connections go to the one that was said last.
pub(crate) struct Balancer {
    pub(crate) url: String,
    target: Arc<AtomicU16>,
}

impl Balancer {
    pub(crate) async fn before(process: &Process) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let target = Arc::new(AtomicU16::new(process.port));
        let leads = Arc::clone(&target);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let port = leads.load(Ordering::SeqCst);
                tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self { url, target }
    }

    pub(crate) fn lead_to(&self, process: &Process) {
        self.target.store(process.port, Ordering::SeqCst);
    }
}
