//! This library: a connection, as its documentation and its examples drive it.

use std::hint::black_box;
use std::io::{IoSlice, Read as _};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ::sockless::connection::{Entropy, Loan, Side as Role};
use ::sockless::extension::Agreed;
use ::sockless::extension::deflate::{self, Parameters};
use ::sockless::handshake::{Acceptance, Acceptor, Asked, HeadLimits};
use ::sockless::{Client, Config, Connection, Event, Input as Arrived};

use super::{Cell, Contender, Decode, Decoding, Deflate, Encode, Idle, Repeated, Seen, Side};
use crate::wire::{Input, Wire, Written};

/// From how many bytes on a server's message is written from where it is, as `autobahn/src/bin/echo_mio` does.
const LARGE: usize = 32 << 10;

pub enum Sockless {
    /// As a driver has it: input is read into a buffer, and what large messages lack into their own memory.
    Usual,
    /// Mask keys are a counter's, as in the practical limit: a key's making is no part of the work then.
    GivenKeys,
    /// Input is in memory already that can't be written to, and is unmasked while it is copied.
    Copied,
    /// Everything is read into one buffer, and large messages are copied out of it part by part.
    OneBuffer,
}

impl Sockless {
    fn decode_by<R: Role>(&self, connection: Connection<R>, input: Input) -> Cell<Decoding>
    where
        Connection<R>: 'static,
    {
        match self {
            Self::Usual => Ok(decode_reading(connection, input)),
            Self::Copied => Ok(decode_steps(connection, input, true, |step, buffer| {
                Arrived::copied(step, buffer)
            })),
            Self::OneBuffer => Ok(decode_steps(connection, input, false, |step, buffer| {
                let read = &mut buffer[..step.len()];
                read.copy_from_slice(step);
                Arrived::new(read)
            })),
            Self::GivenKeys => Err("as sockless"),
        }
    }

    /// That there is nothing different about the work, unless it is the usual form.
    fn usual(&self) -> Cell<()> {
        match self {
            Self::Usual => Ok(()),
            Self::GivenKeys | Self::Copied | Self::OneBuffer => Err("as sockless"),
        }
    }
}

/// Keys that differ and cost nothing.
struct Counting(u32);

impl Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0 = self.0.wrapping_add(0x9E37_79B9);
        bytes.copy_from_slice(&self.0.to_ne_bytes()[..bytes.len()]);
    }
}

impl Contender for Sockless {
    fn name(&self) -> &'static str {
        match self {
            Self::Usual => super::OURS,
            Self::GivenKeys => "sockless, keys given",
            Self::Copied => "sockless, copied",
            Self::OneBuffer => "sockless, one buffer",
        }
    }

    fn package(&self) -> Option<&'static str> {
        Some("sockless")
    }

    fn settings(&self) -> &'static str {
        match self {
            Self::Usual => {}
            Self::GivenKeys => {
                return "the same, with mask keys from a counter, as the practical limit has them";
            }
            Self::Copied => {
                return "the same, but nothing is read: `Input::copied` takes the input where it lies, and unmasks while it copies. It is for programs whose \
                        input is in memory that can't be written to: the `Bytes` of HTTP/2 and QUIC, the plaintext of some TLS libraries";
            }
            Self::OneBuffer => {
                return "the same, but without `take_buffer` and `lend(Loan::Message, ..)`: all is read into one buffer, as \
                        `autobahn/src/bin/echo_mio` does it";
            }
        }
        "`Connection` with the default `Config`: whole messages, all checks on. One read buffer of the caller's, and `take_buffer` for messages of \
         which 16 KiB and more are missing, as `crates/sockless-tokio` does it. The memory of messages that don't lie whole in a read, and of inflated ones, is lent again with \
         `lend(Loan::Message, ..)`. Output memory is lent once, and kept from batch to batch. A server's messages from 32 KiB on are sent by `send_binary_borrowed`, all others by `send_binary`. \
         Mask keys: ChaCha12 seeded by the system, the default. Deflate: defaults, level 6, window 15. Echo on tokio: `sockless-tokio`, \
         `recv` and `feed`; no timers, the default. As a stream: `next` \
         until nothing more has arrived, then `feed` each and `flush`."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        match job.side {
            Side::Server => self.decode_by(Connection::server(Config::default()), job.input),
            Side::Client => self.decode_by(Connection::client(Config::default()), job.input),
        }
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        match (self, job.side) {
            (Self::Usual, Side::Server) => Ok(serve(job)),
            (Self::Usual, Side::Client) => Ok(request(Connection::client(Config::default()), job)),
            (Self::GivenKeys, Side::Client) => {
                let keys = Counting(0x3D21_FA37);
                Ok(request(Connection::client_with(Config::default(), keys), job))
            }
            _ => Err("as sockless"),
        }
    }

    fn handshake(&self, input: Input, output: Arc<Written>) -> Cell<Repeated> {
        self.usual()?;
        let (limits, config) = (HeadLimits::default(), Arc::new(Config::default()));
        let mut place = vec![0; input.steps().map(<[u8]>::len).max().unwrap_or(0)];
        Ok(Box::new(move |times| {
            for _ in 0..times {
                let mut acceptor = Acceptor::new(&limits, Duration::ZERO);
                let mut answer = [0; 512];
                for step in input.steps() {
                    let mut arrived = Arrived::copied(black_box(step), &mut place);
                    let asked = acceptor.poll(&mut arrived, Duration::ZERO);
                    if let Some(Asked::WebSocket(request)) = asked {
                        let switching = request.accept(&Acceptance::new()).expect("it fits");
                        let length = switching.encode(&mut answer).expect("room");
                        // The connection, as every other contender has one now.
                        let _ = black_box(Connection::server(Arc::clone(&config)));
                        output.write(&answer[..length]);
                    }
                }
            }
        }))
    }

    fn deflate(&self, job: Deflate) -> Cell<Repeated> {
        self.usual()?;
        let mut agreed = Agreed::default();
        agreed.deflate = Some(Parameters {
            server_no_context_takeover: !job.takeover,
            client_no_context_takeover: !job.takeover,
            ..Parameters::default()
        });
        let config = Config::default().with_deflate(deflate::Compression::default());
        let mut connection = Connection::server(config).with_extensions(agreed);
        let mut buffer = vec![0; job.input.step];
        Ok(Box::new(move |times| {
            for _ in 0..times {
                for step in job.input.steps() {
                    let read = &mut buffer[..step.len()];
                    read.copy_from_slice(step);
                    let mut arrived = Arrived::new(read);
                    while let Some(event) = connection.poll(&mut arrived, Duration::ZERO) {
                        match event {
                            Event::Text(text) => {
                                connection.send_text(&text).expect("room");
                                lend(&mut connection, text.into_string().into_bytes());
                            }
                            other => panic!("{other:?}"),
                        }
                        let output = connection.output();
                        job.output.write(output);
                        let length = output.len();
                        connection.wrote(length);
                    }
                }
            }
        }))
    }

    fn idle(&self, input: Input) -> Cell<Idle> {
        self.usual()?;
        // One configuration for all connections, as a server has it.
        static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(Arc::default);
        let mut connection = Connection::server(Arc::clone(&CONFIG));
        for step in input.steps() {
            let mut read = step.to_vec();
            let mut arrived = Arrived::new(&mut read);
            while let Some(event) = connection.poll(&mut arrived, Duration::ZERO) {
                if let Event::Binary(payload) = event {
                    connection.send_binary(&payload).expect("room");
                }
            }
        }
        connection.wrote(usize::MAX);
        Ok(Idle::new(connection))
    }
}

