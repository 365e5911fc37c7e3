//! The programs of the guide's chapter `driver`, with peers that take part and peers that don't: the server with clients that say nothing, never read, or
//! ask for nothing; the client with a server that does two things at once; and its loop where both sides send much. In the old form of the loop, which wrote before it
//! read, the last ones don't end before their write timeouts.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::print_stdout, reason = "a program talks to its user")]
#![allow(dead_code, reason = "a program's `main` is for its user")]

/// Much longer than anything takes that works.
const LONG: std::time::Duration = std::time::Duration::from_secs(30);

mod server {
    include!("../../../src/guide/server.rs");

    use crate::LONG;

    const REQUEST: &[u8] =
        b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    const MOMENT: Duration = Duration::from_millis(200);

    /// How the server ends with a client that does this.
    fn meets(client: impl FnOnce(&mut TcpStream)) -> Outcome {
        let config = Config::default().with_keepalive(MOMENT, MOMENT);
        let config = Arc::new(config.with_write_timeout(MOMENT).with_close(MOMENT));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let served = listener.accept().unwrap().0;
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || tell.send(serve(served, config).map_err(|error| error.to_string())));
        client(&mut stream);
        told.recv_timeout(LONG).expect("an end").unwrap()
    }

    #[test]
    fn a_client_that_opens_a_connection_and_says_nothing_is_given_up() {
        assert!(!meets(|stream| stream.write_all(REQUEST).unwrap()).clean());
    }

    /// What it has sent comes back until nothing fits anywhere.
    #[test]
    fn a_client_that_sends_without_end_and_never_reads_is_given_up() {
        let message = [&b"\x82\xFF\0\0\0\0\0\x01\0\0\0\0\0\0"[..], &[0; 1 << 16]].concat();
        let outcome = meets(|stream| {
            stream.set_write_timeout(Some(MOMENT)).unwrap();
            stream.write_all(REQUEST).unwrap();
            while stream.write_all(&message).is_ok() {}
        });
        assert!(!outcome.clean());
    }

    /// The answer doesn't wait for the deadline of a request, which is ten seconds.
    #[test]
    fn a_client_that_asks_for_nothing_and_closes_is_answered_at_once() {
        let started = Instant::now();
        let refused = sockless::connection::Cause::Failed(sockless::Failure::Refused);
        assert_eq!(meets(|stream| stream.shutdown(Shutdown::Write).unwrap()).cause, refused);
        assert!(started.elapsed() < Duration::from_secs(8));
    }

    #[test]
    fn a_client_that_is_gone_is_an_outcome_and_no_error() {
        let outcome = meets(|stream| {
            stream.write_all(REQUEST).unwrap();
            // A violation: the answer to it is written to nobody.
            stream.write_all(b"\x81\x02no").unwrap();
            stream.shutdown(Shutdown::Both).unwrap();
        });
        assert!(!outcome.clean());
    }

    /// The first frame comes with the request: "hello" with a mask of zeros, then a Close frame with 1000.
    #[test]
    fn a_client_that_takes_part_is_echoed() {
        let outcome = meets(|stream| {
            stream.write_all(&[REQUEST, b"\x81\x85\0\0\0\0hello"].concat()).unwrap();
            stream.write_all(b"\x88\x82\0\0\0\0\x03\xE8").unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 101 "));
            assert!(answer.ends_with(b"\r\n\r\n\x81\x05hello\x88\x02\x03\xE8"));
        });
        assert!(outcome.clean());
    }
}

mod client {
    include!("../../../src/guide/client.rs");

    use std::net::TcpListener;
    use std::thread;

    use sockless::connection::Holding;
    use sockless::handshake::Acceptor;

    use crate::LONG;

