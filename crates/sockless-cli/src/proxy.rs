//! Which proxy to take: its URL, and what the environment says.

use std::{env, fmt};

/// A proxy that leads to the server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) kind: Kind,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) credentials: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Socks5,
}

/// It is no proxy's URL. It is not repeated, because it may hold a password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoProxy;

impl Proxy {
    /// Takes a proxy's URL apart. Without a scheme it is `http://`. With `socks5` as with `socks5h`, the proxy resolves the server's name.
    pub(crate) fn parse(url: &str) -> Result<Self, NoProxy> {
        Self::parts(url).ok_or(NoProxy)
    }

    fn parts(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (kind, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Kind::Http, 80),
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            _ => return None,
        };
        let (credentials, authority) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((user, authority)) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                (Some((decode(user)?, decode(password)?)), authority)
            }
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, digits)) if !digits.contains(']') => (host, digits.parse().ok()?),
            _ => (authority, port),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"@[]/?#".contains(&byte);
        let fits = |(user, password): &(String, String)| {
            kind == Kind::Http || user.len().max(password.len()) <= 255
        };
        if host.is_empty() || !host.bytes().all(is_plain) || !credentials.iter().all(fits) {
            return None;
        }
        Some(Self { kind, host: host.into(), port, credentials })
    }

    /// The proxy that the environment names for a server. The error comes with the variable's name.
    pub(crate) fn from_environment(
        host: &str,
        secure: bool,
    ) -> Result<Option<Self>, (&'static str, NoProxy)> {
        Self::from_variables(host, secure, |name| env::var(name).ok())
    }

    fn from_variables(
        host: &str,
        secure: bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, (&'static str, NoProxy)> {
        let one_of = |names: &[&'static str]| {
            let value = |name| variable(name).filter(|value| !value.is_empty());
            names.iter().find_map(|name| Some((*name, value(*name)?)))
        };
        // HTTP_PROXY in capitals can be set by a request to a CGI program, and is not looked at.
        let named = match secure {
            true => one_of(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            false => one_of(&["http_proxy", "all_proxy", "ALL_PROXY"]),
        };
        let Some((name, url)) = named else { return Ok(None) };
        let exceptions = one_of(&["no_proxy", "NO_PROXY"]).map(|(_, value)| value);
        match exceptions.unwrap_or_default().split(',').any(|entry| excepts(entry.trim(), host)) {
            true => Ok(None),
            false => Self::parse(&url).map(Some).map_err(|error| (name, error)),
        }
    }
}

/// Whether an entry of `no_proxy` names the host: `*`, the host itself, or a domain that it belongs to.
fn excepts(entry: &str, host: &str) -> bool {
    let entry = entry.trim_start_matches('.').to_ascii_lowercase();
    let ends = |rest: &str| rest.is_empty() || rest.ends_with('.');
    entry == "*"
        || !entry.is_empty() && host.to_ascii_lowercase().strip_suffix(&entry).is_some_and(ends)
}

/// Decodes what is percent-encoded.
fn decode(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'%' => {
                let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
                let value = digit(0)? * 16 + digit(1)?;
                rest = &after[2..];
                u8::try_from(value).ok()?
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Proxy {
    /// Shows no credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Http => "http",
            Kind::Socks5 => "socks5",
        };
        match self.host.contains(':') {
            true => write!(f, "{kind}://[{}]:{}", self.host, self.port),
            false => write!(f, "{kind}://{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for NoProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a proxy is http://[USER:PASSWORD@]HOST:PORT or socks5://[USER:PASSWORD@]HOST:PORT",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_taken_apart() {
        let proxy = |kind, host: &str, port, credentials: Option<(&str, &str)>| Proxy {
            kind,
            host: host.into(),
            port,
            credentials: credentials.map(|(user, password)| (user.into(), password.into())),
        };
        for (text, expected) in [
            ("http://proxy:3128", proxy(Kind::Http, "proxy", 3128, None)),
            ("proxy:3128/", proxy(Kind::Http, "proxy", 3128, None)),
            ("http://[::1]", proxy(Kind::Http, "::1", 80, None)),
            ("http://me:p%40ss@proxy:1", proxy(Kind::Http, "proxy", 1, Some(("me", "p@ss")))),
            ("socks5h://u@[::1]:9050", proxy(Kind::Socks5, "::1", 9050, Some(("u", "")))),
            ("SOCKS5://proxy", proxy(Kind::Socks5, "proxy", 1080, None)),
            ("http://u:p/w@proxy", proxy(Kind::Http, "proxy", 80, Some(("u", "p/w")))),
        ] {
            assert_eq!(Proxy::parse(text), Ok(expected), "{text}");
        }
        let long = format!("socks5://{}@proxy", "x".repeat(256));
        for text in [
            "",
            "http://",
            "ftp://proxy",
            "http://proxy:x",
            "http://a%4@proxy:1",
            "http://a b",
            "a\r\nb",
            &long,
        ] {
            assert_eq!(Proxy::parse(text), Err(NoProxy), "{text}");
        }
        let shown =
            Proxy::parse("http://me:secret@proxy:1").map(|proxy| format!("{proxy} {proxy:?}"));
        assert_eq!(shown, Ok("http://proxy:1 http://proxy:1".into()));
    }

    #[test]
    fn the_environment_names_proxies_and_exceptions() {
        let found = |host: &str, secure, variables: &[(&str, &str)]| {
            let value = |name: &str| {
                variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).into())
            };
            Proxy::from_variables(host, secure, value).map(|proxy| proxy.map(|proxy| proxy.host))
        };
        let both = [
            ("http_proxy", "http://a"),
            ("HTTPS_PROXY", "http://b"),
            ("NO_PROXY", "c.example, .d.example"),
        ];
        for (host, secure, expected) in [
            ("x.example", false, Some("a")),
            ("x.example", true, Some("b")),
            ("C.example", true, None),
            ("e.c.example", true, None),
            ("d.example", true, None),
            ("bc.example", true, Some("b")),
        ] {
            assert_eq!(found(host, secure, &both), Ok(expected.map(String::from)), "{host}");
        }
        assert_eq!(found("x", false, &[("HTTP_PROXY", "http://evil")]), Ok(None));
        assert_eq!(found("x", false, &[("all_proxy", "socks5://s"), ("no_proxy", "*")]), Ok(None));
        assert_eq!(found("x", true, &[("ALL_PROXY", "socks5://s")]), Ok(Some("s".into())));
        assert_eq!(found("x", false, &[("http_proxy", "ftp://s")]), Err(("http_proxy", NoProxy)));
        assert!(excepts("::1", "::1") && !excepts("", "x"));
    }
}
