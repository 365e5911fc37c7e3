//! Sessions in a file: what they have to store is appended, synced in groups, and compacted. What the file looks like is
//! [`sockless_session::journal`]'s business.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak, mpsc};

use sockless_session::journal::{Reader, ReplayError, Writer, replay};
use sockless_session::reliable::{Mark, Role, Saved, SessionId};

use super::event::Event;
use super::hub::{Hub, lock};
use super::options::SystemEntropy;
use super::payload::Body;

/// A file in which sessions are stored, those of a server or that of a client, so that they survive the death of the process at any moment.
/// A thread writes it: all that has happened while it was syncing goes into the next write.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    sender: mpsc::Sender<Arc<Hub>>,
}

struct Shared {
    path: PathBuf,
    /// What was there when it was opened, until somebody takes it.
    saved: Mutex<Vec<Saved<Body>>>,
    hubs: Mutex<Vec<Weak<Hub>>>,
    effects: AtomicU64,
    /// Up to which number effects needn't be kept.
    forgotten: AtomicU64,
}

/// What a message has done, as the application gave it to [`Reliable::accept_with`](super::Reliable::accept_with).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effects {
    /// Its number, in the order of the file.
    pub number: u64,
    /// The session in which the message arrived.
    pub session: SessionId,
    /// What was given.
    pub bytes: Vec<u8>,
}

/// Why a journal can't be opened. The file is as it was.
#[derive(Debug)]
#[non_exhaustive]
pub enum JournalError {
    /// The file can't be read or written.
    Io(io::Error),
    /// Another process, or another `Journal` of this one, has it.
    InUse,
    /// What it holds can't be used.
    Damaged(ReplayError),
}

/// A session's part of a journal.
pub(super) struct Entry {
    sender: mpsc::Sender<Arc<Hub>>,
    shared: Arc<Shared>,
    /// Whether the thread will look anyway.
    queued: AtomicBool,
    effects: Mutex<Vec<u8>>,
}

impl Journal {
    /// Opens a journal, or makes an empty one, with the effects that it holds.
    ///
    /// # Errors
    ///
    /// It can't be used.
    pub fn open(path: impl AsRef<Path>) -> Result<(Self, Vec<Effects>), JournalError> {
        let path = path.as_ref().to_owned();
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::InUse,
            TryLockError::Error(error) => JournalError::Io(error),
        })?;
        let bytes = fs::read(&path)?;
        let replayed = replay::<Body>(&bytes).map_err(JournalError::Damaged)?;
        let effects: Vec<_> =
            replayed.effects.iter().flat_map(|(session, bytes)| split(*session, bytes)).collect();
        file.set_len((bytes.len() - replayed.torn) as u64)?;
        let mut file = file;
        let writer = match replayed.writer {
            Some(writer) => writer,
            None => {
                let mut head = Vec::new();
                let writer = Writer::new(&mut head, &mut SystemEntropy);
                file.set_len(0)?;
                file.write_all(&head)?;
                writer
            }
        };
        file.sync_all()?;
        sync_folder(&path)?;
        let last = effects.iter().map(|effects| effects.number).max().unwrap_or(0);
        let shared = Arc::new(Shared {
            path,
            saved: Mutex::new(replayed.sessions.into_values().collect()),
            hubs: Mutex::default(),
            effects: AtomicU64::new(last),
            forgotten: AtomicU64::new(0),
        });
        let (sender, receiver) = mpsc::channel();
        let keeper = Keeper { file, writer, live: 0, shared: Arc::clone(&shared) };
        std::thread::Builder::new()
            .name("sockless journal".into())
            .spawn(move || keeper.run(&receiver))?;
        Ok((Self { shared, sender }, effects))
    }

    /// The application has stored elsewhere what effects up to this number have done: they need not be kept.
    pub fn forget_effects(&self, up_to: u64) {
        self.shared.forgotten.fetch_max(up_to, Ordering::Relaxed);
    }

    /// The client's session that it has, unless that has ended.
    pub(super) fn take_client(&self) -> Option<Saved<Body>> {
        let mut saved = lock(&self.shared.saved);
        let at =
            saved.iter().position(|saved| saved.role() == Role::Client && !saved.is_ended())?;
        Some(saved.swap_remove(at))
    }

    /// The server's sessions that it has.
    pub(super) fn take_server(&self) -> Vec<Saved<Body>> {
        let mut saved = lock(&self.shared.saved);
        saved.extract_if(.., |saved| saved.role() == Role::Server).collect()
    }

    pub(super) fn entry(&self) -> Entry {
        Entry {
            sender: self.sender.clone(),
            shared: Arc::clone(&self.shared),
            queued: AtomicBool::new(false),
            effects: Mutex::default(),
        }
    }

    /// Keeps a session in mind for the next compaction, and stores it if need be.
    pub(super) fn keep(&self, hub: &Arc<Hub>) {
        lock(&self.shared.hubs).push(Arc::downgrade(hub));
        if let Some(entry) = &hub.journal {
            entry.push(hub);
        }
    }
}

impl Entry {
    /// There is something to be stored.
    pub(super) fn push(&self, hub: &Arc<Hub>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            // A journal that has failed stores nothing any more, which the application knows.
            let _ = self.sender.send(Arc::clone(hub));
        }
    }

    /// Adds what a message has done. To be called while the session is locked.
    pub(super) fn add_effects(&self, bytes: &[u8]) -> u64 {
        let number = self.shared.effects.fetch_add(1, Ordering::Relaxed) + 1;
        join(&mut lock(&self.effects), number, bytes);
        number
    }
}

