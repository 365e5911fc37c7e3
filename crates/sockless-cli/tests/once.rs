//! One message and out; JSON; what a terminal sees; an output that nobody reads any more.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::result_large_err, reason = "tungstenite asks for it")]

mod program;

use std::io::Write as _;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use program::{PATIENCE, Running, answer, command, echo, echo_server, noise, serve, ws};
use tungstenite::Message;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;

#[test]
fn one_message_gets_one_answer() {
    let url = format!("ws://{}/", echo_server());
    ws(&["-1q", &url, "hello"], b"the input is not read").printed("hello\n");
    // All of the input is one message.
    let url = format!("ws://{}/", echo_server());
    ws(&["-1q", &url], b"{\n  \"a\": 1\n}\n").printed("{\n  \"a\": 1\n}\n");
    // An empty one has to be given.
    let url = format!("ws://{}/", echo_server());
    ws(&["-1q", &url, ""], b"").printed("\n");
}

#[test]
fn a_file_passes_as_it_is() {
    let url = format!("ws://{}/", echo_server());
    let file = noise(300_000);
    let ran = ws(&["-1qb", &url], &file);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out == file);
}

#[test]
fn without_input_one_message_is_received_and_no_more() {
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(Message::text("one")).unwrap();
        socket.send(Message::text("two")).unwrap();
        while socket.read().is_ok() {}
    });
    ws(&["-1q", &format!("ws://{address}/")], b"").printed("one\n");
}

#[test]
fn an_answer_that_does_not_come_is_not_awaited_for_ever() {
    let silent = || {
        serve(|stream| {
            let mut socket = tungstenite::accept(stream).unwrap();
            while socket.read().is_ok() {}
        })
    };
    let ran = ws(&["-1", "-w", "0.2", &format!("ws://{}/", silent()), "hello"], b"");
    ran.failed(6, "no answer came in time");
    // Who wants none doesn't wait.
    let begun = Instant::now();
    ws(&["-1q", "-w", "0", &format!("ws://{}/", silent()), "hello"], b"").printed("");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let closes = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        let close = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
        socket.close(Some(close)).unwrap();
        while socket.read().is_ok() {}
    });
    ws(&["-1", &format!("ws://{closes}/"), "hello"], b"").failed(6, "there was no answer");
}

#[test]
fn every_event_is_a_json_object_on_a_line() {
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(Message::Ping("p".into())).unwrap();
        socket.send(Message::text("say \"hi\"\n\x1b[2J\u{2028}é")).unwrap();
        socket.send(Message::binary(vec![0, 0xFF])).unwrap();
        let close = CloseFrame { code: CloseCode::from(4002), reason: "so \\ it is".into() };
        socket.close(Some(close)).unwrap();
        while socket.read().is_ok() {}
    });
    let url = format!("ws://{address}/");
    let ran = ws(&["--json", "-nq", &url], b"");
    let why = "the server closed the connection with code 4002, \\\"so \\\\ it is\\\"";
    let expected = [
        format!(r#"{{"event":"opened","url":"{url}","subprotocol":null,"compression":null}}"#),
        r#"{"event":"ping","base64":"cA=="}"#.into(),
        r#"{"event":"message","text":"say \"hi\"\n\u001b[2J\u2028é"}"#.into(),
        r#"{"event":"message","base64":"AP8="}"#.into(),
        format!(
            r#"{{"event":"closed","code":4002,"reason":"so \\ it is","clean":true,"why":"{why}"}}"#
        ),
    ];
    assert_eq!((ran.status, ran.text()), (1, (expected.join("\n") + "\n").as_str()));

    let address = answer(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nX: \"\r\n\r\nno");
    let ran = ws(&["--json", "-q", &format!("ws://{address}/")], b"");
    let line = r#"{"event":"refused","status":403,"fields":[["Content-Length","2"],["X","\""]],"base64":"bm8="}"#;
    assert_eq!((ran.status, ran.text()), (4, format!("{line}\n").as_str()));

    let ran = ws(&["--json", "-q", "ws://no-such-host.invalid/"], b"");
    assert!(
        ran.text().starts_with(r#"{"event":"failed","status":3,"why":"the server "#),
        "{}",
        ran.text()
    );
}

#[test]
fn an_output_that_nobody_reads_any_more_ends_it_quietly() {
    // With something to be printed,
    let url = format!("ws://{}/", echo_server());
    let mut running = Running::start(&["-q", &url]);
    let mut stdin = running.stdin.take().unwrap();
    stdin.write_all(b"one\n").unwrap();
    assert_eq!(running.line(), "one");
    let mut running = without_output(running);
    let _ = stdin.write_all(b"two\n");
    assert_eq!(program::wait(&mut running.child).code(), Some(0));
}

/// Closes the other end of the output.
fn without_output(mut running: Running) -> Running {
    let mut other = command(&["--version"]).spawn().unwrap();
    let pipe = other.stdout.take().unwrap();
    program::wait(&mut other);
    running.out = std::io::BufReader::new(pipe);
    running
}

#[cfg(unix)]
#[test]
fn an_output_that_nobody_reads_any_more_is_seen_though_nothing_comes() {
    let url = format!("ws://{}/", echo_server());
    let mut running = Running::start(&[&url, "once"]);
    assert_eq!(running.line(), "once");
    let running = without_output(running);
    let (status, _, err) = running.end();
    assert_eq!(status, Some(0));
    assert_eq!(err.lines().count(), 1, "it says no more than that it was open: {err}");
}

#[cfg(unix)]
#[test]
fn a_peer_commands_no_terminal() {
    use std::io::Read as _;
    use std::os::fd::OwnedFd;
    use std::process::Stdio;

    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let (done, is_done) = mpsc::channel::<()>();
    let address = serve(move |stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(Message::text("\x1b]0;title\x07\x1b[2J\u{9b}31m\u{202e}end")).unwrap();
        socket.send(Message::binary("\x1b[31m")).unwrap();
        let close = CloseFrame { code: CloseCode::Normal, reason: "\x1b[41mbye".into() };
        socket.close(Some(close)).unwrap();
        echo(socket);
        let _ = is_done.recv_timeout(PATIENCE);
    });
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let screen: OwnedFd =
        rustix::fs::open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let mut program = command(&["-nb", &format!("ws://{address}/")]);
    program.stdout(Stdio::from(screen.try_clone().unwrap())).stderr(Stdio::from(screen));
    let mut child = program.spawn().unwrap();
    // The program's ends are closed here, so that the terminal's end comes with it.
    drop(program);
    let seen = thread::spawn(move || {
        let mut seen = Vec::new();
        // The end of a terminal is an error on some systems.
        let _ = std::fs::File::from(terminal).read_to_end(&mut seen);
        String::from_utf8(seen).unwrap()
    });
    assert_eq!(program::wait(&mut child).code(), Some(0));
    let seen = seen.join().unwrap();
    drop(done);
    assert!(seen.chars().all(|c| !c.is_control() || "\r\n".contains(c)), "{seen:?}");
    for shown in
        ["\\u{1b}]0;title\\u{7}\\u{1b}[2J\\u{9b}31m\\u{202e}end", "0x1b5b33316d", "\\u{1b}[41mbye"]
    {
        assert!(seen.contains(shown), "{shown:?} in {seen:?}");
    }
}
