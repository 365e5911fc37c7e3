//! The client: one try after the other, as long as that is wanted and worth while.

use std::io::{self, ErrorKind, IsTerminal as _};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sockless::connection::{Entropy as _, Generator};
use sockless::extension::{Supported, deflate};
use sockless::handshake::{Answered, Connector, Field, HeadLimits, Offer, Response, Url};
use sockless::{Client, CloseCode, Connection, Input, endpoint};
use sockless_session::Entropy;
use sockless_session::reconnect::{Next, Reconnect, Settings};

use crate::ending::Ending;
use crate::event::Seen;
use crate::exec;
use crate::options::Options;
use crate::output::Output;
use crate::proxy::Proxy;
use crate::pump;
use crate::queue::Queue;
use crate::screen;
use crate::stop::Stop;
use crate::talk::{self, After, Party, Talk};
use crate::tls::Tls;
use crate::way::{self, Until};
use crate::wire::Wire;

/// The longest message that is received.
const LONGEST: u64 = 256 << 20;
/// How much of a refusal's body is awaited, and for how long.
const BODY: usize = 4096;
const BODY_TIME: Duration = Duration::from_millis(500);

/// Connects, and again, until it is over.
pub(crate) fn run(options: &Options, url: &str, output: &Output, stop: &Stop) -> Ending {
    let settings = options.tries.into_iter().fold(Settings::default(), Settings::with_most_tries);
    let mut reconnect = Reconnect::new(settings);
    let mut jitter = Jitter(Generator::new());
    let origin = Instant::now();
    let client = match Session::new(options, url, output, stop) {
        Ok(client) => client,
        Err(ending) => return ending,
    };
    let mut client = client;
    loop {
        reconnect.connecting();
        let ending = client
            .try_once(|| reconnect.connected(origin.elapsed()))
            .unwrap_or_else(|ending| ending);
        let again = match ending.again {
            Some(again) if options.reconnect && stop.why().is_none() => again,
            _ => return ending,
        };
        reconnect.ended(again, origin.elapsed(), &mut jitter);
        let Next::Wait { until } = reconnect.next(origin.elapsed()) else {
            return ending;
        };
        ending.say(options.quiet);
        let after = until.saturating_sub(origin.elapsed());
        output.see(&Seen::Retrying { after }, None);
        output.note(&format!("trying again in {:.1} s", after.as_secs_f64()));
        // A signal ends the program meanwhile, because nothing is open.
        thread::sleep(after);
    }
}

/// What delays are drawn from.
struct Jitter(Generator);

impl Entropy for Jitter {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

/// What all tries share.
struct Session<'a> {
    options: &'a Options,
    url: Url<'a>,
    text: &'a str,
    output: &'a Output,
    stop: &'a Stop,
    tls: Option<Tls>,
    proxy: Option<Proxy>,
    /// The URL with the other scheme.
    elsewhere: String,
    /// The lines of the standard input. They are read from the moment on when the first connection is open.
    lines: Option<Arc<Queue>>,
}

impl<'a> Session<'a> {
    fn new(
        options: &'a Options,
        text: &'a str,
        output: &'a Output,
        stop: &'a Stop,
    ) -> Result<Self, Ending> {
        let url = Url::parse(text).map_err(|error| Ending::unusable(format!("{error}: {text}")))?;
        let tls = url.is_secure().then(|| Tls::new(options)).transpose()?;
        let proxy = way::proxy(&url, options)?;
        let elsewhere = elsewhere(&url);
        let lines = options.once.then(|| only_message(options)).transpose();
        let lines = lines.map_err(|error| Ending::unusable(format!("the input: {error}")))?;
        Ok(Self { options, url, text, output, stop, tls, proxy, elsewhere, lines })
    }

    /// Connects, and talks until the end. `opened` is called in between.
    fn try_once(&mut self, opened: impl FnOnce()) -> Result<Ending, Ending> {
        let failed = |ending: Ending| {
            if ending.status != 4 {
                let seen = Seen::Failed { status: ending.status, why: &ending.text };
                self.output.see(&seen, None);
            }
            ending
        };
        let (started, until) = (Instant::now(), Until::after(self.options.timeout));
        let fields: Vec<_> =
            self.options.headers.iter().map(|(name, value)| Field::new(name, value)).collect();
        let names: Vec<_> = self.options.subprotocols.iter().map(String::as_str).collect();
        let offer = self.offer(&fields, &names);
        let mut wire = self.connect(until).map_err(failed)?;
        let mut buffer = vec![0; talk::READ];
        let open = self.open(&mut wire, &mut buffer, offer, started, until).map_err(failed)?;
        opened();
        let connection = open.connection;
        self.lines(connection, open.arrived, &mut wire, &mut buffer, started)
    }

