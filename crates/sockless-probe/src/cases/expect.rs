//! What the cases of all chapters wait for: an echo, a Pong, the testee's failing of the connection, the end.

use std::time::{Duration, Instant};

use crate::exchange::{Event, Session};
use crate::verdict::{Behavior, Closing, Finding, Testee};
use crate::wire::frame::{Frame, excerpt};

/// How long each side has for its part of the closing handshake.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// How the connection ended, as a finding's column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) closing: Closing,
    pub(crate) reason: String,
}

impl Ended {
    pub(crate) fn new(closing: Closing, reason: impl Into<String>) -> Self {
        Self { closing, reason: reason.into() }
    }

    /// Puts it into a finding.
    pub(crate) fn onto(self, mut finding: Finding, session: &Session) -> Finding {
        finding.closing = self.closing;
        finding.closing_reason = self.reason;
        finding.remote_code = session.close_received.flatten();
        finding
    }
}

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
    // Who has gone before the probe closes has ended the connection.
    let by_probe = session.close_received.is_none() && !session.is_over();
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
    if answered && session.testee() == Testee::Server {
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

/// What a script of ours gives: the finding, or the one that ends it early.
pub(super) type Outcome = Result<Finding, Finding>;

/// Sends a text message, and waits for it to come back.
pub(super) fn echo(session: &mut Session, text: &str) -> Result<(), Finding> {
    let frames = session.message_frames(true, text.as_bytes(), 0);
    session.send_chopped(&frames, usize::MAX);
    let until = session.soon();
    comes_back(session, true, text.as_bytes(), until)
}

/// Waits for the text that was sent.
pub(super) fn text_back(session: &mut Session, text: &str) -> Result<(), Finding> {
    let until = session.soon();
    comes_back(session, true, text.as_bytes(), until)
}

/// Waits for a Pong with this payload, whatever else comes before it but an end.
pub(super) fn pong(session: &mut Session, payload: &[u8]) -> Result<(), Finding> {
    let until = session.soon();
    loop {
        match session.next(until) {
            Some(Event::Pong(came)) if came == payload => return Ok(()),
            Some(Event::Pong(came)) => {
                return Err(Finding::failed(format!(
                    "A Pong came back with another payload: {} in place of {}.",
                    excerpt(&came),
                    excerpt(payload)
                )));
            }
            Some(event @ (Event::Close(..) | Event::Broke(_) | Event::End(_))) => {
                let said = event.describe();
                return Err(Finding::failed(format!("In place of the Pong the testee {said}.")));
            }
            Some(_) => {}
            None => return Err(Finding::failed("The Ping was not answered in time.")),
        }
    }
}

/// Whether the testee still answers: a Ping and its Pong, which need no echo.
pub(super) fn alive(session: &mut Session) -> Result<(), Finding> {
    session.send(&Frame::ping(*b"still there?"));
    pong(session, b"still there?")
}

/// Waits until the testee fails the connection, with one of these codes or none.
pub(super) fn failure(mut session: Session, codes: &[u16]) -> Outcome {
    let until = session.soon();
    loop {
        match session.next(until) {
            Some(Event::Ping(_) | Event::Pong(_)) => {}
            Some(event @ (Event::Text(_) | Event::Binary(_))) => {
                let said = event.describe();
                return Err(Finding::failed(format!("It took what is wrong, and {said}.")));
            }
            Some(Event::Broke(rule)) => return Err(Finding::failed(format!("It {rule}."))),
            Some(Event::End(_)) => {
                return Ok(Finding::ok("It ended the connection without a Close frame."));
            }
            Some(Event::Close(code, _)) => {
                session.send_close(1000);
                session.flush(session.within(CLOSE_WAIT));
                let ended = match code {
                    Some(code) if !codes.contains(&code) => Ended::new(
                        Closing::WrongCode,
                        format!("The close code is {code} in place of {codes:?} or none."),
                    ),
                    _ => Ended::new(Closing::Ok, "It was failed with a fitting code."),
                };
                let finding = Finding::ok("The testee failed the connection.");
                return Ok(ended.onto(finding, &session));
            }
            None => {
                return Err(Finding::failed("The testee did not fail the connection in time."));
            }
        }
    }
}

/// How what is too long was refused, if this is a refusal: with 1009, or without a code, is best.
pub(super) fn refusal(event: &Event) -> Option<Finding> {
    match event {
        Event::Close(Some(1009), _) => Some(Finding::ok("It was refused with 1009.")),
        Event::Close(None, _) => Some(Finding::ok("It was refused without a code.")),
        Event::Close(Some(code), _) => {
            let why = format!("It was refused with {code} in place of 1009.");
            Some(Finding::non_strict(why))
        }
        Event::End(_) => Some(Finding::non_strict("The stream ended without a Close frame.")),
        _ => None,
    }
}

/// All is well: closes, and judges that.
pub(super) fn well(session: Session, reason: &str) -> Outcome {
    Ok(end(session, Finding::ok(reason)))
}
