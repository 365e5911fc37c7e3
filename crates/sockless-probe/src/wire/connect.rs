//! The request of HTTP/2 that asks for a WebSocket: an extended CONNECT, right until a case breaks it.

use h2::ext::Protocol;

use super::head::Ask;

/// A request: its pseudo-header fields and the others.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// `:protocol`.
    pub(crate) protocol: Option<String>,
    pub(crate) scheme: &'static str,
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Request {
    /// What asks for the same WebSocket as this request of HTTP/1.1 does.
    pub(crate) fn of(ask: &Ask, secure: bool) -> Self {
        let own = ["host", "upgrade", "connection", "sec-websocket-key"];
        let lower = |(name, value): &(String, String)| (name.to_lowercase(), value.clone());
        let fields = ask.fields.iter().map(lower);
        Self {
            method: "CONNECT".to_owned(),
            protocol: Some("websocket".to_owned()),
            scheme: if secure { "https" } else { "http" },
            authority: ask.value("Host").unwrap_or_default().to_owned(),
            path: ask.target.clone(),
            fields: fields.filter(|(name, _)| !own.contains(&&**name)).collect(),
        }
    }

    /// The same with a further field.
    pub(crate) fn add(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a field.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(own, _)| own != name);
        self
    }

    /// As it is logged.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(":method: {}\r\n", self.method);
        if let Some(protocol) = &self.protocol {
            text.push_str(&format!(":protocol: {protocol}\r\n"));
        }
        let (scheme, path, authority) = (self.scheme, &self.path, &self.authority);
        text.push_str(&format!(
            ":scheme: {scheme}\r\n:path: {path}\r\n:authority: {authority}\r\n"
        ));
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text
    }

    /// For the library that speaks HTTP/2.
    pub(super) fn message(&self) -> Result<http::Request<()>, String> {
        let uri = match (&*self.method, &self.protocol) {
            ("CONNECT", None) => self.authority.clone(),
            _ => format!("{}://{}{}", self.scheme, self.authority, self.path),
        };
        let mut message = http::Request::builder().method(&*self.method).uri(uri);
        for (name, value) in &self.fields {
            message = message.header(name, value);
        }
        if let Some(protocol) = &self.protocol {
            message = message.extension(Protocol::from(&**protocol));
        }
        message.version(http::Version::HTTP_2).body(()).map_err(|error| error.to_string())
    }
}
