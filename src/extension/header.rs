//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455, section 9.1): from field values to elements with their parameters.
//!
//! What an element means, and whether it is acceptable, is decided in `negotiation`. Nothing is allocated or copied, and
//! the time is linear in the bytes of the field values.

use core::fmt;

pub use super::malformed::Malformed;
use crate::words::token::is_token_byte;

/// How many empty list elements (as in `a,,b`) one header may hold.
///
/// RFC 9110, section 5.6.1.2, asks a recipient to ignore "a reasonable number" of them.
pub const EMPTY_ELEMENTS: u16 = 64;

/// One element of the list: an extension's name and its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    name: &'a str,
    /// Everything after the name. It has been checked against the grammar.
    params: &'a [u8],
}

impl<'a> Element<'a> {
    /// The name of the extension, as it was written.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The parameters, in the order in which they were written.
    pub fn params(&self) -> Params<'a> {
        Params { cursor: Cursor { rest: self.params } }
    }
}

/// One parameter of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    name: &'a str,
    value: Option<Value<'a>>,
}

impl<'a> Param<'a> {
    /// The name of the parameter, as it was written.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<Value<'a>> {
        self.value
    }
}

/// The value of a parameter: a token, which may have been written as a quoted string.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    /// The token, or what is between the quotes, including escapes.
    raw: &'a [u8],
}

impl<'a> Value<'a> {
    /// The octets of the token, without escapes.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + 'a {
        // A token contains no backslash, so every backslash here is an escape.
        self.raw.iter().copied().filter(|byte| *byte != b'\\')
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Value<'_> {}

impl PartialEq<str> for Value<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl PartialEq<&str> for Value<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.bytes().try_for_each(|byte| f.write_char(byte.into()))
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// The parameters of an element, from [`Element::params`].
#[derive(Clone, Debug)]
pub struct Params<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        // The parameters were checked with their element, so there is no error to report.
        self.cursor.read_param().ok().flatten()
    }
}

/// The elements of the header, over all its field values, in order; see [`elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a, F> {
    fields: F,
    /// What is left of the current field value.
    cursor: Cursor<'a>,
    /// Whether there was a field value.
    any_field: bool,
    /// Whether there was an element in any of them.
    any_element: bool,
    /// Whether the last element of this field value has no comma after it yet.
    after_element: bool,
    /// How many empty elements have been skipped.
    empty: u16,
    over: bool,
}

/// Reads the field values of one header, in order, as the one list that they form together.
///
/// The iterator ends after the first error. Without any field value it yields nothing; field values without any element are
/// an error.
///
/// ```
/// use sockless::extension::header::elements;
///
/// let fields: [&[u8]; 2] = [b"foo; x=\"10\"; y,", b"bar"];
/// let mut elements = elements(fields);
///
/// let foo = elements.next().unwrap()?;
/// assert_eq!(foo.name(), "foo");
/// let x = foo.params().next().unwrap();
/// assert_eq!(x.name(), "x");
/// assert!(x.value().unwrap() == "10");
///
/// assert_eq!(elements.next().unwrap()?.name(), "bar");
/// assert!(elements.next().is_none());
/// # Ok::<(), sockless::extension::header::Malformed>(())
/// ```
//= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
//# Note that like other HTTP header fields, this header field MAY be
//# split or combined across multiple lines.
pub fn elements<'a, F>(fields: F) -> Elements<'a, F::IntoIter>
where
    F: IntoIterator<Item = &'a [u8]>,
{
    Elements {
        fields: fields.into_iter(),
        cursor: Cursor { rest: &[] },
        any_field: false,
        any_element: false,
        after_element: false,
        empty: 0,
        over: false,
    }
}

/// Checks that the field values of one header follow the grammar, so that [`elements`] yields no error for them.
#[cfg(feature = "handshake")]
pub(crate) fn check_grammar<'a>(
    fields: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(), Malformed> {
    let mut elements = elements(fields);
    while elements.read_bytes()?.is_some() {}
    Ok(())
}

