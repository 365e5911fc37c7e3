//! Arguments that are one text with nothing escaped in it, as most are: found, and read without a further look at their bytes.

use core::iter;

use serde::de::value::{Error, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};

use crate::json_string::plain_len;

/// Reads the arguments if they are one such text and can be read as that. Otherwise serde_json has to say what they are.
pub(in crate::socket) fn read_plain_text<T: DeserializeOwned>(json: &str) -> Option<T> {
    let text = json.strip_prefix("[\"")?.strip_suffix("\"]")?;
    if plain_len(text.as_bytes()) < text.len() {
        return None;
    }
    T::deserialize(Arguments(text)).ok()
}

/// An array with one text in it.
struct Arguments<'t>(&'t str);

/// The text in it.
#[derive(Clone, Copy)]
struct Text<'t>(&'t str);

/// What serde_json refuses for such JSON is refused: it has the words for it.
macro_rules! refuses {
    ($($method:ident($($hint:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self $(, _: $hint)*, _: V) -> Result<V::Value, Error> {
            Err(Error::custom("it is something else"))
        })*
    };
}

/// The same for both: what is wanted whatever is there, and what is never there.
macro_rules! like_json {
    () => {
        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_some(self)
        }

        fn deserialize_newtype_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> Result<V::Value, Error> {
            visitor.visit_newtype_struct(self)
        }

        serde::forward_to_deserialize_any! { ignored_any }

        refuses! {
            deserialize_bool()
            deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
            deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
            deserialize_f32() deserialize_f64()
            deserialize_bytes() deserialize_byte_buf()
            deserialize_unit() deserialize_unit_struct(&'static str)
            deserialize_map()
        }
    };
}

impl<'de> Deserializer<'de> for Arguments<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        SeqDeserializer::new(iter::once(Text(self.0))).deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! { seq tuple tuple_struct struct }

    like_json!();

    refuses! {
        deserialize_char() deserialize_str() deserialize_string() deserialize_identifier()
        deserialize_enum(&'static str, &'static [&'static str])
    }
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.into_deserializer().deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! { char str string identifier }

    like_json!();

    refuses! {
        deserialize_seq() deserialize_tuple(usize) deserialize_tuple_struct(&'static str, usize)
        deserialize_struct(&'static str, &'static [&'static str])
    }
}

impl IntoDeserializer<'_, Error> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::fmt::Debug;

    use proptest::prelude::*;
    use serde::Deserialize;
    use serde::de::IgnoredAny;
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Wrapped(String);

    #[derive(Debug, Deserialize, PartialEq)]
    struct Said {
        text: String,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    enum Choice {
        #[serde(rename = "a")]
        A,
        Text(String),
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum Any {
        Number(f64),
        Text(String),
        Many(Vec<String>),
    }

    /// What is read in this way is what serde_json reads.
    fn same<T: DeserializeOwned + PartialEq + Debug>(json: &str) {
        if let Some(read) = read_plain_text::<T>(json) {
            assert_eq!(Some(read), serde_json::from_str(json).ok(), "{json}");
        }
    }

    fn same_as_all(json: &str) {
        same::<(String,)>(json);
        same::<(Option<String>,)>(json);
        same::<(Wrapped,)>(json);
        same::<(Choice,)>(json);
        same::<(Any,)>(json);
        same::<(char,)>(json);
        same::<(f64,)>(json);
        same::<(Value,)>(json);
        same::<(String, Option<String>)>(json);
        same::<((String,),)>(json);
        same::<()>(json);
        same::<String>(json);
        same::<[String; 1]>(json);
        same::<Vec<String>>(json);
        same::<Vec<u8>>(json);
        same::<Vec<Box<str>>>(json);
        same::<Wrapped>(json);
        same::<Said>(json);
        same::<Any>(json);
        same::<Value>(json);
        same::<Option<Vec<String>>>(json);
        let raw = read_plain_text::<(Box<RawValue>,)>(json).map(|(raw,)| raw.get().len());
        assert!(raw.is_none(), "raw JSON is serde_json's");
        let ignored = read_plain_text::<IgnoredAny>(json).is_some();
        assert!(!ignored || serde_json::from_str::<IgnoredAny>(json).is_ok(), "{json}");
    }

    proptest! {
        #[test]
        fn it_is_read_as_serde_json_reads_it(
            text in prop_oneof!["[a-z\"\\\\,é\u{1} ]{0,20}", "a", "[0-9]{1,3}", any::<String>()],
            written in any::<bool>(),
        ) {
            let json = match written {
                true => serde_json::to_string(&[&text]).expect("JSON"),
                false => alloc::format!("[\"{text}\"]"),
            };
            same_as_all(&json);
        }
    }

    #[test]
    fn one_plain_text_alone_is_read() {
        let read = read_plain_text::<(String,)>;
        assert_eq!(read("[\"a text\"]"), Some(("a text".into(),)));
        assert_eq!(read("[\"\"]"), Some((String::new(),)));
        for other in
            ["[]", "[\"a\",\"b\"]", "[ \"a\"]", "[\"\\n\"]", "[\"]", "[1]", "[\"a\",1,\"b\"]"]
        {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
