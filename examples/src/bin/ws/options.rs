//! The command line.

use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
usage: ws [OPTION]... URL

Connects to a WebSocket, ws://... or wss://..., sends each line of the input as a message, and prints each message that
arrives on a line. A terminal's Ctrl-D or Ctrl-C closes the connection. After the end of other input the program closes as
soon as as many messages have come back as were sent, or after two seconds in which nothing has come.

  -H, --header 'NAME: VALUE'  send a further header field; may be repeated
  -s, --subprotocol NAME      offer a subprotocol; may be repeated, the one most liked first
      --origin ORIGIN         send an origin, as a browser does
  -b, --binary                send lines as binary messages, and print binary messages as they are; without it, they are
                              printed as hexadecimal digits behind 0x
  -p, --ping SECONDS          ping at this interval, and tell how long the answer took
  -w, --wait SECONDS          after the end of the input, wait until nothing has come for so long
  -t, --timeout SECONDS       for how long to try to connect, and to wait for the answer: 10 by default
      --deflate               offer compression (permessage-deflate)
      --insecure              trust any certificate
      --proxy URL             connect by an HTTP proxy, http://[USER:PASSWORD@]HOST:PORT, or by 'none'. Without this option:
                              http_proxy, https_proxy, all_proxy and no_proxy, as other programs understand them
  -q, --quiet                 print messages and errors only
  -h, --help                  print this text

exit status: 0 the connection was closed in order, by either side; 1 the server closed with an error code; 2 the command line
or the input can't be used; 3 the server or the proxy can't be reached, or not be trusted; 4 the server refused (an HTTP
status); 5 the server broke the protocol; 6 the connection was lost, or there was no answer in time";

/// What the program is told.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) origin: Option<String>,
    pub(crate) binary: bool,
    pub(crate) ping: Option<Duration>,
    pub(crate) wait: Option<Duration>,
    pub(crate) timeout: Duration,
    #[cfg_attr(not(feature = "deflate"), allow(dead_code, reason = "refused while parsing"))]
    pub(crate) deflate: bool,
    pub(crate) insecure: bool,
    pub(crate) proxy: Option<String>,
    pub(crate) quiet: bool,
}

impl Options {
    /// The options from the command line. `Err` with the status to end with: the user has been told why.
    pub(crate) fn from_args() -> Result<Self, ExitCode> {
        match Self::parse(std::env::args().skip(1)) {
            Ok(Some(options)) => Ok(options),
            Ok(None) => {
                println!("{USAGE}");
                Err(ExitCode::SUCCESS)
            }
            Err(problem) => {
                eprintln!("ws: {problem}; ws --help tells more");
                Err(ExitCode::from(2))
            }
        }
    }

    /// Tells the user something beside the messages.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            eprintln!("ws: {text}");
        }
    }

    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            url: String::new(),
            headers: Vec::new(),
            subprotocols: Vec::new(),
            origin: None,
            binary: false,
            ping: None,
            wait: None,
            timeout: Duration::from_secs(10),
            deflate: false,
            insecure: false,
            proxy: None,
            quiet: false,
        };
        while let Some(name) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--header" | "-H" => options.headers.push(header(&value()?)?),
                "--subprotocol" | "-s" => options.subprotocols.push(value()?),
                "--origin" => options.origin = Some(value()?),
                "--binary" | "-b" => options.binary = true,
                "--ping" | "-p" => options.ping = Some(seconds(&name, &value()?)?),
                "--wait" | "-w" => options.wait = Some(seconds(&name, &value()?)?),
                "--timeout" | "-t" => options.timeout = seconds(&name, &value()?)?,
                "--deflate" if cfg!(feature = "deflate") => options.deflate = true,
                "--deflate" => {
                    return Err("--deflate needs a program built with --features deflate".into());
                }
                "--insecure" => options.insecure = true,
                "--proxy" => options.proxy = Some(value()?),
                "--quiet" | "-q" => options.quiet = true,
                _ if name.starts_with('-') => return Err(format!("unknown option {name}")),
                _ if options.url.is_empty() => options.url = name,
                _ => return Err(format!("one URL is enough, {name} is another one")),
            }
        }
        if options.url.is_empty() {
            return Err("which URL?".into());
        }
        if options.ping.is_some_and(|every| every.is_zero()) || options.timeout.is_zero() {
            return Err("--ping and --timeout need more than zero seconds".into());
        }
        Ok(Some(options))
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| format!("a header is NAME: VALUE, not {text:?}"))?;
    Ok((name.into(), value.trim().into()))
}

fn seconds(name: &str, value: &str) -> Result<Duration, String> {
    let seconds = value.parse::<f64>().map_err(|_| format!("{name} can't be {value:?}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("{name} can't be {value:?}"))
}

/// A proxy's address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// User name and password, as Basic authentication joins them.
    pub(crate) credentials: Option<Vec<u8>>,
}

impl Proxy {
    /// Takes a proxy's URL apart; `http://` may be left out.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("a proxy is http://[USER:PASSWORD@]HOST:PORT, not {text:?}");
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) => {
                return Err(format!("a proxy by {scheme}:// is not supported; http:// is"));
            }
            None => text,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, authority) = match rest.rsplit_once('@') {
            Some((credentials, authority)) => {
                (Some(unescape(credentials).ok_or_else(wrong)?), authority)
            }
            None => (None, rest),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong())?)
            }
            _ => (authority, 80),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self { host: host.into(), port, credentials })
    }
}

/// Decodes percent-encoding.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let digits = [char::from(bytes.next()?), char::from(bytes.next()?)];
            let [high, low] = digits.map(|digit| digit.to_digit(16));
            (high? * 16 + low?) as u8
        } else {
            byte
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::Proxy;

    #[test]
    fn proxies_are_taken_apart() {
        let proxy = |host: &str, port, credentials: Option<&str>| Proxy {
            host: host.into(),
            port,
            credentials: credentials.map(|text| text.as_bytes().to_vec()),
        };
        for (text, expected) in [
            ("http://proxy:3128", proxy("proxy", 3128, None)),
            ("proxy:3128/", proxy("proxy", 3128, None)),
            ("http://proxy", proxy("proxy", 80, None)),
            ("http://[::1]:3128", proxy("::1", 3128, None)),
            ("http://[::1]", proxy("::1", 80, None)),
            ("http://me:p%40ss@proxy:1", proxy("proxy", 1, Some("me:p@ss"))),
        ] {
            assert_eq!(Proxy::parse(text), Ok(expected), "{text}");
        }
        for text in ["", "http://", "socks5://proxy:1", "http://proxy:x", "http://a%4@proxy:1"] {
            assert!(Proxy::parse(text).is_err(), "{text}");
        }
    }
}
