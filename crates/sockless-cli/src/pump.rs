//! The threads that block: from a reader into a queue, from a queue to a writer.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::queue::Queue;

/// How much a reader is read ahead of the network.
pub(crate) const AHEAD: usize = 1 << 20;

/// Reads lines into a queue, without their line ends, until the reader has ended.
pub(crate) fn lines(reader: impl Read + Send + 'static) -> io::Result<Arc<Queue>> {
    let queue = Queue::new(AHEAD);
    let filled = Arc::clone(&queue);
    thread::Builder::new().spawn(move || {
        let mut reader = BufReader::new(reader);
        loop {
            let mut line = Vec::new();
            // A reader that fails has ended.
            let count = reader.read_until(b'\n', &mut line).unwrap_or(0);
            if count == 0 || !filled.push_waiting(without_end(line)) {
                break;
            }
        }
        filled.end();
    })?;
    Ok(queue)
}

/// One message: all that there is, or one line. `None` if there is nothing.
pub(crate) fn one(reader: impl Read, only_line: bool, binary: bool) -> io::Result<Option<Vec<u8>>> {
    let (mut reader, mut message) = (BufReader::new(reader), Vec::new());
    match only_line {
        true => reader.read_until(b'\n', &mut message)?,
        false => reader.read_to_end(&mut message)?,
    };
    Ok(match message.is_empty() {
        true => None,
        false if binary => Some(message),
        false => Some(without_end(message)),
    })
}

fn without_end(mut line: Vec<u8>) -> Vec<u8> {
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        line.pop_if(|byte| *byte == b'\r');
    }
    line
}

/// Writes what comes out of a queue until its end. A writer that takes nothing any more abandons the queue.
pub(crate) fn write(
    mut writer: impl Write + Send + 'static,
    queue: &Arc<Queue>,
) -> io::Result<JoinHandle<()>> {
    let queue = Arc::clone(queue);
    thread::Builder::new().spawn(move || {
        while let Some(bytes) = queue.next_waiting() {
            let written = writer.write_all(&bytes).and_then(|()| match queue.is_empty() {
                true => writer.flush(),
                false => Ok(()),
            });
            if written.is_err() {
                queue.abandon();
                return;
            }
        }
    })
}