fn join(all: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    all.extend_from_slice(&number.to_le_bytes());
    all.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    all.extend_from_slice(bytes);
}

/// The single effects that a frame holds.
fn split(session: SessionId, mut bytes: &[u8]) -> Vec<Effects> {
    let mut all = Vec::new();
    while let Some((number, rest)) = bytes.split_first_chunk::<8>()
        && let Some((len, rest)) = rest.split_first_chunk::<4>()
        && let Some((effects, rest)) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)
    {
        let number = u64::from_le_bytes(*number);
        all.push(Effects { number, session, bytes: effects.to_vec() });
        bytes = rest;
    }
    all
}

/// The thread that writes.
struct Keeper {
    file: File,
    writer: Writer,
    /// About what the snapshots alone would take.
    live: u64,
    shared: Arc<Shared>,
}

impl Keeper {
    fn run(mut self, receiver: &mpsc::Receiver<Arc<Hub>>) {
        while let Ok(first) = receiver.recv() {
            let mut hubs = vec![first];
            hubs.extend(receiver.try_iter());
            let mut kept = self.store(&hubs);
            if kept.is_ok() && self.writer.wants_compaction(self.live) {
                kept = self.compact();
            }
            if let Err(error) = kept {
                // What isn't stored doesn't go out: the sessions stand still from here on.
                for hub in lock(&self.shared.hubs).iter().filter_map(Weak::upgrade) {
                    hub.tell(Event::NotStored(error.kind()));
                }
                return;
            }
        }
    }

    /// Appends what these sessions have to store, syncs it once, and says so.
    fn store(&mut self, hubs: &[Arc<Hub>]) -> io::Result<()> {
        let (mut bytes, mut marks) = (Vec::new(), Vec::new());
        let mut serial = None;
        for hub in hubs {
            let Some(entry) = &hub.journal else { continue };
            // What changes from here on is looked at again.
            entry.queued.store(false, Ordering::Release);
            let taken = hub.with(|session| {
                let batch = session.take_batch()?;
                Some((batch, std::mem::take(&mut *lock(&entry.effects))))
            });
            if let Some((batch, effects)) = taken.flatten() {
                let writer = &mut self.writer;
                serial = Some(writer.frame(&mut bytes, hub.id, &batch.records, &effects));
                marks.push((hub, batch.mark));
            }
        }
        let Some(serial) = serial else { return Ok(()) };
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.writer.synced(serial);
        for (hub, mark) in marks {
            stored(hub, mark);
        }
        Ok(())
    }

    /// Writes a new file, of snapshots alone and the effects that are still needed, and puts it in the place of this one.
    fn compact(&mut self) -> io::Result<()> {
        if !lock(&self.shared.saved).iter().all(Saved::is_ended) {
            // Somebody may still take them.
            return Ok(());
        }
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, &mut SystemEntropy);
        let mut serial = 0;
        let forgotten = self.shared.forgotten.load(Ordering::Relaxed);
        for effects in effects_in(&fs::read(&self.shared.path)?)? {
            if effects.number > forgotten {
                let mut joined = Vec::new();
                join(&mut joined, effects.number, &effects.bytes);
                serial = writer.frame(&mut bytes, effects.session, &[], &joined);
            }
        }
        let hubs: Vec<_> = {
            let mut hubs = lock(&self.shared.hubs);
            hubs.retain(|hub| hub.upgrade().is_some_and(|hub| !hub.is_finished()));
            hubs.iter().filter_map(Weak::upgrade).collect()
        };
        let mut marks = Vec::new();
        for hub in &hubs {
            let Some(entry) = &hub.journal else { continue };
            let taken = hub.with(|session| {
                let snapshot = session.snapshot();
                (snapshot, std::mem::take(&mut *lock(&entry.effects)))
            });
            if let Some((snapshot, effects)) = taken {
                serial = writer.frame(&mut bytes, hub.id, &snapshot.records, &effects);
                marks.push((hub, snapshot.mark));
            }
        }
        let beside = self.shared.path.with_extension("new");
        let mut file = OpenOptions::new().append(true).create(true).open(&beside)?;
        file.try_lock().map_err(|_| io::Error::from(io::ErrorKind::ResourceBusy))?;
        file.set_len(0)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &self.shared.path)?;
        sync_folder(&self.shared.path)?;
        writer.synced(serial);
        (self.file, self.live, self.writer) = (file, writer.len(), writer);
        for (hub, mark) in marks {
            stored(hub, mark);
        }
        Ok(())
    }
}

/// Says that this much of a session is stored.
fn stored(hub: &Arc<Hub>, mark: Mark) {
    hub.change(|session| session.synced(mark));
    hub.settle();
    hub.progress();
}

fn effects_in(bytes: &[u8]) -> io::Result<Vec<Effects>> {
    let damaged = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut reader = Reader::new(bytes).map_err(damaged)?;
    let mut all = Vec::new();
    while let Some(frame) = reader.read().map_err(damaged)? {
        all.extend(split(frame.id, frame.effects));
    }
    Ok(all)
}

/// A new name is stored when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    let _ = path;
    Ok(())
}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the journal can't be read or written: {error}"),
            Self::InUse => f.write_str("the journal is in use"),
            Self::Damaged(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for JournalError {}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("path", &self.shared.path).finish_non_exhaustive()
    }
}