    /// Echoes; or says something in the packet of its answer, and closes when it hears something.
    fn serve(listener: &TcpListener, greets: bool) -> Outcome {
        let (mut tcp, _) = listener.accept().unwrap();
        let (mut buffer, mut input, started) = ([0; 4096], Input::none(), Instant::now());
        let mut acceptor = Acceptor::new(&HeadLimits::default(), started.elapsed());
        let mut connection = loop {
            if let Some(asked) = acceptor.poll(&mut input, started.elapsed()) {
                break asked.into_connection(Config::default(), started.elapsed());
            }
            input = Input::read(tcp.read(&mut buffer), &mut buffer);
        };
        if greets {
            connection.send_text("welcome").unwrap();
        }
        let hear = |connection: &mut Connection<_>, event: Option<Event<'_>>| {
            match event {
                Some(Event::Text(_)) if greets => {
                    connection.close(CloseCode::NORMAL, "", started.elapsed())?;
                }
                Some(Event::Text(text)) => connection.send_text(&text)?,
                _ => {}
            }
            Ok(())
        };
        drive(tcp, connection, input, started, hear).unwrap()
    }

    #[test]
    fn it_says_hello_and_closes_or_is_closed() {
        for (greets, hears) in [(false, "Hello WebSocket"), (true, "welcome")] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = thread::spawn(move || serve(&listener, greets));
            let (said, outcome) = hello(&format!("ws://{address}/socket")).unwrap();
            assert_eq!(said, [hears]);
            assert!(outcome.clean() && server.join().unwrap().clean());
        }
    }

    #[test]
    fn every_address_of_a_host_is_tried() {
        // `localhost` may be ::1 first, where nobody listens.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("ws://localhost:{}/", listener.local_addr().unwrap().port());
        let server = thread::spawn(move || serve(&listener, false));
        assert_eq!(hello(&address).unwrap().0, ["Hello WebSocket"]);
        server.join().unwrap();
    }

    const MESSAGE: usize = 1 << 20;
    const MESSAGES: usize = 64;

    /// Sends 64 MiB without being asked, receives as much, and closes: how much it received, and how it ended.
    fn flood<R: Side>(tcp: TcpStream, connection: Connection<R>) -> (usize, Outcome) {
        let (started, message) = (Instant::now(), vec![7; MESSAGE]);
        let (mut sent, mut received) = (0, 0);
        let outcome = drive(tcp, connection, Input::none(), started, |connection, event| {
            if let Some(Event::Binary(bytes)) = &event {
                received += bytes.len();
            }
            while event.is_none() && sent < MESSAGES && !connection.is_congested() {
                connection.send_binary(&message)?;
                sent += 1;
            }
            if !R::MASKS && sent == MESSAGES && received == MESSAGE * MESSAGES {
                // Said once; the second time it is refused.
                let _ = connection.close(CloseCode::NORMAL, "", started.elapsed());
            }
            Ok(())
        });
        (received, outcome.unwrap())
    }

    /// With a loop that writes before it reads, both wait for each other until their write timeouts.
    #[test]
    fn both_sides_may_send_much_at_once() {
        let config =
            Config::default().with_holding(Holding::Independent).with_write_timeout(LONG / 3);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (served, ours) = (listener.accept().unwrap().0, config.clone());
        let server = thread::spawn(move || flood(served, Connection::server(ours)));
        let (received, outcome) = flood(tcp, Connection::client(config));
        let (other, end) = server.join().unwrap();
        assert_eq!((received, other), (MESSAGE * MESSAGES, MESSAGE * MESSAGES));
        assert!(outcome.clean() && end.clean());
    }

    /// A peer that takes nothing costs some looks a second, not a whole core.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_peer_that_takes_nothing_costs_next_to_nothing() {
        fn busy() -> u64 {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            // User and system time, in ticks of ten milliseconds.
            fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
        }
        let wait = Duration::from_secs(2);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _deaf = listener.accept().unwrap();
        let mut connection = Connection::client(Config::default().with_write_timeout(wait));
        connection.send_binary(&vec![7; 15 << 20]).unwrap();
        let (started, before) = (Instant::now(), busy());
        let outcome = drive(tcp, connection, Input::none(), started, |_, _| Ok(())).unwrap();
        assert!(!outcome.clean() && started.elapsed() >= wait);
        assert!(busy() - before < 50, "{} ticks of {:?}", busy() - before, started.elapsed());
    }
}
