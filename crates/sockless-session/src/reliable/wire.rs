//! What a message on the wire means (sections 2 and 4 of the specification). Whether it is allowed now is the session's business.

use core::num::NonZeroU64;

use super::error::{Denial, Violation};
use super::id::SessionId;
use super::message::{Incoming, Kind};
use super::number;
use super::window::Window;

/// What the messages of the session begin with.
pub(crate) const DLE: u8 = 0x10;

/// How long a message without a payload may be.
const LONGEST: usize = 128;

/// The first message on a connection: a hello or a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Whether it may open a session, rather than resume one: a hello.
    pub hello: bool,
    /// The session.
    pub id: SessionId,
    /// Which attempt at a connection it is.
    pub attempt: u64,
    /// The last number that the client has accepted for good: 0 in a hello.
    pub received: u64,
    /// The last number that it has received at all.
    pub seen: u64,
    /// What the client is ready to have outstanding.
    pub window: Window,
}

impl Opening {
    /// Reads the first message of a connection.
    ///
    /// # Errors
    ///
    /// It isn't an opening: the connection is to be closed with 4400.
    pub fn parse(message: Incoming<'_>) -> Result<Self, Violation> {
        match parse(message)? {
            Parsed::Opening(opening) => Ok(opening),
            _ => Err(Violation::Unexpected),
        }
    }
}

/// The answer to an opening that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// Why.
    pub denial: Denial,
    /// What the denial says beside: the last number received, or the last attempt.
    pub number: u64,
}

/// Why a session ends, as a bye says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bye {
    Done,
    Diverged,
}

impl Bye {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Diverged => "diverged",
        }
    }
}

/// A message on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed<'a> {
    Message(Incoming<'a>),
    Request(Incoming<'a>),
    Reply(u64, Incoming<'a>),
    Rejection(u64, Incoming<'a>),
    Gap(u64),
    Unnumbered(Incoming<'a>),
    Opening(Opening),
    Welcome {
        received: u64,
        seen: u64,
        window: Window,
        grace: u64,
    },
    Refused(Refusal),
    /// How many more messages have been accepted.
    Ack(NonZeroU64),
    Again(u64),
    Position(u64),
    Probe,
    Alive,
    Bye(u64, Bye),
}

/// Whether it is a message of the application, as it is.
#[inline]
pub(crate) fn is_ordinary(message: Incoming<'_>) -> bool {
    message.as_bytes().first() != Some(&DLE)
}

/// Reads a message.
pub(crate) fn parse(message: Incoming<'_>) -> Result<Parsed<'_>, Violation> {
    if is_ordinary(message) {
        return Ok(Parsed::Message(message));
    }
    parse_session(message).ok_or(Violation::Malformed)
}

fn parse_session(message: Incoming<'_>) -> Option<Parsed<'_>> {
    let bytes = message.as_bytes();
    Some(match *bytes.get(1)? {
        DLE => Parsed::Message(message.skip(1)),
        b'q' => Parsed::Request(message.skip(2)),
        b'u' => Parsed::Unnumbered(message.skip(2)),
        b'y' => {
            let (number, payload) = answer(message)?;
            Parsed::Reply(number, payload)
        }
        b'e' => {
            let (number, payload) = answer(message)?;
            Parsed::Rejection(number, payload)
        }
        letter if message.kind() == Kind::Text && bytes.len() <= LONGEST => {
            control(letter, bytes.get(2..)?)?
        }
        _ => return None,
    })
}

/// A number, a space and a payload.
fn answer(message: Incoming<'_>) -> Option<(u64, Incoming<'_>)> {
    let fields = message.as_bytes().get(2..)?;
    let len = fields.iter().take(17).position(|octet| *octet == b' ')?;
    Some((number::parse(&fields[..len])?, message.skip(2 + len + 1)))
}

fn control(letter: u8, fields: &[u8]) -> Option<Parsed<'static>> {
    let mut fields = Fields(Some(fields));
    let parsed = match letter {
        b'h' => Parsed::Opening(Opening {
            hello: true,
            id: fields.id()?,
            attempt: fields.number()?,
            received: 0,
            seen: 0,
            window: fields.window()?,
        }),
        b'r' => Parsed::Opening(Opening {
            hello: false,
            id: fields.id()?,
            attempt: fields.number()?,
            received: fields.number()?,
            seen: fields.number()?,
            window: fields.window()?,
        }),
        b'w' => Parsed::Welcome {
            received: fields.number()?,
            seen: fields.number()?,
            window: fields.window()?,
            grace: fields.number()?,
        },
        b'x' => {
            let word = fields.next()?;
            let denial = Denial::ALL.into_iter().find(|denial| denial.word().as_bytes() == word)?;
            Parsed::Refused(Refusal { denial, number: fields.number()? })
        }
        b'a' => Parsed::Ack(NonZeroU64::new(fields.number()?)?),
        b'n' => Parsed::Again(fields.number()?),
        b'p' => Parsed::Position(fields.number()?),
        b'g' => Parsed::Gap(fields.number()?),
        b'b' => {
            let received = fields.number()?;
            let word = fields.next()?;
            let bye = [Bye::Done, Bye::Diverged].into_iter();
            Parsed::Bye(received, bye.into_iter().find(|bye| bye.word().as_bytes() == word)?)
        }
        b'i' | b'o' => {
            if fields.next()? != b"" {
                return None;
            }
            if letter == b'i' { Parsed::Probe } else { Parsed::Alive }
        }
        _ => return None,
    };
    let (received, seen) = match parsed {
        Parsed::Opening(Opening { received, seen, .. }) => (received, seen),
        Parsed::Welcome { received, seen, .. } => (received, seen),
        _ => (0, 0),
    };
    (fields.0.is_none() && received <= seen).then_some(parsed)
}

/// What is left of a message's fields.
struct Fields<'a>(Option<&'a [u8]>);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.0?;
        let end = rest.iter().position(|octet| *octet == b' ');
        self.0 = end.map(|end| &rest[end + 1..]);
        Some(end.map_or(rest, |end| &rest[..end]))
    }

    fn number(&mut self) -> Option<u64> {
        number::parse(self.next()?)
    }

    fn id(&mut self) -> Option<SessionId> {
        SessionId::parse(self.next()?)
    }

    fn window(&mut self) -> Option<Window> {
        let (messages, bytes) = (self.number()?, self.number()?);
        (messages > 0 && bytes > 0).then(|| Window::new(messages, bytes))
    }
}
