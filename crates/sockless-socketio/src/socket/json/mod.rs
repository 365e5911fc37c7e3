//! JSON as it arrives: whether it is, what it is, how deep it is nested, and where the name and the arguments of an event lie in it. What it
//! means is read by serde, elsewhere. `reader` goes through it; `plain_text` reads arguments that are one text; `writer` writes arguments.
//!
//! Everything is looked at in one pass. What serde_json takes for JSON is JSON here, and nothing else; tests hold the two against each other.

mod plain_text;
mod reader;
mod writer;

use alloc::borrow::Cow;
use core::ops::Range;

pub(super) use plain_text::read_plain_text;
use reader::Reader;
use serde_json::Value;
pub(super) use writer::push_argument;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Number,
    /// `true`, `false` or `null`.
    Word,
}

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is no JSON, or something comes after it.
    Json,
    /// It is nested deeper than allowed.
    Depth,
}

/// How deep JSON may be nested, whatever is allowed: serde reads no more.
const DEEPEST: usize = 127;

/// Whether this is JSON, with nothing after it, nested no deeper than this, and what it is.
pub(super) fn check(json: &str, depth: usize) -> Result<Kind, Wrong> {
    let mut reader = Reader::new(json);
    let kind = reader.value(depth.min(DEEPEST))?;
    reader.end()?;
    Ok(kind)
}

/// Whether this is an object, however deep it is nested.
pub(super) fn is_object(json: &str) -> bool {
    check(json, DEEPEST) == Ok(Kind::Object)
}

/// Whether this is an array, however deep it is nested.
pub(super) fn is_array(json: &str) -> bool {
    check(json, DEEPEST) == Ok(Kind::Array)
}

/// Where in an array that is an event its parts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EventParts<'j> {
    /// A string, or a number, which is taken as it is written.
    pub(super) name: Cow<'j, str>,
    /// The arguments with the array's end. At least the name is before them.
    pub(super) arguments: Range<usize>,
}

/// The parts of an event.
pub(super) fn event(json: &str, depth: usize) -> Result<EventParts<'_>, Wrong> {
    let mut reader = Reader::new(json);
    let inside = depth.min(DEEPEST).checked_sub(1).ok_or(Wrong::Depth)?;
    reader.space();
    if !reader.take(b'[') {
        // What is too deep is said so, whatever it is.
        check(json, depth)?;
        return Err(Wrong::Json);
    }
    reader.space();
    let from = reader.at();
    let kind = reader.value(inside)?;
    let first = json.get(from..reader.at()).ok_or(Wrong::Json)?;
    reader.space();
    let mut arguments = reader.at();
    if reader.take(b',') {
        reader.space();
        arguments = reader.at();
        loop {
            reader.value(inside)?;
            reader.space();
            if !reader.take(b',') {
                break;
            }
            reader.space();
        }
    }
    reader.want(b']')?;
    let arguments = arguments..reader.at();
    reader.end()?;
    let name = match kind {
        Kind::Number => Cow::Borrowed(first),
        Kind::String if !first.as_bytes().contains(&b'\\') => {
            Cow::Borrowed(&first[1..first.len() - 1])
        }
        // Half of a pair of characters is none.
        Kind::String => serde_json::from_str(first).map(Cow::Owned).map_err(|_| Wrong::Json)?,
        _ => return Err(Wrong::Json),
    };
    Ok(EventParts { name, arguments })
}

/// Whether every placeholder in this JSON is for one of this number of attachments.
pub(super) fn placeholders_fit(json: &str, attachments: usize) -> bool {
    serde_json::from_str::<Value>(json).is_ok_and(|value| fits(&value, attachments))
}

