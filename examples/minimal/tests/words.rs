//! The loop in this program, in the README and in the guide: where they say the same, they say it in the same words. What the loop does with clients
//! that take no part is tested in the guide, where it runs.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

const PROGRAM: &str = include_str!("../src/main.rs");
const README: &str = include_str!("../../../README.md");
const DRIVER: &str = include_str!("../../../src/guide/driver.md");
const MIGRATION: &str = include_str!("../../../src/guide/migration.md");

/// What is from the line that begins so to the one that ends so, the last time that there is such a piece.
#[track_caller]
fn piece<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    let at = text.rfind(begin).unwrap_or_else(|| panic!("no {begin:?}"));
    let len = text[at..].find(end).unwrap_or_else(|| panic!("no {end:?} after {begin:?}"));
    &text[at..at + len + end.len()]
}

/// The value that a program returns when it is done is its own affair.
fn without_value(text: &str) -> String {
    let at = text.find("return Ok(").unwrap();
    let end = at + text[at..].find(",\n").unwrap();
    [&text[..at], &text[end..]].concat()
}

#[test]
fn the_readme_the_guide_and_this_program_have_the_same_loop() {
    let (poll, last) =
        ("        // 1. Poll until", "Want::Io { .. } => Input::none(), // written, or due");
    let program = without_value(piece(PROGRAM, poll, last));
    assert!(program.lines().count() > 25, "{program}");
    for (name, text) in [("README", README), ("driver", DRIVER)] {
        assert_eq!(without_value(piece(text, poll, last)), program, "{name}");
    }
    // A client does something else with what it hears.
    let write = "        // 2. Write what waits";
    let (program, client) = (piece(PROGRAM, write, last), piece(MIGRATION, write, last));
    assert_eq!(without_value(client), without_value(program));
}

#[test]
fn they_read_with_the_same_functions() {
    for (begin, end) in [
        ("    // A timeout of zero would mean \"none\" to the standard library.\n", "    };\n"),
        ("/// What arrives within this time.\n", "\n}\n"),
        ("/// Whether only time has passed.", "\n}\n"),
    ] {
        for (name, text) in [("README", README), ("driver", DRIVER), ("migration", MIGRATION)] {
            assert_eq!(piece(text, begin, end), piece(PROGRAM, begin, end), "{name}");
        }
    }
}

/// Nobody else finds out that a peer has gone without a word. That the loop keeps the deadlines is tested in the guide.
#[test]
fn a_silent_peer_is_asked_for_a_sign_of_life() {
    for (name, text, function) in [
        ("this program", PROGRAM, "fn serve("),
        ("driver", DRIVER, "fn listen("),
        ("migration", MIGRATION, "fn hello("),
    ] {
        assert!(piece(text, function, "\n}\n").contains("with_keepalive("), "{name}");
    }
}
