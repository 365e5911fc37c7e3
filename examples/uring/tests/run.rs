//! The program as its clients meet it: one that talks, many that talk at once, one that reads nothing, one that asks for nothing, one that half-closes,
//! two that talk nonsense, many that are lost; and Ctrl-C. Each of them meets it twice, as the kernel is and as if it were an old one.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

#[path = "../../../autobahn/tests/skipped/mod.rs"]
mod skipped;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tungstenite::{Error, Message, WebSocket};

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// The program, which ends with the test.
struct Program(Child, String);

impl Program {
    /// As the kernel is, and as if it were an old one. None if this system has no io_uring, which the program says by its status, and
    /// the test may be skipped.
    fn both() -> Vec<Self> {
        [&["127.0.0.1:0"][..], &["127.0.0.1:0", "5.19"]]
            .into_iter()
            .map_while(Self::start)
            .collect()
    }

    fn start(arguments: &[&str]) -> Option<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-uring"));
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() && child.wait().unwrap().code() == Some(2) {
            skipped::skip("this system has no io_uring");
            return None;
        }
        let address = line.split("://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Some(Self(child, address))
    }

    fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.1).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    fn open(&self) -> WebSocket<TcpStream> {
        tungstenite::client(format!("ws://{}/", self.1), self.dial()).unwrap().0
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What comes before the end of the stream.
fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn messages_come_back() {
    for program in Program::both() {
        let mut socket = program.open();
        let large = Message::binary(vec![7; 1 << 20]);
        for message in [Message::text("grüß"), Message::text(""), large, Message::text("after it")]
        {
            socket.send(message.clone()).unwrap();
            assert_eq!(socket.read().unwrap(), message);
        }
        socket.close(None).unwrap();
        assert!(socket.read().unwrap().is_close());
        assert!(matches!(socket.read().unwrap_err(), Error::ConnectionClosed));
    }
}

#[test]
fn many_who_send_at_once_are_all_answered() {
    for program in Program::both() {
        // More than there are buffers at first, and than there can be.
        let mut sockets: Vec<_> = (0..300).map(|_| program.open()).collect();
        for round in 0..3 {
            let message = |place: usize| Message::binary(vec![place as u8; 100 * round + place]);
            for (place, socket) in sockets.iter_mut().enumerate() {
                socket.send(message(place)).unwrap();
            }
            for (place, socket) in sockets.iter_mut().enumerate() {
                assert_eq!(socket.read().unwrap(), message(place));
            }
        }
    }
}

#[test]
fn who_reads_nothing_is_read_no_more_and_gets_everything_later() {
    for program in Program::both() {
        let mut reader = program.open();
        let mut writer = reader.get_ref().try_clone().unwrap();
        // A second handle of the same stream is written to for as long as the server takes anything.
        writer.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let payload = [b'7'; 100_000];
        let frame = [&b"\x82\xFF\0\0\0\0\0\x01\x86\xA0\0\0\0\0"[..], &payload].concat();
        let (mut count, mut part) = (0, 0);
        while count < 1000 {
            match writer.write(&frame[part..]) {
                Ok(written) if part + written == frame.len() => {
                    (count, part) = (count + 1, 0);
                    // Not faster than it can be read: what calls the reads off is that they aren't wanted.
                    std::thread::sleep(Duration::from_millis(1));
                }
                Ok(written) => part += written,
                Err(_) => break,
            }
        }
        // The rest of what has been begun can be written when the answers are read.
        assert!(count < 1000, "100 MB were taken from a client that reads nothing");
        let rest = std::thread::spawn(move || writer.write_all(&frame[part..]));
        for _ in 0..=count {
            assert_eq!(reader.read().unwrap().into_data(), &payload[..]);
        }
        rest.join().unwrap().unwrap();
    }
}

#[test]
fn who_is_lost_takes_no_buffer_along() {
    for program in Program::both() {
        for _ in 0..600 {
            let mut stream = program.dial();
            // A Close frame ends the connection, and more than a buffer holds follows it.
            let _ =
                stream.write_all(&[REQUEST, b"\x88\x82\0\0\0\0\x03\xE8", &[0; 200_000]].concat());
        }
        let mut socket = program.open();
        socket.send(Message::text("still there?")).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text("still there?"));
    }
}

#[test]
fn who_asks_for_nothing_is_answered_in_time() {
    let started = Instant::now();
    let programs = Program::both();
    let streams: Vec<_> = programs.iter().map(Program::dial).collect();
    for stream in streams {
        assert!(rest(stream).starts_with(b"HTTP/1.1 408 "));
        // Ten seconds are the default of `HeadLimits`; the rest is for a machine that does other things.
        assert!((10..30).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    }
}

#[test]
fn who_half_closes_gets_what_it_has_asked_for_and_the_end() {
    for program in Program::both() {
        let mut stream = program.dial();
        stream.write_all(&[REQUEST, b"\x81\x82\0\0\0\0hi"].concat()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = rest(stream);
        assert!(answer.starts_with(b"HTTP/1.1 101 ") && answer.ends_with(b"\r\n\r\n\x81\x02hi"));
    }
}

#[test]
fn nonsense_is_answered() {
    for program in Program::both() {
        let mut stream = program.dial();
        stream.write_all(b"nonsense\r\n\r\n").unwrap();
        assert!(rest(stream).starts_with(b"HTTP/1.1 400 "));
        let mut stream = program.dial();
        // An unmasked frame: code 1002.
        stream.write_all(&[REQUEST, b"\x81\x02hi"].concat()).unwrap();
        let answer = rest(stream);
        assert!(answer.windows(4).any(|four| matches!(four, [0x88, _, 0x03, 0xEA])), "{answer:?}");
    }
}

#[test]
fn ctrl_c_says_goodbye_to_everybody() {
    for mut program in Program::both() {
        let mut socket = program.open();
        let interrupt = Command::new("kill").args(["-INT", &program.0.id().to_string()]).status();
        assert!(interrupt.unwrap().success());
        let Message::Close(Some(frame)) = socket.read().unwrap() else { panic!("no Close frame") };
        assert_eq!(u16::from(frame.code), 1001);
        assert!(matches!(socket.read().unwrap_err(), Error::ConnectionClosed));
        assert!(program.0.wait().unwrap().success());
    }
}
