//! The query of a request: what is read from it, and what is written into it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// What the query of a request gives for a name: the last value, if there are several, with its escapes resolved.
///
/// ```
/// use sockless_socketio::engine::query_value;
///
/// assert_eq!(query_value("EIO=4&token=a%20b", "token").as_deref(), Some("a b"));
/// assert_eq!(query_value("EIO=4&token=a%20b", "name"), None);
/// ```
pub fn query_value(query: &str, name: &str) -> Option<String> {
    let mut found = None;
    for (key, value) in pairs(query) {
        if is_named(key, name) {
            found = Some(value);
        }
    }
    found.and_then(unescape).map(Cow::into_owned)
}

/// The values of these names, in one pass over a query.
pub(super) fn query_values<'q, const N: usize>(
    query: &'q str,
    names: [&str; N],
) -> [Option<Cow<'q, str>>; N] {
    let mut found = [None; N];
    for (key, value) in pairs(query) {
        if let Some(index) = names.iter().position(|name| is_named(key, name)) {
            found[index] = Some(value);
        }
    }
    found.map(|value| value.and_then(unescape))
}

/// The names and values of a query. They are short: a search that is quick in long text costs more than it saves.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let is = |wanted| move |byte: &u8| *byte == wanted;
    query.as_bytes().split(is(b'&')).filter_map(move |pair| {
        let middle = pair.iter().position(is(b'=')).unwrap_or(pair.len());
        let (key, value) = pair.split_at(middle);
        // What was divided at ASCII is as whole as it was.
        let value = value.get(1..).unwrap_or_default();
        Some((core::str::from_utf8(key).ok()?, core::str::from_utf8(value).ok()?))
    })
}

fn is_named(key: &str, name: &str) -> bool {
    key == name || (is_escaped(key) && unescape(key).as_deref() == Some(name))
}

fn is_escaped(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'%' | b'+'))
}

/// Without `%` escapes, and with `+` as a space. `None` if it isn't UTF-8 then.
fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !is_escaped(text) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        bytes.push(match (first, tail) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            (byte, _) => *byte,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Appends a value to a query, with escapes for all but letters, digits, `-`, `_`, `.` and `~`.
pub(super) fn escape(value: &str, query: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                query.push(char::from(byte));
            }
            _ => {
                query.push('%');
                for digit in [byte >> 4, byte & 15] {
                    query.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
            }
        }
    }
}
