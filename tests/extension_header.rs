//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455, sections 9.1 and 11.3.2).

use proptest::prelude::*;
use sockless::extension::header::{EMPTY_ELEMENTS, Malformed, elements};

type Written = (String, Vec<(String, Option<String>)>);

fn read(fields: &[&str]) -> Result<Vec<Written>, Malformed> {
    elements(fields.iter().map(|field| field.as_bytes()))
        .map(|element| {
            let element = element?;
            let params = element.params().map(|param| {
                (param.name().to_owned(), param.value().map(|value| value.to_string()))
            });
            Ok((element.name().to_owned(), params.collect()))
        })
        .collect()
}

fn element(name: &str, params: &[(&str, Option<&str>)]) -> Written {
    let params =
        params.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect();
    (name.to_owned(), params)
}

#[test]
fn no_header_is_no_element() {
    assert_eq!(read(&[]), Ok(vec![]));
}

#[test]
fn a_name_alone_is_an_element() {
    assert_eq!(read(&["permessage-deflate"]), Ok(vec![element("permessage-deflate", &[])]));
}

#[test]
fn parameters_have_a_value_or_none_and_keep_their_order() {
    assert_eq!(
        read(&["mux; max-channels=4; flow-control, deflate-stream"]),
        Ok(vec![
            element("mux", &[("max-channels", Some("4")), ("flow-control", None)]),
            element("deflate-stream", &[]),
        ])
    );
}

#[test]
fn whitespace_is_allowed_around_every_separator() {
    assert_eq!(read(&[" \tfoo \t; x\t= 1 ;y ,\tbar "]), read(&["foo;x=1;y,bar"]));
}

#[test]
fn field_lines_form_one_list() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //= type=test
    //# Note that like other HTTP header fields, this header field MAY be
    //# split or combined across multiple lines.
    assert_eq!(read(&["foo", "bar; baz=2"]), read(&["foo, bar; baz=2"]));
    assert_eq!(read(&["foo", ""]), read(&["foo"]));
    assert_eq!(read(&["", "foo"]), read(&["foo"]));
}

#[test]
fn a_quoted_value_equals_the_token() {
    for quoted in ["foo;x=\"10\"", "foo;x=\"1\\0\"", "foo;x=\"\\1\\0\""] {
        assert_eq!(read(&[quoted]), read(&["foo;x=10"]), "{quoted}");
    }
    let both = [&b"foo;x=10;y=\"\\10\";z=1"[..]];
    let foo = elements(both).next().unwrap().unwrap();
    let mut values = foo.params().map(|param| param.value().unwrap());
    let [x, y, z] = [(); 3].map(|()| values.next().unwrap());
    assert_eq!(x, y);
    assert_ne!(y, z);
    assert!(x == "10" && y == "10" && y != "100");
}

#[test]
fn a_quoted_value_that_is_not_a_token_is_malformed() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //= type=test
    //# ;When using the quoted-string syntax variant, the value
    //# ;after quoted-string unescaping MUST conform to the
    //# ;'token' ABNF.
    for value in
        ["\"\"", "\"a b\"", "\"a,b\"", "\"a;b\"", "\"\\\"\"", "\"\\\\\"", "\"\\ \"", "\"\u{e9}\""]
    {
        let field = format!("foo;x={value}");
        assert_eq!(read(&[&field]), Err(Malformed::QuotedNonToken), "{field}");
    }
}

#[test]
fn a_quoted_string_ends_within_its_field_line() {
    for field in ["foo;x=\"", "foo;x=\"10", "foo;x=\"10\\"] {
        assert_eq!(read(&[field, "\""]), Err(Malformed::UnterminatedString), "{field}");
    }
    assert_eq!(read(&["foo;x=\"1\\\""]), Err(Malformed::QuotedNonToken));
}

#[test]
fn what_breaks_the_grammar_is_malformed() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //= type=test
    //# If a value is received by either the client or
    //# the server during negotiation that does not conform to the ABNF
    //# below, the recipient of such malformed data MUST immediately _Fail
    //# the WebSocket Connection_.
    let token = [
        "foo;",
        "foo;;x",
        "foo; ,bar",
        "foo;=1",
        "foo;x=",
        "foo;x=,bar",
        "foo;x=;y",
        ";x",
        "=x",
        "foo, ;x",
        "\"foo\"",
        "\u{e9}",
        "(foo)",
    ];
    for field in token {
        assert_eq!(read(&[field]), Err(Malformed::MissingToken), "{field}");
    }
    for field in [
        "foo bar",
        "foo=1",
        "foo;x y",
        "foo;x=1 2",
        "foo;x=\"1\"2",
        "foo;x=1\"2\"",
        "foo/1",
        "foo\0",
        "foo;x=1=2",
        "foo\u{b}",
    ] {
        assert_eq!(read(&[field]), Err(Malformed::MissingSeparator), "{field}");
    }
    for fields in [&[""][..], &[" "], &[","], &["", ""], &[" ,\t, "]] {
        assert_eq!(read(fields), Err(Malformed::NoElement), "{fields:?}");
    }
}

#[test]
fn an_error_behind_good_elements_is_found_and_ends_the_list() {
    let mut list = elements([&b"foo, bar;"[..], b"baz"]);
    assert_eq!(list.next().unwrap().unwrap().name(), "foo");
    assert_eq!(list.next(), Some(Err(Malformed::MissingToken)));
    assert_eq!(list.next(), None);
}

#[test]
fn empty_elements_are_ignored_in_a_reasonable_number() {
    assert_eq!(read(&[",foo, ,\t,bar,,"]), read(&["foo,bar"]));
    let commas = ",".repeat(EMPTY_ELEMENTS.into());
    assert_eq!(read(&[&format!("{commas}foo")]), read(&["foo"]));
    assert_eq!(read(&[&format!("{commas},foo")]), Err(Malformed::TooManyEmptyElements));
}

#[test]
fn names_and_values_keep_their_case() {
    assert_eq!(read(&["Foo;Bar=Baz"]), Ok(vec![element("Foo", &[("Bar", Some("Baz"))])]));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(fields in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..4)) {
        for element in elements(fields.iter().map(Vec::as_slice)) {
            let Ok(element) = element else { break };
            prop_assert!(element.params().count() <= 64);
        }
    }

    #[test]
    fn what_is_written_is_read(list in proptest::collection::vec(("[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,9}", proptest::collection::vec(("[a-z_]{1,9}", proptest::option::of("[a-z0-9]{1,5}")), 0..4)), 1..5), quote in any::<bool>(), lines in any::<bool>()) {
        let written: Vec<String> = list
            .iter()
            .map(|(name, params)| {
                params.iter().fold(name.clone(), |element, (name, value)| match value {
                    Some(value) if quote => format!("{element}; {name}=\"{value}\""),
                    Some(value) => format!("{element};{name} = {value}"),
                    None => format!("{element} ;{name}"),
                })
            })
            .collect();
        let joined = written.join(", ");
        let fields: Vec<&str> = if lines { written.iter().map(String::as_str).collect() } else { vec![&joined] };
        prop_assert_eq!(read(&fields), Ok(list));
    }
}
