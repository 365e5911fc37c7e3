//! A server program under test: started on a port of its own, stopped by its process id; and tungstenite as its client.

#![allow(dead_code, unreachable_pub, reason = "every test file uses its own part of this")]

mod halves;
#[path = "../skipped/mod.rs"]
mod skipped;

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tungstenite::WebSocket;
use tungstenite::protocol::WebSocketConfig;

pub use halves::{Incoming, Outgoing};

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A stream to a server, with TLS or without.
pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A client of the server under test.
pub type Client = WebSocket<Box<dyn Stream>>;

/// A running server. Dropping it ends it.
pub struct Server {
    process: Child,
    _stdout: BufReader<ChildStdout>,
    pub address: SocketAddr,
    pub secure: bool,
}

impl Server {
    /// Starts a program; `None` if the system hasn't got what it needs, which the program says by status 2, and the test may be
    /// skipped.
    pub fn start(program: &str, options: &[&str]) -> Option<Self> {
        let mut process = Command::new(program)
            .args(options)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdout = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let Some((_, rest)) = line.split_once("://") else {
            let status = process.wait().expect("its status");
            assert_eq!(
                status.code(),
                Some(2),
                "it says where it listens, or why it can't: {line:?}"
            );
            skipped::skip(&format!("{program} lacks something on this system"));
            return None;
        };
        let address = rest.split('/').next().and_then(|address| address.parse().ok());
        let secure = line.contains("https://");
        Some(Self { process, _stdout: stdout, address: address.expect("an address"), secure })
    }

    /// A stream to the server.
    pub fn stream(&self) -> Box<dyn Stream> {
        self.stream_and_tcp().0
    }

    /// The same, and the stream below.
    pub fn stream_and_tcp(&self) -> (Box<dyn Stream>, TcpStream) {
        let tcp = self.tcp();
        let below = tcp.try_clone().expect("another handle");
        if self.secure {
            (Box::new(rustls::StreamOwned::new(session(), tcp)), below)
        } else {
            (Box::new(tcp), below)
        }
    }

    /// The two directions of a stream to the server.
    pub fn halves(&self) -> (Incoming, Outgoing) {
        halves::halves(self.tcp(), self.secure.then(session)).expect("the server accepts")
    }

    /// The stream below.
    pub fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        stream
    }

    /// A WebSocket to the server.
    pub fn connect(&self) -> Client {
        let config = WebSocketConfig::default()
            .max_message_size(Some(64 << 20))
            .max_frame_size(Some(64 << 20))
            .max_write_buffer_size(usize::MAX);
        let scheme = if self.secure { "wss" } else { "ws" };
        let url = format!("{scheme}://{}/", self.address);
        let opened = tungstenite::client::client_with_config(url, self.stream(), Some(config));
        opened.unwrap_or_else(|error| panic!("the handshake: {error}")).0
    }

    /// What the server answers to these bytes, until it closes.
    pub fn ask(&self, request: &str) -> String {
        let mut stream = self.stream();
        stream.write_all(request.as_bytes()).expect("the request is taken");
        stream.flush().expect("the request is taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer, and a clean end");
        answer
    }

    /// Asks the server to stop.
    pub fn terminate(&self) {
        let pid = self.process.id().to_string();
        let status = Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
        assert!(status.success());
    }

    /// How the server ended.
    pub fn ended(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("its status") {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "the server stops");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The processor time that the process has taken.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()));
        let stat = stat.expect("the process's figures");
        // After the name, which is in brackets: utime and stime, in hundredths of a second.
        let (_, after) = stat.rsplit_once(')').expect("a name");
        let ticks = after.split_whitespace().skip(11).take(2);
        ticks.map(|ticks| Duration::from_millis(10 * ticks.parse::<u64>().expect("ticks"))).sum()
    }

    /// What the process has open.
    pub fn files(&self) -> impl Iterator<Item = std::path::PathBuf> {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.process.id()));
        let files = files.expect("the process's files");
        files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok())
    }

    /// A number of the process's status, in KiB.
    pub fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("the process's status");
        let line = status.lines().find(|line| line.starts_with(name)).expect("the line");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish()
    }
}

/// The client's side of TLS.
fn session() -> rustls::ClientConnection {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    rustls::ClientConnection::new(Arc::new(config), name).expect("a session")
}

/// Takes any certificate: that of the server under test is made when it starts.
#[derive(Debug)]
struct AnyCertificate(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether a read gave nothing because the stream has ended, in whatever way.
pub fn is_end(read: &io::Result<usize>) -> bool {
    matches!(read, Ok(0))
        || read.as_ref().is_err_and(|error| {
            matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof)
        })
}