impl<'a, F: Iterator<Item = &'a [u8]>> Elements<'a, F> {
    /// Reads the next element, as bytes.
    fn read_bytes(&mut self) -> Result<Option<ElementBytes<'a>>, Malformed> {
        loop {
            self.cursor.skip_whitespace();
            match self.cursor.rest.first() {
                Some(b',') => {
                    self.cursor.skip(1);
                    // A comma ends the element before it; if there is none, the comma ends an empty element.
                    if !core::mem::take(&mut self.after_element) {
                        self.empty += 1;
                        if self.empty > EMPTY_ELEMENTS {
                            return Err(Malformed::TooManyEmptyElements);
                        }
                    }
                }
                Some(_) => {
                    // `read_element` stops only before a comma or at the end, so no element follows another without a comma.
                    let element = self.cursor.read_element()?;
                    self.after_element = true;
                    self.any_element = true;
                    return Ok(Some(element));
                }
                None => match self.fields.next() {
                    Some(field) => {
                        self.cursor.rest = field;
                        self.any_field = true;
                        self.after_element = false;
                    }
                    None if self.any_field && !self.any_element => {
                        return Err(Malformed::NoElement);
                    }
                    None => return Ok(None),
                },
            }
        }
    }

    /// Reads the next element.
    fn read(&mut self) -> Result<Option<Element<'a>>, Malformed> {
        match self.read_bytes()? {
            Some(ElementBytes { name, params }) => {
                Ok(Some(Element { name: token_to_str(name)?, params }))
            }
            None => Ok(None),
        }
    }
}

impl<'a, F: Iterator<Item = &'a [u8]>> Iterator for Elements<'a, F> {
    type Item = Result<Element<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let item = self.read().transpose();
        self.over = !matches!(item, Some(Ok(_)));
        item
    }
}

/// An element whose name has not been converted to `str`.
struct ElementBytes<'a> {
    name: &'a [u8],
    params: &'a [u8],
}

/// Converts a token, which is ASCII, so that this never fails.
fn token_to_str(token: &[u8]) -> Result<&str, Malformed> {
    core::str::from_utf8(token).map_err(|_| Malformed::MissingToken)
}

/// A cursor over one field value. Each `read` function goes past what it reads.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Skips octets.
    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Reads octets.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn skip_whitespace(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Reads a token, up to the first octet that can't be in it.
    #[inline]
    fn read_token(&mut self) -> Result<&'a [u8], Malformed> {
        let length =
            self.rest.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(self.rest.len());
        if length == 0 {
            return Err(Malformed::MissingToken);
        }
        Ok(self.take(length))
    }

    /// Reads a name and all its parameters, up to a comma or the end.
    fn read_element(&mut self) -> Result<ElementBytes<'a>, Malformed> {
        let name = self.read_token()?;
        let params = self.rest;
        while self.skip_semicolon()? {
            self.read_token()?;
            self.read_value()?;
        }
        let length = params.len() - self.rest.len();
        Ok(ElementBytes { name, params: params.get(..length).unwrap_or_default() })
    }

    /// Reads the next parameter, if there is one.
    fn read_param(&mut self) -> Result<Option<Param<'a>>, Malformed> {
        if !self.skip_semicolon()? {
            return Ok(None);
        }
        let name = token_to_str(self.read_token()?)?;
        Ok(Some(Param { name, value: self.read_value()? }))
    }

    /// Skips the semicolon before a parameter. False if no parameter follows: at a comma or at the end.
    #[inline]
    fn skip_semicolon(&mut self) -> Result<bool, Malformed> {
        self.skip_whitespace();
        match self.rest.first() {
            None | Some(b',') => Ok(false),
            Some(b';') => {
                self.skip(1);
                self.skip_whitespace();
                Ok(true)
            }
            Some(_) => Err(Malformed::MissingSeparator),
        }
    }

    /// Reads the equals sign and the value after the name of a parameter, if they are there.
    #[inline]
    fn read_value(&mut self) -> Result<Option<Value<'a>>, Malformed> {
        self.skip_whitespace();
        if self.rest.first() != Some(&b'=') {
            return Ok(None);
        }
        self.skip(1);
        self.skip_whitespace();
        let raw = match self.rest.first() {
            Some(b'"') => self.read_quoted()?,
            _ => self.read_token()?,
        };
        Ok(Some(Value { raw }))
    }

    /// Reads a quoted string, whose unescaped form has to be a token; what is between the quotes, including escapes.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //# ;When using the quoted-string syntax variant, the value
    //# ;after quoted-string unescaping MUST conform to the
    //# ;'token' ABNF.
    fn read_quoted(&mut self) -> Result<&'a [u8], Malformed> {
        self.skip(1);
        let mut escaped = false;
        let mut token = false;
        for (at, byte) in self.rest.iter().enumerate() {
            match byte {
                b'\\' if !escaped => escaped = true,
                b'"' if !escaped => {
                    let raw = self.take(at);
                    self.skip(1);
                    return if token { Ok(raw) } else { Err(Malformed::QuotedNonToken) };
                }
                byte if is_token_byte(*byte) => {
                    escaped = false;
                    token = true;
                }
                _ => return Err(Malformed::QuotedNonToken),
            }
        }
        Err(Malformed::UnterminatedString)
    }
}
