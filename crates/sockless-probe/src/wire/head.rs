//! Heads of HTTP/1.1 messages: requests to be sent, and whatever a testee sends, read leniently so that it can be shown.

/// A head that was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The first line, without its end.
    pub(crate) line: String,
    pub(crate) fields: Vec<(String, String)>,
    /// As it arrived.
    pub(crate) text: String,
}

impl Head {
    /// The head at the beginning of these bytes, and its length; `None` if its end has not arrived.
    pub(crate) fn find(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let fields = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
            .collect();
        Some((Self { line, fields, text }, end))
    }

    /// The status of an answer; 0 if it isn't one.
    pub(crate) fn status(&self) -> u16 {
        if !self.line.starts_with("HTTP/") {
            return 0;
        }
        self.line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// The resource name of a request: its target, or what follows the host where that is a whole URI, which a client may send as well
    /// (RFC 6455, section 4.1). Empty if the target is neither, or the host another one than in the field.
    pub(crate) fn resource_name(&self) -> &str {
        let target = self.line.split(' ').nth(1).unwrap_or_default();
        let whole = target.strip_prefix("http://").or_else(|| target.strip_prefix("https://"));
        let Some(rest) = whole else {
            return if target.starts_with('/') { target } else { "" };
        };
        let (host, name) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        match self.all("Host").any(|own| own.eq_ignore_ascii_case(host)) {
            true if name.is_empty() => "/",
            true => name,
            false => "",
        }
    }

    /// All values of a field.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }

    /// The values of a field as one, or `None` if it isn't there.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self.all(name).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Whether a list field has this token.
    pub(crate) fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|element| element.trim().eq_ignore_ascii_case(token))
    }
}

/// A request to be sent: right until a case breaks it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Ask {
    pub(crate) fn new(host: &str, target: &str, key: &str) -> Self {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            method: "GET".to_owned(),
            target: target.to_owned(),
            version: "HTTP/1.1".to_owned(),
            fields: vec![
                field("Host", host),
                field("Upgrade", "websocket"),
                field("Connection", "Upgrade"),
                field("Sec-WebSocket-Key", key),
                field("Sec-WebSocket-Version", "13"),
            ],
        }
    }

    /// The same with this value in place of the field's.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            Some((_, own)) => value.clone_into(own),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// The same with a further field.
    pub(crate) fn add(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a field.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        field.map(|(_, value)| &**value)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} {}\r\n", self.method, self.target, self.version);
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }
}

/// Sixteen octets in base64, as a `Sec-WebSocket-Key`.
pub(crate) fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in octets.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, octet| bits << 8 | u32::from(*octet))
            << (8 * (3 - three.len()));
        for i in 0..4 {
            match i <= three.len() {
                true => text.push(ALPHABET[(bits >> (18 - 6 * i) & 63) as usize].into()),
                false => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_rfc_is_written_as_the_rfc_prints_it() {
        // RFC 6455, section 1.3.
        assert_eq!(base64(b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(base64(b"ab"), "YWI=");
        assert_eq!(base64(b""), "");
    }

    #[test]
    fn a_head_is_read_up_to_its_end_and_no_further() {
        let bytes = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade:websocket\r\nconnection: a, UPGRADE \r\n\r\n\x81";
        let (head, len) = Head::find(bytes).expect("a head");
        assert_eq!(len, bytes.len() - 1);
        assert_eq!(head.status(), 101);
        assert!(head.has_token("Connection", "upgrade"));
        assert_eq!(head.value("UPGRADE").as_deref(), Some("websocket"));
        assert_eq!(Head::find(&bytes[..bytes.len() - 2]), None);
        assert_eq!(Head { line: "SSH-2.0 101".into(), ..Head::default() }.status(), 0);
    }

    #[test]
    fn the_resource_name_is_a_path_or_follows_the_right_host() {
        for (target, name) in [
            ("/runCase?case=1", "/runCase?case=1"),
            ("http://localhost:9001/runCase?case=1", "/runCase?case=1"),
            ("https://LOCALHOST:9001", "/"),
            ("http://elsewhere:9001/runCase", ""),
            ("ws://localhost:9001/runCase", ""),
            ("runCase", ""),
            ("*", ""),
        ] {
            let bytes = format!("GET {target} HTTP/1.1\r\nHost: localhost:9001\r\n\r\n");
            let (head, _) = Head::find(bytes.as_bytes()).expect("a head");
            assert_eq!(head.resource_name(), name, "{target}");
        }
    }
}
