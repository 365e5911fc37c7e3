//! What people see: notes on the standard error output, and text that comes from elsewhere made harmless for terminals.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;

/// Says something beside the messages. What comes from the peer has to be [escaped] before.
pub(crate) fn note(text: &str) {
    // Whoever doesn't listen doesn't want to know.
    let _ = writeln!(std::io::stderr().lock(), "ws: {text}");
}

/// The text on one line, with everything escaped that a terminal might take for more than text.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_harmful(c) || c == '\n' || c == '\t')
}

/// The text with everything escaped that a terminal might take for more than text, but for line ends and tabs.
pub(crate) fn readable(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_harmful(c) && c != '\n' && c != '\t')
}

/// Control characters, those that change the direction of what follows, and line ends of other kinds.
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_escaped(c) {
            true => drop(write!(out, "{}", c.escape_default())),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// What was agreed on, in words.
pub(crate) fn agreed(subprotocol: Option<&str>, compression: Option<&str>) -> String {
    let subprotocol = subprotocol.map(|name| format!("subprotocol {}", escaped(name)));
    let compression = compression.map(|parameters| format!("compression {parameters}"));
    format!(
        "{}, {}",
        subprotocol.as_deref().unwrap_or("no subprotocol"),
        compression.as_deref().unwrap_or("no compression")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_sees_what_would_command_it() {
        let attack = "\x1b]0;title\x07\x1b[2J\u{9b}31m\u{202E}txt\r\x08\x7f";
        for shown in [escaped(attack), readable(attack)] {
            assert_eq!(
                shown,
                "\\u{1b}]0;title\\u{7}\\u{1b}[2J\\u{9b}31m\\u{202e}txt\\r\\u{8}\\u{7f}"
            );
        }
        assert_eq!(readable("a\tb\nгрüß 😀"), "a\tb\nгрüß 😀");
        assert_eq!(escaped("a\tb\n"), "a\\tb\\n");
    }
}
