//! The command line.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use sockless::handshake::Url;

use crate::model::{Level, Testee};
use crate::stage::Setting;
use crate::wire::tls::Secure;

const HELP: &str = "\
sockless-probe: tests WebSocket endpoints against RFC 6455 and RFC 7692

  sockless-probe server URL [OPTIONS]               tests the echo server at ws://HOST:PORT/PATH
  sockless-probe client --listen HOST:PORT [OPTIONS] tests the clients that connect, by Autobahn's own addresses
  sockless-probe cases [server|client] [OPTIONS]    lists the cases
  sockless-probe merge REPORT.json ... --html FILE  one page out of several JSON reports

Which cases
  --filter PATTERN    cases whose id matches: 6.*, handshake.*, 9.1.1; several by commas; with ! in front: not those
  --core              Autobahn's groups 1 to 7, 9 and 10
  --level LEVEL       must, should or safety; several by commas
  --quick             20 messages in a compressed case in place of 1000
How they are run
  --jobs N            cases at a time (default 32)
  --timeout SECONDS   how long a testee has to react (default 2)
  --seed N            fixes masking keys, cuts and contents (default 1)
What is sent (server)
  --field 'NAME: VALUE'   a further field of the request; may be repeated
  --subprotocol NAME      offers it
  --ca FILE               wss: trusts the certificates of this PEM file
  --insecure              wss: trusts whoever is there
  --i-may-test-this       needed outside loopback: some cases are attacks
Reports
  --agent NAME        the testee's name in the reports
  --json FILE  --junit FILE  --tap FILE  --html FILE
  --autobahn FOLDER   index.json and the case files in Autobahn's shape
  --baseline FILE     deviations that are known: lines of an id and a verdict
  --write-baseline FILE
  --log               prints the wire log of the cases that are not OK
  --quiet             no progress
  --stay              client: goes on after the first agent has asked for its reports

Exit status: 0 if no case is FAILED or closed wrongly that the baseline doesn't know, 1 if one is, 2 if the run was not possible
or not complete.";

/// Why there is nothing to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The user asked for this text.
    Shown(String),
    /// The command line is wrong.
    Wrong(String),
}

/// Which cases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) testee: Option<Testee>,
    patterns: Vec<String>,
    levels: Vec<Level>,
    core: bool,
}

impl Choice {
    /// Whether a case is chosen.
    pub(crate) fn takes(&self, case: &crate::model::Case) -> bool {
        let core = |id: &str| {
            let group = id.split('.').next().unwrap_or_default();
            matches!(group, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "9" | "10")
        };
        let (not, only): (Vec<&String>, Vec<&String>) =
            self.patterns.iter().partition(|pattern| pattern.starts_with('!'));
        (!self.core || core(&case.id))
            && (only.is_empty() || only.iter().any(|pattern| matches(pattern, &case.id)))
            && !not.iter().any(|pattern| matches(&pattern[1..], &case.id))
            && (self.levels.is_empty() || self.levels.contains(&case.level))
    }
}

/// Whether an id matches a pattern, in which `*` is anything; a pattern without it is an id or a group.
fn matches(pattern: &str, id: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = id.strip_prefix(first) else { return false };
    let mut anything = false;
    for part in parts {
        anything = true;
        match rest.find(part) {
            Some(at) if !part.is_empty() => rest = &rest[at + part.len()..],
            Some(_) => rest = "",
            None => return false,
        }
    }
    rest.is_empty() || (!anything && rest.starts_with('.'))
}

/// Which reports are written, and what of them is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) agent: Option<String>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) junit: Option<PathBuf>,
    pub(crate) tap: Option<PathBuf>,
    pub(crate) html: Option<PathBuf>,
    pub(crate) autobahn: Option<PathBuf>,
    pub(crate) baseline: Option<PathBuf>,
    pub(crate) write_baseline: Option<PathBuf>,
    pub(crate) log: bool,
    pub(crate) quiet: bool,
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) setting: Setting,
    pub(crate) choice: Choice,
    pub(crate) wanted: Wanted,
    pub(crate) jobs: usize,
    pub(crate) quick: bool,
    /// As the user wrote it.
    pub(crate) address: String,
    pub(crate) stay: bool,
}

/// Several reports as one page.
#[derive(Clone, Debug)]
pub(crate) struct Merge {
    pub(crate) reports: Vec<PathBuf>,
    pub(crate) html: PathBuf,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    Server(Box<Run>),
    Client(Box<Run>),
    Cases(Choice),
    Merge(Merge),
}

/// The arguments as they are read.
struct Given {
    free: Vec<String>,
    listen: Option<String>,
    choice: Choice,
    wanted: Wanted,
    fields: Vec<(String, String)>,
    subprotocol: Option<String>,
    authorities: Option<PathBuf>,
    insecure: bool,
    jobs: usize,
    patience: Duration,
    seed: u64,
    quick: bool,
    allowed: bool,
    stay: bool,
}

