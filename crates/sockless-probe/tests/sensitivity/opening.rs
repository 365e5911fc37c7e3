//! The opening handshakes of the endpoints under test: right, or with one rule broken.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use sockless::handshake::accept_key;

use super::endpoint::{Agreed, Endpoint};
use super::fault::Fault::{self, *};
use crate::wire::deflate::Direction;
use crate::wire::head::{Head, base64};

const NAME: &str = "permessage-deflate";

/// Serves on a free port, as long as the process lives: the port.
pub(crate) fn server(fault: Option<Fault>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(stream, fault));
        }
    });
    port
}

fn read_head(stream: &mut TcpStream, fault: Option<Fault>) -> Option<(Head, Vec<u8>)> {
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 1 << 14]);
    let limit = if fault == Some(TakesEndlessHead) { usize::MAX } else { 1 << 15 };
    loop {
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        if fault != Some(TakesEndlessHead) || bytes.len() < 1 << 15 {
            bytes.extend_from_slice(&piece[..count]);
        }
        if let Some((head, len)) = Head::find(&bytes) {
            return Some((head, bytes.split_off(len)));
        }
        if fault == Some(ReadsHeadOnce) || bytes.len() > limit {
            return None;
        }
    }
}

fn refuse(mut stream: TcpStream, status: &str, more: &str) {
    let _ = stream.write_all(
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n{more}\r\n")
            .as_bytes(),
    );
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
    let mut rest = [0; 4096];
    for _ in 0..100 {
        if !matches!(stream.read(&mut rest), Ok(1..)) {
            return;
        }
    }
}

fn serve(mut stream: TcpStream, fault: Option<Fault>) {
    let _ = stream.set_nodelay(true);
    let Some((mut head, rest)) = read_head(&mut stream, fault) else {
        return refuse(stream, "431 Too Large", "");
    };
    let has = |own: Fault| fault == Some(own);
    if has(TakesSpaceBeforeColon) {
        for (name, _) in &mut head.fields {
            *name = name.trim_end().to_owned();
        }
    }
    let bad = |why: bool, own: Fault| why && !has(own);
    let parts: Vec<&str> = head.line.split(' ').collect();
    let [method, target, http] = parts[..] else { return refuse(stream, "400 Bad", "") };
    let line_is_wrong = bad(method != "GET", TakesAnyMethod)
        || bad(http != "HTTP/1.1", TakesAnyHttp)
        || !target.starts_with('/')
        || target.bytes().any(|byte| byte <= b' ' || byte == 0x7F);
    let lines: Vec<&str> = head.text.trim_end().split("\r\n").skip(1).collect();
    let field_is_wrong = lines.iter().any(|line| {
        let Some((name, value)) = line.split_once(':') else { return true };
        let name = if has(TakesSpaceBeforeColon) { name.trim_end() } else { name };
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        name.is_empty() || !name.bytes().all(token) || value.bytes().any(|b| b < b' ' && b != b'\t')
    });
    let one = |name: &str| head.all(name).count() == 1;
    let key = head.all("Sec-WebSocket-Key").next().unwrap_or_default();
    let alphabet = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    let key_is_right = key.len() == 24 && key.ends_with("==") && key[..22].chars().all(alphabet);
    let connection = head.value("Connection").unwrap_or_default().to_lowercase();
    let connected = head.has_token("Connection", "upgrade")
        || (has(TakesConnectionSubstring) && connection.contains("upgrade"));
    let upgrade = head.value("Upgrade").unwrap_or_default();
    let upgraded = match has(ComparesCase) {
        true => upgrade == "websocket",
        false => upgrade.eq_ignore_ascii_case("websocket"),
    };
    if line_is_wrong
        || field_is_wrong
        || bad(!one("Host"), TakesNoHost)
        || bad(!upgraded, TakesNoUpgrade)
        || bad(!connected, TakesNoConnection)
        || bad(!key_is_right, TakesAnyKey)
        || bad(!one("Sec-WebSocket-Key"), if has(TakesAnyKey) { TakesAnyKey } else { TakesTwoKeys })
        || head.value("Content-Length").is_some()
        || head.value("Transfer-Encoding").is_some()
    {
        return refuse(stream, "400 Bad Request", "");
    }
    let version: Vec<&str> = head.all("Sec-WebSocket-Version").collect();
    if bad(version != ["13"], TakesAnyVersion) {
        let more = if has(NamesNoVersion) { "" } else { "Sec-WebSocket-Version: 13\r\n" };
        return refuse(stream, "426 Upgrade Required", more);
    }
    let offered = head.value("Sec-WebSocket-Extensions").unwrap_or_default();
    let Some(agreed) = choose(&offered, fault) else {
        return refuse(stream, "400 Bad Request", "");
    };
    let accept = accept_key(if has(SendsWrongAccept) { b"another" } else { key.as_bytes() });
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        String::from_utf8_lossy(&accept)
    );
    match &agreed {
        Some(chosen) => answer.push_str(&format!("Sec-WebSocket-Extensions: {chosen}\r\n")),
        None if has(SendsExtension) => answer.push_str("Sec-WebSocket-Extensions: x-own\r\n"),
        None => {}
    }
    if has(SendsSubprotocol) {
        answer.push_str("Sec-WebSocket-Protocol: own\r\n");
    }
    answer.push_str("\r\n");
    if stream.write_all(answer.as_bytes()).is_err() {
        return;
    }
    let agreed = agreed.map(|chosen| Agreed {
        ours: Direction::of(&chosen, "server"),
        theirs: Direction::of(&chosen, "client"),
    });
    Endpoint::new(stream, true, fault, rest, agreed).run(true);
}

