//! Settings: flags, variables, and a file.

use std::io;
use std::net::TcpStream;

use sockless_chat::settings::{Certificate, Settings, SettingsError};

use crate::directory::Directory;
use crate::program::{Program, command, token_for};

fn read(flags: &[&str], variables: &[(&str, &str)], file: &str) -> Result<Settings, SettingsError> {
    let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    let variable = |name: &str| {
        let mut found = variables.iter().filter(|(other, _)| *other == name);
        found.next().map(|(_, value)| (*value).to_owned())
    };
    let open = |path: &str| match path {
        "chat.toml" => Ok(file.to_owned()),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "there is no such file")),
    };
    Settings::read(flags, variable, open)
}

fn error_of(flags: &[&str], variables: &[(&str, &str)], file: &str) -> String {
    read(flags, variables, file).expect_err("it is wrong").to_string()
}

#[test]
fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
    let file = "keep = 1_000\ngrace = 5\nspread = 3\nguests = false\n\
                origin = [\"https://a.example\", \"https://b.example\"]\nlobby = \"hall\"\n";
    let of_file = read(&["--config", "chat.toml"], &[], file).expect("settings");
    assert_eq!((of_file.keep, of_file.grace.as_secs(), of_file.guests), (1000, 5, false));
    assert_eq!(of_file.origins, ["https://a.example", "https://b.example"]);
    let variables = [("SOCKLESS_CHAT_GRACE", "7"), ("SOCKLESS_CHAT_CONFIG", "chat.toml")];
    let all = read(&["--keep=5", "--origin", "https://c.example"], &variables, file);
    let all = all.expect("settings");
    assert_eq!((all.keep, all.grace.as_secs(), all.spread.as_secs()), (5, 7, 3));
    // What is given elsewhere takes the place of the file's; flags that are given twice add up.
    assert_eq!(all.origins, ["https://c.example"]);
    let twice = ["--origin", "https://a.example", "--origin=https://b.example"];
    assert_eq!(read(&twice, &[], "").expect("settings").origins.len(), 2);
    let pair = read(&["--tls", "chain.pem:key.pem"], &[], "").expect("settings").certificate;
    assert!(matches!(pair, Some(Certificate::Files { .. })), "{pair:?}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let of_file = |file: &str| error_of(&["--config", "chat.toml"], &[], file);
    assert_eq!(of_file("# a\n\nkeep = \"many\""), "chat.toml, line 3: \"many\" is not a number");
    assert_eq!(of_file("keep = 0"), "chat.toml, line 1: \"0\" is not a number from 1 on");
    assert_eq!(
        of_file("keep = 1\ncolour = \"red\""),
        "chat.toml, line 2: there is no setting \"colour\"; see --help"
    );
    assert_eq!(
        of_file("\n[keep]\nat = 1"),
        "chat.toml, line 2: keep: not a text, a number, true, false, or a list of texts"
    );
    assert!(of_file("keep = 1\nkeep = 2").starts_with("chat.toml, line 2: "), "twice");
    assert!(of_file("keep = 1\ngrace 5").starts_with("chat.toml, line 2: "), "no TOML");
    assert_eq!(error_of(&["--config", "other.toml"], &[], ""), "other.toml: there is no such file");
    assert_eq!(error_of(&["--config"], &[], ""), "--config: a value has to follow");
    assert_eq!(error_of(&["--keep"], &[], ""), "--keep: a value has to follow");
    assert_eq!(
        error_of(&[], &[("SOCKLESS_CHAT_ORIGIN", "https://a, *")], ""),
        "SOCKLESS_CHAT_ORIGIN: \"https://a, *\" is not origins as https://example.com"
    );
    for flags in
        [["--tls", "yes"], ["--proxy", "nginx"], ["--log", "loud"], ["--log-format", "xml"]]
    {
        assert!(error_of(&flags, &[], "").contains(" is not "), "{flags:?}");
    }
}

