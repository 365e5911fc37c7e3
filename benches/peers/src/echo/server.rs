//! A server's process, from its start to its end, and the processor time that it has had.

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::Pid;

use super::field::Ground;
use super::servers;

/// It ends with this.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    clock: ClockId,
}

impl Server {
    /// Starts the server of a name, for messages of a length.
    pub fn start(ground: Ground, name: &str, length: usize) -> io::Result<Self> {
        let ourselves = std::env::current_exe()?;
        let mut command;
        let program = match name {
            servers::MIO | servers::MIO_2 => Some("echo_mio"),
            servers::URING => Some("echo_uring"),
            _ => None,
        };
        if let Some(program) = program {
            command = Command::new(ourselves.with_file_name(program));
            command.args(["--listen", "127.0.0.1:0", "--deflate", "off", "--keepalive", "0"]);
            match name {
                // As the bare server beside it.
                servers::MIO => drop(command.args(["--threads", "1"])),
                servers::MIO_2 => drop(command.args(["--threads", "2"])),
                _ => {}
            }
        } else {
            command = Command::new(ourselves);
            command.args(["serve", ground.name(), name, &length.to_string()]);
        }
        Self::spawn(name, command)
    }

    /// Starts a server that says in its first line where it listens.
    pub fn spawn(name: &str, mut command: Command) -> io::Result<Self> {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it was piped");
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.split("://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let _ = process.kill();
            let _ = process.wait();
            return Err(io::Error::other(format!("{name} doesn't say where it listens: {line:?}")));
        };
        let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(process.id() as i32))?;
        Ok(Self { process, address, clock })
    }

    /// The processor time that it has had, on all its threads.
    pub fn busy(&self) -> io::Result<Duration> {
        Ok(self.clock.now()?.into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
