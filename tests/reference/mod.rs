//! A slow, obvious decoder, written straight from RFC 6455, that shares nothing with the library but the names of violations.
//!
//! It sees the whole stream at once, and takes it apart frame by frame. A violation is at the first byte such that no bytes
//! after it could make the stream right. Where one byte breaks several rules, it names all of them.

use sockless::frame::{Limits, Violation};

/// What the stream says, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// Nothing after it is looked at.
    Close(Option<u16>, String),
}

/// What is wrong with the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The index of the byte that shows it.
    pub(crate) at: usize,
    /// The rules that this byte breaks.
    pub(crate) rules: Vec<Violation>,
    /// Of a text message that is wrong or too long: what is good of it.
    pub(crate) good: Option<String>,
}

/// The code in the Close frame that says so: RFC 6455, section 7.4.1.
pub(crate) fn close_code(violation: Violation) -> u16 {
    match violation {
        Violation::ReservedBits
        | Violation::ReservedOpcode
        | Violation::UnmaskedFrame
        | Violation::MaskedFrame
        | Violation::NonMinimalLength
        | Violation::LengthOverflow
        | Violation::FragmentedControl
        | Violation::LongControl
        | Violation::UnexpectedContinuation
        | Violation::InterruptedMessage
        | Violation::TruncatedCloseCode
        | Violation::ForbiddenCloseCode => 1002,
        Violation::InvalidText | Violation::InvalidReason => 1007,
        Violation::FrameTooLong | Violation::MessageTooLong => 1009,
        other => panic!("a violation without a code: {other:?}"),
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }
}

/// Decodes `bytes` as an endpoint that expects masked frames (a server) or unmasked ones (a client).
pub(crate) fn decode(bytes: &[u8], masked: bool, limits: &Limits) -> (Vec<Item>, Option<Wrong>) {
    let mut items = Vec::new();
    let wrong = read(bytes, masked, limits, &mut items);
    (items, wrong.err())
}

