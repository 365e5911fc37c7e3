//! TLS, with a certificate that is made here.

mod ends;
#[allow(dead_code, unreachable_pub, reason = "an example's `main` is for its user")]
#[path = "../examples/tls.rs"]
mod example;

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ends::{PATIENCE, listener, within};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sockless_blocking::sockless::connection::Failure;
use sockless_blocking::{
    AcceptError, Client, ClientOptions, Config, ConnectError, Error, Limits, Message, NetStream,
    Server, ServerOptions, Stage, Tls, TlsStream, WebSocket, accept, connect, connect_with,
};

const SHORT: Duration = Duration::from_millis(300);
const LATE: Duration = Duration::from_secs(60);

/// A certificate for localhost, and what a server speaks TLS with.
fn certificate() -> (CertificateDer<'static>, Arc<ServerConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("they fit");
    (certificate, Arc::new(config))
}

/// What trusts this certificate and no other.
fn trusting(certificate: CertificateDer<'static>) -> ClientOptions {
    ClientOptions::new().with_tls(Tls::with_roots([certificate]).expect("a certificate"))
}

type Pair = (WebSocket<NetStream, Client>, WebSocket<NetStream, Server>);

fn tls_pair(config: fn() -> Config) -> Pair {
    let (listener, url) = listener();
    let (certificate, server) = certificate();
    let accepting = thread::spawn(move || {
        let stream = TlsStream::accept(listener.accept().expect("a client").0, server);
        let stream = NetStream::from(stream.expect("a session"));
        accept(stream, config())
    });
    let url = url.replace("ws://127.0.0.1", "wss://localhost");
    let options = trusting(certificate).with_config(config());
    let client = connect_with(&url, options).expect("open");
    (client, accepting.join().expect("no panic").expect("open"))
}

#[test]
fn the_example_says_hello() {
    let (answer, _) = within(PATIENCE, example::hello);
    assert_eq!(answer.expect("no error").as_text(), Some("hello"));
}

#[test]
fn messages_of_any_length_go_both_ways_and_both_close() {
    let ((), _) = within(PATIENCE, || {
        let (mut client, mut server) = tls_pair(Config::default);
        let echo = thread::spawn(move || {
            while let Some(message) = server.recv() {
                server.send(message.expect("no error")).expect("sent");
            }
            server.outcome()
        });
        for len in [0, 1, 125, 16_383, 16_384, 16_385, 100_000, 2 << 20] {
            let sent = Message::binary(vec![len as u8; len]);
            client.send(&sent).expect("sent");
            assert_eq!(client.recv().transpose().expect("no error"), Some(sent));
        }
        assert!(matches!(client.recv_timeout(SHORT), Some(Err(Error::TimedOut))));
        assert!(client.close(None, "").expect("closed").clean());
        assert!(echo.join().expect("no panic").clean());
    });
}

#[test]
fn two_that_both_send_before_they_receive_dont_wait_for_each_other() {
    let ((), _) = within(PATIENCE, || {
        let (mut client, mut server) =
            tls_pair(|| Config::default().with_output_limits(32 << 20, 64 << 20));
        let other = thread::spawn(move || {
            server.send(vec![1; 6 << 20]).expect("sent");
            server.recv().expect("a message").expect("no error").as_bytes().len()
        });
        client.send(vec![2; 6 << 20]).expect("sent");
        assert_eq!(client.recv().expect("a message").expect("no error").as_bytes()[0], 1);
        assert_eq!(other.join().expect("no panic"), 6 << 20);
    });
}

