//! Two ends that each send more than the hard limit before they read anything: with default settings both finish.

use std::time::Duration;

use sockless::connection::SendError;
use sockless::{Client, CloseCode, Config, Connection, Event, Input, Server, Want};

use crate::wire::Tested;

const MESSAGE: usize = 64 << 10;

/// A naive end that sends this number of messages before it first reads.
struct End<R: Tested> {
    connection: Connection<R>,
    left: usize,
    heard: usize,
    /// What the peer's end has written and this one has not read.
    socket: Vec<u8>,
    done: bool,
}

/// What a socket's buffers hold.
const SOCKET: usize = 256 << 10;

impl<R: Tested> End<R> {
    fn turn(&mut self, peer: &mut Vec<u8>, count: usize) {
        if self.done {
            return;
        }
        let mut buffer = [0; 16 << 10];
        let mut input = match self.connection.want() {
            Want::Io { read: true, .. } if !self.socket.is_empty() => {
                let count = self.socket.len().min(buffer.len());
                buffer[..count].copy_from_slice(&self.socket[..count]);
                self.socket.drain(..count);
                Input::new(&mut buffer[..count])
            }
            _ => Input::none(),
        };
        while let Some(event) = self.connection.poll(&mut input, Duration::ZERO) {
            if let Event::Binary(payload) = event {
                assert_eq!(payload.len(), MESSAGE);
                self.heard += 1;
            }
        }
        while self.left > 0 {
            match self.connection.send(vec![7; MESSAGE]) {
                Ok(()) => self.left -= 1,
                Err(refused) => {
                    assert_eq!(refused.reason, SendError::QueueFull);
                    break;
                }
            }
        }
        if R::MASKS && self.left == 0 && self.heard == count {
            let _ = self.connection.close(CloseCode::NORMAL, "", Duration::ZERO);
        }
        while !self.connection.output().is_empty() && peer.len() < SOCKET {
            let output = self.connection.output();
            let taken = output.len().min(SOCKET - peer.len());
            peer.extend_from_slice(&output[..taken]);
            self.connection.wrote(taken);
        }
        self.done = self.connection.outcome().clean() && self.connection.output().is_empty();
    }
}

fn end<R: Tested>(count: usize) -> End<R> {
    let connection = R::open(Config::default());
    End { connection, left: count, heard: 0, socket: Vec::new(), done: false }
}

#[test]
fn two_ends_that_each_send_64_mib_first_both_finish() {
    let count = (64 << 20) / MESSAGE;
    let (mut client, mut server) = (end::<Client>(count), end::<Server>(count));
    let mut turns = 0;
    while !client.done || !server.done {
        client.turn(&mut server.socket, count);
        server.turn(&mut client.socket, count);
        turns += 1;
        assert!(turns < 100_000, "{} and {} of {count} heard", client.heard, server.heard);
    }
    assert_eq!((client.heard, server.heard), (count, count));
}
