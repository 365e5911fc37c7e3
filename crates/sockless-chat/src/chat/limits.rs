//! How much of everything there may be.

use std::time::Duration;

use sockless_session::limit::Rate;

use super::name::Name;

/// How much of everything there may be.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Users.
    pub users: usize,
    /// Rooms.
    pub rooms: usize,
    /// Members of a room.
    pub members: usize,
    /// Rooms of a user.
    pub rooms_of_user: usize,
    /// Connections and sleeping sessions of a user.
    pub peers_of_user: usize,
    /// The octets of a text.
    pub text: usize,
    /// The octets of a file.
    pub file: u64,
    /// Files on their way, of a user.
    pub uploads_of_user: usize,
    /// The octets of all files on their way.
    pub uploads: u64,
    /// Messages in one answer.
    pub page: usize,
    /// Keys that are remembered of a user. Of what a client hasn't seen stored it may have fewer on their way.
    pub keys: usize,
    /// Actions of a user. Who does more waits, and nobody else does.
    pub actions: Rate,
    /// How often somebody is said to be writing in one place.
    pub typing: Duration,
    /// How long a user without a connection counts as online: a reload shouldn't be seen.
    pub patience: Duration,
    /// The room in which everybody is who comes for the first time.
    pub lobby: Option<Name>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            users: 100_000,
            rooms: 10_000,
            members: 10_000,
            rooms_of_user: 100,
            peers_of_user: 8,
            text: 4000,
            file: 8 << 20,
            uploads_of_user: 2,
            uploads: 64 << 20,
            page: 100,
            keys: 256,
            actions: Rate::new(40, Duration::from_secs(8)),
            typing: Duration::from_secs(3),
            patience: Duration::from_secs(5),
            lobby: Name::parse("lobby").ok(),
        }
    }
}
