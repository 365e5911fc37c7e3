//! A command whose output's lines are sent, and which gets messages as its input's lines.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::pump;
use crate::queue::Queue;

/// How long a command may go on after its input has ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// A command that runs. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// The lines that it prints.
    pub(crate) lines: Arc<Queue>,
    /// What it gets to read.
    pub(crate) input: Arc<Queue>,
}

/// Starts a command by the shell.
pub(crate) fn start(command: &str) -> io::Result<Running> {
    let mut shell = shell(command);
    let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (reader, writer) = (child.stdout.take(), child.stdin.take());
    let input = Queue::new(pump::AHEAD);
    // From here on it is killed if anything fails.
    let mut running = Running { child, lines: Queue::new(0), input };
    if let (Some(reader), Some(writer)) = (reader, writer) {
        running.lines = pump::lines(reader)?;
        pump::write(writer, &running.input)?;
    }
    Ok(running)
}

impl Running {
    /// Ends the command's input, and waits until it has ended. One that goes on is killed, and has no status.
    pub(crate) fn finish(mut self) -> io::Result<Option<ExitStatus>> {
        self.input.end();
        // Nobody wants what it still says, and it isn't to wait for that.
        self.lines.abandon();
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        self.child.wait().map(|_| None)
    }

    #[cfg(unix)]
    fn kill(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        // What the shell has started belongs to its group. It may have ended already.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
    }

    #[cfg(not(unix))]
    fn kill(&mut self) {
        let _ = self.child.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.input.abandon();
        self.lines.abandon();
        if let Ok(None) = self.child.try_wait() {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).process_group(0);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}
