//! What a case is run on: one testee, and the way to a connection with it.

use std::time::{Duration, Instant};

use sockless::handshake::accept_key;

use crate::exchange::{Agreement, Context, Session};
use crate::setting::Setting;
use crate::verdict::{Finding, Testee};
#[cfg(feature = "http2")]
use crate::wire::connect::Request;
use crate::wire::head::{Ask, Head, base64};
#[cfg(feature = "http2")]
use crate::wire::http2::{Http2, Refused};
use crate::wire::link::{End, Link, Turn};
use crate::wire::log::{Line, Way};

/// The longest head that is read.
const MAX_HEAD: usize = 64 << 10;

/// A client under test that has connected, and what it asks for.
pub(crate) struct Caller {
    pub(crate) link: Link,
    pub(crate) head: Head,
    /// What followed the head.
    pub(crate) rest: Vec<u8>,
    /// Whether an earlier connection had the same key.
    pub(crate) repeated_key: bool,
}

/// What a case is run on.
pub(crate) struct Stage<'a> {
    pub(crate) testee: Testee,
    pub(crate) setting: &'a Setting,
    context: Context,
    caller: Option<Caller>,
    /// Whether the server could not be reached at all.
    pub(crate) unreachable: bool,
}

impl<'a> Stage<'a> {
    /// A stage for one run of the case with this id.
    pub(crate) fn new(
        setting: &'a Setting,
        id: &str,
        limit: Duration,
        caller: Option<Caller>,
    ) -> Self {
        let testee = if caller.is_some() { Testee::Client } else { Testee::Server };
        let context = Context::new(testee, setting.seed, id, setting.patience, limit);
        if let Some(caller) = &caller {
            context.log_head(Way::Received, &caller.head.text);
        }
        Self { testee, setting, context, caller, unreachable: false }
    }

    /// What a connection of this case is given.
    pub(crate) fn context(&self) -> Context {
        self.context.clone()
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        self.context.note(text);
    }

    pub(crate) fn octets(&self, len: usize) -> Vec<u8> {
        self.context.octets(len)
    }

    /// A fresh `Sec-WebSocket-Key`.
    pub(crate) fn key(&self) -> String {
        base64(&self.octets(16))
    }

    /// The time until which a testee has to react, from now on.
    pub(crate) fn soon(&self) -> Instant {
        self.context.soon()
    }

    /// In this time, and never after the case's deadline.
    pub(crate) fn within(&self, wait: Duration) -> Instant {
        self.context.within(wait)
    }

    /// The lines of the log, and how long the case took.
    pub(crate) fn into_log(self) -> (Vec<Line>, Duration) {
        self.context.into_log()
    }

    // -- a server under test ---------------------------------------------------------------------------------------------------

    /// A stream to the server under test.
    pub(crate) fn connect(&mut self) -> Result<Link, Finding> {
        let wait = self.setting.patience.max(Duration::from_secs(5));
        Link::connect(self.setting.address, self.setting.secure.as_ref(), wait).map_err(|error| {
            self.unreachable = true;
            self.note(format!("connecting failed: {error}"));
            Finding::failed(format!("The server could not be reached: {error}."))
        })
    }

    /// The right request.
    pub(crate) fn ask(&self) -> Ask {
        let mut ask = Ask::new(&self.setting.host, &self.setting.target, &self.key());
        for (name, value) in &self.setting.fields {
            ask = ask.add(name, value);
        }
        match &self.setting.subprotocol {
            Some(subprotocol) => ask.add("Sec-WebSocket-Protocol", subprotocol),
            None => ask,
        }
    }

    /// Sends the bytes of a request, and notes them.
    pub(crate) fn send_head(&self, link: &mut Link, bytes: &[u8], chop: usize) {
        self.context.log_head(Way::Sent, &String::from_utf8_lossy(bytes));
        link.queue(bytes, chop);
    }

