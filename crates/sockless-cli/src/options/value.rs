//! The values of options: what each may be. The errors say what it has to look like.

use std::time::Duration;

use sockless::CloseCode;
use sockless::handshake::{Connector, Field, HandshakeMisuse, HeadLimits, Offer, Url};

/// The longest reason in a Close frame: the frame holds 125 bytes, and two are the code.
const LONGEST_REASON: usize = 123;

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse::<f64>().ok();
    number
        .and_then(|number| Duration::try_from_secs_f64(number).ok())
        // No clock gets further.
        .filter(|time| time.as_secs() < 1 << 32)
        .ok_or_else(|| format!("seconds are a number such as 2 or 0.5, not {text:?}"))
}

pub(super) fn some_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        Duration::ZERO => Err("it has to be more than zero seconds".into()),
        time => Ok(time),
    }
}

pub(super) fn count(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("a number from 1 on, not {text:?}")),
        Ok(count) => Ok(count),
    }
}

/// A number of bytes, with K, M or G for 1024 and its powers.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("bytes are a number such as 65536, 64K or 16M, not {text:?}");
    let (digits, shift) = match text.as_bytes().last().map(u8::to_ascii_uppercase) {
        Some(b'K') => (&text[..text.len() - 1], 10),
        Some(b'M') => (&text[..text.len() - 1], 20),
        Some(b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number = digits.parse::<u64>().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).filter(|number| *number > 0).ok_or_else(wrong)
}

pub(super) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| format!("a header is NAME: VALUE, not {text:?}"))?;
    let value = value.trim_matches([' ', '\t']);
    check(|offer| offer_fields(offer, name, value))
        .map_err(|error| format!("{error}: {name:?}"))?;
    Ok((name.into(), value.into()))
}

fn offer_fields(offer: Offer<'_>, name: &str, value: &str) -> Result<(), HandshakeMisuse> {
    let fields = [Field::new(name, value)];
    Connector::new(offer.with_fields(&fields), &HeadLimits::default(), Duration::ZERO).map(drop)
}

pub(super) fn subprotocol(text: &str) -> Result<String, String> {
    check(|offer| {
        let names = [text];
        Connector::new(offer.with_subprotocols(&names), &HeadLimits::default(), Duration::ZERO)
            .map(drop)
    })
    .map_err(|error| format!("{error}, not {text:?}"))?;
    Ok(text.into())
}

pub(super) fn origin(text: &str) -> Result<String, String> {
    check(|offer| {
        Connector::new(offer.with_origin(text), &HeadLimits::default(), Duration::ZERO).map(drop)
    })
    .map_err(|error| format!("{error}, not {text:?}"))?;
    Ok(text.into())
}

/// Whether a request can be made with it, as the handshake itself sees it.
fn check(
    offered: impl FnOnce(Offer<'_>) -> Result<(), HandshakeMisuse>,
) -> Result<(), HandshakeMisuse> {
    match Url::parse("ws://localhost/") {
        Ok(url) => offered(Offer::new(url)),
        Err(_) => Ok(()),
    }
}

pub(super) fn close(text: &str) -> Result<(CloseCode, String), String> {
    let (digits, reason) = text.split_once(':').unwrap_or((text, ""));
    let number = digits.parse::<u16>().map_err(|_| format!("CODE or CODE:REASON, not {text:?}"))?;
    let code = CloseCode::try_from(number).map_err(|error| error.to_string())?;
    match reason.len() <= LONGEST_REASON {
        true => Ok((code, reason.into())),
        false => Err(format!(
            "a reason has at most {LONGEST_REASON} bytes, and this one {}",
            reason.len()
        )),
    }
}

pub(super) fn listen(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match port.is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        true => Ok(text.into()),
        false => Err(format!("an address is HOST:PORT such as 127.0.0.1:8080, not {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units_and_bounds() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!((bytes("64k"), bytes("16M"), bytes("1")), (Ok(64 << 10), Ok(16 << 20), Ok(1)));
        for wrong in ["", "x", "-1", "nan", "inf", "1e300"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "0", "K", "-1", "18446744073709551615K", "1T", "é"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        assert!(some_seconds("0").is_err() && count("0").is_err() && count("3") == Ok(3));
    }

    #[test]
    fn close_codes_are_those_that_may_be_sent() {
        assert_eq!(
            close("4001:bye: now").map(|(code, reason)| (code.get(), reason)),
            Ok((4001, "bye: now".into()))
        );
        assert!(close(&format!("1000:{}", "x".repeat(123))).is_ok());
        for wrong in ["", "x", "1005", "1006", "999", "5000", "70000"] {
            assert!(close(wrong).is_err(), "{wrong}");
        }
        assert!(close(&format!("1000:{}", "x".repeat(124))).is_err());
    }

    #[test]
    fn what_would_break_the_request_is_refused() {
        assert_eq!(header("X-One:  1 \t"), Ok(("X-One".into(), "1".into())));
        for wrong in
            ["nothing", "a b: 1", "X: 1\r\nY: 2", "Host: here", "Sec-WebSocket-Key: x", ": 1"]
        {
            assert!(header(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["", "a b", "a,b", "a\r\nb"] {
            assert!(subprotocol(wrong).is_err(), "{wrong:?}");
        }
        assert!(origin("https://example.com").is_ok() && origin("a\r\nb").is_err());
        assert!(listen("[::1]:0").is_ok() && listen("localhost:80").is_ok());
        for wrong in ["", "80", ":80", "a:b", "a:99999"] {
            assert!(listen(wrong).is_err(), "{wrong:?}");
        }
    }
}
