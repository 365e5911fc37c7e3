//! The body of a server's refusal, out of the framing of the one connection for that of the other (RFC 9112, section 6).

use std::io;
use std::net::TcpStream;
use std::time::Instant;

use sockless::handshake::Response;

use super::stream::read;

/// The longest body that is passed on.
const LONGEST: usize = 64 << 10;

/// The whole body. `None` if it is too long, doesn't come until `deadline`, or can't be understood.
pub(crate) fn whole(
    response: &Response<'_>,
    server: &TcpStream,
    deadline: Instant,
) -> io::Result<Option<Vec<u8>>> {
    if matches!(response.status(), 204 | 304) {
        return Ok(Some(Vec::new()));
    }
    let field = |name| response.field(name).map(String::from_utf8_lossy);
    let coding = field("transfer-encoding");
    let length = field("content-length").map(|text| text.parse::<usize>());
    let (mut arrived, mut buffer, mut ended) = (response.body().to_vec(), [0; 4096], false);
    loop {
        let body = match (&coding, &length) {
            (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => dechunked(&arrived),
            (Some(_), _) | (None, Some(Err(_))) => return Ok(None),
            (None, Some(Ok(length))) => arrived.get(..*length).map(<[u8]>::to_vec),
            (None, None) => ended.then(|| arrived.clone()),
        };
        // Chunks of a byte each make six bytes of one.
        let too_long = arrived.len() > 6 * LONGEST || (coding.is_none() && arrived.len() > LONGEST);
        if body.is_some() || ended || too_long || Instant::now() >= deadline {
            return Ok(body.filter(|body| body.len() <= LONGEST));
        }
        match read(server, &mut buffer)? {
            Some(0) => ended = true,
            Some(count) => arrived.extend_from_slice(&buffer[..count]),
            None => {}
        }
    }
}

/// The content of a chunked body; `None` if it isn't all there, or breaks the rules.
fn dechunked(mut raw: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = raw.windows(2).position(|pair| pair == b"\r\n")?;
        let digits = raw[..end].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = usize::from_str_radix(str::from_utf8(&raw[..digits]).ok()?, 16).ok()?;
        if size == 0 {
            // Trailer fields, which end with an empty line, belong to the connection.
            return raw[end..].windows(4).any(|four| four == b"\r\n\r\n").then_some(body);
        }
        let chunk = raw.get(end + 2..)?;
        body.extend_from_slice(chunk.get(..size)?);
        raw = chunk[size..].strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::dechunked;

    #[test]
    fn chunks_are_joined_and_nothing_is_made_of_less() {
        let whole = b"3;name=value\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
        assert_eq!(dechunked(whole).as_deref(), Some(&b"abc0123456789"[..]));
        for cut in 0..whole.len() {
            assert_eq!(dechunked(&whole[..cut]), None, "{cut} bytes");
        }
        assert_eq!(dechunked(b"0\r\n\r\n").as_deref(), Some(&b""[..]));
        for broken in [&b"+3\r\nabc\r\n0\r\n\r\n"[..], b"\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n"] {
            assert_eq!(dechunked(broken), None);
        }
    }
}
