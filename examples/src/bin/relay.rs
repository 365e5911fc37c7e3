//! A WebSocket proxy that passes frames through without assembling them: each piece of a frame goes on as soon as it is here,
//! under a header of our own, masked or unmasked in the buffer that it was read into.
//!
//! Two threads for each client, one for each direction, on level 1: a decoder and an encoder in each. They share nothing but the
//! right to say why it ends.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sockless::connection::{Generator, Side};
use sockless::frame::{Decoder, Encoder, Fragment, Input, Limits, Misuse, Piece, Violation};
use sockless::handshake::{
    self, Acceptance, Acceptor, Answered, Asked, Connector, Field, Offer, Refusal, Request,
    RequestError, Url,
};
use sockless::words::opcode::Opcode;
use sockless::{Client, CloseCode, Kind, Server};
use sockless_examples::stop::Stop;

const USAGE: &str = "\
usage: relay --to HOST:PORT [--listen ADDRESS:PORT] [--max-frame BYTES] [--grace SECONDS]

Listens for WebSockets, opens one to the server HOST:PORT for each, with the same path, origin, subprotocols and other header
fields, and passes on what either side sends.";

/// How much is read at once.
const BUFFER: usize = 64 << 10;
/// How often a thread that waits looks whether it is over.
const LOOK: Duration = Duration::from_millis(250);
/// How long the server may take to answer, and either side to take what is written.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most of a refusal's body that is passed on.
const MAX_BODY: usize = 64 << 10;

/// What the relay is told.
struct Options {
    to: String,
    listen: SocketAddr,
    limits: Limits,
    grace: Duration,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut to, mut frame, mut grace) = (String::new(), 1 << 30, 5.0);
        let mut listen = SocketAddr::from(([127, 0, 0, 1], 0));
        while let Some(name) = args.next() {
            if matches!(name.as_str(), "--help" | "-h") {
                return Ok(None);
            }
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            let wrong = || format!("{name} can't be {value:?}");
            match name.as_str() {
                "--to" => to = value,
                "--listen" => listen = value.parse().map_err(|_| wrong())?,
                "--max-frame" => frame = value.parse().map_err(|_| wrong())?,
                "--grace" => grace = value.parse().map_err(|_| wrong())?,
                _ => return Err(format!("unknown option {name}")),
            }
        }
        if to.is_empty() {
            return Err("which server? --to HOST:PORT".into());
        }
        // How long a message is in the end is nothing to a relay, which holds none.
        let limits = Limits::default().with_frame(frame).with_message(u64::MAX);
        let grace = Duration::try_from_secs_f64(grace).map_err(|_| "--grace can't be that")?;
        Ok(Some(Self { to, listen, limits, grace }))
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("relay: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen)?;
    listener.set_nonblocking(true)?;
    let stop = Stop::on_signal()?;
    let address = listener.local_addr()?;
    println!("relay listens on http://{address}/ for {} (Ctrl-C stops it)", options.to);
    let options = Arc::new(options);
    let mut threads: Vec<thread::JoinHandle<()>> = Vec::new();
    while !stop.is_asked() {
        match listener.accept() {
            Ok((client, _)) => {
                let (options, stop) = (Arc::clone(&options), stop.clone());
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread::spawn(move || {
                    if let Err(error) = serve(client, &options, &stop) {
                        eprintln!("relay: {error}");
                    }
                }));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => eprintln!("relay: {error}"),
        }
    }
    let deadline = Instant::now() + options.grace;
    while Instant::now() < deadline && threads.iter().any(|thread| !thread.is_finished()) {
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(PATIENCE))
}

/// `None` if nothing arrived in time.
fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(count) => Ok(Some(count)),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        },
    }
}

