//! The way to the server: its addresses, or a proxy's tunnel.

use std::env;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sockless::handshake::{HeadLimits, Response, ResponseError, Url};

use super::ending::Ending;
use super::options::{Options, Proxy};

/// A TCP connection to the server, or a tunnel to it.
pub(crate) fn connect(url: &Url<'_>, options: &Options) -> Result<TcpStream, Ending> {
    match proxy(url, options)? {
        None => dial(url.address(), url.port(), options.timeout, "the server"),
        Some(text) => {
            let proxy = Proxy::parse(&text).map_err(Ending::unusable)?;
            let stream = dial(&proxy.host, proxy.port, options.timeout, "the proxy")?;
            options.note(&format!("by the proxy {}:{}", proxy.host, proxy.port));
            tunnel(stream, &proxy, url, options.timeout)
        }
    }
}

fn dial(host: &str, port: u16, timeout: Duration, whom: &str) -> Result<TcpStream, Ending> {
    let addresses = (host, port).to_socket_addrs().map_err(|error| {
        Ending::unreached(format!("{whom} {host} has no address: {error}. Is the name right?"))
    })?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(format!("{address}: {error}")),
        }
    }
    let why = last.unwrap_or_else(|| "it has no address".into());
    Err(Ending::unreached(format!(
        "can't reach {whom}: {why}. Is it running, and are host and port right?"
    )))
}

/// The proxy on the way to `url`: from the command line, or from the variables that other programs use as well.
fn proxy(url: &Url<'_>, options: &Options) -> Result<Option<String>, Ending> {
    match options.proxy.as_deref() {
        Some("none") => return Ok(None),
        Some(text) => return Ok(Some(text.into())),
        None => {}
    }
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let exceptions = variable("no_proxy").or_else(|| variable("NO_PROXY")).unwrap_or_default();
    if exceptions.split(',').any(|exception| is_excepted(url.address(), exception.trim())) {
        return Ok(None);
    }
    // HTTP_PROXY in capitals can be set by a request to a CGI program, and is not looked at.
    let names: &[&str] = if url.is_secure() {
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        &["http_proxy", "all_proxy", "ALL_PROXY"]
    };
    Ok(names.iter().find_map(|name| variable(name)))
}

/// Whether an element of `no_proxy` names the host: `*`, the host itself, or a domain that it belongs to.
fn is_excepted(host: &str, exception: &str) -> bool {
    let (host, exception) = (host.to_ascii_lowercase(), exception.to_ascii_lowercase());
    let domain = exception.strip_prefix('.').unwrap_or(&exception);
    exception == "*"
        || (!domain.is_empty()
            && (host == domain
                || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))))
}

/// Asks the proxy for a tunnel (RFC 9110, section 9.3.6).
fn tunnel(
    mut stream: TcpStream,
    proxy: &Proxy,
    url: &Url<'_>,
    timeout: Duration,
) -> Result<TcpStream, Ending> {
    let target = format!("{}:{}", url.host(), url.port());
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(credentials) = &proxy.credentials {
        let credentials = STANDARD.encode(credentials);
        request.push_str(&format!("Proxy-Authorization: Basic {credentials}\r\n"));
    }
    request.push_str("\r\n");
    let head = ask(&mut stream, &request, timeout)
        .map_err(|error| Ending::unreached(format!("the proxy did not answer: {error}")))?;
    let status = match Response::decode(&head, &HeadLimits::default()) {
        Ok(response) => response.status(),
        Err(ResponseError::Truncated) => {
            return Err(Ending::unreached(
                "the proxy closed the connection without an answer".into(),
            ));
        }
        Err(_) => return Err(Ending::unreached("what answers there is no HTTP proxy".into())),
    };
    match status {
        200..=299 => Ok(stream),
        407 => Err(Ending::unreached(
            "the proxy demands credentials: --proxy http://USER:PASSWORD@HOST:PORT".into(),
        )),
        status => Err(Ending::unreached(format!(
            "the proxy does not connect to {target}: status {status}. --proxy none goes without it"
        ))),
    }
}

/// Writes a request, and reads the head of the answer. Behind the head nothing comes: the client speaks first.
fn ask(stream: &mut TcpStream, request: &str, timeout: Duration) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + timeout;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let count = stream.read(&mut piece)?;
        head.extend_from_slice(&piece[..count]);
        let incomplete = matches!(
            Response::decode(&head, &HeadLimits::default()),
            Err(ResponseError::Truncated)
        );
        if count == 0 || !incomplete {
            return Ok(head);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_excepted;

    #[test]
    fn no_proxy_names_hosts_and_domains() {
        for (exception, expected) in [
            ("*", true),
            ("example.com", true),
            (".example.com", true),
            ("EXAMPLE.com", true),
            ("ample.com", false),
            ("other.example.com", false),
            ("", false),
        ] {
            assert_eq!(is_excepted("www.example.com", exception), expected, "{exception}");
        }
        assert!(is_excepted("::1", "::1"));
    }
}
