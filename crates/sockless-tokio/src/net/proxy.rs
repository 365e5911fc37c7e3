//! Through a proxy: HTTP CONNECT (RFC 9110, section 9.3.6) and SOCKS5 (RFC 1928, RFC 1929).

use std::net::IpAddr;
use std::{env, fmt, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The most bytes of a proxy's answer.
const HEAD: usize = 8 << 10;

/// A proxy that leads to the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    kind: Kind,
    pub(super) host: String,
    pub(super) port: u16,
    credentials: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Socks5,
}

/// What is wrong with a proxy.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// The URL is not that of a proxy: `http://` or `socks5://`, perhaps with `user:password@`, a host, and a port.
    Url,
    /// It wants credentials, or others.
    Credentials,
    /// It refuses, with this status of HTTP.
    Status(u16),
    /// It refuses, with this code of SOCKS5 (RFC 1928, section 6).
    Code(u8),
    /// It does not answer as a proxy does.
    Answer,
    /// The host's name is too long for it.
    Host,
    /// The stream failed.
    Io(io::Error),
}

impl Proxy {
    /// A proxy by its URL: `http://proxy.example:3128`, `socks5://user:password@[::1]:1080`. A user's name and password may be
    /// percent-encoded. With `socks5` as with `socks5h`, the proxy resolves the server's name.
    ///
    /// # Errors
    ///
    /// [`ProxyError::Url`].
    pub fn parse(url: &str) -> Result<Self, ProxyError> {
        Self::parts(url).ok_or(ProxyError::Url)
    }

    fn parts(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (kind, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Kind::Http, 80),
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            _ => return None,
        };
        let rest = rest.split(['/', '?', '#']).next()?;
        let (credentials, authority) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((user, authority)) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                (Some((decode(user)?, decode(password)?)), authority)
            }
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, digits)) if !digits.contains(']') => (host, digits.parse().ok()?),
            _ => (authority, port),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"@[]/".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_plain) {
            return None;
        }
        Some(Self { kind, host: host.into(), port, credentials })
    }

    /// The proxy that the environment names for a server: `https_proxy` for `wss:`, `http_proxy` for `ws:`, `all_proxy` for both, unless `no_proxy`
    /// excepts it. They may be written in capitals, too; but `HTTP_PROXY` may not, because a CGI program gets it from its client.
    ///
    /// # Errors
    ///
    /// [`ProxyError::Url`].
    pub fn from_environment(host: &str, secure: bool) -> Result<Option<Self>, ProxyError> {
        Self::from_variables(host, secure, |name| env::var(name).ok())
    }

    fn from_variables(
        host: &str,
        secure: bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ProxyError> {
        let one_of = |names: &[&str]| {
            names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()))
        };
        let named = match secure {
            true => one_of(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            false => one_of(&["http_proxy", "all_proxy", "ALL_PROXY"]),
        };
        let Some(url) = named else { return Ok(None) };
        let excepted = one_of(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
        let excepts = |entry: &str| {
            let entry = entry.trim().trim_start_matches('.');
            let ends = |rest: &str| rest.is_empty() || rest.ends_with('.');
            let (host, entry) = (host.to_ascii_lowercase(), entry.to_ascii_lowercase());
            entry == "*" || !entry.is_empty() && host.strip_suffix(&entry).is_some_and(ends)
        };
        match excepted.split(',').any(excepts) {
            true => Ok(None),
            false => Self::parse(&url).map(Some),
        }
    }

    /// Makes a tunnel to the server out of a stream that leads to the proxy.
    pub(super) async fn tunnel<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        host: &str,
        port: u16,
    ) -> Result<(), ProxyError> {
        match self.kind {
            Kind::Http => self.connect(stream, host, port).await,
            Kind::Socks5 => self.socks(stream, host, port).await,
        }
    }

    async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        host: &str,
        port: u16,
    ) -> Result<(), ProxyError> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if let Some((user, password)) = &self.credentials {
            let credentials = STANDARD.encode(format!("{user}:{password}"));
            request += &format!("Proxy-Authorization: Basic {credentials}\r\n");
        }
        request += "\r\n";
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        // One byte at a time: what follows the head is the server's.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == HEAD {
                return Err(ProxyError::Answer);
            }
            head.push(stream.read_u8().await?);
        }
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = std::str::from_utf8(line).map_err(|_| ProxyError::Answer)?;
        let mut words = line.split(' ');
        let (version, status) = (words.next().unwrap_or_default(), words.next());
        let status = status.and_then(|status| status.parse().ok()).filter(|status| *status < 600);
        match status {
            Some(200..=299) if version.starts_with("HTTP/1.") => Ok(()),
            // 401 is for servers; but tinyproxy answers wrong credentials with it.
            Some(401 | 407) => Err(ProxyError::Credentials),
            Some(status) if version.starts_with("HTTP/1.") => Err(ProxyError::Status(status)),
            _ => Err(ProxyError::Answer),
        }
    }

    async fn socks<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        host: &str,
        port: u16,
    ) -> Result<(), ProxyError> {
        let greeting: &[u8] = if self.credentials.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] };
        stream.write_all(greeting).await?;
        stream.flush().await?;
        let mut chosen = [0; 2];
        stream.read_exact(&mut chosen).await?;
        match (chosen, &self.credentials) {
            ([5, 0], _) => {}
            ([5, 2], Some((user, password))) => {
                let len =
                    |text: &String| u8::try_from(text.len()).map_err(|_| ProxyError::Credentials);
                let mut message = vec![1, len(user)?];
                message.extend_from_slice(user.as_bytes());
                message.push(len(password)?);
                message.extend_from_slice(password.as_bytes());
                stream.write_all(&message).await?;
                stream.flush().await?;
                let mut answer = [0; 2];
                stream.read_exact(&mut answer).await?;
                if answer != [1, 0] {
                    return Err(ProxyError::Credentials);
                }
            }
            ([5, 0xFF], _) => return Err(ProxyError::Credentials),
            _ => return Err(ProxyError::Answer),
        }
        let mut request = vec![5, 1, 0];
        match host.parse() {
            Ok(IpAddr::V4(address)) => {
                request.push(1);
                request.extend(address.octets());
            }
            Ok(IpAddr::V6(address)) => {
                request.push(4);
                request.extend(address.octets());
            }
            Err(_) => {
                request.extend([3, u8::try_from(host.len()).map_err(|_| ProxyError::Host)?]);
                request.extend_from_slice(host.as_bytes());
            }
        }
        request.extend(port.to_be_bytes());
        stream.write_all(&request).await?;
        stream.flush().await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        let bound = match answer {
            [5, 0, _, 1] => 4,
            [5, 0, _, 4] => 16,
            [5, 0, _, 3] => usize::from(stream.read_u8().await?),
            [5, code, _, _] if code > 0 => return Err(ProxyError::Code(code)),
            _ => return Err(ProxyError::Answer),
        };
        // The address that the proxy is bound to, and its port.
        let mut address = vec![0; bound + 2];
        stream.read_exact(&mut address).await?;
        Ok(())
    }
}

