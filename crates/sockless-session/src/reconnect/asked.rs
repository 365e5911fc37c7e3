//! The delay that a server asks for: in a `Retry-After` field (RFC 9110, section 10.2.3), or in the reason of a Close frame.

use core::time::Duration;

/// The delay that a `Retry-After` field asks for: seconds, or a date. For a date, `unix_now` is needed: the seconds since 1970.
///
/// ```
/// use std::time::Duration;
/// use sockless_session::reconnect::retry_after;
///
/// assert_eq!(retry_after("120", None), Some(Duration::from_secs(120)));
/// assert_eq!(retry_after("Thu, 01 Jan 1970 00:01:00 GMT", Some(20)), Some(Duration::from_secs(40)));
/// assert_eq!(retry_after("soon", None), None);
/// ```
pub fn retry_after(value: &str, unix_now: Option<u64>) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    if let Some(seconds) = digits(value, 18) {
        return Some(Duration::from_secs(seconds));
    }
    let at = date(value)?;
    Some(Duration::from_secs(at.saturating_sub(unix_now?)))
}

/// The delay that the reason of a Close frame asks for, in the form `retry-after=`*seconds*.
///
/// ```
/// use std::time::Duration;
/// use sockless_session::reconnect::asked_by_close_reason;
///
/// assert_eq!(asked_by_close_reason("retry-after=7"), Some(Duration::from_secs(7)));
/// assert_eq!(asked_by_close_reason("restarting"), None);
/// ```
pub fn asked_by_close_reason(reason: &str) -> Option<Duration> {
    let seconds = digits(reason.strip_prefix("retry-after=")?, 9)?;
    Some(Duration::from_secs(seconds))
}

fn digits(text: &str, most: usize) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// The seconds since 1970 of a date in the form that is preferred today (`Sun, 06 Nov 1994 08:49:37 GMT`).
fn date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = text.strip_suffix(" GMT")?;
    let (weekday, text) = text.split_once(", ")?;
    let mut fields = text.split(' ');
    let (day, month) = (fields.next()?, fields.next()?);
    let (year, time) = (fields.next()?, fields.next()?);
    if weekday.len() != 3 || day.len() != 2 || year.len() != 4 || fields.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let (day, year) = (digits(day, 2)?, digits(year, 4)?);
    let mut parts = time.split(':');
    let mut part = |limit: u64| {
        let part = parts.next().filter(|part| part.len() == 2)?;
        digits(part, 2).filter(|value| *value < limit)
    };
    // A leap second counts as the one before it.
    let (hour, minute, second) = (part(24)?, part(60)?, part(61)?.min(59));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let longest = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if parts.next().is_some() || year < 1970 || !(1..=longest).contains(&day) {
        return None;
    }
    // Days since the first of March of the year 0, as if years began there: leap days come last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_counted_from_1970() {
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(date("Tue, 29 Feb 2000 23:59:60 GMT"), Some(951_868_799));
        assert_eq!(date("Fri, 31 Dec 9999 23:59:59 GMT"), Some(253_402_300_799));
        for bad in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 30 Feb 2024 08:49:37 GMT",
            "Thu, 29 Feb 1900 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 08 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