#[test]
fn the_program_reads_its_file() {
    let directory = Directory::new();
    let file = directory.path().join("chat.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\nguests = no\n").expect("written");
    let output = command(directory.path(), &["--config"]).arg(&file).output().expect("it");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("chat.toml, line 2: "), "{said}");
    std::fs::write(&file, "guests = false\n").expect("written");
    let program = Program::start(directory.path(), &["--config", file.to_str().expect("text")]);
    let answer = program.ask("POST /login", r#"{"name":"ann"}"#);
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[test]
fn behind_a_proxy_that_is_trusted_each_caller_has_a_limit_of_its_own() {
    let directory = Directory::new();
    let flags = ["--requests-a-minute", "10", "--proxy", "127.0.0.1"];
    let program = Program::start(directory.path(), &flags);
    let path = format!("/chat?token={}", token_for("ann", 60));
    let knock =
        |caller: &str| program.knock(&path, &format!("X-Forwarded-For: 1.1.1.1, {caller}\r\n"));
    assert!((0..10).all(|_| knock("5.6.7.8") == "101"));
    assert_eq!(knock("5.6.7.8"), "429");
    assert_eq!(knock("5.6.7.9"), "101");
    drop(program);
    // Who isn't behind one can say what he likes.
    let program = Program::start(directory.path(), &flags[..2]);
    let answers: Vec<_> = (0..12)
        .map(|at| program.knock(&path, &format!("X-Forwarded-For: 5.6.7.{at}\r\n")))
        .collect();
    assert_eq!(answers[11], "429", "{answers:?}");
}

#[test]
fn the_log_is_json_if_it_is_to_be_and_has_no_secret_in_it() {
    let directory = Directory::new();
    let flags = ["--log", "debug", "--log-format", "json"];
    let program = Program::start_logged(directory.path(), &flags);
    let good = token_for("ann", 60);
    let bad = "eyJhbGciOiJub25lIn0.secret-of-ann.";
    assert_eq!(program.knock(&format!("/chat?token={good}"), ""), "101");
    assert_eq!(program.knock(&format!("/chat?token={bad}"), ""), "401");
    let login = format!(r#"{{"token":"{good}"}}"#);
    assert!(program.ask("POST /login", &login).starts_with("HTTP/1.1 200 "));
    program.terminate();
    let log = program.wait_for_log();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let says = |what: &str| lines.iter().any(|line| line["fields"]["message"] == what);
    assert!(says("serving") && says("refused") && says("stopping"), "{log}");
    assert!(
        !log.contains(&good) && !log.contains("secret-of-ann") && !log.contains("token="),
        "{log}"
    );
}

#[test]
fn a_log_may_be_off() {
    let directory = Directory::new();
    let program = Program::start_logged(directory.path(), &["--log", "off"]);
    assert_eq!(program.knock("/chat?token=x", ""), "401");
    program.terminate();
    assert_eq!(program.wait_for_log(), "");
}

#[tokio::test]
async fn with_tls_of_its_own_it_is_wss_and_who_says_nothing_keeps_nobody_waiting() {
    use sockless_tokio::session::SUBPROTOCOL;
    use sockless_tokio::{ClientOptions, Tls, connect_with};
    let directory = Directory::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (chain, key) = (directory.path().join("chain.pem"), directory.path().join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let pair = format!("{}:{}", chain.display(), key.display());
    let program = Program::start(directory.path(), &["--tls", &pair]);
    // More than one, none of which ever says anything, and one that doesn't speak TLS.
    let silent: Vec<_> =
        (0..20).map(|_| TcpStream::connect(&program.address).expect("a stream")).collect();
    assert_eq!(program.ask("GET /healthz", "").find("HTTP/1.1 200"), None);
    let port = program.address.rsplit(':').next().expect("a port");
    let url = format!("wss://localhost:{port}/chat?token={}", token_for("ann", 60));
    let tls = Tls::with_roots([made.cert.der().clone()]).expect("roots");
    let options = ClientOptions::new().with_tls(tls).with_subprotocols([SUBPROTOCOL]);
    let origin = |origin: String| options.clone().with_origin(origin);
    let socket = connect_with(&url, origin(format!("https://localhost:{port}"))).await;
    assert!(socket.expect("a socket").get_ref().is_secure());
    let refused = connect_with(&url, origin(format!("http://localhost:{port}"))).await;
    assert!(refused.is_err(), "another origin");
    drop(silent);
    drop(program);
    // What is wrong with the files is said at the start.
    let fails = |pair: String| {
        let output =
            command(directory.path(), &["--listen", "127.0.0.1:0", "--tls", &pair]).output();
        String::from_utf8_lossy(&output.expect("it").stderr).into_owned()
    };
    let said = fails(format!("{}:{}", key.display(), key.display()));
    assert!(said.contains("key.pem: there is no certificate in it"), "{said}");
    let said = fails(format!("{}:{}", chain.display(), chain.display()));
    assert!(said.contains("chain.pem: "), "{said}");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("another");
    std::fs::write(&key, other.signing_key.serialize_pem()).expect("written");
    let said = fails(pair);
    assert!(said.contains("chain.pem: "), "the key is another's: {said}");
    // One that is made is good for trying.
    let program = Program::start(directory.path(), &["--tls", "made"]);
    assert_eq!(program.scheme, "https");
}
