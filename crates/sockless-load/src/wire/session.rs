//! A session of `sockless-session`. It isn't resumed: a connection that is lost is what is measured.

use sockless_tokio::Message;
use sockless_tokio::session::{
    Event, GaveUp, Options, Outcome, ReconnectSettings, Reliable, SendError,
};

use super::{Body, Dial, Outgoing, Received, Sent};

pub(crate) struct Carried(Reliable);

impl Carried {
    pub(super) async fn open(dial: &Dial) -> Result<Self, String> {
        let once = ReconnectSettings::default().with_most_tries(1);
        let options = Options::new().with_reconnect(once);
        let mut session = Reliable::connect(&dial.url, dial.options(), options);
        loop {
            match session.recv().await {
                Some(Event::Connected { .. }) => return Ok(Self(session)),
                Some(event) => {
                    if let Some(why) = end(&event) {
                        return Err(why);
                    }
                }
                None => return Err("the session has ended".into()),
            }
        }
    }

    pub(super) fn try_send(&mut self, outgoing: Outgoing) -> Sent {
        let message = match outgoing {
            Outgoing::Text(text) => Message::from(text),
            Outgoing::Binary(bytes) => Message::from(bytes),
            Outgoing::Event { .. } => return Sent::No,
        };
        match self.0.try_send(message) {
            Ok(_) => Sent::Yes,
            Err(failure) if failure.error == SendError::QueueFull => Sent::Full,
            Err(_) => Sent::No,
        }
    }

    pub(super) async fn recv(&mut self) -> Received {
        loop {
            match self.0.recv().await {
                Some(Event::Message { message, .. } | Event::Unnumbered(message)) => {
                    return Received::Body(Body::Message(message));
                }
                Some(event) => {
                    if let Some(why) = end(&event) {
                        return Received::Ended(why);
                    }
                }
                None => return Received::Ended("the session has ended".into()),
            }
        }
    }

    pub(super) async fn close(self) {
        let _ = self.0.end().await;
    }
}

/// Why there is no connection any more, if that is what an event says. [`Event::Lost`] doesn't say it: what follows does.
fn end(event: &Event) -> Option<String> {
    match event {
        Event::Waiting { outcome, .. } => Some(outcome_in_words(outcome)),
        Event::GaveUp(GaveUp::NotWorthIt(outcome) | GaveUp::TooManyTries(outcome)) => {
            Some(outcome_in_words(outcome))
        }
        Event::GaveUp(GaveUp::Stopped) => Some("stopped".into()),
        Event::Ended { end, .. } => Some(format!("the session has ended: {end:?}")),
        _ => None,
    }
}

fn outcome_in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Unreachable => {
            "unreachable: nobody listens, the name isn't known, or there was no answer in time"
                .into()
        }
        Outcome::Refused { status, .. } => format!("refused with status {status}"),
        Outcome::BadHandshake => "the server speaks another protocol".into(),
        Outcome::Closed { code: Some(code), .. } => super::plain::closed(*code, ""),
        Outcome::Closed { code: None, .. } => "closed by the server without a code".into(),
        Outcome::Lost => "lost without a close".into(),
        _ => "the server broke the protocol".into(),
    }
}