fn serve(client: TcpStream, options: &Options, stop: &Stop) -> io::Result<()> {
    prepare(&client)?;
    let mut buffer = vec![0; BUFFER];
    let Some((request, arrived)) = asked(&client, &mut buffer)? else { return Ok(()) };
    let first = buffer[request.consumed()..arrived].to_vec();
    let answer = match forward(&request, &options.to) {
        Ok(Forwarded::Open { server, answer, first: from_server }) => {
            (&client).write_all(&answer)?;
            let relay = Relay {
                limits: options.limits,
                stop,
                to_client: Out::new(client, ()),
                to_server: Out::<Client>::new(server, Box::new(Generator::new()) as _),
                ending: Mutex::new(None),
                grace: options.grace,
            };
            return relay.run(&first, &from_server);
        }
        Ok(Forwarded::Answered(answer)) => answer,
        Err(error) => {
            eprintln!("relay: {} can't be reached: {error}", options.to);
            refusal(502, b"the server behind can't be reached")
        }
    };
    finish(&client, &answer)
}

fn refusal(status: u16, body: &[u8]) -> Vec<u8> {
    Refusal::new(status, &[], body).map(|refusal| refusal.to_vec()).unwrap_or_default()
}

/// Writes an answer that opens nothing. The client reads it before it closes; what it still sends is read until then, so that
/// nothing resets the stream.
fn finish(mut client: &TcpStream, answer: &[u8]) -> io::Result<()> {
    client.write_all(answer)?;
    client.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + LOOK * 4;
    while Instant::now() < deadline && read(client, &mut [0; 1024])? != Some(0) {}
    Ok(())
}

/// The client's request for a WebSocket, and how much has arrived; `None` if it has asked for something else.
fn asked(client: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<(Request<'static>, usize)>> {
    let started = Instant::now();
    let mut acceptor = Acceptor::new(&handshake::Limits::default(), Duration::ZERO);
    loop {
        let (asked, arrived) = match read(client, buffer)? {
            Some(0) => (acceptor.end(), 0),
            Some(count) => (acceptor.poll(&buffer[..count], started.elapsed()), count),
            None => (acceptor.poll(&[], started.elapsed()), 0),
        };
        let error = match asked {
            None => continue,
            Some(Asked::WebSocket(request)) => return Ok(Some((request.into_owned(), arrived))),
            Some(Asked::Plain(_)) => RequestError::PlainRequest,
            Some(Asked::Refused(error)) => error,
        };
        finish(client, error.answer())?;
        return Ok(None);
    }
}

/// What the server has made of the client's request.
enum Forwarded {
    /// A WebSocket, the answer for the client, and what the server has sent behind its own.
    Open { server: TcpStream, answer: Vec<u8>, first: Vec<u8> },
    /// Something else, to be passed on.
    Answered(Vec<u8>),
}

/// Whether a field is passed on: all but those that belong to one connection.
fn passes(field: &Field<'_>) -> bool {
    const OWN: [&str; 9] = [
        "host",
        "upgrade",
        "connection",
        "content-length",
        "transfer-encoding",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
    ];
    let name = field.name.to_ascii_lowercase();
    !OWN.contains(&name.as_str()) && !name.starts_with("sec-websocket-")
}

/// Opens a WebSocket to the server with what the client has asked for.
fn forward(request: &Request<'_>, to: &str) -> io::Result<Forwarded> {
    let address = to.to_socket_addrs()?.next().ok_or(ErrorKind::AddrNotAvailable)?;
    let server = TcpStream::connect_timeout(&address, PATIENCE)?;
    prepare(&server)?;
    let text = format!("ws://{to}{}", request.target());
    let Ok(url) = Url::parse(&text) else {
        return Ok(Forwarded::Answered(refusal(400, b"no such resource")));
    };
    let fields: Vec<_> =
        request.fields().filter(|field| passes(field) && !field.is("origin")).collect();
    let subprotocols: Vec<_> = request.subprotocols().collect();
    let mut offer = Offer::new(url).with_subprotocols(&subprotocols).with_fields(&fields);
    if let Some(origin) = request.origin() {
        offer = offer.with_origin(origin);
    }
    let started = Instant::now();
    let limits = handshake::Limits::default();
    let mut connector = match Connector::new(offer, &limits, Duration::ZERO) {
        Ok(connector) => connector,
        Err(_) => return Ok(Forwarded::Answered(refusal(400, b"can't be passed on"))),
    };
    (&server).write_all(&connector.request().to_vec())?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let answered = match read(&server, &mut buffer)? {
            Some(0) => connector.end(),
            Some(count) => connector.poll(&buffer[..count], started.elapsed()),
            None => connector.poll(&[], started.elapsed()),
        };
        match answered {
            None => {}
            Some(Answered::Open { established, response }) => {
                let fields: Vec<_> = response.fields().filter(passes).collect();
                let acceptance = Acceptance::new()
                    .with_subprotocol(established.subprotocol)
                    .with_fields(&fields);
                let answer = request.accept(&acceptance).map_err(io::Error::other)?.to_vec();
                let first = response.body().to_vec();
                return Ok(Forwarded::Open { server, answer, first });
            }
            Some(Answered::Refused(response)) => {
                let mut body = response.body().to_vec();
                let length = response.field("content-length");
                let length = length.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
                let length = length.unwrap_or(MAX_BODY).min(MAX_BODY);
                let mut piece = [0; 4096];
                while body.len() < length && started.elapsed() < PATIENCE {
                    match read(&server, &mut piece)? {
                        Some(0) => break,
                        Some(count) => body.extend_from_slice(&piece[..count]),
                        None => {}
                    }
                }
                let fields: Vec<_> = response.fields().filter(passes).collect();
                let refusal = Refusal::new(response.status(), &fields, &body);
                return Ok(Forwarded::Answered(
                    refusal.map_or_else(|_| self::refusal(502, b""), |refusal| refusal.to_vec()),
                ));
            }
            Some(Answered::Failed(error)) => return Err(io::Error::other(error)),
        }
    }
}