fn fits(value: &Value, attachments: usize) -> bool {
    match value {
        Value::Array(elements) => elements.iter().all(|element| fits(element, attachments)),
        Value::Object(members) if members.get("_placeholder") == Some(&Value::Bool(true)) => {
            let number = members.get("num").and_then(Value::as_u64);
            number.and_then(|number| usize::try_from(number).ok()).is_some_and(|n| n < attachments)
        }
        Value::Object(members) => members.values().all(|member| fits(member, attachments)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    /// Text that is nearly JSON.
    fn nearly_json() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => proptest::sample::select(alloc::vec![
                "[", "]", "{", "}", ",", ":", "\"", "\\", " ", "\t", "\n", "\r", "0", "1", "-", "+", ".", "e", "E", "true", "false",
                "null", "nul", "\"a\"", "\"\\n\"", "\\u00e9", "\\ud800", "\\u12", "é", "\u{1}", "\u{7f}", "1e400", "01", "/", "\u{a0}",
            ]).prop_map(String::from),
            1 => "[a-z]{14,20}",
        ];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    /// Real JSON, of which a little may be changed.
    fn changed_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        let value = leaf.prop_recursive(6, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        });
        let change = proptest::option::of((
            any::<prop::sample::Index>(),
            "[\\[\\]{},:\"\\\\ 0-9etx\u{1}-]?",
        ));
        (value, any::<bool>(), change).prop_map(|(value, pretty, change)| {
            let mut text = match pretty {
                true => serde_json::to_string_pretty(&value),
                false => serde_json::to_string(&value),
            }
            .expect("JSON");
            if let Some((place, with)) = change {
                let (at, old) =
                    text.char_indices().nth(place.index(text.chars().count())).expect("a place");
                text.replace_range(at..at + old.len_utf8(), &with);
            }
            text
        })
    }

    fn depth(json: &str) -> usize {
        (0..=DEEPEST).find(|depth| check(json, *depth) != Err(Wrong::Depth)).expect("not so deep")
    }

    fn nesting(value: &Value) -> usize {
        match value {
            Value::Array(elements) => 1 + elements.iter().map(nesting).max().unwrap_or(0),
            Value::Object(members) => 1 + members.values().map(nesting).max().unwrap_or(0),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn what_serde_takes_for_json_is_json(text in prop_oneof![nearly_json(), changed_json()]) {
            let serde = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assert_eq!(check(&text, DEEPEST).is_ok(), serde, "{}", text);
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let kind = match &value {
                    Value::Object(_) => Kind::Object,
                    Value::Array(_) => Kind::Array,
                    Value::String(_) => Kind::String,
                    Value::Number(_) => Kind::Number,
                    Value::Bool(_) | Value::Null => Kind::Word,
                };
                prop_assert_eq!(check(&text, DEEPEST), Ok(kind));
                prop_assert_eq!(depth(&text), nesting(&value));
            }
        }

        #[test]
        fn an_event_has_a_name_and_arguments(text in prop_oneof![nearly_json(), changed_json()], wrap in any::<bool>()) {
            let text = if wrap { alloc::format!("[\"a\\u00e9\" , {text}]") } else { text };
            let parts = event(&text, DEEPEST);
            match serde_json::from_str::<Value>(&text) {
                Ok(Value::Array(elements)) if matches!(elements.first(), Some(Value::String(_) | Value::Number(_))) => {
                    let parts = parts.expect("an event");
                    if let Value::String(name) = &elements[0] {
                        prop_assert_eq!(&parts.name, name);
                    }
                    let arguments = alloc::format!("[{}", &text[parts.arguments]);
                    let arguments: Value = serde_json::from_str(&arguments).expect("an array");
                    prop_assert_eq!(arguments, Value::from(&elements[1..]));
                }
                Ok(_) => prop_assert_eq!(parts, Err(Wrong::Json)),
                Err(_) => {}
            }
            if let Ok(parts) = event(&text, DEEPEST) {
                prop_assert!(check(&text, DEEPEST) == Ok(Kind::Array));
                prop_assert!(parts.arguments.start > 0);
            }
        }
    }

    #[test]
    fn depth_is_limited() {
        for (json, levels) in [("1", 0), ("[]", 1), ("{}", 1), ("[[1],2]", 2), (r#"{"a":[{}]}"#, 3)]
        {
            assert!(check(json, levels).is_ok());
            if levels > 0 {
                assert_eq!(check(json, levels - 1), Err(Wrong::Depth));
            }
        }
        let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
        assert!(check(&nested(DEEPEST), usize::MAX).is_ok());
        assert_eq!(check(&nested(DEEPEST + 1), usize::MAX), Err(Wrong::Depth));
        assert_eq!(check(&"[".repeat(1_000_000), usize::MAX), Err(Wrong::Depth));
        assert_eq!(event(r#"["a",[[]]]"#, 2), Err(Wrong::Depth));
        assert!(event(r#"["a",[[]]]"#, 3).is_ok());
        assert_eq!(event("{\"a\":[[]]}", 2), Err(Wrong::Depth));
    }
}
