//! Files on their way in: offered, then filled part by part, then said.

use std::time::Duration;

use super::action::{Key, Place};
use super::event::FileInfo;
use super::machine::{Chat, PeerId};
use super::name::{Name, Refusal, check_file_name, media_type};
use super::people::Waits;

/// A file on its way.
#[derive(Debug)]
pub(super) struct Upload {
    key: Key,
    to: Place,
    info: FileInfo,
    bytes: Vec<u8>,
}

impl Upload {
    pub(super) fn new(key: Key, to: Place, name: String, kind: &str, size: u64) -> Self {
        let info = FileInfo { name, kind: media_type(kind), size };
        Self { key, to, info, bytes: Vec::new() }
    }
}

impl Chat {
    pub(super) fn offer(
        &mut self,
        peer: PeerId,
        user: &Name,
        number: u32,
        upload: Upload,
        _now: Duration,
    ) -> Result<(), Refusal> {
        check_file_name(&upload.info.name)?;
        self.check_place(user, &upload.to)?;
        if self.is_said(peer, user, &upload.key)? {
            return Ok(());
        }
        // Who offers a file again begins anew.
        let again = |(id, other): (&(PeerId, u32), &Upload)| {
            (id.0 == peer && (id.1 == number || other.key == upload.key)).then_some(*id)
        };
        let old: Vec<_> = self.uploads.iter().filter_map(again).collect();
        old.into_iter().for_each(|id| drop(self.drop_upload(id)));
        let size = upload.info.size;
        let peers = self.users.get(user).map(|user| &user.peers);
        let is_own = |(id, _): &&(PeerId, u32)| peers.is_some_and(|peers| peers.contains(id));
        let own = self.uploads.keys().filter(is_own).count();
        if size == 0
            || size > self.limits.file
            || own >= self.limits.uploads_of_user
            || self.uploading + size > self.limits.uploads
        {
            return Err(Refusal::Limit);
        }
        self.uploading += size;
        self.uploads.insert((peer, number), upload);
        Ok(())
    }

    pub(super) fn cancel(&mut self, peer: PeerId, number: u32) -> Result<(), Refusal> {
        self.drop_upload((peer, number));
        Ok(())
    }

    /// A binary message of a peer: four octets that name the upload, most significant first, then what follows in the file.
    pub fn part(&mut self, peer: PeerId, message: &[u8], now: Duration) {
        let Some(user) = self.user_of(peer) else {
            self.malformed(peer, now);
            return;
        };
        let Some((number, part)) = message.split_first_chunk::<4>() else {
            self.malformed(peer, now);
            return;
        };
        let id = (peer, u32::from_be_bytes(*number));
        // What belongs to a file that was given up, or refused, may still be on its way.
        let Some(upload) = self.uploads.get_mut(&id) else { return };
        upload.bytes.extend_from_slice(part);
        let (have, size) = (upload.bytes.len() as u64, upload.info.size);
        if part.is_empty() || have > size {
            let key = upload.key.clone();
            self.drop_upload(id);
            self.refuse(peer, None, Some(key), Refusal::Upload);
        } else if have == size {
            let Some(Upload { key, to, info, bytes }) = self.drop_upload(id) else { return };
            // It may have left the room meanwhile.
            match self.check_place(&user, &to) {
                Ok(()) => {
                    let (text, file) = (String::new(), Some((info, bytes)));
                    let waits = Waits { key: key.clone(), to, text, file };
                    if let Err(refusal) = self.say_in_turn(peer, &user, waits, now) {
                        self.refuse(peer, None, Some(key), refusal);
                    }
                }
                Err(refusal) => self.refuse(peer, None, Some(key), refusal),
            }
        }
    }

    pub(super) fn drop_uploads(&mut self, peer: PeerId) {
        let own = (peer, 0)..=(peer, u32::MAX);
        let ids: Vec<_> = self.uploads.range(own).map(|(id, _)| *id).collect();
        for id in ids {
            self.drop_upload(id);
        }
    }

    fn drop_upload(&mut self, id: (PeerId, u32)) -> Option<Upload> {
        let upload = self.uploads.remove(&id)?;
        self.uploading -= upload.info.size;
        Some(upload)
    }

    /// How many octets are promised to uploads.
    pub fn uploading(&self) -> u64 {
        self.uploading
    }
}
