//! The loop in this program, in the README and in the guide: where they say the same, they say it in the same words. What the loop does with clients
//! that take no part is tested in the guide, where it runs.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

const PROGRAM: &str = include_str!("../src/main.rs");
const README: &str = include_str!("../../../README.md");
const DRIVER: &str = include_str!("../../../src/guide/driver.md");
const DRIVE: &str = include_str!("../../../src/guide/drive.rs");

/// What is from the line that begins so to the one that ends so, the last time that there is such a piece.
#[track_caller]
fn piece<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    let at = text.rfind(begin).unwrap_or_else(|| panic!("no {begin:?}"));
    let len = text[at..].find(end).unwrap_or_else(|| panic!("no {end:?} after {begin:?}"));
    &text[at..at + len + end.len()]
}

#[test]
fn the_readme_the_guide_and_this_program_have_the_same_loop() {
    let (poll, last) = (
        "        // 1. Poll until",
        "Want::Io { .. } => {} // only time has to pass\n        }\n    }\n",
    );
    let program = piece(PROGRAM, poll, last);
    assert!(program.lines().count() > 20, "{program}");
    assert_eq!(piece(README, poll, last), program);
    // The guide has it twice: as it is, and for both roles, where something else is done about events.
    assert!(DRIVER.contains(program), "not in the chapter `driver`");
    let want = "        // 2. Do what the connection wants";
    assert_eq!(piece(DRIVE, want, last), piece(PROGRAM, want, last));
}

#[test]
fn the_chapter_shows_the_loop_that_the_others_include() {
    let code = DRIVE.split_once("\n\n").unwrap().1;
    assert!(DRIVER.contains(code), "not in the chapter `driver`:\n{code}");
}

#[test]
fn the_opening_is_the_same() {
    let (begin, end) =
        ("    let mut acceptor = Acceptor::new(", "            Some(Asked::Plain(request))");
    let server = DRIVER.split("## The opening handshake").next().unwrap();
    assert_eq!(piece(server, begin, end), piece(PROGRAM, begin, end));
}

/// Nobody else finds out that a peer has gone without a word. That the loop keeps the deadlines is tested in the guide.
#[test]
fn a_silent_peer_is_asked_for_a_sign_of_life() {
    for (name, text, function) in [
        ("this program", PROGRAM, "fn serve("),
        ("driver, server", DRIVER, "fn listen("),
        ("driver, client", DRIVER, "fn hello("),
    ] {
        assert!(piece(text, function, "\n}\n").contains("with_keepalive("), "{name}");
    }
}
