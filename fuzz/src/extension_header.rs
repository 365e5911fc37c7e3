//! The grammar of `Sec-WebSocket-Extensions` against a parser that follows the ABNF letter by letter; and negotiation: what a
//! server agrees to, the client that offered agrees to as well.

use arbitrary::Arbitrary;
use sockless::extension::Supported;
use sockless::extension::deflate::{Terms, WindowBits};
use sockless::extension::header::{EMPTY_ELEMENTS, elements};

use crate::allocations::Meter;

type Parameter = (String, Option<String>);
type Written = (String, Vec<Parameter>);

#[derive(Arbitrary, Debug)]
struct Case {
    server: Wish,
    client: Wish,
    fields: Vec<Vec<Piece>>,
}

#[derive(Arbitrary, Debug)]
struct Wish {
    flags: u8,
    server_bits: u8,
    client_bits: u8,
}

#[derive(Arbitrary, Debug)]
enum Piece {
    Known(u8),
    Bytes(Vec<u8>),
}

const KNOWN: [&str; 20] = [
    "permessage-deflate",
    "; ",
    ", ",
    "=",
    "\"",
    "\\",
    " ",
    "\t",
    ";server_no_context_takeover",
    ";client_no_context_takeover",
    ";server_max_window_bits=10",
    ";client_max_window_bits",
    ";client_max_window_bits=8",
    ";server_max_window_bits=\"1\\5\"",
    "8",
    "09",
    "16",
    "x-webkit-deflate-frame",
    ";mode=",
    ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,",
];

impl Wish {
    fn supported(&self) -> Supported {
        let bits = |bits: u8| WindowBits::new(8 + bits % 8).expect("8 to 15");
        let mut terms = Terms::default()
            .with_server_max_window_bits(bits(self.server_bits))
            .with_client_max_window_bits(bits(self.client_bits));
        terms.server_no_context_takeover = self.flags & 1 != 0;
        terms.client_no_context_takeover = self.flags & 2 != 0;
        terms.fallback = self.flags & 4 != 0;
        Supported::default().with_deflate(terms)
    }
}

pub fn check(data: &[u8]) {
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    grammar(&lines);
    let Some(Case { server, client, fields }) = crate::input(data) else { return };
    let fields: Vec<Vec<u8>> = fields.iter().map(|pieces| write(pieces)).collect();
    let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
    grammar(&fields);
    negotiate(&server.supported(), &client.supported(), &fields);
}

fn write(pieces: &[Piece]) -> Vec<u8> {
    let pieces = pieces.iter().map(|piece| match piece {
        Piece::Known(piece) => KNOWN[usize::from(*piece) % KNOWN.len()].as_bytes(),
        Piece::Bytes(bytes) => bytes,
    });
    pieces.collect::<Vec<_>>().concat()
}

fn grammar(fields: &[&[u8]]) {
    let expected = reference(fields);
    let meter = Meter::start();
    let sound = elements(fields.iter().copied()).all(|element| element.is_ok());
    assert_eq!(meter.calls(), 0, "nothing is allocated");
    assert_eq!(sound, expected.is_some(), "{fields:?}");
    let read: Option<Vec<Written>> = elements(fields.iter().copied())
        .map(|element| {
            let element = element.ok()?;
            let text = |param: sockless::extension::header::Param<'_>| {
                (param.name().to_owned(), param.value().map(|value| value.to_string()))
            };
            Some((element.name().to_owned(), element.params().map(text).collect()))
        })
        .collect();
    assert_eq!(read, expected, "{fields:?}");
}

