//! A Redis and servers as processes: started, stopped for a while, killed, started again.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::directory::Directory;
use crate::network::Network;
use crate::program::Program;

/// Whether there is no `redis-server`. Then the test fails, unless `SOCKLESS_SKIPPED=FILE` allows it, where it is written down.
pub(crate) fn is_missing() -> bool {
    let mut command = Command::new("redis-server");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    if command.status().is_ok_and(|status| status.success()) {
        return false;
    }
    skip("a test of many chat servers: redis-server is missing");
    true
}

/// Writes down what is skipped, where that is allowed.
pub(crate) fn skip(what: &str) {
    let file = std::env::var_os("SOCKLESS_SKIPPED");
    let file = file.unwrap_or_else(|| panic!("{what} (SOCKLESS_SKIPPED=FILE allows that)"));
    let mut file =
        std::fs::OpenOptions::new().append(true).create(true).open(file).expect("a file");
    writeln!(file, "{what}").expect("written");
}

/// A Redis on a free port.
pub(crate) struct Redis {
    pub(crate) port: u16,
    durable: bool,
    directory: Directory,
    child: Option<Child>,
    /// How it is reached, if not on this machine: the last cable is the test's own.
    pub(crate) network: Option<Network>,
}

/// The cables to a Redis: those of the servers, and one.
pub(crate) const CABLES: usize = 4;

impl Redis {
    /// Starts one. `durable`: it confirms nothing that it may forget.
    pub(crate) fn start(durable: bool) -> Self {
        Self::start_in(None, durable)
    }

    /// The same, at the other end of these cables.
    pub(crate) fn start_in(network: Option<Network>, durable: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut redis = Self { port, durable, directory: Directory::new(), child: None, network };
        redis.start_again();
        redis
    }

    pub(crate) fn start_again(&mut self) {
        let mut command = match &self.network {
            None => Command::new("redis-server"),
            Some(network) => network.inside("redis-server"),
        };
        let address = if self.network.is_some() { "0.0.0.0" } else { "127.0.0.1" };
        command.args(["--port", &self.port.to_string(), "--bind", address, "--save", ""]);
        command.args(["--protected-mode", "no"]);
        command.arg("--dir").arg(self.directory.path());
        if self.durable {
            command.args(["--appendonly", "yes", "--appendfsync", "always"]);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("redis-server starts"));
        let begun = Instant::now();
        while self.ask(&["PING"]).is_none_or(|answer| answer != "PONG") {
            assert!(begun.elapsed() < Duration::from_secs(20), "redis-server doesn't answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it without a word.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("gone");
        }
    }

    /// Forgets what it has written.
    pub(crate) fn erase(&self) {
        std::fs::remove_dir_all(self.directory.path()).expect("erased");
        std::fs::create_dir_all(self.directory.path()).expect("a directory");
    }

    /// Where it is by this cable.
    fn address(&self, cable: usize) -> String {
        let network = self.network.as_ref();
        network.map_or_else(|| "127.0.0.1".into(), |network| network.address(cable))
    }

    pub(crate) fn url(&self, cable: usize) -> String {
        format!("redis://{}:{}", self.address(cable), self.port)
    }

    /// Asks something that has one line for an answer.
    pub(crate) fn ask(&self, words: &[&str]) -> Option<String> {
        let mut stream = TcpStream::connect((self.address(CABLES - 1), self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request += &format!("${}\r\n{word}\r\n", word.len());
        }
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = [0; 256];
        let count = stream.read(&mut answer).ok()?;
        let text = String::from_utf8_lossy(&answer[..count]).into_owned();
        let mut lines = text.lines();
        let first = lines.next()?;
        if first.starts_with('$') {
            lines.next().map(str::to_owned)
        } else {
            Some(first[1..].to_owned())
        }
    }

    /// Where the log begins in this epoch, and where it ends, as ids.
    pub(crate) fn log(&self) -> Option<(u64, u64)> {
        let epoch = self.ask(&["HGET", "sockless-chat:h:log", "e"])?;
        let start = u64::from_str_radix(&epoch, 16).ok()? >> 12;
        let top: u64 = self.ask(&["HGET", "sockless-chat:h:log", "o"])?.parse().ok()?;
        Some((start, start + top))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server of several.
pub(crate) struct Server {
    flags: Vec<String>,
    directory: Directory,
    program: Option<Program>,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn program(&self) -> &Program {
        self.program.as_ref().expect("it runs")
    }

    pub(crate) fn start(redis: &Redis) -> Self {
        Self::start_with(redis, &["--lobby", "none"])
    }

    pub(crate) fn start_with(redis: &Redis, more: &[&str]) -> Self {
        Self::start_by(redis, 0, more)
    }

    /// One that reaches Redis by this cable.
    pub(crate) fn start_by(redis: &Redis, cable: usize, more: &[&str]) -> Self {
        let durable = if redis.durable { "yes" } else { "no" };
        let url = redis.url(cable);
        let flags = ["--redis", &url, "--redis-durable", durable, "--requests-a-minute", "1000000"];
        let flags = flags.iter().chain(more).map(|flag| (*flag).to_owned()).collect();
        let mut server = Self {
            flags,
            directory: Directory::new(),
            program: None,
            address: "127.0.0.1:0".into(),
        };
        server.start_again();
        server
    }

    pub(crate) fn start_again(&mut self) {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let program = Program::start_at(&self.address, self.directory.path(), &flags);
        self.address = program.address.clone();
        self.program = Some(program);
    }

    pub(crate) fn kill(&mut self) {
        if let Some(program) = self.program.take() {
            program.kill();
        }
    }

    /// Lets it stand still, or go on.
    pub(crate) fn signal(&self, signal: &str) {
        let Some(program) = &self.program else { return };
        let mut command = Command::new("kill");
        let status = command.arg(signal).arg(program.id().to_string()).status();
        assert!(status.expect("kill").success());
    }

    pub(crate) fn metric(&self, name: &str) -> u64 {
        let Some(program) = &self.program else { return 0 };
        let text = program.ask("GET /metrics", "");
        let line =
            text.lines().find_map(|line| line.strip_prefix(&format!("sockless_chat_{name} ")));
        line.and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// The memory of its process, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let Some(program) = &self.program else { return 0 };
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.id()));
        let line = status.ok().and_then(|text| {
            text.lines().find_map(|line| line.strip_prefix("VmHWM:").map(str::to_owned))
        });
        line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
    }
}
