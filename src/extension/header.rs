//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455, section 9.1): from field values to elements with their parameters.
//!
//! What an element means, and whether it is acceptable, is the business of negotiation and doesn't live here. Nothing is
//! allocated or copied, and the time is linear in the bytes of the field values.

use core::fmt;

use crate::words::token::is_token_byte;

/// How many empty list elements (as in `a,,b`) one header may hold.
///
/// RFC 9110, section 5.6.1.2, asks a recipient to ignore "a reasonable number" of them.
pub const EMPTY_ELEMENTS: u16 = 64;

/// Why field values don't follow the grammar of the header.
//= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
//# If a value is received by either the client or
//# the server during negotiation that does not conform to the ABNF
//# below, the recipient of such malformed data MUST immediately _Fail
//# the WebSocket Connection_.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Malformed {
    /// An element, a parameter or a value that has to begin with a token doesn't.
    MissingToken,
    /// A quoted string has no end.
    UnterminatedString,
    /// A quoted value is, without its quotes and escapes, not a token.
    QuotedNonToken,
    /// Something other than a separator follows a token or a quoted string.
    MissingSeparator,
    /// The header is there, but no element is in it.
    NoElement,
    /// More than [`EMPTY_ELEMENTS`] list elements are empty.
    TooManyEmptyElements,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingToken => "a token is missing",
            Self::UnterminatedString => "a quoted string has no end",
            Self::QuotedNonToken => "a quoted value is not a token",
            Self::MissingSeparator => "a separator is missing",
            Self::NoElement => "the list is empty",
            Self::TooManyEmptyElements => "too many empty elements",
        })
    }
}

impl core::error::Error for Malformed {}

/// One element of the list: an extension's name with the parameters behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    name: &'a str,
    /// Everything behind the name, known to follow the grammar.
    params: &'a [u8],
}

impl<'a> Element<'a> {
    /// The name of the extension, as it was written.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The parameters, in the order in which they were written.
    pub fn params(&self) -> Params<'a> {
        Params { scan: Scan { rest: self.params } }
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
    /// What stands between the quotes, escapes included, or the token.
    raw: &'a [u8],
}

impl<'a> Value<'a> {
    /// The octets of the token, without escapes.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + 'a {
        // Each octet is a token's or a backslash, and a backslash is no token's octet: it can only be an escape.
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
    scan: Scan<'a>,
}

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        // The parameters were checked when the element was made: there is no error to report.
        self.scan.param().ok().flatten()
    }
}

/// The elements of the header, over all its field values, in order; see [`elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a, F> {
    fields: F,
    scan: Scan<'a>,
    /// Whether there was a field value at all.
    any_field: bool,
    any_element: bool,
    /// Whether an element must be followed by a comma before the next one of this field value.
    behind_element: bool,
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
        scan: Scan { rest: &[] },
        any_field: false,
        any_element: false,
        behind_element: false,
        empty: 0,
        over: false,
    }
}

/// Checks that the field values of one header follow the grammar: that [`elements`] would yield no error.
#[cfg(feature = "handshake")]
pub(crate) fn check<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> Result<(), Malformed> {
    let mut elements = elements(fields);
    while elements.advance()?.is_some() {}
    Ok(())
}

impl<'a, F: Iterator<Item = &'a [u8]>> Elements<'a, F> {
    /// Goes behind the next element.
    fn advance(&mut self) -> Result<Option<Raw<'a>>, Malformed> {
        loop {
            self.scan.whitespace();
            match self.scan.rest.first() {
                Some(b',') => {
                    self.scan.skip(1);
                    // A comma behind an element ends it; any other one ends an empty element.
                    if !core::mem::take(&mut self.behind_element) {
                        self.empty += 1;
                        if self.empty > EMPTY_ELEMENTS {
                            return Err(Malformed::TooManyEmptyElements);
                        }
                    }
                }
                Some(_) => {
                    // `Scan::param` stops only at a comma or at the end, so this element stands where one may.
                    let element = self.scan.element()?;
                    self.behind_element = true;
                    self.any_element = true;
                    return Ok(Some(element));
                }
                None => match self.fields.next() {
                    Some(field) => {
                        self.scan.rest = field;
                        self.any_field = true;
                        self.behind_element = false;
                    }
                    None if self.any_field && !self.any_element => {
                        return Err(Malformed::NoElement);
                    }
                    None => return Ok(None),
                },
            }
        }
    }

    fn read(&mut self) -> Result<Option<Element<'a>>, Malformed> {
        match self.advance()? {
            Some(Raw { name, params }) => Ok(Some(Element { name: text(name)?, params })),
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

/// An element whose name has not become a text yet.
struct Raw<'a> {
    name: &'a [u8],
    params: &'a [u8],
}

/// A token as text.
fn text(token: &[u8]) -> Result<&str, Malformed> {
    // A token is ASCII, so the conversion can't fail.
    core::str::from_utf8(token).map_err(|_| Malformed::MissingToken)
}

/// A cursor over one field value.
#[derive(Clone, Copy, Debug)]
struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn whitespace(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    #[inline]
    fn token(&mut self) -> Result<&'a [u8], Malformed> {
        let length =
            self.rest.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(self.rest.len());
        if length == 0 {
            return Err(Malformed::MissingToken);
        }
        Ok(self.take(length))
    }

    fn element(&mut self) -> Result<Raw<'a>, Malformed> {
        let name = self.token()?;
        let behind = self.rest;
        while self.param_follows()? {
            self.token()?;
            self.value()?;
        }
        let length = behind.len() - self.rest.len();
        Ok(Raw { name, params: behind.get(..length).unwrap_or_default() })
    }

    fn param(&mut self) -> Result<Option<Param<'a>>, Malformed> {
        if !self.param_follows()? {
            return Ok(None);
        }
        let name = text(self.token()?)?;
        Ok(Some(Param { name, value: self.value()? }))
    }

    /// Whether a parameter follows: its semicolon is skipped then. None follows before a comma and at the end.
    #[inline]
    fn param_follows(&mut self) -> Result<bool, Malformed> {
        self.whitespace();
        match self.rest.first() {
            None | Some(b',') => Ok(false),
            Some(b';') => {
                self.skip(1);
                self.whitespace();
                Ok(true)
            }
            Some(_) => Err(Malformed::MissingSeparator),
        }
    }

    /// What stands behind the name of a parameter, if there is a value.
    #[inline]
    fn value(&mut self) -> Result<Option<Value<'a>>, Malformed> {
        self.whitespace();
        if self.rest.first() != Some(&b'=') {
            return Ok(None);
        }
        self.skip(1);
        self.whitespace();
        let raw = match self.rest.first() {
            Some(b'"') => self.quoted()?,
            _ => self.token()?,
        };
        Ok(Some(Value { raw }))
    }

    /// What stands between the quotes, escapes included; its unescaped form is a token.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //# ;When using the quoted-string syntax variant, the value
    //# ;after quoted-string unescaping MUST conform to the
    //# ;'token' ABNF.
    fn quoted(&mut self) -> Result<&'a [u8], Malformed> {
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