fn negotiate(server: &Supported, client: &Supported, fields: &[&[u8]]) {
    // Whatever was offered, the answer is one element of the extension, and what was agreed on is what it says.
    if let Ok(agreed) = server.accept(fields.iter().copied()) {
        let answer = agreed.answer().to_string();
        assert_eq!(answer.is_empty(), agreed.is_empty());
        if !agreed.is_empty() {
            let [(name, parameters)] = &reference(&[answer.as_bytes()]).expect("grammatical")[..]
            else {
                panic!("{answer}")
            };
            assert_eq!(name, "permessage-deflate");
            let mut names: Vec<_> = parameters.iter().map(|parameter| &parameter.0).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), parameters.len(), "{answer}");
            let anyone = Supported::default().with_deflate(Terms::default());
            assert_eq!(anyone.check([answer.as_bytes()]), Ok(agreed), "{answer}");
        }
    }
    // Any answer is agreed to or refused.
    if let Ok(agreed) = client.check(fields.iter().copied()) {
        assert_eq!(agreed.is_empty(), reference(fields).expect("grammatical").is_empty());
    }
    // Our own client, and our own server.
    let offer = client.offer().to_string();
    let agreed = server.accept([offer.as_bytes()]).expect("an offer");
    let answer = agreed.answer();
    if !agreed.is_empty() {
        let theirs = client.check([answer.to_string().as_bytes()]).expect("what was offered");
        let (ours, theirs) = (agreed.deflate.expect("agreed"), theirs.deflate.expect("agreed"));
        // The client may limit itself beyond what it was asked for.
        assert_eq!(ours.server_max_window_bits, theirs.server_max_window_bits);
        assert_eq!(ours.server_no_context_takeover, theirs.server_no_context_takeover);
        let window = |bits: Option<WindowBits>| bits.unwrap_or(WindowBits::MAX);
        assert!(window(theirs.client_max_window_bits) <= window(ours.client_max_window_bits));
        assert!(theirs.client_no_context_takeover >= ours.client_no_context_takeover);
    }
}

/// The elements of a list, or none if it is malformed.
fn reference(fields: &[&[u8]]) -> Option<Vec<Written>> {
    let mut list = Vec::new();
    let mut empty = 0;
    for field in fields {
        let mut rest = *field;
        loop {
            space(&mut rest);
            match rest.first() {
                None => break,
                Some(b',') => {
                    rest = &rest[1..];
                    empty += 1;
                    if empty > EMPTY_ELEMENTS {
                        return None;
                    }
                    continue;
                }
                Some(_) => {}
            }
            list.push(element(&mut rest)?);
            // The comma behind an element belongs to it.
            match rest.first() {
                None => break,
                Some(b',') => rest = &rest[1..],
                Some(_) => return None,
            }
        }
    }
    (fields.is_empty() || !list.is_empty()).then_some(list)
}

fn space(rest: &mut &[u8]) {
    while let [b' ' | b'\t', tail @ ..] = rest {
        *rest = tail;
    }
}

fn token(rest: &mut &[u8]) -> Option<String> {
    let mut token = String::new();
    while let [byte, tail @ ..] = rest {
        if !is_token(*byte) {
            break;
        }
        token.push(char::from(*byte));
        *rest = tail;
    }
    (!token.is_empty()).then_some(token)
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn element(rest: &mut &[u8]) -> Option<Written> {
    let name = token(rest)?;
    let mut parameters = Vec::new();
    loop {
        space(rest);
        let [b';', tail @ ..] = *rest else { return Some((name, parameters)) };
        *rest = tail;
        space(rest);
        let parameter = token(rest)?;
        space(rest);
        let mut value = None;
        if let [b'=', tail @ ..] = *rest {
            *rest = tail;
            space(rest);
            value = Some(if rest.first() == Some(&b'"') { quoted(rest)? } else { token(rest)? });
        }
        parameters.push((parameter, value));
    }
}

fn quoted(rest: &mut &[u8]) -> Option<String> {
    *rest = &rest[1..];
    let mut value = String::new();
    loop {
        let (mut byte, mut tail) = rest.split_first()?;
        match byte {
            b'"' => {
                *rest = tail;
                return (!value.is_empty()).then_some(value);
            }
            b'\\' => (byte, tail) = tail.split_first()?,
            _ => {}
        }
        if !is_token(*byte) {
            return None;
        }
        value.push(char::from(*byte));
        *rest = tail;
    }
}
