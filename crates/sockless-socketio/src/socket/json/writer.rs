//! Writes arguments as JSON: text by itself, since looking for what has to be escaped is most of the work, everything else by serde_json.

use alloc::string::String;
use core::fmt;

use serde::ser::{Error, Impossible};
use serde::{Serialize, Serializer};

use crate::json_string::push_json_string;

/// Appends an argument. If it can't be written, nothing is.
pub(in crate::socket) fn push_argument<T: Serialize + ?Sized>(
    argument: &T,
    json: &mut String,
) -> Result<(), serde_json::Error> {
    let before = json.len();
    if argument.serialize(TextAlone(json)).is_err() {
        json.truncate(before);
        json.push_str(&serde_json::to_string(argument)?);
    }
    Ok(())
}

/// Writes text, and refuses everything else.
struct TextAlone<'j>(&'j mut String);

/// It is something else than text.
#[derive(Debug)]
struct Other;

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is no text")
    }
}

impl core::error::Error for Other {}

impl Error for Other {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! refuses {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self $(, _: $argument)*) -> Result<$ok, Other> { Err(Other) })*
    };
}

type Never = Impossible<(), Other>;

impl Serializer for TextAlone<'_> {
    type Ok = ();
    type Error = Other;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_str(self, text: &str) -> Result<(), Other> {
        push_json_string(text, self.0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Other> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Other> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Other> {
        Err(Other)
    }

    /// What shows itself piece by piece is not put together for this.
    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Other> {
        Err(Other)
    }

    refuses! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_i128(i128) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_u128(u128) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple(usize) -> Never;
        serialize_tuple_struct(&'static str, usize) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use serde_json::value::RawValue;

    use super::*;

    #[derive(Serialize)]
    struct Wrapped<T>(T);

    #[derive(Serialize)]
    struct Said<'t> {
        text: &'t str,
        to: Option<&'t str>,
    }

    #[derive(Serialize)]
    enum Choice<'t> {
        Unit,
        One(&'t str),
        Two(&'t str, u8),
        Named { text: &'t str },
    }

    /// It writes text, and then says that it can't.
    struct Broken;

    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str("half")?;
            Err(S::Error::custom("broken"))
        }
    }

    fn written<T: Serialize + ?Sized>(argument: &T) -> String {
        let mut json = "before".to_owned();
        push_argument(argument, &mut json).expect("JSON");
        json.strip_prefix("before").expect("what was there").to_owned()
    }

    #[test]
    fn arguments_are_written_as_serde_json_writes_them() {
        let raw = RawValue::from_string("{\"a\" : 1}".to_owned()).expect("JSON");
        macro_rules! same {
            ($($argument:expr),* $(,)?) => {
                $(assert_eq!(written(&$argument), serde_json::to_string(&$argument).expect("JSON"));)*
            };
        }
        same!(
            "",
            "text",
            "\"quoted\" \n é \u{1}",
            'c',
            "owned".to_owned(),
            Some("text"),
            None::<&str>,
            (),
            true,
            -1_i8,
            1_u64,
            u128::MAX,
            0.5_f32,
            f64::NAN,
            [1, 2],
            ("a", 1),
            Vec::from(["a"]),
            Wrapped("text"),
            Wrapped(1),
            Wrapped(Some("text")),
            BTreeMap::from([("key", "value")]),
            Said { text: "a", to: Some("b") },
            Choice::Unit,
            Choice::One("a"),
            Choice::Two("a", 1),
            Choice::Named { text: "a" },
            raw,
            format_args!("{}-{}", 1, 2),
        );
    }

    #[test]
    fn what_can_not_be_written_leaves_nothing() {
        let mut json = "before".to_owned();
        assert!(push_argument(&BTreeMap::from([((), 1)]), &mut json).is_err());
        assert!(push_argument(&Broken, &mut json).is_err());
        assert_eq!(json, "before");
    }
}
