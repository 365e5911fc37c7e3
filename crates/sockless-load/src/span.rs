//! Lengths of time as people write them: `50ms`, `1.5s`, `2m`, `1h`, or a number of seconds.

use std::time::Duration;

/// Nobody waits longer for a load test.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Reads a length of time.
///
/// # Errors
///
/// What it has to look like.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let seconds = match unit {
        "us" => 0.000_001,
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong(text)),
    };
    let number = digits.trim().parse::<f64>().map_err(|_| wrong(text))?;
    match Duration::try_from_secs_f64(number * seconds) {
        Ok(time) if time <= LONGEST => Ok(time),
        Ok(_) => Err(format!("at most 24h, not {text:?}")),
        Err(_) => Err(wrong(text)),
    }
}

fn wrong(text: &str) -> String {
    format!("a length of time is a number with us, ms, s, m or h, such as \"50ms\", not {text:?}")
}

/// A length of time in milliseconds, short enough for a column.
pub fn milliseconds(time: Duration) -> String {
    let value = time.as_secs_f64() * 1000.0;
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// What a clock that counts nanoseconds says, as a length of time.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_units_and_bounds() {
        for (text, millis) in
            [("50ms", 50), ("1.5s", 1500), ("2m", 120_000), ("3", 3000), (" 1 h ", 3_600_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse("5us"), Ok(Duration::from_micros(5)));
        for text in ["", "x", "ms", "-1s", "1d", "1e99", "25h", "1s1s", "é", "nan", "inf"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
