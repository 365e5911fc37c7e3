//! A network between Redis and each server, which can be cut: a network namespace, and a cable of its own to it for each. Linux, `ip` and root are needed.

use std::process::Command;

/// A network namespace with cables to it. It goes with this value.
pub(crate) struct Network {
    name: String,
    cables: usize,
    /// The first of the /30 networks of 198.18.0.0/15, which is for tests alone.
    first: u32,
}

impl Network {
    /// Lays this many cables.
    ///
    /// # Errors
    ///
    /// What `ip` says if that isn't allowed, or possible, here.
    pub(crate) fn lay(cables: usize) -> Result<Self, String> {
        let process = std::process::id();
        let network =
            Self { name: format!("sockless-chat-{process}"), cables, first: process % 4000 * 8 };
        ip(&["netns", "add", &network.name])?;
        for cable in 0..cables {
            let (near, far) = (network.near(cable), network.far(cable));
            let name = &network.name;
            ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", name])?;
            ip(&["address", "add", &format!("{}/30", network.host(cable, 1)), "dev", &near])?;
            ip(&["link", "set", &near, "up"])?;
            let inside = format!("{}/30", network.host(cable, 2));
            ip(&["-n", name, "address", "add", &inside, "dev", &far])?;
            ip(&["-n", name, "link", "set", &far, "up"])?;
        }
        Ok(network)
    }

    /// The address inside, by this cable.
    pub(crate) fn address(&self, cable: usize) -> String {
        self.host(cable, 2)
    }

    /// A command that runs a program inside.
    pub(crate) fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// From now on nothing passes, and nobody is told.
    pub(crate) fn cut(&self, cable: usize) {
        self.set(cable, "down");
    }

    pub(crate) fn mend(&self, cable: usize) {
        self.set(cable, "up");
    }

    fn set(&self, cable: usize, state: &str) {
        ip(&["-n", &self.name, "link", "set", &self.far(cable), state]).expect("a cable");
    }

    fn near(&self, cable: usize) -> String {
        format!("sk{}-{cable}", std::process::id())
    }

    fn far(&self, cable: usize) -> String {
        format!("to{cable}")
    }

    fn host(&self, cable: usize, host: u32) -> String {
        assert!(cable < self.cables && cable < 8, "there are {} cables", self.cables);
        let first = u32::from(std::net::Ipv4Addr::new(198, 18, 0, 0));
        std::net::Ipv4Addr::from(first + (self.first + cable as u32) * 4 + host).to_string()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // The cables go with it. One that was never made can't be removed.
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("ip {}: {}", arguments.join(" "), said.trim()))
}