    /// The answer's head and what followed it, or how the stream ended before; `None` if nothing came in time.
    pub(crate) fn read_head(
        &self,
        link: &mut Link,
        until: Instant,
    ) -> Result<(Head, Vec<u8>), Option<End>> {
        let mut bytes = Vec::new();
        loop {
            bytes.extend(link.take_arrived());
            if let Some((head, len)) = Head::find(&bytes) {
                self.context.log_head(Way::Received, &head.text);
                return Ok((head, bytes.split_off(len)));
            }
            let ended = link.ended();
            if ended.is_some() || bytes.len() > MAX_HEAD {
                if !bytes.is_empty() {
                    let text = crate::wire::frame::excerpt(&bytes);
                    self.context.log(Way::Received, format!("no head: {text}"));
                }
                self.note("the stream ended before a whole head");
                return Err(Some(ended.unwrap_or(End::Closed)));
            }
            if link.turn(until, true) == Turn::TimedOut {
                self.note("no head in time");
                return Err(None);
            }
        }
    }

    /// Asks, and gives what was answered.
    pub(crate) fn answer_to(&mut self, ask: &Ask) -> Result<Answered, Finding> {
        #[cfg(feature = "http2")]
        if self.setting.http2 {
            let connection = self.http2()?;
            let request = Request::of(ask, self.setting.secure.is_some());
            return self
                .stream_of(&connection, request)
                .map_err(|why| Finding::failed(format!("The stream was not opened: {why}.")));
        }
        let mut link = self.connect()?;
        self.send_head(&mut link, &ask.bytes(), usize::MAX);
        let read = self.read_head(&mut link, self.within(self.setting.patience * 2));
        Ok(Answered { link, read })
    }

    /// A connection of HTTP/2 to the server under test.
    #[cfg(feature = "http2")]
    pub(crate) fn http2(&mut self) -> Result<Http2, Finding> {
        let wait = self.setting.patience.max(Duration::from_secs(5));
        let connected = Http2::connect(self.setting.address, self.setting.secure.as_ref(), wait);
        connected.map_err(|refused| match refused {
            Refused::Unreachable(error) => {
                self.unreachable = true;
                Finding::failed(format!("The server could not be reached: {error}."))
            }
            Refused::Other(why) => Finding::failed(format!("HTTP/2 did not come about: {why}.")),
        })
    }

    /// The answer to a request for a stream.
    ///
    /// # Errors
    ///
    /// In words, what happened in place of an answer.
    #[cfg(feature = "http2")]
    pub(crate) fn stream_of(&self, on: &Http2, request: Request) -> Result<Answered, String> {
        self.context.log_head(Way::Sent, &request.text());
        let answer = on.open(request, self.setting.patience * 2).inspect_err(|why| {
            self.note(format!("no answer: {why}"));
        })?;
        self.context.log_head(Way::Received, &answer.head.text);
        Ok(Answered { link: answer.link, read: Ok((answer.head, Vec::new())) })
    }

    // -- a client under test ---------------------------------------------------------------------------------------------------

    /// The client that has connected. It is there once.
    pub(crate) fn caller(&mut self) -> Result<Caller, Finding> {
        self.caller.take().ok_or_else(|| Finding::failed("The case asked for a second client."))
    }

    /// The fields of the right answer to this request.
    pub(crate) fn right_answer(&self, head: &Head) -> Ask {
        let key = head.value("Sec-WebSocket-Key").unwrap_or_default();
        let accept = accept_key(key.as_bytes());
        let mut answer = Ask::new("", "", "");
        answer.method = "HTTP/1.1".to_owned();
        answer.target = "101".to_owned();
        answer.version = "Switching Protocols".to_owned();
        answer.fields.retain(|(name, _)| name == "Upgrade" || name == "Connection");
        answer = answer.add("Sec-WebSocket-Accept", &String::from_utf8_lossy(&accept));
        match &self.setting.subprotocol {
            Some(own) if head.has_token("Sec-WebSocket-Protocol", own) => {
                answer.add("Sec-WebSocket-Protocol", own)
            }
            _ => answer,
        }
    }

    // -- either ----------------------------------------------------------------------------------------------------------------

    /// An open connection without extensions.
    pub(crate) fn open(&mut self) -> Result<Session, Finding> {
        let ask = self.ask();
        self.open_with(&ask, &|_| None)
    }

