//! A Redis that the tests start, kill and start again: the system's `redis-server`, on a free port, in a directory of the run.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Whether there is a `redis-server`; if not, it is installed where that is possible.
pub(crate) fn is_there() -> bool {
    let runs = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(name);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    runs("redis-server", &["--version"])
        || runs("apt-get", &["install", "-y", "redis-server"])
            && runs("redis-server", &["--version"])
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

/// Stopped by its process when it is dropped.
pub(crate) struct Broker {
    port: u16,
    directory: PathBuf,
    child: Option<Child>,
}

impl Broker {
    pub(crate) fn start(name: &str) -> Self {
        let port = free_port();
        let directory =
            std::env::temp_dir().join(format!("sockless-io-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory can be made");
        let mut broker = Self { port, directory, child: None };
        broker.start_again();
        broker
    }

    /// Starts it in the same place. It saves nothing.
    pub(crate) fn start_again(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .arg("--dir")
            .arg(&self.directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        self.child = Some(child);
        let started = Instant::now();
        while !self.answers() {
            assert!(started.elapsed() < Duration::from_secs(10), "redis-server doesn't answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn answers(&self) -> bool {
        let ping = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; 7];
            stream.read_exact(&mut answer)?;
            Ok::<_, std::io::Error>(&answer == b"+PONG\r\n")
        };
        ping().unwrap_or(false)
    }

    /// Kills it without a word.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
