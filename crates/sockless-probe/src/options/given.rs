//! The arguments as they are written, and the command that they mean.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use sockless::handshake::Url;

use super::choice::Choice;
use super::command::{Command, Merge, Run, Wanted};
use super::help::HELP;
use crate::setting::Setting;
use crate::verdict::{Level, Testee};
use crate::wire::tls::{Identity, Secure};

/// Why there is nothing to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The user asked for this text.
    Shown(String),
    /// The command line is wrong.
    Wrong(String),
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
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    jobs: usize,
    patience: Duration,
    seed: u64,
    quick: bool,
    allowed: bool,
    stay: bool,
}

/// The command of these arguments.
///
/// # Errors
///
/// What to tell the user instead.
pub(crate) fn command(args: impl Iterator<Item = String>) -> Result<Command, Stop> {
    let given = Given::read(args)?;
    let mut free = given.free.iter().map(String::as_str);
    match (free.next(), free.next(), free.next()) {
        (Some("server"), Some(url), None) => {
            let url = url.to_owned();
            given.server(&url).map(|run| Command::Server(Box::new(run))).map_err(Stop::Wrong)
        }
        (Some("server"), None, None) => {
            Err(Stop::Wrong("server needs an address: ws://HOST:PORT/PATH".to_owned()))
        }
        (Some("client"), None, None) => {
            given.client().map(|run| Command::Client(Box::new(run))).map_err(Stop::Wrong)
        }
        (Some("cases"), testee, None) => {
            let testee = match testee {
                None | Some("server") => Testee::Server,
                Some("client") => Testee::Client,
                Some(other) => {
                    return Err(Stop::Wrong(format!("{other:?} is not tested here")));
                }
            };
            Ok(Command::Cases(Choice { testee: Some(testee), ..given.choice }))
        }
        (Some("merge"), Some(_), _) => match given.wanted.html {
            Some(html) => {
                let reports = given.free[1..].iter().map(PathBuf::from).collect();
                Ok(Command::Merge(Merge { reports, html }))
            }
            None => Err(Stop::Wrong("merge needs --html FILE".to_owned())),
        },
        (None, ..) => Err(Stop::Shown(HELP.to_owned())),
        _ => Err(Stop::Wrong(format!("what is meant by {:?}?", given.free.join(" ")))),
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
            certificate: None,
            key: None,
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
            "--certificate" => self.certificate = Some(value()?.into()),
            "--key" => self.key = Some(value()?.into()),
            "--http2" if cfg!(feature = "http2") => self.choice.http2 = true,
            "--http2" => return Err("this build has no HTTP/2: its feature http2 is off".into()),
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
        (secure, identity): (Option<Secure>, Option<Identity>),
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
            http2: self.choice.http2,
            seed: self.seed,
        };
        Run {
            setting,
            identity,
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
            .then(|| Secure::new(url.address(), self.authorities.as_deref(), self.choice.http2))
            .transpose()?;
        let addresses = resolve(url.address(), url.port())?;
        if !addresses.iter().all(|own| own.ip().is_loopback()) && !self.allowed {
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
        Ok(self.run(answering(&addresses), (secure, None), host, target, text))
    }

    fn client(self) -> Result<Run, String> {
        let text = self.listen.clone().ok_or("client needs --listen HOST:PORT")?;
        let (host, port) = text.rsplit_once(':').ok_or("--listen needs HOST:PORT")?;
        let port = port.parse().map_err(|_| format!("{port:?} is no port"))?;
        let identity = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some(Identity::new(certificate, key)?),
            (None, None) => None,
            _ => return Err("--certificate and --key go together".to_owned()),
        };
        if self.choice.http2 {
            return Err("clients are tested over HTTP/1.1 alone, without --http2".to_owned());
        }
        let address = resolve(host.trim_matches(['[', ']']), port)?[0];
        if !address.ip().is_loopback() && !self.allowed {
            return Err(format!(
                "{host} is not loopback, and whoever connects is attacked: say --i-may-test-this if you may"
            ));
        }
        Ok(self.run(address, (None, identity), text.clone(), "/".to_owned(), &text))
    }
}

/// All addresses of a host, one at least.
fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let found = (host, port).to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() { Err(format!("{host} has no address")) } else { Ok(found) }
}

/// The first of several addresses at which somebody listens: localhost is `::1` and `127.0.0.1`, and a server often has one of them
/// alone.
fn answering(addresses: &[SocketAddr]) -> SocketAddr {
    let listens =
        |address: &&SocketAddr| TcpStream::connect_timeout(address, Duration::from_secs(1)).is_ok();
    let found = if addresses.len() > 1 { addresses.iter().find(listens) } else { None };
    *found.unwrap_or(&addresses[0])
}

#[cfg(test)]
mod tests {
    use super::{Command, Stop, answering};

    fn command(args: &[&str]) -> Result<Command, Stop> {
        super::command(args.iter().map(|arg| (*arg).to_owned()))
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
            (&["server"], "ws://HOST:PORT"),
            (&["client"], "--listen"),
            (&["client", "--listen", "127.0.0.1:0", "--key", "k.pem"], "--certificate"),
            (&["somewhere"], "somewhere"),
        ] {
            let Err(Stop::Wrong(text)) = command(args) else { panic!("{args:?} is refused") };
            assert!(text.contains(named), "{args:?}: {text}");
        }
    }

    #[test]
    fn of_several_addresses_one_where_somebody_listens_is_taken() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = listener.local_addr().expect("an address");
        // Nobody listens at port 1.
        let nobody = ([127, 0, 0, 1], 1).into();
        assert_eq!(answering(&[nobody, server]), server);
        assert_eq!(answering(&[server, nobody]), server);
        assert_eq!(answering(&[nobody, nobody]), nobody);
    }
}
