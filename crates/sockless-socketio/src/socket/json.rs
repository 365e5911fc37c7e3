//! What is looked at in the JSON of a packet: whether it is an object or an array, how deep it is, its first element, placeholders of
//! attachments. What it means is read by serde, elsewhere.

use alloc::borrow::ToOwned;
use alloc::string::String;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// Whether this is JSON, with nothing after it, and an object.
pub(super) fn is_object(json: &str) -> bool {
    json.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(json).is_ok()
}

/// Whether this is JSON, with nothing after it, and an array.
pub(super) fn is_array(json: &str) -> bool {
    json.trim_start().starts_with('[') && serde_json::from_str::<IgnoredAny>(json).is_ok()
}

/// Whether this is JSON, with nothing after it, and a string.
pub(super) fn is_string(json: &str) -> bool {
    json.trim_start().starts_with('"') && serde_json::from_str::<IgnoredAny>(json).is_ok()
}

/// How deep JSON is nested.
pub(super) fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut inside, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            _ if inside => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The first element of an array, and the array without it. A name is a string, or a number, which is taken as it is written.
pub(super) fn split_name(json: &str) -> Option<(String, String)> {
    let First(first) = serde_json::from_str::<First<'_>>(json).ok()?;
    let first = first.get();
    let name = match first.as_bytes().first()? {
        b'"' => serde_json::from_str(first).ok()?,
        b'0'..=b'9' | b'-' => first.to_owned(),
        _ => return None,
    };
    // What was read borrows from the text, so it has a place there.
    let after = (first.as_ptr() as usize).checked_sub(json.as_ptr() as usize)? + first.len();
    let rest = json.get(after..)?.trim_start();
    let rest = rest.strip_prefix(',').map_or(rest, str::trim_start);
    let mut arguments = String::with_capacity(rest.len() + 1);
    arguments.push('[');
    arguments.push_str(rest.trim_end());
    Some((name, arguments))
}

/// The first element of an array that is checked as a whole.
struct First<'de>(&'de RawValue);

impl<'de> Deserialize<'de> for First<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = First<'de>;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an array that is not empty")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<First<'de>, A::Error> {
                let first = elements.next_element()?.ok_or_else(|| A::Error::custom("empty"))?;
                while elements.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
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