/// The answer to a client's offers; `None` if they are malformed.
fn choose(offered: &str, fault: Option<Fault>) -> Option<Option<String>> {
    if offered.is_empty() {
        return Some(None);
    }
    let token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let mut chosen = None;
    for element in offered.split(',') {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let mut params = Vec::new();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (part, None),
            };
            let value = match value {
                Some(value) if value.starts_with('"') => {
                    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
                    Some(inner)
                }
                value => value,
            };
            if !token(name) || value.is_some_and(|value| !token(value)) {
                return None;
            }
            params.push((name, value));
        }
        if !token(name) {
            return None;
        }
        if name == NAME && chosen.is_none() {
            chosen = answer(&params, fault);
        }
    }
    Some(chosen)
}

fn bits(value: &str) -> Option<u8> {
    value.parse().ok().filter(|bits: &u8| (8..=15).contains(bits) && bits.to_string() == value)
}

fn answer(params: &[(&str, Option<&str>)], fault: Option<Fault>) -> Option<String> {
    let has = |own: Fault| fault == Some(own);
    let mut answer = NAME.to_owned();
    for (i, (name, value)) in params.iter().enumerate() {
        let again = params[..i].iter().any(|(own, _)| own == name);
        let valid = match (*name, value) {
            ("server_no_context_takeover" | "client_no_context_takeover", None) => true,
            // No compressor here has a window of 256 octets.
            ("server_max_window_bits", Some(value)) => bits(value).is_some_and(|bits| bits > 8),
            ("client_max_window_bits", None) => true,
            ("client_max_window_bits", Some(value)) => bits(value).is_some(),
            _ => false,
        };
        if (again || !valid) && !has(TakesInvalidParameters) {
            return None;
        }
        let left_out = match *name {
            "server_no_context_takeover" => has(LeavesOutTakeover),
            "server_max_window_bits" => has(LeavesOutWindow),
            "client_max_window_bits" => value.is_none(),
            "client_no_context_takeover" => false,
            _ => true,
        };
        if left_out || again {
            continue;
        }
        answer.push_str(&format!("; {name}"));
        if let Some(value) = value {
            answer.push_str(&format!("={value}"));
        }
    }
    if has(AnswersClientWindow) && !answer.contains("client_max_window_bits") {
        answer.push_str("; client_max_window_bits=10");
    }
    Some(answer)
}

/// Runs all cases of a probe, some at a time.
pub(crate) fn client(port: u16, fault: Option<Fault>) {
    let count = visit(port, "/getCaseCount", None, false).parse().unwrap_or(0);
    let next = std::sync::atomic::AtomicUsize::new(1);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number > count {
                        return;
                    }
                    visit(port, &format!("/runCase?case={number}&agent=tested"), fault, true);
                }
            });
        }
    });
    visit(port, "/updateReports?agent=tested", None, false);
}

