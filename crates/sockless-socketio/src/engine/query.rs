//! The query of a request: what is read from it, and what is written into it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::iter;

/// What the query of a request gives for a name: the last value, if there are several, with its escapes resolved.
///
/// ```
/// use sockless_socketio::engine::query_value;
///
/// assert_eq!(query_value("EIO=4&token=a%20b", "token").as_deref(), Some("a b"));
/// assert_eq!(query_value("EIO=4&token=a%20b", "name"), None);
/// ```
pub fn query_value(query: &str, name: &str) -> Option<String> {
    let [value] = query_values(query, [name]);
    value.map(Cow::into_owned)
}

/// The values of these names, in one pass over a query.
pub(super) fn query_values<'q, const N: usize>(
    query: &'q str,
    names: [&str; N],
) -> [Option<Cow<'q, str>>; N] {
    let mut found = [const { None }; N];
    for pair in pairs(query) {
        if let Some(index) = names.iter().position(|name| pair.is_named(name)) {
            found[index] = Some(pair);
        }
    }
    found.map(|pair| pair.and_then(Pair::resolve))
}

/// A name and its value, as they stand in a query.
struct Pair<'q> {
    name: &'q str,
    value: &'q str,
    /// Whether there are escapes in either.
    escaped: bool,
}

/// The names and values of a query. They are short: a search that is quick in long text costs more than it saves.
fn pairs(query: &str) -> impl Iterator<Item = Pair<'_>> {
    let mut rest = Some(query);
    iter::from_fn(move || {
        let text = rest?;
        let (mut middle, mut end, mut escaped) = (None, text.len(), false);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'&' => {
                    end = at;
                    break;
                }
                b'=' if middle.is_none() => middle = Some(at),
                b'%' | b'+' => escaped = true,
                _ => {}
            }
        }
        rest = text.get(end + 1..);
        let middle = middle.unwrap_or(end);
        let value = text.get(middle + 1..end).unwrap_or_default();
        Some(Pair { name: &text[..middle], value, escaped })
    })
}

impl<'q> Pair<'q> {
    fn is_named(&self, name: &str) -> bool {
        self.name == name || (self.escaped && unescape(self.name).as_deref() == Some(name))
    }

    /// The value with its escapes resolved. `None` if it isn't UTF-8 then.
    fn resolve(self) -> Option<Cow<'q, str>> {
        if !self.escaped {
            return Some(Cow::Borrowed(self.value));
        }
        unescape(self.value).map(Cow::Owned)
    }
}

/// Without `%` escapes, and with `+` as a space. `None` if it isn't UTF-8 then.
fn unescape(text: &str) -> Option<String> {
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
    String::from_utf8(bytes).ok()
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

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_query_is_divided_at_its_signs(query in "([a-cé%+=]{0,4}[&=]{0,2}){0,6}") {
            let divided = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            let read: Vec<_> = pairs(&query).map(|pair| (pair.name, pair.value)).collect();
            prop_assert_eq!(read, divided.collect::<Vec<_>>());
        }

        #[test]
        fn what_was_escaped_is_read(name in any::<String>(), value in any::<String>(), other in "[a-z]{0,5}") {
            prop_assume!(name != other && name != "last" && other != "last");
            let mut query = format!("{other}=1&");
            escape(&name, &mut query);
            query.push('=');
            escape(&value, &mut query);
            query.push_str("&last");
            prop_assert_eq!(query_value(&query, &name), Some(value));
            prop_assert_eq!(query_value(&query, &other), Some("1".to_owned()));
            prop_assert_eq!(query_value(&query, "last"), Some(String::new()));
        }
    }

    #[test]
    fn the_last_value_of_a_name_counts() {
        let value = |query: &str| query_value(query, "a b");
        assert_eq!(value("a+b=1&a%20b=2&x=3"), Some("2".to_owned()));
        assert_eq!(value("a+b=1&a+b=%ff"), None, "it is no text");
        assert_eq!(value("a+b=%2&x"), Some("%2".to_owned()), "it is no escape");
        assert_eq!(value("a+b"), Some(String::new()));
        assert_eq!(value("x=a+b"), None);
    }
}
