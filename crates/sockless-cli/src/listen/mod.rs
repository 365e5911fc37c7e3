//! The server: it prints what clients send, and sends each line of its input to all of them; or each client has a command for itself.
//! Here clients are accepted. Who is there is in `room`, what becomes of one in `guest`.

mod guest;
mod room;

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token, Waker};

use crate::ending::Ending;
use crate::options::Options;
use crate::output::Output;
use crate::pump;
use crate::screen::note;
use crate::stop::{Stop, Why};
use crate::talk;
use guest::Guest;
use room::Room;

/// The longest message that is received.
const LONGEST: u64 = 16 << 20;
/// How many clients there may be at once: each has a thread.
const MOST: usize = 256;
/// How long no further client is accepted when the system is out of something.
const PAUSE: Duration = Duration::from_millis(100);

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);

/// Serves until it has to stop.
pub(crate) fn run(options: &Options, address: &str, output: &Output, stop: &Stop) -> Ending {
    let listener = match TcpListener::bind(address) {
        Ok(listener) => listener,
        Err(error) => return Ending::unusable(format!("--listen {address}: {error}")),
    };
    match serve(options, listener, output, stop) {
        Ok(()) if stop.why() == Some(Why::TimeOver) => Ending::time_is_over(),
        Ok(()) => Ending::silent(),
        Err(error) => Ending::lost(&error),
    }
}

fn serve(options: &Options, listener: TcpListener, output: &Output, stop: &Stop) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    // What a client has to know, however quiet we are to be.
    note(&format!("listening on ws://{}/", listener.local_addr()?));
    let mut listener = mio::net::TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    stop.wakes(&waker);
    output.queue().wakes(&waker);
    let input = match options.exec.is_some() || options.no_input {
        true => None,
        false => Some(pump::lines(io::stdin())?),
    };
    if let Some(input) = &input {
        input.wakes(&waker);
    }
    let room = Room::default();
    let config = Arc::new(talk::config(options, LONGEST));
    let mut events = Events::with_capacity(4);
    thread::scope(|scope| {
        let mut numbers = 1..;
        loop {
            if output.queue().is_abandoned() {
                stop.ask(Why::Done);
            }
            if stop.why().is_some() {
                return Ok(());
            }
            if let Some(input) = &input {
                room.pass_on(input, stop);
            }
            let mut pause = None;
            loop {
                match listener.accept() {
                    Ok((stream, peer)) => {
                        let Some(number) = numbers.next() else { return Ok(()) };
                        let Some(place) = room.enter(MOST) else {
                            let text =
                                format!("client {number} from {peer}: there are {MOST} already");
                            output.note(&text);
                            turn_away(stream.into());
                            continue;
                        };
                        let guest = Guest {
                            options,
                            output,
                            stop,
                            number,
                            peer,
                            config: Arc::clone(&config),
                        };
                        let serves = move || guest.serve(stream.into(), &place);
                        if let Err(error) = thread::Builder::new().spawn_scoped(scope, serves) {
                            output.note(&format!("client {number} from {peer}: {error}"));
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // One that has gone already, or the system is out of something.
                    Err(_) => {
                        pause = Some(PAUSE);
                        break;
                    }
                }
            }
            match poll.poll(&mut events, pause) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
    })
}

/// Says that there are too many already. A new stream takes that much at once.
fn turn_away(mut stream: TcpStream) {
    let _ = stream.write(
        b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    );
}