    /// An open connection: a server is asked so; a client gets the extensions that `accept` chooses out of its offers.
    pub(crate) fn open_with(
        &mut self,
        ask: &Ask,
        accept: &dyn Fn(&[String]) -> Option<String>,
    ) -> Result<Session, Finding> {
        match self.testee {
            Testee::Server => {
                let answered = self.answer_to(ask)?;
                self.opened(ask, answered)
            }
            Testee::Client => {
                let caller = self.caller()?;
                let offers = offers(&caller.head);
                let chosen = accept(&offers);
                let mut answer = self.right_answer(&caller.head);
                if let Some(chosen) = &chosen {
                    answer = answer.add("Sec-WebSocket-Extensions", chosen);
                }
                let mut link = caller.link;
                self.send_head(&mut link, &answer.bytes(), usize::MAX);
                let agreement = chosen.map(|chosen| Agreement::new(&chosen, self.testee));
                let mut session = Session::new(self.context(), link, agreement);
                session.feed(caller.rest);
                Ok(session)
            }
        }
    }

    /// The connection that a server has opened, if its answer is right.
    pub(crate) fn opened(&self, ask: &Ask, answered: Answered) -> Result<Session, Finding> {
        let (head, rest) = answered.read.map_err(|end| {
            Finding::failed(match end {
                Some(End::Closed) => "The server closed the stream before it answered.",
                Some(End::Reset) => "The server reset the stream before it answered.",
                None => "The server did not answer the opening handshake in time.",
            })
        })?;
        check_answer(ask, &head).map_err(Finding::failed)?;
        let extensions = head.value("Sec-WebSocket-Extensions");
        let agreement = match extensions.as_deref() {
            Some(chosen) if chosen.trim_start().starts_with("permessage-deflate") => {
                Some(Agreement::new(chosen, self.testee))
            }
            _ => None,
        };
        let mut session = Session::new(self.context(), answered.link, agreement);
        session.feed(rest);
        Ok(session)
    }
}

/// A stream on which a request was sent, and what came back.
pub(crate) struct Answered {
    pub(crate) link: Link,
    pub(crate) read: Result<(Head, Vec<u8>), Option<End>>,
}

impl Answered {
    /// The status; 0 if nothing came that has one.
    pub(crate) fn status(&self) -> u16 {
        self.read.as_ref().map_or(0, |(head, _)| head.status())
    }

    /// Whether it opens a connection.
    pub(crate) fn is_accepted(&self) -> bool {
        self.read.as_ref().is_ok_and(|(head, _)| accepts(head))
    }

    /// In words.
    pub(crate) fn describe(&self) -> String {
        match &self.read {
            Ok((head, _)) => format!("it answered {:?}", head.line),
            Err(Some(End::Closed)) => "it closed the stream without an answer".to_owned(),
            Err(Some(End::Reset)) => "it reset the stream without an answer".to_owned(),
            Err(None) => "it did not answer in time".to_owned(),
        }
    }
}

/// The elements of a client's offers.
pub(crate) fn offers(head: &Head) -> Vec<String> {
    let value = head.value("Sec-WebSocket-Extensions").unwrap_or_default();
    value.split(',').map(|offer| offer.trim().to_owned()).filter(|o| !o.is_empty()).collect()
}

/// Whether this is the answer of a server that accepts: 101, or 2xx over HTTP/2.
fn accepts(head: &Head) -> bool {
    match head.line.starts_with("HTTP/2 ") {
        true => (200..300).contains(&head.status()),
        false => head.status() == 101,
    }
}

/// What is wrong with an answer that should open a connection.
pub(crate) fn check_answer(ask: &Ask, head: &Head) -> Result<(), String> {
    if !accepts(head) {
        return Err(format!("The server did not accept the handshake: {:?}.", head.line));
    }
    if head.line.starts_with("HTTP/2 ") {
        // Key, Upgrade and Connection are of HTTP/1.1 alone.
        return Ok(());
    }
    let key = ask.value("Sec-WebSocket-Key").unwrap_or_default();
    let accept = accept_key(key.as_bytes());
    let accept = String::from_utf8_lossy(&accept);
    if !head.value("Upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
        return Err("The answer's Upgrade is not websocket.".to_owned());
    }
    if !head.has_token("Connection", "upgrade") {
        return Err("The answer's Connection has no token Upgrade.".to_owned());
    }
    if head.value("Sec-WebSocket-Accept").as_deref() != Some(&*accept) {
        return Err("The answer's Sec-WebSocket-Accept does not follow from the key.".to_owned());
    }
    Ok(())
}
