//! Who gets in, and what everybody is answered.

use sockless_chat::chat::Name;
use sockless_chat::token::{Claims, TokenError, Tokens};

use crate::directory::Directory;
use crate::program::{Program, SECRET, command, now, token_for};

#[test]
fn a_refusal_before_the_upgrade_is_a_status() {
    let directory = Directory::new();
    let program = Program::start(directory.path(), &[]);
    let origin = format!("Origin: http://{}\r\n", program.address);
    let good = token_for("ann", 60);
    let with = |token: &str| format!("/chat?token={token}");
    assert_eq!(program.knock(&with(&good), &origin), "101");
    assert_eq!(program.knock(&with(&good), ""), "101", "what is no browser says no origin");
    assert_eq!(
        program.knock("/chat", &format!("{origin}Cookie: a=b; sockless_chat={good}\r\n")),
        "101"
    );
    for origin in ["http://evil.example", "null", "", "http://127.0.0.1", "https://localhost.evil"]
    {
        let field = format!("Origin: {origin}\r\n");
        assert_eq!(program.knock(&with(&good), &field), "403", "{origin}");
    }
    let other = Tokens::new(&[7; 32]).expect("a secret");
    let claims = Claims { sub: Name::parse("ann").expect("a name"), exp: u64::MAX };
    let forged = other.make(&claims).expect("a token");
    let [head, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    // {"alg":"none"}
    let unsigned = format!("eyJhbGciOiJub25lIn0.{body}.");
    let tampered = format!("{head}.{body}x.{signature}");
    for token in ["x", "", "a.b.c", &forged, &unsigned, &tampered] {
        assert_eq!(program.knock(&with(token), &origin), "401", "{token}");
    }
    assert!(program.ask("GET /chat", "").starts_with("HTTP/1.1 426 "));
    assert!(program.ask("POST /chat", "").starts_with("HTTP/1.1 405 "));
}

#[test]
fn a_token_holds_until_its_end() {
    let tokens = Tokens::new(SECRET).expect("a secret");
    let claims = Claims { sub: Name::parse("ann").expect("a name"), exp: now().as_secs() + 5 };
    let token = tokens.make(&claims).expect("a token");
    assert_eq!(tokens.read(&token, now()), Ok(claims));
    assert_eq!(
        tokens.read(&token, now() + std::time::Duration::from_secs(6)),
        Err(TokenError::Expired)
    );
    assert!(Tokens::new(b"short").is_err());
    assert!(!format!("{tokens:?}").contains("secret"));
    let directory = Directory::new();
    let program = Program::start(directory.path(), &[]);
    assert_eq!(program.knock(&format!("/chat?token={}", token_for("ann", 0)), ""), "401");
}

#[test]
fn an_address_asks_for_so_much_and_no_more() {
    let directory = Directory::new();
    let program = Program::start(directory.path(), &["--requests-a-minute", "20"]);
    let path = format!("/chat?token={}", token_for("ann", 60));
    let answers: Vec<_> = (0..25).map(|_| program.knock(&path, "")).collect();
    assert!(answers[..20].iter().all(|status| status == "101"), "{answers:?}");
    assert_eq!(answers[24], "429");
    let answer = program.ask("POST /login", r#"{"name":"ann"}"#);
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("retry-after: "), "{answer}");
    // Who only looks isn't concerned.
    assert!(program.ask("GET /healthz", "").starts_with("HTTP/1.1 200 "));
}

fn cookie(answer: &str) -> String {
    let field =
        answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    field.split(';').next().expect("a value").to_owned()
}

#[test]
fn a_name_belongs_to_who_took_it_first() {
    let directory = Directory::new();
    let program = Program::start(directory.path(), &[]);
    let answer = program.ask("POST /login", r#"{"name":"<b>Ann</b>"}"#);
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#""you":"<b>Ann</b>""#),
        "{answer}"
    );
    assert!(answer.contains("HttpOnly; SameSite=Strict"), "{answer}");
    let own = cookie(&answer);
    assert!(program.ask(&format!("GET /me\nCookie: {own}"), "").starts_with("HTTP/1.1 200 "));
    assert!(program.ask("GET /me", "").starts_with("HTTP/1.1 401 "));
    let again = |fields: &str, name: &str| {
        program.ask(&format!("POST /login{fields}"), &format!(r#"{{"name":"{name}"}}"#))
    };
    assert!(again("", "<b>Ann</b>").starts_with("HTTP/1.1 409 "));
    assert!(again("", "<B>aNN</b>").starts_with("HTTP/1.1 409 "), "in another case");
    assert!(
        again(&format!("\nCookie: {own}"), "<b>Ann</b>").starts_with("HTTP/1.1 200 "),
        "renewed"
    );
    assert!(again("\nOrigin: http://evil.example", "eve").starts_with("HTTP/1.1 403 "));
    for (body, status) in [
        (r#"{"name":""}"#, "400"),
        (r#"{"name":"a\u202eb"}"#, "400"),
        (r#"{"name":"a","token":"b"}"#, "400"),
        (r#"{"nickname":"a"}"#, "422"),
        ("nonsense", "400"),
        (r#"{"token":"x"}"#, "401"),
    ] {
        let answer = program.ask("POST /login", body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{body}: {answer}");
    }
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(20_000));
    assert!(program.ask("POST /login", &long).starts_with("HTTP/1.1 413 "));
    // It is still taken after a restart, and where names are given out elsewhere a token is needed.
    program.kill();
    let program = Program::start(directory.path(), &["--guests", "no"]);
    assert!(program.ask("POST /login", r#"{"name":"bob"}"#).starts_with("HTTP/1.1 403 "));
    let token = format!(r#"{{"token":"{}"}}"#, token_for("bob", 60));
    assert!(program.ask("POST /login", &token).starts_with("HTTP/1.1 200 "));
    assert!(program.ask(&format!("GET /me\nCookie: {own}"), "").starts_with("HTTP/1.1 200 "));
}

#[test]
fn every_answer_has_the_headers_of_security_and_the_page_nothing_inline() {
    let directory = Directory::new();
    let program = Program::start(directory.path(), &[]);
    for path in [
        "/",
        "/chat.js",
        "/reliable.js",
        "/offline.js",
        "/me",
        "/nothing",
        "/healthz",
        "/chat",
        "/../secret",
        "/%2e%2e/secret",
    ] {
        let answer = program.ask(&format!("GET {path}"), "");
        for field in [
            "content-security-policy: default-src 'none'; script-src 'self'",
            "x-content-type-options: nosniff",
            "frame-ancestors 'none'",
        ] {
            assert!(answer.contains(field), "{path} without {field}: {answer}");
        }
        assert!(!answer.contains(std::str::from_utf8(SECRET).expect("text")), "{path}");
    }
    let page = program.ask("GET /", "");
    assert!(
        !page.contains("<script>") && !page.contains("style=") && !page.contains(" on"),
        "{page}"
    );
    let served = program.ask("GET /reliable.js", "");
    assert!(served.ends_with(include_str!("../../../sockless-session/js/reliable.js")));
}

#[test]
fn what_is_wrong_at_the_start_is_said() {
    let directory = Directory::new();
    let fails = |flags: &[&str]| {
        let output = command(directory.path(), flags).output().expect("the program");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert_eq!(
        fails(&["--colour", "red"]),
        "sockless-chat: --colour: there is no such setting; see --help\n"
    );
    assert_eq!(
        fails(&["--listen", "here"]),
        "sockless-chat: --listen: \"here\" is not an address and a port\n"
    );
    #[cfg(unix)]
    {
        // The directory that it makes is its owner's alone.
        let own = directory.path().join("new");
        let output = command(&own, &[]).arg("--listen").arg("256.0.0.1:1").output().expect("it");
        assert!(!output.status.success() && !own.exists());
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_sockless-chat"))
            .args(["token", "ann", "--data"])
            .arg(&own)
            .output();
        assert!(output.expect("it").status.success());
        let mode = |path| {
            let path = own.join(path);
            std::os::unix::fs::PermissionsExt::mode(
                &std::fs::metadata(path).expect("it").permissions(),
            )
        };
        assert_eq!((mode("") & 0o777, mode("secret") & 0o777), (0o700, 0o600));
    }
    let running = Program::start(directory.path(), &[]);
    assert_eq!(
        fails(&["--listen", "127.0.0.1:0"]),
        "sockless-chat: another process uses this store\n"
    );
    let elsewhere = Directory::new();
    let output = command(elsewhere.path(), &["--listen", &running.address]).output().expect("it");
    assert!(String::from_utf8_lossy(&output.stderr).contains("can't listen at"));
    drop(running);
    std::fs::write(directory.path().join("chat.redb"), "rubbish".repeat(1000)).expect("written");
    let said = fails(&["--listen", "127.0.0.1:0"]);
    assert!(said.contains("the store is damaged"), "{said}");
    std::fs::write(directory.path().join("secret"), "short").expect("written");
    assert!(fails(&["--listen", "127.0.0.1:0"]).contains("a secret has at least 32 octets"));
}
