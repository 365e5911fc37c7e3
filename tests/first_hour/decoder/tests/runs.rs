//! The decoder of level 1: its length, and what it prints however its input is cut.

#![allow(dead_code, reason = "an example's `main` is for its user")]
#![allow(unreachable_pub, reason = "a program is a crate elsewhere")]

#[path = "../src/main.rs"]
mod decoder;
#[path = "../../lines.rs"]
mod lines;

use std::io::{self, Read};

use sockless::frame::Violation;

/// Reads that give a few bytes at a time.
struct Few<'b>(&'b [u8], usize);

impl Read for Few<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

fn printed(bytes: &[u8], size: usize) -> (String, Option<String>) {
    let mut out = Vec::new();
    let result = decoder::decode(Few(bytes, size), &mut out);
    (
        String::from_utf8(out).expect("ASCII"),
        result.err().map(|error| error.to_string()),
    )
}

#[test]
fn it_has_as_many_lines_as_the_table_says() {
    lines::check("decoder", include_str!("../src/main.rs"));
}

#[test]
fn frames_are_printed_the_same_however_they_arrive() {
    // "Hello" masked (RFC 6455, section 5.7), a ping inside a message of two frames, a Close frame.
    let mut stream = vec![
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    stream.extend(
        b"\x02\x82\0\0\0\0\x01\xff\x89\x81\0\0\0\0?\x80\x80\0\0\0\0\x88\x82\0\0\0\0\x03\xe8",
    );
    let expected = "text of 5 bytes: Hello\nbinary of 2 bytes, more to come: \\x01\\xff\nping of 1 bytes: ?\n\
        continuation of 0 bytes: \nclose of 2 bytes: \\x03\\xe8\n";
    for size in 1..=stream.len() {
        assert_eq!(
            printed(&stream, size),
            (expected.to_owned(), None),
            "{size} at a time"
        );
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_is_told_from_one_that_ends() {
    // A ping, and a message in two frames: it may end before it, after it, and between the two of them nowhere.
    let stream = b"\x89\x80\0\0\0\0\x01\x82\0\0\0\0hi\x80\xFE\0\x7E\0\0\0\0";
    let stream = [&stream[..], &[b'a'; 126]].concat();
    for end in 0..=stream.len() {
        let (_, error) = printed(&stream[..end], 7);
        let whole = end == 0 || end == 6 || end == stream.len();
        assert_eq!(error.is_none(), whole, "{end} bytes: {error:?}");
    }
}

#[test]
fn the_guide_shows_this_program_word_for_word() {
    let chapter = include_str!("../../../../src/guide/frames.md");
    let (_, code) = include_str!("../src/main.rs")
        .split_once("\n\n")
        .expect("a head and code");
    assert!(
        chapter.contains(&format!("```rust,no_run\n{code}```\n")),
        "not in the chapter `frames`:\n{code}"
    );
}

#[test]
fn a_broken_rule_ends_it_after_all_that_was_right() {
    // A frame that a client has not masked.
    let stream = b"\x81\x82\0\0\0\0hi\x81\x02no";
    for size in 1..=stream.len() {
        let (out, error) = printed(stream, size);
        assert_eq!(out, "text of 2 bytes: hi\n");
        assert_eq!(error, Some(Violation::UnmaskedFrame.to_string()));
    }
}