/// The way out to one side, in the role `R`. What comes from that side is read by the other direction.
struct Out<R: Side> {
    stream: TcpStream,
    encoder: Encoder<R>,
    keys: R::Keys,
}

impl<R: Side> Out<R> {
    fn new(stream: TcpStream, keys: R::Keys) -> Mutex<Self> {
        Mutex::new(Self { stream, encoder: Encoder::new(), keys })
    }

    /// Sends a Close frame, unless there was one. Where a frame is open none can be sent: then the stream is cut.
    fn close(&mut self, code: CloseCode) {
        match self.encoder.close(Some(code), "", R::next_key(&mut self.keys)) {
            Ok(frame) => drop(self.stream.write_all(&frame)),
            Err(Misuse::FrameOpen) => drop(self.stream.shutdown(Shutdown::Both)),
            Err(_) => {}
        }
    }
}

/// An open connection between a client and a server.
struct Relay<'s> {
    limits: Limits,
    stop: &'s Stop,
    to_client: Mutex<Out<Server>>,
    to_server: Mutex<Out<Client>>,
    /// When it is over at the latest, once one side has closed or failed.
    ending: Mutex<Option<Instant>>,
    grace: Duration,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a direction ends.
enum End {
    /// The Close frame has been passed on.
    Closed,
    /// The side that is read has broken a rule.
    Broken(Violation),
    /// One of the sides is gone.
    Lost,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

impl Relay<'_> {
    fn run(&self, from_client: &[u8], from_server: &[u8]) -> io::Result<()> {
        let client = lock(&self.to_client).stream.try_clone()?;
        let server = lock(&self.to_server).stream.try_clone()?;
        thread::scope(|scope| {
            scope.spawn(|| self.direction(&server, from_server, &self.to_server, &self.to_client));
            self.direction(&client, from_client, &self.to_client, &self.to_server);
        });
        Ok(())
    }

    /// One direction, and what its end means to both sides: `back` leads to the side that is read, `ahead` to the other one.
    fn direction<B: Side, A: Side>(
        &self,
        from: &TcpStream,
        first: &[u8],
        back: &Mutex<Out<B>>,
        ahead: &Mutex<Out<A>>,
    ) {
        let end = match self.pump(from, first, ahead) {
            Ok(()) => End::Closed,
            Err(end) => end,
        };
        self.ends_soon();
        // 1014 would say it better, but some clients don't take it.
        let lost = if A::MASKS { CloseCode::GOING_AWAY } else { CloseCode::INTERNAL_ERROR };
        match end {
            // The answer comes by the other direction.
            End::Closed => {}
            End::Lost => lock(ahead).close(lost),
            End::Broken(violation) => {
                lock(ahead).close(lost);
                let mut back = lock(back);
                back.close(violation.close_code());
                let _ = back.stream.shutdown(Shutdown::Write);
                drop(back);
                // It reads the Close frame before it closes. What it still sends is thrown away.
                let mut buffer = [0; 4096];
                while !self.is_over() && read(from, &mut buffer).is_ok_and(|count| count != Some(0))
                {
                }
            }
        }
    }