impl Command {
    /// The command of these arguments.
    pub(crate) fn from_args(args: impl Iterator<Item = String>) -> Result<Self, Stop> {
        let given = Given::read(args)?;
        let mut free = given.free.iter().map(String::as_str);
        match (free.next(), free.next(), free.next()) {
            (Some("server"), Some(url), None) => {
                let url = url.to_owned();
                given.server(&url).map(|run| Self::Server(Box::new(run))).map_err(Stop::Wrong)
            }
            (Some("client"), None, None) => {
                given.client().map(|run| Self::Client(Box::new(run))).map_err(Stop::Wrong)
            }
            (Some("cases"), testee, None) => {
                let testee = match testee {
                    None | Some("server") => Testee::Server,
                    Some("client") => Testee::Client,
                    Some(other) => {
                        return Err(Stop::Wrong(format!("{other:?} is not tested here")));
                    }
                };
                Ok(Self::Cases(Choice { testee: Some(testee), ..given.choice }))
            }
            (Some("merge"), Some(_), _) => match given.wanted.html {
                Some(html) => {
                    let reports = given.free[1..].iter().map(PathBuf::from).collect();
                    Ok(Self::Merge(Merge { reports, html }))
                }
                None => Err(Stop::Wrong("merge needs --html FILE".to_owned())),
            },
            (None, ..) => Err(Stop::Shown(HELP.to_owned())),
            _ => Err(Stop::Wrong(format!("what is meant by {:?}?", given.free.join(" ")))),
        }
    }
}

impl Given {
    fn read(mut args: impl Iterator<Item = String>) -> Result<Self, Stop> {
        let mut given = Self {
            free: Vec::new(),
            listen: None,
            choice: Choice::default(),
            wanted: Wanted::default(),
            fields: Vec::new(),
            subprotocol: None,
            authorities: None,
            insecure: false,
            jobs: 32,
            patience: Duration::from_secs(2),
            seed: 1,
            quick: false,
            allowed: false,
            stay: false,
        };
        while let Some(arg) = args.next() {
            if arg == "--help" || arg == "-h" {
                return Err(Stop::Shown(HELP.to_owned()));
            }
            if arg == "--version" {
                return Err(Stop::Shown(format!("sockless-probe {}", env!("CARGO_PKG_VERSION"))));
            }
            if !arg.starts_with('-') {
                given.free.push(arg);
                continue;
            }
            given.option(&arg, &mut args).map_err(Stop::Wrong)?;
        }
        Ok(given)
    }

