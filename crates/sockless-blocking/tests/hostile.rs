//! Peers that do what a peer should not. Each comes to an end by a deadline: the connection's, or the call's.

mod ends;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ends::{PATIENCE, frame, listener, raw_client, within};
use sockless_blocking::handshake::{RequestError, ResponseError};
use sockless_blocking::sockless::connection::{Cause, Failure};
use sockless_blocking::{
    AcceptError, ClientOptions, CloseCode, Config, ConnectError, Error, ServerOptions, accept,
    connect_with,
};

const SHORT: Duration = Duration::from_millis(300);
/// What a deadline may be late, on a machine with other things to do.
const LATE: Duration = Duration::from_secs(60);

/// Silence is found soon, and the time to close is short: after a failure, too, the peer is waited for so long.
fn quick_keepalive() -> Config {
    Config::default().with_keepalive(SHORT, SHORT).with_close(SHORT)
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn one_that_never_reads_ends_a_send_by_the_write_timeout() {
    let (peer, mut server) = raw_client(Config::default().with_write_timeout(SHORT));
    let (result, took) = within(LATE, move || {
        let result = loop {
            if let Err(error) = server.send(vec![0; 1 << 20]) {
                break error;
            }
        };
        assert!(server.recv().is_none_or(|end| end.is_err()));
        assert!(server.recv().is_none());
        result
    });
    assert!(matches!(result, Error::Failed(Failure::Stalled)), "{result:?}");
    assert!(took >= SHORT);
    drop(peer);
}

#[test]
fn one_that_never_reads_ends_a_send_in_the_time_of_the_call() {
    let (peer, mut server) = raw_client(());
    let ((), took) = within(LATE, move || {
        server.set_timeout(SHORT);
        let mut unwritten = 0;
        // Until nothing moves any more: on a slow machine a call may be over before.
        loop {
            match server.send(vec![0; 1 << 20]) {
                Ok(()) => {}
                Err(Error::Unwritten) => unwritten += 1,
                // There is no room: 256 KiB wait, and more.
                Err(Error::TimedOut) if matches!(server.flush(), Err(Error::TimedOut)) => break,
                Err(Error::TimedOut) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert!(unwritten > 0);
    });
    assert!(took >= SHORT);
    drop(peer);
}

#[test]
fn one_that_floods_and_never_reads_ends_and_takes_no_more_than_the_limits() {
    let options = Config::default().with_write_timeout(SHORT);
    let (mut peer, mut server) = raw_client(options);
    peer.set_write_timeout(Some(millis(100))).expect("set");
    let stop = Arc::new(AtomicBool::new(false));
    let flooding = {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            let flood: Vec<u8> = (0..200).flat_map(|_| frame(2, &[7; 300])).collect();
            let mut written = 0;
            while !stop.load(Ordering::Relaxed) {
                match peer.write(&flood[written..]) {
                    Ok(count) => written = (written + count) % flood.len(),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => break,
                }
            }
            peer
        })
    };
    // An echo: it would grow for ever if it went on reading.
    let (error, _) = within(LATE, move || {
        loop {
            match server.recv() {
                Some(Ok(message)) => {
                    if let Err(error) = server.send(message) {
                        break error;
                    }
                }
                Some(Err(error)) => break error,
                None => panic!("it ended well"),
            }
        }
    });
    assert!(matches!(error, Error::Failed(Failure::Stalled)), "{error:?}");
    stop.store(true, Ordering::Relaxed);
    drop(flooding.join().expect("no panic"));
}

#[test]
fn a_flood_of_pings_doesnt_keep_a_call_from_ending() {
    let (mut peer, mut server) = raw_client(());
    let stop = Arc::new(AtomicBool::new(false));
    let flooding = {
        let stop = Arc::clone(&stop);
        let mut reading = peer.try_clone().expect("cloned");
        thread::spawn(move || drop(std::io::copy(&mut reading, &mut std::io::sink())));
        thread::spawn(move || {
            let pings = frame(9, b"?").repeat(1000);
            while !stop.load(Ordering::Relaxed) && peer.write_all(&pings).is_ok() {}
            let _ = peer.shutdown(Shutdown::Both);
        })
    };
    let (waited, took) = within(LATE, move || {
        let waited = server.recv_timeout(SHORT);
        stop.store(true, Ordering::Relaxed);
        waited
    });
    assert!(matches!(waited, Some(Err(Error::TimedOut))), "{waited:?}");
    assert!(took >= SHORT);
    flooding.join().expect("no panic");
}

#[test]
fn one_that_sends_a_byte_now_and_then_is_read_until_the_call_is_over() {
    let (mut peer, mut server) = raw_client(());
    let trickle = thread::spawn(move || {
        for byte in frame(2, &[1; 300]) {
            if peer.write_all(&[byte]).is_err() {
                break;
            }
            thread::sleep(millis(15));
        }
        peer
    });
    let (waited, took) = within(LATE, move || {
        // Each call ends in time although something arrives all the time.
        let waited = server.recv_timeout(SHORT);
        (waited, server)
    });
    let (waited, mut server) = waited;
    assert!(matches!(waited, Some(Err(Error::TimedOut))), "{waited:?}");
    assert!(took >= SHORT);
    // And nothing is lost of what came meanwhile.
    let (message, _) = within(PATIENCE, move || server.recv());
    assert_eq!(message.expect("a message").expect("no error").as_bytes(), [1; 300]);
    drop(trickle.join().expect("no panic"));
}

#[test]
fn one_that_vanishes_is_found_by_keepalive() {
    let (peer, mut server) = raw_client(quick_keepalive());
    let (error, took) = within(LATE, move || server.recv());
    assert!(matches!(error, Some(Err(Error::Failed(Failure::Unresponsive)))), "{error:?}");
    assert!(took >= 2 * SHORT);
    drop(peer);
}

#[test]
fn one_that_vanishes_is_found_by_keepalive_across_calls_that_time_out() {
    let (peer, mut server) = raw_client(quick_keepalive());
    let (error, took) = within(LATE, move || {
        loop {
            match server.recv_timeout(millis(20)) {
                Some(Err(Error::TimedOut)) => {}
                other => break other,
            }
        }
    });
    assert!(matches!(error, Some(Err(Error::Failed(Failure::Unresponsive)))), "{error:?}");
    assert!(took >= 2 * SHORT);
    drop(peer);
}

#[test]
fn one_whose_stream_ends_is_an_error_after_what_it_has_sent() {
    let (mut peer, mut server) = raw_client(());
    peer.write_all(&frame(1, b"last words")).expect("written");
    drop(peer);
    let message = server.recv().expect("a message").expect("no error");
    assert_eq!(message.as_text(), Some("last words"));
    assert!(matches!(server.recv(), Some(Err(Error::Failed(Failure::EndOfStream)))));
    assert!(server.recv().is_none());
}

#[test]
fn one_that_is_gone_while_we_send_has_its_last_words_received_and_is_not_waited_for() {
    let (mut peer, mut server) = raw_client(());
    peer.write_all(&frame(1, b"last words")).expect("written");
    drop(peer);
    let ((), took) = within(LATE, move || {
        // The stream is reset by what comes first.
        while server.send(vec![0; 1 << 16]).is_ok() {
            thread::sleep(millis(1));
        }
        match server.recv() {
            Some(Ok(message)) => assert_eq!(message.as_text(), Some("last words")),
            // A reset throws away what has not been read by then.
            Some(Err(Error::Failed(_) | Error::Io(_))) => {}
            other => panic!("{other:?}"),
        }
        while let Some(end) = server.recv() {
            assert!(end.is_err());
        }
    });
    assert!(took < Duration::from_secs(9), "not the time for closing: {took:?}");
}

#[test]
fn one_that_never_answers_the_close_ends_it_by_its_deadline() {
    let (mut peer, mut server) = raw_client(Config::default().with_close(SHORT));
    let (outcome, took) = within(LATE, move || server.close(CloseCode::NORMAL, "bye"));
    let outcome = outcome.expect("no error");
    assert!(!outcome.clean());
    assert_eq!(outcome.cause, Cause::TimedOut);
    assert!(took >= SHORT);
    let mut close = [0; 7];
    peer.read_exact(&mut close).expect("a Close frame");
    assert_eq!(&close, b"\x88\x05\x03\xE8bye");
}

#[test]
fn one_that_never_answers_the_close_but_sends_on_ends_it_by_its_deadline() {
    let (mut peer, mut server) = raw_client(Config::default().with_close(SHORT));
    let chatting = thread::spawn(move || while peer.write_all(&frame(1, b"more")).is_ok() {});
    let (outcome, _) = within(LATE, move || server.close(None, ""));
    assert_eq!(outcome.expect("no error").cause, Cause::TimedOut);
    chatting.join().expect("no panic");
}

#[test]
fn a_close_in_too_little_time_can_be_gone_on_with() {
    let (mut peer, mut server) = raw_client(());
    server.set_timeout(SHORT);
    assert!(matches!(server.close(None, ""), Err(Error::TimedOut)));
    peer.write_all(&frame(8, b"")).expect("written");
    server.set_timeout(PATIENCE);
    assert!(server.close(None, "").expect("closed").clean());
}

#[test]
fn a_client_that_trickles_its_request_is_answered_with_408_in_time() {
    let (listener, _) = listener();
    let address = listener.local_addr().expect("an address");
    let trickling = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(b"GET / HTTP/1.1\r\n").expect("written");
        for _ in 0..10_000 {
            if stream.write_all(b"A").is_err() {
                break;
            }
            thread::sleep(millis(5));
        }
        stream
    });
    let stream = listener.accept().expect("a client").0;
    let options = ServerOptions::new().with_timeout(SHORT);
    let (error, took) = within(LATE, move || accept(stream, options).map(drop));
    assert!(matches!(error, Err(AcceptError::Request(RequestError::Timeout))), "{error:?}");
    assert!(took >= SHORT);
    drop(trickling.join().expect("no panic"));
}

