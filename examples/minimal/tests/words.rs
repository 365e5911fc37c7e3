//! The loop in this program, in the README and in the guide: where they say the same, they say it in the same words; and the guide's programs stand in their
//! chapters. What the loop does with peers that take no part is tested in `guide`.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::fs;
use std::path::Path;

const PROGRAM: &str = include_str!("../src/main.rs");
const README: &str = include_str!("../../../README.md");
const DRIVER: &str = include_str!("../../../src/guide/driver.md");
const LARGE: &str = include_str!("../../../src/guide/large.md");
const SERVER: &str = include_str!("../../../src/guide/server.rs");
const CLIENT: &str = include_str!("../../../src/guide/client.rs");

/// What is from the line that begins so to the one that ends so, the last time that there is such a piece.
#[track_caller]
fn piece<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    let at = text.rfind(begin).unwrap_or_else(|| panic!("no {begin:?}"));
    let len = text[at..].find(end).unwrap_or_else(|| panic!("no {end:?} after {begin:?}"));
    &text[at..at + len + end.len()]
}

#[test]
fn the_readme_the_guide_and_this_program_have_the_same_loop() {
    let (poll, last) = ("        // 1. Poll until", "\n        }\n    }\n}\n");
    let program = piece(PROGRAM, poll, last);
    assert!(program.lines().count() > 20, "{program}");
    for text in [README, SERVER] {
        assert_eq!(piece(text, poll, last), program);
    }
    // Where something else is done about events, the rest is the same.
    let want = "        // 2. Do what the connection wants";
    assert_eq!(piece(CLIENT, want, last), piece(PROGRAM, want, last));
    let drive = piece(CLIENT, "/// Drives a connection of either role", last);
    assert_eq!(piece(LARGE, "/// Drives a connection of either role", last), drive);
}

#[test]
fn the_chapters_show_the_programs_that_are_tested() {
    for program in [SERVER, CLIENT] {
        assert!(
            DRIVER.contains(&format!("```rust,no_run\n{program}```\n")),
            "not in the chapter `driver`:\n{program}"
        );
    }
}

/// On a page that isn't made by rustdoc, such lines would be seen, and couldn't be compiled.
#[test]
fn the_programs_have_no_hidden_lines() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/guide");
    let chapters = fs::read_dir(guide).unwrap().map(|entry| entry.unwrap().path());
    let chapters: Vec<_> =
        chapters.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    assert!(chapters.len() > 9, "{chapters:?}");
    let texts = chapters.iter().map(|path| fs::read_to_string(path).unwrap());
    for text in texts.chain([README.to_owned()]) {
        let rust = text.split("```rust").skip(1).map(|block| block.split("```").next().unwrap());
        let hidden: Vec<_> = rust
            .flat_map(str::lines)
            .filter(|line| *line == "#" || line.starts_with("# "))
            .collect();
        assert!(hidden.is_empty(), "{hidden:#?}");
    }
}

#[test]
fn the_opening_is_the_same() {
    let (begin, end) =
        ("    let mut acceptor = Acceptor::new(", "            Some(Asked::Plain(request))");
    assert_eq!(piece(SERVER, begin, end), piece(PROGRAM, begin, end));
}

/// Nobody else finds out that a peer has gone without a word. That the loop keeps the deadlines is tested in the guide.
#[test]
fn a_silent_peer_is_asked_for_a_sign_of_life() {
    for (name, text, function) in [
        ("this program", PROGRAM, "fn serve("),
        ("driver, server", SERVER, "fn main("),
        ("driver, client", CLIENT, "fn hello("),
    ] {
        assert!(piece(text, function, "\n}\n").contains("with_keepalive("), "{name}");
    }
}
