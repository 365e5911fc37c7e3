//! Endpoints by TLS, in both roles.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::head;
use crate::run::{PROBE, answering, file, opening, probe, said, server};

fn pem(kind: &str, bytes: &[u8]) -> String {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", head::base64(bytes))
}

#[test]
fn a_server_by_tls_is_tested_if_its_certificate_is_trusted_or_nobody_cares() {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let plain = server(move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        opening(&mut stream);
        answering(&mut stream, || true);
        stream.conn.send_close_notify();
        let _ = stream.flush();
    });
    let url = plain.replace("ws://", "wss://");
    let (right, wrong) = (file("right.pem"), file("wrong.pem"));
    std::fs::write(&right, pem("CERTIFICATE", own.cert.der())).unwrap();
    std::fs::write(&wrong, pem("CERTIFICATE", other.cert.der())).unwrap();
    let run = |url: &str, more: &[&str]| {
        let args =
            [
                &[
                    "server",
                    url,
                    "--filter",
                    "control.ping-*,1.2.1,2.6,handshake.octets",
                    "--quiet",
                ][..],
                more,
            ]
            .concat();
        let output = probe(&args);
        (output.status.code(), said(&output))
    };
    let filter = ["--filter", "!control.ping-after*,!control.ping-not*"];
    for trust in [&["--insecure"][..], &["--ca", right.to_str().unwrap()]] {
        assert_eq!(run(&url, &[trust, &filter].concat()), (Some(0), String::new()), "{trust:?}");
    }
    let (status, text) = run(&url, &["--ca", wrong.to_str().unwrap()]);
    assert_eq!(status, Some(2));
    assert!(text.contains("--insecure"), "{text}");
    assert_eq!(run(&url, &[]).0, Some(2));
    let (status, text) = run(&plain, &["--timeout", "0.3"]);
    assert_eq!(status, Some(2));
    assert!(text.contains("TLS"), "{text}");
    let _ = std::fs::remove_file(right);
    let _ = std::fs::remove_file(wrong);
}

#[test]
fn a_client_by_tls_is_served_by_the_certificate_that_was_given() {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (file("certificate.pem"), file("key.pem"));
    std::fs::write(&certificate, pem("CERTIFICATE", own.cert.der())).unwrap();
    std::fs::write(&key, pem("PRIVATE KEY", &own.signing_key.serialize_der())).unwrap();
    let files = ["--certificate", certificate.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let mut run = Command::new(PROBE)
        .args(["client", "--listen", "127.0.0.1:0", "--filter", "1.1.1", "--quiet"])
        .args(files)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let first = std::io::BufReader::new(run.stdout.take().unwrap()).lines().next();
    let first = first.unwrap().unwrap();
    let address = first.split("wss://").nth(1).unwrap().split(' ').next().unwrap();

    let mut roots = rustls::RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    // What comes on a path, up to the server's end.
    let visit = |path: &str| {
        let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
        let connection = rustls::ClientConnection::new(Arc::clone(&config), name).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(address).unwrap());
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut said = Vec::new();
        // An end by TCP alone is as good as one by TLS.
        let _ = stream.read_to_end(&mut said);
        said
    };
    let said = visit("/getCaseCount");
    assert!(said.starts_with(b"HTTP/1.1 101"), "{:?}", String::from_utf8_lossy(&said));
    assert!(said.windows(3).any(|three| three == b"\x81\x011"), "the count comes in a frame");
    visit("/updateReports?agent=nobody");
    assert_eq!(run.wait().unwrap().code(), Some(2));

    // A key alone, and one that isn't one.
    let wrong = ["--certificate", certificate.to_str().unwrap(), "--key", files[1]];
    for (more, named) in [(&files[..2], "--key"), (&wrong[..], "certificate.pem")] {
        let output = probe(&[&["client", "--listen", "127.0.0.1:0"], more].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(crate::run::said(&output).contains(named), "{}", crate::run::said(&output));
    }
    let _ = std::fs::remove_file(certificate);
    let _ = std::fs::remove_file(key);
}