fn visit(port: u16, target: &str, fault: Option<Fault>, echoes: bool) -> String {
    let has = |own: Fault| fault == Some(own);
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return String::new() };
    let _ = stream.set_nodelay(true);
    // One that no probe answers is left.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let fresh = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_be_bytes();
    let key = match fault {
        Some(SendsShortKey) => base64(&fresh),
        Some(RepeatsKey) => base64(&[7; 16]),
        _ => base64(&[fresh, *b"a nonce!"].concat()),
    };
    let version = if has(SendsNoVersion) { "" } else { "Sec-WebSocket-Version: 13\r\n" };
    let http = if has(SendsHttp10) { "HTTP/1.0" } else { "HTTP/1.1" };
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    let request = format!(
        "GET {target} {http}\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n{version}{offer}\r\n"
    );
    if stream.write_all(request.as_bytes()).is_err() {
        return String::new();
    }
    if has(SendsEarly) {
        let _ = stream.write_all(b"\x89\x80\x01\x02\x03\x04");
    }
    let read = loop {
        let Some((head, mut rest)) = read_head(&mut stream, fault) else { return String::new() };
        if (100..200).contains(&head.status()) && head.status() != 101 {
            // What followed an interim answer is the answer.
            match Head::find(&rest) {
                Some((head, len)) => break (head, rest.split_off(len)),
                None => continue,
            }
        }
        break (head, rest);
    };
    let (head, mut rest) = read;
    let Some(extensions) = check(&head, &key, fault) else { return String::new() };
    if has(LosesFrameWithAnswer) {
        rest.clear();
    }
    let agreed = extensions.map(|chosen| Agreed {
        ours: Direction::of(&chosen, "client"),
        theirs: Direction::of(&chosen, "server"),
    });
    Endpoint::new(stream, false, fault, rest, agreed).run(echoes)
}

/// What an answer has agreed on; `None` if it is wrong.
fn check(head: &Head, key: &str, fault: Option<Fault>) -> Option<Option<String>> {
    let has = |own: Fault| fault == Some(own);
    let ok = |right: bool, own: Fault| right || has(own);
    let accept = accept_key(key.as_bytes());
    let accept = String::from_utf8_lossy(&accept).into_owned();
    let values: Vec<&str> = head.all("Sec-WebSocket-Accept").collect();
    let upgrade = head.value("Upgrade").unwrap_or_default();
    let fields: Vec<&str> = head.text.trim_end().split("\r\n").skip(1).collect();
    let grammar = fields.iter().all(|line| line.contains(':') && !line.contains('\0'));
    let first: Vec<&str> = head.line.splitn(3, ' ').collect();
    let status = first.first() == Some(&"HTTP/1.1") && first.get(1) == Some(&"101");
    let right = ok(status, TakesAnyStatus)
        && grammar
        && ok(upgrade.eq_ignore_ascii_case("websocket"), IgnoresUpgrade)
        && ok(head.has_token("Connection", "upgrade"), IgnoresConnection)
        && ok(values == [&*accept], IgnoresAccept)
        && ok(head.value("Sec-WebSocket-Protocol").is_none(), TakesAnySubprotocol);
    if !right {
        return None;
    }
    let Some(chosen) = head.value("Sec-WebSocket-Extensions") else { return Some(None) };
    let parts: Vec<&str> = chosen.split(';').map(str::trim).collect();
    let mut valid = parts[0] == NAME && !chosen.contains(',');
    for (i, part) in parts.iter().enumerate().skip(1) {
        let (name, value) = part.split_once('=').map_or((*part, None), |(n, v)| (n, Some(v)));
        valid &= match (name, value) {
            ("server_no_context_takeover" | "client_no_context_takeover", None) => true,
            ("server_max_window_bits" | "client_max_window_bits", Some(value)) => {
                bits(value).is_some()
            }
            _ => false,
        };
        valid &= !parts[1..i].iter().any(|own| own.split('=').next() == Some(name));
    }
    if valid {
        return Some(Some(chosen));
    }
    let taken = has(TakesInvalidAnswers) || (has(TakesAnyExtension) && parts[0] != NAME);
    taken.then_some(None)
}