#[test]
fn halves_read_while_the_other_waits_to_write() {
    let ((), _) = within(PATIENCE, || {
        let (client, server) = tls_pair(Config::default);
        let (sender, mut reader) = client.split().expect("a thread");
        let (answers, mut requests) = server.split().expect("a thread");
        // All four wait for each other, unless reading and writing don't.
        let all: Vec<_> = [sender.clone(), sender.clone()]
            .into_iter()
            .map(|sender| thread::spawn(move || sender.send(vec![1; 4 << 20])))
            .collect();
        let back: Vec<_> = (0..2)
            .map(|_| {
                let answers = answers.clone();
                thread::spawn(move || answers.send(vec![2; 4 << 20]))
            })
            .collect();
        thread::sleep(SHORT);
        let serving = thread::spawn(move || {
            for _ in 0..2 {
                let message = requests.recv().expect("a message").expect("no error");
                assert!(message.as_bytes().iter().all(|byte| *byte == 1));
            }
            assert!(requests.recv().is_none());
            requests.outcome()
        });
        for _ in 0..2 {
            let message = reader.recv().expect("a message").expect("no error");
            assert!(message.as_bytes().iter().all(|byte| *byte == 2));
        }
        for thread in all.into_iter().chain(back) {
            thread.join().expect("no panic").expect("sent");
        }
        sender.close(None, "").expect("open");
        assert!(reader.recv().is_none());
        assert!(reader.outcome().clean());
        assert!(serving.join().expect("no panic").clean());
    });
}

#[test]
fn what_is_taken_only_in_part_is_encrypted_once() {
    let ((), _) = within(PATIENCE, || {
        let (mut client, mut server) = tls_pair(|| {
            let limits = Limits::default().with_frame(64 << 20).with_message(64 << 20);
            Config::default().with_limits(limits)
        });
        // More than the system's buffers hold.
        let bytes: Vec<u8> = (0..32_u32 << 18).flat_map(u32::to_be_bytes).collect();
        let sent = Message::binary(bytes);
        let sending = {
            let sent = sent.clone();
            thread::spawn(move || {
                // Many calls, each of which finds the stream full.
                let begun = server.send_timeout(sent, SHORT);
                assert!(matches!(begun, Ok(()) | Err(Error::Unwritten)), "{begun:?}");
                server.set_timeout(Duration::from_millis(1));
                while let Err(error) = server.flush() {
                    assert!(matches!(error, Error::TimedOut), "{error}");
                }
                server
            })
        };
        thread::sleep(2 * SHORT);
        assert!(client.recv().expect("a message").expect("no error") == sent);
        drop(sending.join().expect("no panic"));
    });
}