/// Decodes what is percent-encoded.
fn decode(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'%' => {
                let digits = std::str::from_utf8(after.get(..2)?).ok()?;
                rest = &after[2..];
                u8::from_str_radix(digits, 16).ok()?
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Debug for Proxy {
    /// Shows no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("kind", &self.kind)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str(
                "the URL of a proxy is http://HOST:PORT or socks5://HOST:PORT, perhaps with user:password@ before the host",
            ),
            Self::Credentials => f.write_str("the proxy wants credentials, or others"),
            Self::Status(status) => {
                write!(f, "the proxy opened no way to the server, and answered with status {status}")
            }
            Self::Code(code) => {
                let why = match code {
                    2 => "its rules forbid it",
                    3 => "the network can't be reached",
                    4 => "the host can't be reached",
                    5 => "the server refused the connection",
                    6 => "it took too long",
                    _ => "it failed",
                };
                write!(f, "the proxy opened no way to the server: {why} (code {code})")
            }
            Self::Answer => f.write_str("what answers at the proxy's address is no such proxy"),
            Self::Host => f.write_str("the host's name is too long for the proxy"),
            Self::Io(error) => write!(f, "the stream to the proxy failed: {error}"),
        }
    }
}

impl std::error::Error for ProxyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for ProxyError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Answer,
            _ => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_told_from_its_url() {
        let proxy = Proxy::parse("socks5://us%65r:p%40ss@[::1]:9050").expect("a proxy");
        assert_eq!((proxy.kind, proxy.host.as_str(), proxy.port), (Kind::Socks5, "::1", 9050));
        assert_eq!(proxy.credentials, Some(("user".into(), "p@ss".into())));
        let proxy = Proxy::parse("http://proxy.example").expect("a proxy");
        assert_eq!(
            (proxy.kind, proxy.host.as_str(), proxy.port),
            (Kind::Http, "proxy.example", 80)
        );
        assert_eq!(Proxy::parse("socks5h://p/").map(|proxy| proxy.port).ok(), Some(1080));
        for wrong in [
            "",
            "ftp://a",
            "http://",
            "http://a:b",
            "http://a:99999",
            "http://a b",
            "http://a\r\nb",
            "http://%4:a@b",
        ] {
            assert!(matches!(Proxy::parse(wrong), Err(ProxyError::Url)), "{wrong}");
        }
    }

    #[test]
    fn the_environment_names_proxies_and_exceptions() {
        let found = |host: &str, secure, variables: &[(&str, &str)]| {
            let value = |name: &str| {
                variables
                    .iter()
                    .find(|(variable, _)| *variable == name)
                    .map(|(_, value)| (*value).into())
            };
            let proxy = Proxy::from_variables(host, secure, value);
            proxy.expect("no malformed one").map(|proxy| proxy.host)
        };
        let both = [
            ("http_proxy", "http://a"),
            ("HTTPS_PROXY", "http://b"),
            ("NO_PROXY", "c.example, .d.example"),
        ];
        assert_eq!(found("x.example", false, &both), Some("a".into()));
        assert_eq!(found("x.example", true, &both), Some("b".into()));
        assert_eq!(found("C.example", true, &both), None);
        assert_eq!(found("e.c.example", true, &both), None);
        assert_eq!(found("d.example", true, &both), None);
        assert_eq!(found("bc.example", true, &both), Some("b".into()));
        assert_eq!(found("x", false, &[("HTTP_PROXY", "http://evil")]), None);
        assert_eq!(found("x", false, &[("all_proxy", "socks5://s"), ("no_proxy", "*")]), None);
        assert_eq!(found("x", false, &[("all_proxy", "socks5://s")]), Some("s".into()));
        assert_eq!(found("x", false, &[("http_proxy", "")]), None);
    }
}