/// The bytes that arrived are right, as far as they go; or they are not.
fn read(bytes: &[u8], masked: bool, limits: &Limits, items: &mut Vec<Item>) -> Result<(), Wrong> {
    let mut reader = Reader { bytes, at: 0 };
    let mut message: Option<(u8, Vec<u8>)> = None;
    let mut announced = 0u128;
    loop {
        // Section 5.2: FIN, RSV1, RSV2, RSV3, opcode.
        let Some(first) = reader.next() else { return Ok(()) };
        let fin = first >= 128;
        let opcode = first % 16;
        let control = opcode >= 8;
        let mut rules = Vec::new();
        if first & 0b0111_0000 != 0 {
            rules.push(Violation::ReservedBits);
        }
        if ![0, 1, 2, 8, 9, 10].contains(&opcode) {
            rules.push(Violation::ReservedOpcode);
        }
        if control && !fin {
            rules.push(Violation::FragmentedControl);
        }
        if opcode == 0 && message.is_none() {
            rules.push(Violation::UnexpectedContinuation);
        }
        if [1, 2].contains(&opcode) && message.is_some() {
            rules.push(Violation::InterruptedMessage);
        }
        broken(&reader, rules)?;

        // MASK, payload length.
        let Some(second) = reader.next() else { return Ok(()) };
        let short = second % 128;
        let mut rules = Vec::new();
        if masked && second < 128 {
            rules.push(Violation::UnmaskedFrame);
        }
        if !masked && second >= 128 {
            rules.push(Violation::MaskedFrame);
        }
        if control && short > 125 {
            rules.push(Violation::LongControl);
        }
        if opcode == 8 && short == 1 {
            rules.push(Violation::TruncatedCloseCode);
        }
        broken(&reader, rules)?;

        // Extended payload length: the value is known to be below a bound once enough of its bytes have arrived.
        let width = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let least = if width == 2 { 126u64 } else { 65_536 };
        let mut len = if width == 0 { u64::from(short) } else { 0 };
        for index in 0..width {
            let Some(byte) = reader.next() else { return Ok(()) };
            len = len << 8 | u64::from(byte);
            let missing = 8 * (width - 1 - index);
            let most = len << missing | ((1u64 << missing) - 1);
            if most < least {
                broken(&reader, vec![Violation::NonMinimalLength])?;
            }
            if width == 8 && index == 0 && byte >= 128 {
                broken(&reader, vec![Violation::LengthOverflow])?;
            }
        }

        // Masking key.
        let mut key = [0; 4];
        if masked {
            for octet in &mut key {
                let Some(byte) = reader.next() else { return Ok(()) };
                *octet = byte;
            }
        }

        // Section 10.4: limits, known at the end of the header.
        if !control {
            if opcode != 0 {
                message = Some((opcode, Vec::new()));
                announced = 0;
            }
            announced += u128::from(len);
            let mut rules = Vec::new();
            if len > limits.frame {
                rules.push(Violation::FrameTooLong);
            }
            if announced > u128::from(limits.message) {
                rules.push(Violation::MessageTooLong);
            }
            broken(&reader, rules)?;
        }

        // Payload data.
        let mut body = Vec::new();
        if !control && len == 0 && fin {
            check(&reader, &message, true)?;
        }
        for index in 0..len {
            let Some(byte) = reader.next() else { return Ok(()) };
            let byte = byte ^ key[(index % 4) as usize];
            let ends = index + 1 == len;
            match &mut message {
                Some((_, payload)) if !control => {
                    payload.push(byte);
                    check(&reader, &message, fin && ends)?;
                }
                _ => body.push(byte),
            }
            if opcode == 8 {
                check_close(&reader, &body, ends)?;
            }
        }
        match opcode {
            8 => {
                let code = body.get(..2).map(|code| u16::from(code[0]) << 8 | u16::from(code[1]));
                let reason = body.get(2..).unwrap_or_default();
                let reason = String::from_utf8(reason.to_vec()).expect("checked byte by byte");
                items.push(Item::Close(code, reason));
                return Ok(());
            }
            9 => items.push(Item::Ping(body)),
            10 => items.push(Item::Pong(body)),
            _ if fin => match message.take() {
                Some((1, payload)) => {
                    items.push(Item::Text(
                        String::from_utf8(payload).expect("checked byte by byte"),
                    ));
                }
                Some((_, payload)) => items.push(Item::Binary(payload)),
                None => unreachable!("a continuation of nothing is a violation"),
            },
            _ => {}
        }
    }
}

fn broken(reader: &Reader<'_>, rules: Vec<Violation>) -> Result<(), Wrong> {
    if rules.is_empty() {
        return Ok(());
    }
    Err(Wrong { at: reader.at - 1, rules, good: None })
}

/// Section 8.1: whether the text so far can be the beginning of UTF-8, or is UTF-8 where it ends.
fn wrong_text(text: &[u8], ends: bool) -> Option<String> {
    let error = std::str::from_utf8(text).err()?;
    if error.error_len().is_none() && !ends {
        return None;
    }
    let good = &text[..error.valid_up_to()];
    Some(String::from_utf8(good.to_vec()).expect("valid up to there"))
}

fn check(reader: &Reader<'_>, message: &Option<(u8, Vec<u8>)>, ends: bool) -> Result<(), Wrong> {
    match message {
        Some((1, payload)) => match wrong_text(payload, ends) {
            Some(good) => Err(Wrong {
                at: reader.at - 1,
                rules: vec![Violation::InvalidText],
                good: Some(good),
            }),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Sections 5.5.1 and 7.4: the code, and a reason that is UTF-8.
fn check_close(reader: &Reader<'_>, body: &[u8], ends: bool) -> Result<(), Wrong> {
    if body.len() == 2 {
        let code = u16::from(body[0]) << 8 | u16::from(body[1]);
        let allowed = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
        if !allowed.contains(&code) && !(3000..5000).contains(&code) {
            broken(reader, vec![Violation::ForbiddenCloseCode])?;
        }
    }
    if body.len() > 2 && wrong_text(&body[2..], ends).is_some() {
        broken(reader, vec![Violation::InvalidReason])?;
    }
    Ok(())
}
