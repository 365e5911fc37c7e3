//! What the system knows of a stream, whatever its two ends say: how much is on its way, and whether a process has it still.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// How old what is known may be. The system's table takes long to make, and serves all for a while.
const AGE: Duration = Duration::from_millis(40);

/// How much the system takes for a stream that nobody reads.
pub(crate) fn room() -> usize {
    static ROOM: OnceLock<usize> = OnceLock::new();
    *ROOM.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _far = listener.accept().unwrap();
        near.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
        std::iter::from_fn(|| near.write(&[0; 10_000]).ok()).sum()
    })
}

/// One end of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    /// Bytes that the other end has not got yet.
    pub(crate) unsent: usize,
    /// Bytes that have arrived and have not been read.
    pub(crate) unread: usize,
    /// Its name as a file, as long as a process has it.
    pub(crate) inode: Option<String>,
}

/// Ends of streams by their ports, here and there.
type Table = HashMap<(u16, u16), End>;

/// Both ends of the stream between these ports. The table is not of one moment: it may miss one.
pub(crate) fn ends(near: u16, far: u16) -> Option<[End; 2]> {
    static TABLE: Mutex<Option<(Instant, Table)>> = Mutex::new(None);
    let mut kept = TABLE.lock().unwrap();
    if kept.as_ref().is_none_or(|(at, _)| at.elapsed() > AGE) {
        *kept = Some((Instant::now(), table()));
    }
    let (_, table) = kept.as_ref()?;
    Some([table.get(&(near, far))?.clone(), table.get(&(far, near))?.clone()])
}

fn table() -> Table {
    let text = std::fs::read_to_string("/proc/net/tcp").unwrap();
    text.lines().skip(1).filter_map(row).collect()
}

fn row(line: &str) -> Option<((u16, u16), End)> {
    let mut columns = line.split_whitespace().skip(1);
    let mut port = || u16::from_str_radix(columns.next()?.split_once(':')?.1, 16).ok();
    let ports = (port()?, port()?);
    let (unsent, unread) = columns.nth(1)?.split_once(':')?;
    let number = |hex| usize::from_str_radix(hex, 16).ok();
    let inode = columns.nth(4).filter(|inode| *inode != "0").map(str::to_owned);
    Some((ports, End { unsent: number(unsent)?, unread: number(unread)?, inode }))
}
