//! Heads as real programs send them, and a builder for heads with one thing wrong.

#![allow(dead_code, reason = "each test file uses its part")]

/// The key of RFC 6455, section 1.3, and its answer.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// The nonce of [`KEY`].
pub(crate) const NONCE: [u8; 16] = *b"the sample nonce";

/// Bytes that arrive, for a machine that takes its input in memory that can be written to. It is given back with the test's process.
pub(crate) fn arriving(bytes: &[u8]) -> sockless::Input<'static> {
    sockless::Input::new(bytes.to_vec().leak())
}

/// A head under construction.
#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) start: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Head {
    /// The request of RFC 6455, section 1.3.
    pub(crate) fn request() -> Self {
        Self::new("GET /chat HTTP/1.1")
            .with("Host", "server.example.com")
            .with("Upgrade", "websocket")
            .with("Connection", "Upgrade")
            .with("Sec-WebSocket-Key", KEY)
            .with("Sec-WebSocket-Version", "13")
    }

    /// The answer to it.
    pub(crate) fn response() -> Self {
        Self::new("HTTP/1.1 101 Switching Protocols")
            .with("Upgrade", "websocket")
            .with("Connection", "Upgrade")
            .with("Sec-WebSocket-Accept", ACCEPT)
    }

    pub(crate) fn new(start: &str) -> Self {
        Self { start: start.into(), fields: Vec::new() }
    }

    pub(crate) fn start(mut self, start: &str) -> Self {
        self.start = start.into();
        self
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|field| !field.0.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn set(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.start);
        for (name, value) in &self.fields {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        head.into_bytes()
    }
}

pub(crate) const CHROMIUM: &str = "GET /live?room=7 HTTP/1.1\r\n\
    Host: chat.example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://www.example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Cookie: session=1f3870be274f6c49b3e31a0c6728957f; theme=dark\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
    Sec-WebSocket-Protocol: v2.chat, chat\r\n\r\n";

pub(crate) const FIREFOX: &str = "GET /live?room=7 HTTP/1.1\r\n\
    Host: chat.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0\r\n\
    Accept: */*\r\n\
    Accept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Origin: https://www.example.com\r\n\
    Sec-WebSocket-Protocol: v2.chat, chat\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    DNT: 1\r\n\
    Connection: keep-alive, Upgrade\r\n\
    Sec-Fetch-Dest: empty\r\n\
    Sec-Fetch-Mode: websocket\r\n\
    Sec-Fetch-Site: same-site\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    Upgrade: websocket\r\n\r\n";

pub(crate) const SAFARI: &str = "GET /live?room=7 HTTP/1.1\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Host: chat.example.com\r\n\
    Origin: https://www.example.com\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    Sec-WebSocket-Protocol: v2.chat, chat\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\
    User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15\r\n\
    Accept-Encoding: gzip, deflate\r\n\
    Accept-Language: en-GB,en;q=0.9\r\n\r\n";

pub(crate) const CURL: &str = "GET /live?room=7 HTTP/1.1\r\n\
    Host: chat.example.com:8080\r\n\
    User-Agent: curl/8.11.0\r\n\
    Accept: */*\r\n\
    Upgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Connection: Upgrade\r\n\r\n";

pub(crate) const NODE_WS: &str = "GET /live?room=7 HTTP/1.1\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Connection: Upgrade\r\n\
    Upgrade: websocket\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
    Sec-WebSocket-Protocol: v2.chat,chat\r\n\
    Host: chat.example.com\r\n\r\n";

pub(crate) const PYTHON_WEBSOCKETS: &str = "GET /live?room=7 HTTP/1.1\r\n\
    Host: chat.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
    User-Agent: Python/3.12 websockets/14.1\r\n\r\n";

/// A browser's request as nginx passes it on, with the customary `proxy_set_header` lines.
pub(crate) const NGINX: &str = "GET /live?room=7 HTTP/1.1\r\n\
    Upgrade: websocket\r\n\
    Connection: upgrade\r\n\
    Host: chat.example.com\r\n\
    X-Real-IP: 203.0.113.7\r\n\
    X-Forwarded-For: 203.0.113.7\r\n\
    X-Forwarded-Proto: https\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\r\n\
    Origin: https://www.example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

/// A browser's request as HAProxy passes it on, which sends names in lower case.
pub(crate) const HAPROXY: &str = "GET /live?room=7 HTTP/1.1\r\n\
    host: chat.example.com\r\n\
    pragma: no-cache\r\n\
    cache-control: no-cache\r\n\
    user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0\r\n\
    origin: https://www.example.com\r\n\
    sec-websocket-version: 13\r\n\
    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    sec-websocket-extensions: permessage-deflate\r\n\
    x-forwarded-for: 203.0.113.7\r\n\
    connection: upgrade\r\n\
    upgrade: websocket\r\n\r\n";

pub(crate) const REQUESTS: [(&str, &str); 8] = [
    ("Chromium", CHROMIUM),
    ("Firefox", FIREFOX),
    ("Safari", SAFARI),
    ("curl", CURL),
    ("Node ws", NODE_WS),
    ("Python websockets", PYTHON_WEBSOCKETS),
    ("nginx", NGINX),
    ("HAProxy", HAPROXY),
];

/// Answers to a request with [`KEY`].
pub(crate) const RESPONSES: [(&str, &str); 5] = [
    (
        "Node ws",
        "HTTP/1.1 101 Switching Protocols\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    ),
    (
        "Python websockets",
        "HTTP/1.1 101 Switching Protocols\r\n\
        Date: Fri, 22 Nov 2024 10:00:00 GMT\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Server: Python/3.12 websockets/14.1\r\n\r\n",
    ),
    (
        "nginx",
        "HTTP/1.1 101 Switching Protocols\r\n\
        Server: nginx/1.27.3\r\n\
        Date: Fri, 22 Nov 2024 10:00:00 GMT\r\n\
        Connection: upgrade\r\n\
        Upgrade: websocket\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    ),
    (
        "HAProxy",
        "HTTP/1.1 101 Switching Protocols\r\n\
        sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        connection: upgrade\r\n\
        upgrade: websocket\r\n\r\n",
    ),
    (
        "a server on .NET",
        "HTTP/1.1 101 Switching Protocols\r\n\
        Connection: Upgrade\r\n\
        Date: Fri, 22 Nov 2024 10:00:00 GMT\r\n\
        Server: Kestrel\r\n\
        Upgrade: WebSocket\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Set-Cookie: a=1; path=/\r\n\
        Set-Cookie: b=2; path=/\r\n\r\n",
    ),
];
