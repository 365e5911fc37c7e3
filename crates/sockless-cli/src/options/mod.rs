//! The command line: what was typed, all of it checked. What a value may be is in `value`.

mod value;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use sockless::CloseCode;
use sockless::handshake::Url;

use crate::proxy::Proxy;

/// What `--help` prints.
pub(crate) const USAGE: &str = include_str!("usage.txt");

/// What the user wants.
#[derive(Debug)]
pub(crate) enum Asked {
    /// To connect, or to serve.
    Run(Box<Options>),
    Help,
    Version,
}

/// What the program does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It connects to this URL.
    Client(String),
    /// It serves at this address.
    Server(String),
}

/// Which proxy to take.
#[derive(Debug, Default)]
pub(crate) enum ByProxy {
    /// What the environment says.
    #[default]
    Environment,
    Direct,
    This(Proxy),
}

/// The options. They fit each other.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) role: Role,
    /// What is sent before the input.
    pub(crate) messages: Vec<String>,
    pub(crate) once: bool,
    pub(crate) binary: bool,
    pub(crate) no_input: bool,
    pub(crate) wait: Option<Duration>,
    pub(crate) exec: Option<String>,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) deflate: bool,
    pub(crate) timeout: Duration,
    pub(crate) max_time: Option<Duration>,
    pub(crate) insecure: bool,
    pub(crate) roots: Option<PathBuf>,
    pub(crate) proxy: ByProxy,
    pub(crate) unix: Option<PathBuf>,
    pub(crate) ping: Option<Duration>,
    pub(crate) keepalive: Option<Duration>,
    pub(crate) max_message: Option<u64>,
    pub(crate) close: Option<(CloseCode, String)>,
    pub(crate) reconnect: bool,
    pub(crate) tries: Option<u32>,
}

impl Options {
    fn new() -> Self {
        Self {
            role: Role::Client(String::new()),
            messages: Vec::new(),
            once: false,
            binary: false,
            no_input: false,
            wait: None,
            exec: None,
            json: false,
            quiet: false,
            headers: Vec::new(),
            subprotocols: Vec::new(),
            origins: Vec::new(),
            deflate: false,
            timeout: Duration::from_secs(10),
            max_time: None,
            insecure: false,
            roots: None,
            proxy: ByProxy::default(),
            unix: None,
            ping: None,
            keepalive: Some(Duration::from_secs(30)),
            max_message: None,
            close: None,
            reconnect: false,
            tries: None,
        }
    }