    /// Takes note that there is not much more to come.
    fn ends_soon(&self) {
        lock(&self.ending).get_or_insert_with(|| Instant::now() + self.grace);
    }

    fn is_over(&self) -> bool {
        lock(&self.ending).is_some_and(|ending| Instant::now() >= ending)
    }

    /// Passes on frames until a Close frame has been.
    fn pump<A: Side>(
        &self,
        from: &TcpStream,
        first: &[u8],
        ahead: &Mutex<Out<A>>,
    ) -> Result<(), End> {
        let mut decoder = Decoder::<A::Peer>::new();
        let mut buffer = vec![0; BUFFER];
        let mut arrived = first.len();
        buffer[..arrived].copy_from_slice(first);
        // The payload of the control frame under way.
        let mut control = Vec::with_capacity(125);
        let mut told = false;
        loop {
            let mut input = Input::new(&mut buffer[..arrived]);
            while let Some(piece) = decoder.decode(&mut input, &self.limits).map_err(End::Broken)? {
                if !piece.opcode.is_control() {
                    pass(piece, &mut lock(ahead))?;
                    continue;
                }
                if piece.begins {
                    control.clear();
                }
                control.extend_from_slice(piece.payload);
                if piece.remaining == 0 {
                    let opcode = piece.opcode;
                    // That its end is broken, a Close frame shows only behind its last piece.
                    decoder.decode(&mut Input::none(), &self.limits).map_err(End::Broken)?;
                    pass_control(opcode, &control, &mut lock(ahead))?;
                    if opcode == Opcode::Close {
                        return Ok(());
                    }
                }
            }
            if self.stop.is_asked() && !told && lock(ahead).encoder.remaining() == 0 {
                told = true;
                lock(ahead).close(CloseCode::GOING_AWAY);
                self.ends_soon();
            }
            if self.is_over() {
                return Err(End::Lost);
            }
            arrived = match read(from, &mut buffer)? {
                Some(0) => return Err(End::Lost),
                count => count.unwrap_or(0),
            };
        }
    }
}

/// Passes on a piece of a data frame.
fn pass<A: Side>(piece: Piece<'_>, out: &mut Out<A>) -> Result<(), End> {
    if piece.begins {
        let first = match piece.opcode {
            Opcode::Text => Some(Kind::Text),
            Opcode::Binary => Some(Kind::Binary),
            _ => None,
        };
        let len = piece.payload.len() as u64 + piece.remaining;
        let fragment = Fragment { first, fin: piece.fin, rsv1: false, len };
        match out.encoder.begin(fragment, A::next_key(&mut out.keys)) {
            Ok(header) => out.stream.write_all(&header)?,
            // Once the relay has said that it closes, nothing is passed on any more. Text that is wrong in the end, the decoder
            // tells of with its next breath.
            Err(_) => return Ok(()),
        }
    }
    if out.encoder.payload(piece.payload).is_ok() {
        out.stream.write_all(piece.payload)?;
    }
    Ok(())
}

/// Passes on a control frame.
fn pass_control<A: Side>(opcode: Opcode, payload: &[u8], out: &mut Out<A>) -> Result<(), End> {
    let key = A::next_key(&mut out.keys);
    let frame = match (opcode, payload) {
        (Opcode::Ping, payload) => out.encoder.ping(payload, key),
        (Opcode::Pong, payload) => out.encoder.pong(payload, key),
        (_, [high, low, reason @ ..]) => {
            let code = CloseCode::new(u16::from_be_bytes([*high, *low]));
            // The decoder has checked both.
            out.encoder.close(code, std::str::from_utf8(reason).unwrap_or_default(), key)
        }
        _ => out.encoder.close(None, "", key),
    };
    // What can't be sent is what comes after a Close frame.
    if let Ok(frame) = frame {
        out.stream.write_all(&frame)?;
    }
    Ok(())
}