    fn offer<'o>(&self, fields: &'o [Field<'o>], names: &'o [&'o str]) -> Offer<'o>
    where
        'a: 'o,
    {
        let mut offer = Offer::new(self.url).with_fields(fields).with_subprotocols(names);
        if let Some(origin) = self.options.origins.first() {
            offer = offer.with_origin(origin);
        }
        if self.options.deflate {
            offer =
                offer.with_extensions(Supported::default().with_deflate(deflate::Terms::default()));
        }
        offer
    }

    fn connect(&self, until: Until) -> Result<Wire, Ending> {
        if let Some(proxy) = &self.proxy {
            self.output.note(&format!("by the proxy {proxy}"));
        }
        let stream = way::connect(&self.url, self.options, self.proxy.as_ref(), until)?;
        let tls = self.tls.as_ref().map(|tls| tls.connect(self.url.address())).transpose()?;
        Wire::new(stream, tls).map_err(|error| Ending::lost(&error))
    }

    /// The opening handshake.
    fn open(
        &self,
        wire: &mut Wire,
        buffer: &mut [u8],
        offer: Offer<'_>,
        started: Instant,
        until: Until,
    ) -> Result<Open, Ending> {
        let limits = HeadLimits::default().with_timeout(until.left());
        let mut connector = Connector::new(offer, &limits, started.elapsed())
            .map_err(|error| Ending::unusable(format!("the request can't be sent: {error}")))?;
        let request = connector.request().to_vec();
        let (mut written, mut begins) = (0, Vec::<u8>::new());
        loop {
            let in_tls = wire.is_opening_tls();
            let stream_failed =
                |error: &io::Error| Ending::of_stream(error, in_tls, &self.elsewhere);
            written += wire.write(&request[written..]).map_err(|error| stream_failed(&error))?;
            let (mut input, count) = match wire.read(buffer) {
                Ok(None) => (Input::none(), 0),
                Ok(Some(0)) if !in_tls => (Input::eof(), 0),
                Ok(Some(0)) => return Err(stream_failed(&ErrorKind::UnexpectedEof.into())),
                Ok(Some(count)) => {
                    begins.extend(buffer[..count].iter().take(2usize.saturating_sub(begins.len())));
                    (Input::new(&mut buffer[..count]), count)
                }
                Err(error) if !in_tls && is_end(&error) => (Input::eof(), 0),
                Err(error) => return Err(stream_failed(&error)),
            };
            match connector.poll(&mut input, started.elapsed()) {
                None if count == 0 => {
                    let left = connector.deadline().map(|at| at.saturating_sub(started.elapsed()));
                    wire.wait(left).map_err(|error| Ending::lost(&error))?;
                }
                None => {}
                Some(Answered::Open { established, .. }) => {
                    let arrived = count - input.len()..count;
                    let compression =
                        established.extensions.deflate.map(|parameters| parameters.to_string());
                    let (subprotocol, compression) =
                        (established.subprotocol, compression.as_deref());
                    self.output
                        .see(&Seen::Opened { place: self.text, subprotocol, compression }, None);
                    let agreed = screen::agreed(subprotocol, compression);
                    self.output.note(&format!("connected to {}: {agreed}", self.text));
                    let config = talk::config(self.options, LONGEST);
                    let connection = endpoint::client(&established, config);
                    return Ok(Open { connection, arrived });
                }
                Some(Answered::Refused(response)) => {
                    let response = response.into_owned();
                    return Err(self.refused(&response, wire, buffer));
                }
                Some(Answered::Failed(error)) => {
                    let speaks_tls = self.tls.is_none() && begins == [0x15, 3];
                    return Err(Ending::of_answer(error, speaks_tls, &self.elsewhere));
                }
            }
        }
    }

    /// A refusal, with the start of its body.
    fn refused(&self, response: &Response<'_>, wire: &mut Wire, buffer: &mut [u8]) -> Ending {
        let mut body = response.body().to_vec();
        let announced = response
            .field("content-length")
            .and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        let wanted = announced.map_or(BODY, |length: usize| length.min(BODY));
        let until = Until::after(BODY_TIME);
        while body.len() < wanted && !until.is_over() {
            match wire.read(buffer) {
                Ok(Some(0)) | Err(_) => break,
                Ok(Some(count)) => body.extend_from_slice(&buffer[..count]),
                Ok(None) if wire.wait(Some(until.left())).is_err() => break,
                Ok(None) => {}
            }
        }
        body.truncate(wanted);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let fields: Vec<_> =
            response.fields().map(|field| (field.name.to_owned(), text(field.value))).collect();
        let seen = Seen::Refused { status: response.status(), fields: &fields, body: &body };
        self.output.see(&seen, None);
        Ending::refused(response, &body, &self.elsewhere)
    }

    /// Talks with whoever has the lines: the standard input, or a command.
    fn lines(
        &mut self,
        connection: Connection<Client>,
        arrived: std::ops::Range<usize>,
        wire: &mut Wire,
        buffer: &mut [u8],
        started: Instant,
    ) -> Result<Ending, Ending> {
        let options = self.options;
        let command = options.exec.as_deref().map(exec::start).transpose();
        let command = command.map_err(|error| Ending::command(format!("--exec: {error}")))?;
        let (lines, after) = match &command {
            Some(command) => (Arc::clone(&command.lines), After::End),
            None => {
                self.input().map_err(|error| Ending::unusable(format!("the input: {error}")))?
            }
        };
        let close = options
            .close
            .as_ref()
            .map_or((CloseCode::NORMAL, ""), |(code, reason)| (*code, reason));
        let party = Party {
            options,
            stop: self.stop,
            output: self.output,
            lines: &lines,
            command: command.as_ref().map(|command| &*command.input),
            client: None,
            peer: "the server",
            close,
            after,
        };
        let ending = Talk::new(connection, party, started).run(wire, buffer, arrived);
        let Some(command) = command else { return Ok(ending) };
        let ended = command.finish();
        // If somebody else ended it, the command could not help it.
        let was_its_end = ending.status == 0 && ending.again.is_none() && self.stop.why().is_none();
        match ended {
            Ok(Some(status)) if was_its_end && !status.success() => {
                Ok(Ending::command(format!("the command ended with {status}")))
            }
            _ => Ok(ending),
        }
    }

    /// The lines of the standard input, and what comes after them.
    fn input(&mut self) -> io::Result<(Arc<Queue>, After)> {
        let options = self.options;
        let is_terminal = io::stdin().is_terminal();
        let after = match () {
            () if options.no_input => After::Nothing,
            () if is_terminal && !options.once => After::End,
            () => After::Answers,
        };
        if let Some(lines) = &self.lines {
            return Ok((Arc::clone(lines), after));
        }
        let lines = match options.no_input {
            // Nothing will come.
            true => Queue::new(0),
            false => pump::lines(io::stdin())?,
        };
        Ok((Arc::clone(self.lines.insert(lines)), after))
    }
}

/// The message of `--once`, unless it was given as an argument. It is read before the server is asked for anything.
fn only_message(options: &Options) -> io::Result<Arc<Queue>> {
    let lines = Queue::new(0);
    if options.messages.is_empty()
        && let Some(message) = pump::one(io::stdin(), io::stdin().is_terminal(), options.binary)?
    {
        lines.push(message);
    }
    lines.end();
    Ok(lines)
}

/// A connection that has just been opened.
struct Open {
    connection: Connection<Client>,
    /// Where in the buffer lies what has arrived after the answer.
    arrived: std::ops::Range<usize>,
}

/// Whether an error says no more than that the server has ended the stream.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    )
}

/// The URL with the other scheme, for the same port.
fn elsewhere(url: &Url<'_>) -> String {
    let (scheme, default) = if url.is_secure() { ("ws", 80) } else { ("wss", 443) };
    let port = if url.port() == default { String::new() } else { format!(":{}", url.port()) };
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{}{port}{}{query}", url.host(), url.path())
}
