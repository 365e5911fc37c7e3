//! The numbers of messages: their greatest, and their form on the wire (section 3 of the specification).

/// The greatest number: 2^53 - 1, which is exact in every language.
pub const LAST: u64 = (1 << 53) - 1;

/// The number that these digits are, if they are in their only form.
pub(crate) fn parse(digits: &[u8]) -> Option<u64> {
    let plain = match digits {
        [] => false,
        [b'0'] => true,
        [b'0', ..] => false,
        _ => digits.len() <= 16,
    };
    if !plain {
        return None;
    }
    let mut value = 0;
    for digit in digits {
        value = value * 10 + u64::from(digit.checked_sub(b'0').filter(|digit| *digit <= 9)?);
    }
    (value <= LAST).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::{LAST, parse};

    #[test]
    fn numbers_have_one_form_and_a_greatest() {
        assert_eq!(parse(b"0"), Some(0));
        assert_eq!(parse(b"9007199254740991"), Some(LAST));
        for bad in [
            "",
            "00",
            "01",
            "-1",
            "+1",
            " 1",
            "1 ",
            "9007199254740992",
            "99999999999999999999",
            "1a",
            "/",
            ":",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
