//! One handshake before all cases, so that the user hears at once of an address where no WebSocket server is.

use std::time::Duration;

use crate::setting::Setting;
use crate::stage::Stage;
#[cfg(feature = "http2")]
use crate::wire::connect::Request;
use crate::wire::frame::excerpt;
use crate::wire::head::Head;
use crate::wire::link::{End, Turn};

/// One handshake before all cases: the server's name for itself.
///
/// # Errors
///
/// What is found there in place of a WebSocket server, and what to try.
pub(crate) fn greet(setting: &Setting, address: &str) -> Result<Option<String>, String> {
    let mut stage = Stage::new(setting, "greeting", Duration::from_secs(30), None);
    #[cfg(feature = "http2")]
    if setting.http2 {
        return greet_over_http2(&mut stage, address);
    }
    let ask = stage.ask();
    let mut link = stage.connect().map_err(|finding| {
        format!("{address}: {} Is the server started, and does it listen there?", finding.reason)
    })?;
    stage.send_head(&mut link, &ask.bytes(), usize::MAX);
    let mut bytes = Vec::new();
    let until = stage.within(setting.patience.max(Duration::from_secs(3)));
    let timed_out = loop {
        if link.ended().is_some() || bytes.windows(4).any(|four| four == b"\r\n\r\n") {
            break false;
        }
        let turn = link.turn(until, true);
        bytes.extend(link.take_arrived());
        if turn == Turn::TimedOut || bytes.len() > 1 << 20 {
            break true;
        }
    };
    if bytes.is_empty() && setting.secure.is_some() {
        return Err(format!(
            "{address}: no TLS connection came about. Does the server want plain ws://, or is its certificate another one? --ca FILE says whom to trust, --insecure trusts anybody"
        ));
    }
    if bytes.is_empty() {
        return Err(match (timed_out, link.ended()) {
            (_, Some(End::Reset)) => format!(
                "{address}: the server reset the stream when it was asked. Does it want TLS? wss:// is for that"
            ),
            (false, _) => format!(
                "{address}: the server closed the stream without an answer. Does it want TLS? wss:// is for that"
            ),
            (true, _) => format!(
                "{address}: the server takes connections, and doesn't answer a handshake. Is it a WebSocket server?"
            ),
        });
    }
    if bytes.first() == Some(&0x15) {
        return Err(format!(
            "{address}: the server speaks TLS, and was asked in plain. wss:// is for that"
        ));
    }
    let Some((head, _)) = Head::find(&bytes) else {
        let text = excerpt(&bytes);
        return Err(format!(
            "{address}: this is no HTTP server; it said {text}. Is the port right?"
        ));
    };
    match head.status() {
        // If something else is wrong with the answer, the cases say it better.
        101 => Ok(head.value("Server")),
        0 => Err(format!(
            "{address}: this is no HTTP server; it said {:?}. Is the port right?",
            head.line
        )),
        _ => Err(refusal(address, &head)),
    }
}

/// The same over HTTP/2.
#[cfg(feature = "http2")]
fn greet_over_http2(stage: &mut Stage<'_>, address: &str) -> Result<Option<String>, String> {
    let connection = stage.http2().map_err(|finding| match stage.unreachable {
        true => format!(
            "{address}: {} Is the server started, and does it listen there?",
            finding.reason
        ),
        false => {
            format!("{address}: {} Without --http2 the server is asked in HTTP/1.1", finding.reason)
        }
    })?;
    let request = Request::of(&stage.ask(), stage.setting.secure.is_some());
    let answered = stage.stream_of(&connection, request).map_err(|why| {
        let extended = if connection.extended { "" } else { ", and has not said that it takes extended CONNECT" };
        format!("{address}: the server opened no WebSocket by HTTP/2{extended}: {why}. Does it know RFC 8441?")
    })?;
    match &answered.read {
        Ok((head, _)) if !answered.is_accepted() => Err(refusal(address, head)),
        Ok((head, _)) => Ok(head.value("Server")),
        Err(_) => Err(format!("{address}: {}", answered.describe())),
    }
}

/// Why a server that answers has not opened a WebSocket, and what to try.
fn refusal(address: &str, head: &Head) -> String {
    let line = &head.line;
    match head.status() {
        404 => format!(
            "{address}: the server has no WebSocket at this path ({line:?}). Is the path right?"
        ),
        301..=399 => format!(
            "{address}: the server sends its clients elsewhere: {:?}",
            head.value("Location").unwrap_or_else(|| line.clone())
        ),
        401 | 403 => format!(
            "{address}: the server refuses ({line:?}). --field 'NAME: VALUE' sends what it asks for"
        ),
        _ => format!(
            "{address}: the server did not open a WebSocket: {line:?}. Path, fields (--field) and subprotocol (--subprotocol) may be the cause"
        ),
    }
}