    /// The options out of the arguments. The error names the one that is wrong.
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
        let mut args = args.into_iter();
        let (mut options, mut given, mut rest) = (Self::new(), Vec::new(), Vec::new());
        let mut only_operands = false;
        while let Some(arg) = args.next() {
            let arg = text(arg)?;
            let is_option = !only_operands && arg.starts_with('-') && arg.len() > 1;
            match arg.as_str() {
                "--" if !only_operands => only_operands = true,
                _ if !is_option => rest.push(arg),
                "--help" | "-h" => return Ok(Asked::Help),
                "--version" | "-V" => return Ok(Asked::Version),
                _ if arg.starts_with("--") => {
                    let (name, value) = match arg.split_once('=') {
                        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                        None => (arg, None),
                    };
                    options.set(&name, value, &mut args)?;
                    given.push(name);
                }
                // Letters may stand together; a value ends them.
                _ => {
                    let mut letters = arg[1..].chars();
                    while let Some(letter) = letters.next() {
                        let name =
                            long(letter).ok_or_else(|| format!("unknown option -{letter}"))?;
                        let rest =
                            Some(letters.as_str().to_owned()).filter(|rest| !rest.is_empty());
                        if takes_value(name) {
                            letters = "".chars();
                            options.set(name, rest, &mut args)?;
                        } else {
                            options.set(name, None, &mut args)?;
                        }
                        given.push(name.to_owned());
                    }
                }
            }
        }
        options.operands(rest)?;
        options.fit(&given)?;
        Ok(Asked::Run(Box::new(options)))
    }

    fn set(
        &mut self,
        name: &str,
        given: Option<String>,
        args: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), String> {
        if !takes_value(name) {
            if given.is_some() {
                return Err(match long_is_known(name) {
                    true => format!("{name} takes no value"),
                    false => format!("unknown option {name}"),
                });
            }
            match name {
                "--once" => self.once = true,
                "--binary" => self.binary = true,
                "--no-input" => self.no_input = true,
                "--json" => self.json = true,
                "--quiet" => self.quiet = true,
                "--deflate" => self.deflate = true,
                "--insecure" => self.insecure = true,
                "--reconnect" => self.reconnect = true,
                _ => return Err(format!("unknown option {name}")),
            }
            return Ok(());
        }
        let value = match given {
            Some(value) => value,
            None => text(args.next().ok_or_else(|| format!("{name} needs a value"))?)?,
        };
        let wrong = |why: String| format!("{name}: {why}");
        match name {
            "--wait" => self.wait = Some(value::seconds(&value).map_err(wrong)?),
            "--exec" if value.trim().is_empty() => return Err(wrong("which command?".into())),
            "--exec" => self.exec = Some(value),
            "--header" => self.headers.push(value::header(&value).map_err(wrong)?),
            "--subprotocol" => self.subprotocols.push(value::subprotocol(&value).map_err(wrong)?),
            "--origin" => self.origins.push(value::origin(&value).map_err(wrong)?),
            "--timeout" => self.timeout = value::some_seconds(&value).map_err(wrong)?,
            "--max-time" => self.max_time = Some(value::some_seconds(&value).map_err(wrong)?),
            "--roots" => self.roots = Some(value.into()),
            "--proxy" if value == "none" => self.proxy = ByProxy::Direct,
            "--proxy" => {
                let proxy = Proxy::parse(&value).map_err(|error| wrong(error.to_string()))?;
                self.proxy = ByProxy::This(proxy);
            }
            "--unix" => self.unix = Some(value.into()),
            "--ping" => self.ping = Some(value::some_seconds(&value).map_err(wrong)?),
            "--keepalive" => {
                let time = value::seconds(&value).map_err(wrong)?;
                self.keepalive = Some(time).filter(|time| !time.is_zero());
            }
            "--max-message" => self.max_message = Some(value::bytes(&value).map_err(wrong)?),
            "--close" => self.close = Some(value::close(&value).map_err(wrong)?),
            "--tries" => self.tries = Some(value::count(&value).map_err(wrong)?),
            _ => self.role = Role::Server(value::listen(&value).map_err(wrong)?),
        }
        Ok(())
    }

    /// The URL and the messages.
    fn operands(&mut self, rest: Vec<String>) -> Result<(), String> {
        let mut rest = rest.into_iter();
        match (&mut self.role, rest.next()) {
            (Role::Server(_), None) => {}
            (Role::Server(_), Some(more)) => {
                return Err(format!("--listen takes no URL and no messages: {more:?} is too much"));
            }
            (Role::Client(_), None) => return Err("which URL?".into()),
            (Role::Client(url), Some(text)) => {
                Url::parse(&text).map_err(|error| format!("{error}: {text:?}"))?;
                *url = text;
            }
        }
        self.messages = rest.collect();
        match self.once && self.messages.len() > 1 {
            true => Err("--once sends one message: put it in quotes".into()),
            false => Ok(()),
        }
    }

    /// Whether the options that were given fit each other.
    fn fit(&self, given: &[String]) -> Result<(), String> {
        const CLIENTS: [&str; 8] = [
            "--once",
            "--wait",
            "--insecure",
            "--roots",
            "--proxy",
            "--unix",
            "--reconnect",
            "--tries",
        ];
        const APART: [[&str; 2]; 6] = [
            ["--once", "--exec"],
            // The message might be sent twice.
            ["--once", "--reconnect"],
            ["--once", "--no-input"],
            ["--insecure", "--roots"],
            ["--unix", "--proxy"],
            ["--no-input", "--exec"],
        ];
        let has = |name: &str| given.iter().any(|other| other == name);
        if matches!(self.role, Role::Server(_))
            && let Some(name) = CLIENTS.into_iter().find(|name| has(name))
        {
            return Err(format!("{name} is for clients: it doesn't go with --listen"));
        }
        if let Some([one, other]) = APART.into_iter().find(|pair| pair.iter().all(|name| has(name)))
        {
            return Err(format!("{one} and {other} don't go together"));
        }
        if has("--tries") && !self.reconnect {
            return Err("--tries goes with --reconnect alone".into());
        }
        if matches!(self.role, Role::Client(_)) && self.origins.len() > 1 {
            return Err("--origin: a client has one".into());
        }
        if self
            .subprotocols
            .iter()
            .enumerate()
            .any(|(at, name)| self.subprotocols[..at].contains(name))
        {
            return Err("--subprotocol: one is there twice".into());
        }
        match cfg!(unix) || self.unix.is_none() {
            true => Ok(()),
            false => Err("--unix: this system has no unix sockets".into()),
        }
    }
}

fn text(arg: OsString) -> Result<String, String> {
    arg.into_string().map_err(|arg| format!("the argument {arg:?} is not UTF-8"))
}

/// The long name of an option that has a short one.
fn long(letter: char) -> Option<&'static str> {
    Some(match letter {
        '1' => "--once",
        'b' => "--binary",
        'n' => "--no-input",
        'q' => "--quiet",
        'w' => "--wait",
        'H' => "--header",
        's' => "--subprotocol",
        't' => "--timeout",
        'p' => "--ping",
        _ => return None,
    })
}

fn takes_value(name: &str) -> bool {
    matches!(
        name,
        "--wait"
            | "--exec"
            | "--header"
            | "--subprotocol"
            | "--origin"
            | "--timeout"
            | "--max-time"
            | "--roots"
            | "--proxy"
            | "--unix"
            | "--ping"
            | "--keepalive"
            | "--max-message"
            | "--close"
            | "--tries"
            | "--listen"
    )
}

/// Whether an option without a value is called that.
fn long_is_known(name: &str) -> bool {
    matches!(
        name,
        "--once"
            | "--binary"
            | "--no-input"
            | "--json"
            | "--quiet"
            | "--deflate"
            | "--insecure"
            | "--reconnect"
    )
}