#[test]
fn a_client_that_asks_nothing_is_left_in_time() {
    let (listener, _) = listener();
    let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("connected");
    let stream = listener.accept().expect("a client").0;
    let options = ServerOptions::new().with_timeout(SHORT);
    let (error, took) = within(LATE, move || accept(stream, options).map(drop));
    assert!(matches!(error, Err(AcceptError::Request(RequestError::Timeout))), "{error:?}");
    assert!(took >= SHORT);
    drop(peer);
}

#[test]
fn a_server_that_never_answers_is_left_in_time() {
    let (listener, url) = listener();
    let options = ClientOptions::new().with_timeout(SHORT);
    let (error, took) = within(LATE, move || connect_with(&url, options).map(drop));
    let answer = matches!(error, Err(ConnectError::Answer(ResponseError::Timeout)));
    assert!(answer, "{error:?}");
    assert!(took >= SHORT);
    drop(listener);
}

#[test]
fn a_server_that_trickles_its_answer_is_left_in_time() {
    let (listener, url) = listener();
    let trickling = thread::spawn(move || {
        let mut stream = listener.accept().expect("a client").0;
        let _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n");
        for _ in 0..10_000 {
            if stream.write_all(b"A").is_err() {
                break;
            }
            thread::sleep(millis(5));
        }
    });
    let options = ClientOptions::new().with_timeout(SHORT);
    let (error, took) = within(LATE, move || connect_with(&url, options).map(drop));
    let answer = matches!(error, Err(ConnectError::Answer(ResponseError::Timeout)));
    assert!(answer, "{error:?}");
    assert!(took >= SHORT);
    trickling.join().expect("no panic");
}

#[test]
fn a_refusal_whose_body_never_ends_is_left_in_time() {
    let (listener, url) = listener();
    let trickling = thread::spawn(move || {
        let mut stream = listener.accept().expect("a client").0;
        let _ = stream.write_all(b"HTTP/1.1 500 No\r\nContent-Length: 50000\r\n\r\n");
        while stream.write_all(b"A").is_ok() {
            thread::sleep(millis(5));
        }
    });
    let began = Instant::now();
    let (error, _) = within(LATE, move || connect_with(&url, ()).map(drop));
    match error {
        Err(ConnectError::Refused(refused)) => {
            assert_eq!(refused.status, 500);
            assert!(!refused.body.is_empty() && refused.body.len() < 50_000);
        }
        other => panic!("{other:?}"),
    }
    assert!(began.elapsed() >= Duration::from_secs(1));
    trickling.join().expect("no panic");
}
