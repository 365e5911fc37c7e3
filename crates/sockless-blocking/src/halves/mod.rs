//! The socket in two halves, for two threads or more, and a thread of its own that writes.
//!
//! Whoever sends puts messages into the sending half's queue, and the reading half its replies: both under a lock that is held for no longer than that takes.
//! The writing thread copies out of the queue what comes next, and writes it without the lock.

mod reader;
mod sender;
mod shared;
mod writer;

use std::io;
use std::sync::Arc;
use std::thread;

use sockless::connection::Side;

pub use reader::Reader;
pub use sender::Sender;
use shared::Shared;

use crate::socket::WebSocket;
use crate::stream::Stream;

impl<S: Stream + 'static, R: Side + Send + 'static> WebSocket<S, R>
where
    R::Keys: Send,
{
    /// Takes the socket apart for two threads, and starts the one that writes. The sender may be cloned for any number of threads.
    ///
    /// ```
    /// # use std::net::TcpListener;
    /// # use std::thread;
    /// # use sockless_blocking::{accept, connect};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let url = format!("ws://{}/", listener.local_addr()?);
    /// # let server = thread::spawn(move || {
    /// #     let mut socket = accept(listener.accept().expect("a client").0, ()).expect("a WebSocket");
    /// #     while let Some(Ok(message)) = socket.recv() {
    /// #         socket.send(message).expect("sent");
    /// #     }
    /// # });
    /// let (sender, mut reader) = connect(&url)?.split()?;
    /// let ticks = sender.clone();
    /// thread::spawn(move || ticks.send("tick"));
    /// let message = reader.recv().expect("a message")?;
    /// sender.close(None, "")?;
    /// assert!(reader.recv().is_none());
    /// assert!(reader.outcome().clean());
    /// # server.join().expect("no panic");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The writing thread keeps the deadlines of writing and closing all the time. Pings are answered, and silence is noticed, while the reader receives. A thread
    /// that sends what it receives may wait in `send` for a peer that waits for it to receive: such a thread is better off with the socket as it is,
    /// which reads while it sends.
    ///
    /// Once neither the reader nor a sender is left, the connection is closed with code 1001.
    ///
    /// # Errors
    ///
    /// If the thread can't be started. The connection is lost then.
    pub fn split(self) -> io::Result<(Sender<S, R>, Reader<S, R>)> {
        let parts = self.into_parts();
        let (receiver, sending) = parts.connection.split();
        let (stream, clock) = (parts.stream, parts.clock);
        let shared = Arc::new(Shared::new(stream, sending, clock, parts.broken));
        let writing = Arc::clone(&shared);
        thread::Builder::new()
            .name("sockless-writer".into())
            .spawn(move || writer::run(&writing))?;
        let sender = Sender::new(Arc::clone(&shared), parts.time);
        let reader = Reader::new(
            shared,
            reader::Beginning {
                receiver,
                config: parts.config,
                buffer: parts.buffer,
                now: parts.now,
                time: parts.time,
                stash: parts.stash,
                seen: parts.seen,
                eof: parts.eof,
                opened: parts.opened,
            },
        );
        Ok((sender, reader))
    }
}