fn serve(job: Encode) -> Repeated {
    let mut connection = Connection::server(Config::default());
    connection.lend(Loan::Output, Vec::new()).expect("nothing waits");
    Box::new(move |batches| {
        for _ in 0..batches {
            if job.payload.len() >= LARGE {
                for _ in 0..job.batch {
                    let payload = black_box(&job.payload);
                    let mut message = connection.send_binary_borrowed(payload).expect("open");
                    let slices = message.slices().map(IoSlice::new);
                    message.wrote(job.output.write_slices(&slices));
                }
                continue;
            }
            for _ in 0..job.batch {
                let payload = black_box(&job.payload);
                connection.send_binary(payload).expect("open");
            }
            job.output.write(connection.output());
            connection.wrote(usize::MAX);
        }
    })
}

fn request(mut connection: Connection<Client>, job: Encode) -> Repeated {
    connection.lend(Loan::Output, Vec::new()).expect("nothing waits");
    let mut payload = job.payload.to_vec();
    Box::new(move |batches| {
        for _ in 0..batches {
            if job.in_place {
                for _ in 0..job.batch {
                    let mut message = connection.send_binary_borrowed(&mut payload).expect("open");
                    let slices = message.slices().map(IoSlice::new);
                    message.wrote(job.output.write_slices(&slices));
                }
                continue;
            }
            for _ in 0..job.batch {
                let payload = black_box(&payload);
                connection.send_binary(payload).expect("open");
            }
            job.output.write(connection.output());
            connection.wrote(usize::MAX);
        }
    })
}

/// Reads into one buffer, and into a large message itself.
fn decode_reading<R: Role>(mut connection: Connection<R>, input: Input) -> Decoding
where
    Connection<R>: 'static,
{
    let mut buffer = vec![0; input.step];
    let mut wire = Wire::new(input, &Arc::default());
    Box::new(move |messages, seen| {
        let end = seen.messages + messages;
        while seen.messages < end {
            let mut arrived = match connection.take_buffer() {
                Some(mut taken) => {
                    wire.append(&mut taken);
                    connection.put_buffer(taken).expect("what was taken");
                    Arrived::none()
                }
                None => {
                    let count = wire.read(&mut buffer).expect("endless");
                    Arrived::new(&mut buffer[..count])
                }
            };
            show(&mut connection, &mut arrived, true, seen);
        }
    })
}

fn decode_steps<R: Role>(
    mut connection: Connection<R>,
    input: Input,
    lends: bool,
    arrive: impl for<'b> Fn(&'b [u8], &'b mut [u8]) -> Arrived<'b> + 'static,
) -> Decoding
where
    Connection<R>: 'static,
{
    let mut buffer = vec![0; input.step];
    Box::new(move |_, seen| {
        for step in input.steps() {
            show(&mut connection, &mut arrive(step, &mut buffer), lends, seen);
        }
    })
}

#[inline(always)]
fn show<R: Role>(
    connection: &mut Connection<R>,
    arrived: &mut Arrived<'_>,
    lends: bool,
    seen: &mut Seen,
) {
    while let Some(event) = connection.poll(arrived, Duration::ZERO) {
        match event {
            Event::Binary(payload) => {
                seen.take(&payload);
                if lends && !payload.is_borrowed() {
                    lend(connection, payload.into_vec());
                }
            }
            Event::Text(text) => {
                seen.take(text.as_bytes());
                if lends && !text.is_borrowed() {
                    lend(connection, text.into_string().into_bytes());
                }
            }
            // It is answered already.
            Event::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
    if !connection.output().is_empty() {
        connection.wrote(usize::MAX);
    }
}

/// The memory of a message that was assembled serves the next.
#[cold]
fn lend<R: Role>(connection: &mut Connection<R>, buffer: Vec<u8>) {
    connection.lend(Loan::Message, buffer).expect("nothing is assembled");
}
