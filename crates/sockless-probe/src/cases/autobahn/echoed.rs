//! Messages that are sent one after the other, each when the one before has come back; and the end that such cases have.

use std::time::{Duration, Instant};

use crate::exchange::{Ended, Event, Session};
use crate::model::{Behavior, Closing, Finding, Testee};

/// How long each side has for its part of the closing handshake.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// Waits until this message has come back: the rest of the finding, if it has not.
pub(super) fn comes_back(
    session: &mut Session,
    text: bool,
    message: &[u8],
    until: Instant,
) -> Result<(), Finding> {
    loop {
        let (came_text, came) = match session.next(until) {
            Some(Event::Text(bytes)) => (true, bytes),
            Some(Event::Binary(bytes)) => (false, bytes),
            Some(Event::Ping(_) | Event::Pong(_)) => continue,
            Some(event) => {
                return Err(Finding::failed(format!(
                    "In place of the echo the testee {}.",
                    event.describe()
                )));
            }
            None => return Err(Finding::failed("The message did not come back in time.")),
        };
        if came_text != text {
            return Err(Finding::failed("The message came back as one of the other kind."));
        }
        if came.len() != message.len() {
            let (sent, came) = (message.len(), came.len());
            return Err(Finding::failed(format!("Of {sent} octets {came} came back.")));
        }
        return match came == message {
            true => Ok(()),
            false => Err(Finding::failed("Other octets came back.")),
        };
    }
}

/// Closes with 1000, and judges the end by the suite's rules.
pub(super) fn end(mut session: Session, finding: Finding) -> Finding {
    let by_probe = session.close_received.is_none();
    session.send_close(1000);
    let until = Instant::now() + CLOSE_WAIT;
    while session.close_received.is_none() {
        match session.next(until) {
            None | Some(Event::End(_) | Event::Broke(_)) => break,
            Some(_) => {}
        }
    }
    let answered = session.close_received.is_some();
    // A server closes the stream itself.
    let mut dropped = true;
    if answered && session.testee == Testee::Server {
        let until = Instant::now() + CLOSE_WAIT;
        dropped = loop {
            match session.next(until) {
                Some(Event::End(_)) => break true,
                None => break false,
                Some(_) => {}
            }
        };
    }
    let ended = match session.close_received.flatten() {
        _ if !by_probe => Ended::new(Closing::Failed, "The wrong endpoint failed the connection."),
        _ if !answered => Ended::new(Closing::Unclean, "The Close frame was not answered in time."),
        _ if !dropped => {
            Ended::new(Closing::Unclean, "The server did not close the stream in time.")
        }
        Some(code) if code != 1000 => Ended::new(
            Closing::WrongCode,
            format!("The close code is {code} in place of 1000 or none."),
        ),
        _ => Ended::new(Closing::Ok, "The connection was closed as it has to be."),
    };
    let finding = if finding.behavior == Behavior::Ok && ended.closing == Closing::Failed {
        Finding { reason: "All came back.".to_owned(), ..finding }
    } else {
        finding
    };
    ended.onto(finding, &session)
}