#[test]
fn many_small_messages_with_short_calls_arrive_once_and_in_order() {
    const COUNT: u32 = 1500;
    let ((), _) = within(PATIENCE, || {
        let (client, mut server) = tls_pair(|| Config::default().with_output_limits(4000, 1 << 20));
        let (mut sender, mut reader) = client.split().expect("a thread");
        let echo = thread::spawn(move || {
            server.set_timeout(Duration::from_micros(700));
            let mut back = None;
            loop {
                match back.take() {
                    None => match server.recv() {
                        Some(Ok(message)) => back = Some(message),
                        Some(Err(Error::TimedOut)) => {}
                        Some(Err(error)) => panic!("{error}"),
                        None => return server.outcome(),
                    },
                    Some(message) => match server.send(Message::clone(&message)) {
                        Ok(()) | Err(Error::Unwritten) => {}
                        Err(Error::TimedOut) => back = Some(message),
                        Err(error) => panic!("{error}"),
                    },
                }
            }
        });
        sender.set_timeout(Duration::from_micros(500));
        let sending = thread::spawn(move || {
            let mut number = 0;
            while number < COUNT {
                let mut bytes = number.to_be_bytes().to_vec();
                bytes.resize(4 + (number as usize * 37) % 1500, 9);
                match sender.send(bytes) {
                    Ok(()) | Err(Error::Unwritten) => number += 1,
                    Err(Error::TimedOut) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            sender
        });
        for number in 0..COUNT {
            let message = reader.recv().expect("a message").expect("no error");
            assert_eq!(message.as_bytes()[..4], number.to_be_bytes());
        }
        sending.join().expect("no panic").close(None, "").expect("open");
        assert!(reader.recv().is_none());
        assert!(echo.join().expect("no panic").clean());
    });
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_an_error_that_says_what_to_do() {
    let (listener, url) = listener();
    let (_, server) = certificate();
    let (other, _) = certificate();
    let accepting = thread::spawn(move || {
        let stream = TlsStream::accept(listener.accept().expect("a client").0, server);
        accept(stream.expect("a session"), ()).map(drop)
    });
    let url = url.replace("ws://127.0.0.1", "wss://localhost");
    let error = connect_with(&url, trusting(other)).expect_err("not trusted");
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
    assert!(error.to_string().contains("certificate"), "{error}");
    let refused = accepting.join().expect("no panic");
    assert!(matches!(refused, Err(AcceptError::Io(_))), "{refused:?}");
}

#[test]
fn ws_to_a_port_with_tls_and_wss_to_one_without_get_a_sentence() {
    let (listener, url) = listener();
    let (trusted, server) = certificate();
    let accepting = thread::spawn(move || {
        let stream = TlsStream::accept(listener.accept().expect("a client").0, server);
        let with = accept(stream.expect("a session"), ()).map(drop);
        let without = accept(listener.accept().expect("a client").0, ()).map(drop);
        (with, without)
    });
    let error = connect(&url).expect_err("it speaks TLS");
    assert!(matches!(error, ConnectError::SpeaksTls), "{error:?}");
    let url = url.replace("ws://127.0.0.1", "wss://localhost");
    let error = connect_with(&url, trusting(trusted)).expect_err("it speaks no TLS");
    assert!(error.to_string().contains("use a ws:// URL"), "{error}");
    let (with, without) = accepting.join().expect("no panic");
    assert!(with.is_err() && without.is_err());
}

#[test]
fn one_that_never_answers_or_trickles_its_answer_to_tls_is_left_in_time() {
    let (listener, url) = listener();
    let url = url.replace("ws://127.0.0.1", "wss://localhost");
    let trickling = thread::spawn(move || {
        let _silent = listener.accept().expect("a client").0;
        let mut trickles = listener.accept().expect("a client").0;
        // A handshake record that is long in coming.
        let _ = trickles.write_all(&[22, 3, 3, 0x3F, 0xFF, 2, 0, 0x3F, 0xF0]);
        while trickles.write_all(&[0]).is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    for _ in 0..2 {
        let (certificate, _) = certificate();
        let (url, options) = (url.clone(), trusting(certificate).with_timeout(SHORT));
        let (error, took) = within(LATE, move || connect_with(&url, options).map(drop));
        assert!(matches!(error, Err(ConnectError::TimedOut(Stage::Tls))), "{error:?}");
        assert!(took >= SHORT);
    }
    trickling.join().expect("no panic");
}

#[test]
fn a_client_that_begins_no_tls_is_left_in_time() {
    let (listener, _) = listener();
    let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("connected");
    let (_, server) = certificate();
    let stream = TlsStream::accept(listener.accept().expect("a client").0, server);
    let stream = stream.expect("a session");
    let options = ServerOptions::new().with_timeout(SHORT);
    let (error, took) = within(LATE, move || accept(stream, options).map(drop));
    assert!(matches!(error, Err(AcceptError::Request(_))), "{error:?}");
    assert!(took >= SHORT);
    drop(peer);
}

#[test]
fn a_stream_that_is_cut_off_is_not_taken_for_a_good_end() {
    let ((), _) = within(LATE, || {
        let (mut client, server) = tls_pair(Config::default);
        // The TCP stream alone ends, without TLS's own end.
        server.get_ref().tcp().shutdown(std::net::Shutdown::Both).expect("shut");
        let end = client.recv();
        assert!(matches!(end, Some(Err(Error::Failed(Failure::EndOfStream)))), "{end:?}");
    });
}
