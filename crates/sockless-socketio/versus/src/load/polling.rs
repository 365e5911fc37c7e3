//! Events echoed over long-polling: each client has a poll that waits, sends an event with another request, and goes on when both are answered.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::{wait, wrong};

/// How many clients there are, and how long the text of an event is.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub clients: usize,
    pub length: usize,
}

/// A connection that carries one request at a time.
struct Line {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A client with its two connections.
struct Client {
    polls: Line,
    posts: Line,
    poll: Vec<u8>,
    post: Vec<u8>,
    /// The same, after the answer to a heartbeat.
    beating_post: Vec<u8>,
    answered: usize,
    /// Whether a heartbeat has come that isn't answered yet.
    beaten: bool,
}

/// Clients that are connected.
pub struct Clients {
    poll: Poll,
    clients: Vec<Client>,
    event: String,
}

impl Clients {
    pub fn open(address: SocketAddr, load: Load) -> io::Result<Self> {
        let poll = Poll::new()?;
        let event = format!("42[\"echo\",\"{}\"]", "x".repeat(load.length));
        let mut clients = Vec::new();
        for token in 0..load.clients {
            let mut client = Client::open(address, &event)?;
            for (line, token) in [&mut client.polls, &mut client.posts].into_iter().zip(2 * token..)
            {
                poll.registry().register(&mut line.stream, Token(token), Interest::READABLE)?;
            }
            clients.push(client);
        }
        Ok(Self { poll, clients, event })
    }

    /// Has this many events echoed in all.
    pub fn run(&mut self, events: usize) -> io::Result<()> {
        let (mut asked, mut answered) = (0, 0);
        for client in &mut self.clients {
            client.ask()?;
            asked += 1;
        }
        let mut ready = Events::with_capacity(2 * self.clients.len());
        while answered < asked {
            wait(&mut self.poll, &mut ready)?;
            for event in &ready {
                let token = event.token().0;
                let client = &mut self.clients[token / 2];
                if !client.receive(token % 2 == 0, &self.event)? {
                    continue;
                }
                answered += 1;
                if asked < events {
                    client.ask()?;
                    asked += 1;
                }
            }
        }
        Ok(())
    }
}

impl Client {
    fn open(address: SocketAddr, event: &str) -> io::Result<Self> {
        let path = "/socket.io/?EIO=4&transport=polling";
        let get = |path: &str| {
            format!(
                "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: versus\r\nAccept: */*\r\n\r\n"
            )
        };
        let post = |path: &str, body: &str| {
            let length = body.len();
            format!(
                "POST {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: versus\r\nAccept: */*\r\n\
                 Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {length}\r\n\r\n{body}"
            )
        };
        let mut blocking = std::net::TcpStream::connect(address)?;
        blocking.set_nodelay(true)?;
        blocking.set_read_timeout(Some(Duration::from_secs(10)))?;
        let hello = exchange(&mut blocking, &get(path))?;
        let sid = hello.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let sid = sid.ok_or_else(|| wrong(format!("no id in {hello}")))?;
        let path = format!("{path}&sid={sid}");
        exchange(&mut blocking, &post(&path, "40"))?;
        // The other server may send a heartbeat first, or both at once.
        let (mut connected, mut beaten) = (false, false);
        while !connected {
            for packet in exchange(&mut blocking, &get(&path))?.split('\x1e') {
                match packet {
                    "2" => beaten = true,
                    packet if packet.starts_with("40{") => connected = true,
                    other => return Err(wrong(other)),
                }
            }
        }
        let other = std::net::TcpStream::connect(address)?;
        other.set_nodelay(true)?;
        Ok(Self {
            polls: Line::new(blocking)?,
            posts: Line::new(other)?,
            poll: get(&path).into(),
            post: post(&path, event).into(),
            beating_post: post(&path, &format!("3\x1e{event}")).into(),
            answered: 0,
            beaten,
        })
    }

    /// Polls, and sends an event; with it, the answer to a heartbeat.
    fn ask(&mut self) -> io::Result<()> {
        self.polls.stream.write_all(&self.poll)?;
        let beaten = std::mem::take(&mut self.beaten);
        let post = if beaten { &self.beating_post } else { &self.post };
        self.posts.stream.write_all(post)
    }

    /// Takes what has come on one of its connections: whether both requests are answered now.
    fn receive(&mut self, polled: bool, event: &str) -> io::Result<bool> {
        let (line, expected) =
            if polled { (&mut self.polls, event) } else { (&mut self.posts, "ok") };
        let Some(body) = line.answer()? else { return Ok(false) };
        let mut complete = false;
        for packet in body.split('\x1e') {
            match packet {
                "2" if polled => self.beaten = true,
                packet if packet == expected && !complete => complete = true,
                _ => return Err(wrong(format!("{body:?} instead of {expected:?}"))),
            }
        }
        if !complete {
            // A heartbeat alone: the event comes with another poll.
            self.polls.stream.write_all(&self.poll)?;
            return Ok(false);
        }
        self.answered += 1;
        Ok(self.answered % 2 == 0)
    }
}

impl Line {
    fn new(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream: TcpStream::from_std(stream), read: Vec::new() })
    }

    /// The body of an answer, once it is whole.
    fn answer(&mut self) -> io::Result<Option<String>> {
        let mut buffer = [0; 8 << 10];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(wrong("the server has closed a connection")),
                Ok(count) => self.read.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let body = whole(&self.read)?;
        if body.is_some() {
            self.read.clear();
        }
        Ok(body)
    }
}

/// Sends a request, and waits for its answer.
fn exchange(stream: &mut std::net::TcpStream, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes())?;
    let (mut read, mut buffer) = (Vec::new(), [0; 8 << 10]);
    loop {
        if let Some(body) = whole(&read)? {
            return Ok(body);
        }
        match stream.read(&mut buffer)? {
            0 => return Err(wrong("the server has closed a connection")),
            count => read.extend_from_slice(&buffer[..count]),
        }
    }
}

/// The body of an answer, if all of it is there. Its length has to be said.
fn whole(read: &[u8]) -> io::Result<Option<String>> {
    let text = String::from_utf8_lossy(read);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Ok(None) };
    if !head.starts_with("HTTP/1.1 200") {
        return Err(wrong(text));
    }
    let field = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = field.ok_or_else(|| wrong(format!("no length in {head}")))?;
    Ok((body.len() >= length).then(|| body.to_owned()))
}
