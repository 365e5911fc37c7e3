//! A Redis that the tests start, kill and start again: the system's `redis-server`, on a free port, in a directory of the run.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::{Client, Value};

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

/// A server, stopped by its process when it is dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    directory: PathBuf,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Server {
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
        let port = free_port();
        let directory =
            std::env::temp_dir().join(format!("sockless-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory can be made");
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut server = Self { port, directory, arguments, child: None };
        server.start_again();
        server
    }

    /// Starts it in the same place, with what it has saved there.
    pub(crate) fn start_again(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .arg("--dir")
            .arg(&self.directory)
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        self.child = Some(child);
        let started = Instant::now();
        while self.try_ask(&["PING"]).is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "redis-server doesn't answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it without a word.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    /// Forgets what it has saved.
    pub(crate) fn erase(&self) {
        std::fs::remove_dir_all(&self.directory).expect("it can be erased");
        std::fs::create_dir_all(&self.directory).expect("a directory can be made");
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    fn try_ask(&self, words: &[&str]) -> redis::RedisResult<Value> {
        let mut connection = Client::open(self.url())?.get_connection()?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut connection)
    }

    /// Asks it something over a connection of the test's.
    pub(crate) fn ask(&self, words: &[&str]) -> Value {
        self.try_ask(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    pub(crate) fn number(&self, words: &[&str]) -> i64 {
        match self.ask(words) {
            Value::Int(number) => number,
            other => panic!("{words:?}: {other:?}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}