    fn option(
        &mut self,
        name: &str,
        args: &mut impl Iterator<Item = String>,
    ) -> Result<(), String> {
        let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
        let number = |text: String| -> Result<u64, String> {
            text.parse().map_err(|_| format!("{name} needs a number, not {text:?}"))
        };
        let wanted = &mut self.wanted;
        match name {
            "--filter" => {
                self.choice.patterns.extend(value()?.split(',').map(|p| p.trim().to_owned()));
            }
            "--core" => self.choice.core = true,
            "--level" => {
                for level in value()?.split(',') {
                    let known =
                        Level::ALL.into_iter().find(|own| own.name().eq_ignore_ascii_case(level));
                    let unknown = || format!("{level:?} is no level: must, should or safety");
                    self.choice.levels.push(known.ok_or_else(unknown)?);
                }
            }
            "--quick" => self.quick = true,
            "--jobs" => self.jobs = number(value()?)?.clamp(1, 512) as usize,
            "--timeout" => {
                let text = value()?;
                let seconds: f64 = text.parse().unwrap_or(0.0);
                if !(0.05..=600.0).contains(&seconds) {
                    return Err(format!("--timeout needs 0.05 to 600 seconds, not {text:?}"));
                }
                self.patience = Duration::from_secs_f64(seconds);
            }
            "--seed" => self.seed = number(value()?)?,
            "--field" => {
                let text = value()?;
                let (name, value) =
                    text.split_once(':').ok_or("--field needs 'NAME: VALUE'".to_owned())?;
                self.fields.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            "--subprotocol" => self.subprotocol = Some(value()?),
            "--ca" => self.authorities = Some(value()?.into()),
            "--insecure" => self.insecure = true,
            "--i-may-test-this" => self.allowed = true,
            "--listen" => self.listen = Some(value()?),
            "--agent" => wanted.agent = Some(value()?),
            "--json" => wanted.json = Some(value()?.into()),
            "--junit" => wanted.junit = Some(value()?.into()),
            "--tap" => wanted.tap = Some(value()?.into()),
            "--html" => wanted.html = Some(value()?.into()),
            "--autobahn" => wanted.autobahn = Some(value()?.into()),
            "--baseline" => wanted.baseline = Some(value()?.into()),
            "--write-baseline" => wanted.write_baseline = Some(value()?.into()),
            "--log" => wanted.log = true,
            "--quiet" => wanted.quiet = true,
            "--stay" => self.stay = true,
            _ => return Err(format!("there is no option {name}")),
        }
        Ok(())
    }

    fn run(
        self,
        address: SocketAddr,
        secure: Option<Secure>,
        host: String,
        target: String,
        text: &str,
    ) -> Run {
        let setting = Setting {
            address,
            secure,
            host,
            target,
            fields: self.fields,
            subprotocol: self.subprotocol,
            patience: self.patience,
            messages: if self.quick { 20 } else { 1000 },
            seed: self.seed,
        };
        Run {
            setting,
            choice: self.choice,
            wanted: self.wanted,
            jobs: self.jobs,
            quick: self.quick,
            address: text.to_owned(),
            stay: self.stay,
        }
    }

    fn server(self, text: &str) -> Result<Run, String> {
        let url = Url::parse(text)
            .map_err(|error| format!("{text:?} is no address of a WebSocket server: {error}"))?;
        if url.is_secure() && self.authorities.is_none() && !self.insecure {
            return Err(
                "wss needs --ca FILE with the certificates to trust, or --insecure".to_owned()
            );
        }
        let secure = url
            .is_secure()
            .then(|| Secure::new(url.address(), self.authorities.as_deref()))
            .transpose()?;
        let address = resolve(url.address(), url.port())?;
        if !address.ip().is_loopback() && !self.allowed {
            return Err(format!(
                "{} is not on this machine, and some cases are attacks: say --i-may-test-this if you may",
                url.host()
            ));
        }
        let host = match (url.is_secure(), url.port()) {
            (false, 80) | (true, 443) => url.host().to_owned(),
            (_, port) => format!("{}:{port}", url.host()),
        };
        let path = if url.path().is_empty() { "/" } else { url.path() };
        let target = match url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        Ok(self.run(address, secure, host, target, text))
    }

    fn client(self) -> Result<Run, String> {
        let text = self.listen.clone().ok_or("client needs --listen HOST:PORT")?;
        let (host, port) = text.rsplit_once(':').ok_or("--listen needs HOST:PORT")?;
        let port = port.parse().map_err(|_| format!("{port:?} is no port"))?;
        let address = resolve(host.trim_matches(['[', ']']), port)?;
        if !address.ip().is_loopback() && !self.allowed {
            return Err(format!(
                "{host} is not loopback, and whoever connects is attacked: say --i-may-test-this if you may"
            ));
        }
        Ok(self.run(address, None, text.clone(), "/".to_owned(), &text))
    }
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    let mut found = (host, port).to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
    found.next().ok_or_else(|| format!("{host} has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(args: &[&str]) -> Result<Command, Stop> {
        Command::from_args(args.iter().map(|arg| (*arg).to_owned()))
    }

    #[test]
    fn patterns_match_ids_and_whole_groups() {
        for (pattern, id, expected) in [
            ("6.*", "6.4.1", true),
            ("6", "6.4.1", true),
            ("6.4", "6.4.1", true),
            ("6.4", "6.41", false),
            ("6.4.1", "6.4.1", true),
            ("*.1", "6.4.1", true),
            ("*.1", "6.4.10", false),
            ("*", "6.4.1", true),
            ("handshake.*key*", "handshake.no-key", true),
            ("handshake.*key*", "handshake.version", false),
        ] {
            assert_eq!(matches(pattern, id), expected, "{pattern} {id}");
        }
    }

    #[test]
    fn a_machine_elsewhere_is_tested_only_by_those_who_may() {
        let url = "ws://192.0.2.1:80/";
        let Err(Stop::Wrong(text)) = command(&["server", url]) else { panic!("it is refused") };
        assert!(text.contains("--i-may-test-this"), "{text}");
        assert!(command(&["server", url, "--i-may-test-this"]).is_ok());
        assert!(command(&["client", "--listen", "0.0.0.0:9001"]).is_err());
    }

    #[test]
    fn what_can_not_be_read_is_named() {
        for (args, named) in [
            (&["server", "http://127.0.0.1"][..], "http://127.0.0.1"),
            (&["server", "ws://127.0.0.1", "--jobs", "many"], "many"),
            (&["server", "ws://127.0.0.1", "--nonsense"], "--nonsense"),
            (&["server", "ws://127.0.0.1", "--level", "high"], "high"),
            (&["server", "ws://127.0.0.1", "--timeout", "0"], "--timeout"),
            (&["client"], "--listen"),
            (&["somewhere"], "somewhere"),
        ] {
            let Err(Stop::Wrong(text)) = command(args) else { panic!("{args:?} is refused") };
            assert!(text.contains(named), "{args:?}: {text}");
        }
    }
}
