//! How the server is run: flags, then the environment, then a file, then what is written here.

mod file;
mod table;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use crate::chat::Limits;
use table::{ROWS, Row};

/// How the server is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The directory with the store and the secret.
    pub data: PathBuf,
    /// The file with the secret that tokens are signed with.
    pub secret_file: Option<PathBuf>,
    /// The file with the official client of Socket.IO, for the small page.
    pub socketio_client: Option<PathBuf>,
    /// Pages that may talk to it; if there are none, its own.
    pub origins: Vec<String>,
    /// Whether it gives out names.
    pub guests: bool,
    /// Whether cookies are for https alone; with TLS of its own they are.
    pub secure_cookies: bool,
    /// With which certificate it speaks TLS.
    pub certificate: Option<Certificate>,
    /// The proxies that are believed when they say whom they speak for.
    pub proxies: Vec<IpAddr>,
    /// How much is logged.
    pub log: LevelFilter,
    /// Whether each line of the log is an object of JSON.
    pub log_json: bool,
    /// How long a token holds.
    pub token_life: Duration,
    /// How long a session is kept without a connection.
    pub grace: Duration,
    /// How many sessions there may be.
    pub sessions: usize,
    /// At least how many messages of a place are kept.
    pub keep: u64,
    /// What an address may ask for in a minute.
    pub requests_a_minute: u64,
    /// Over how long clients come back after a stop.
    pub spread: Duration,
    /// The Redis that makes it one of many.
    pub redis: Option<String>,
    /// What the names of its keys begin with.
    pub redis_prefix: String,
    /// Whether a restart of that Redis loses nothing.
    pub redis_durable: bool,
    /// How many entries of the log it keeps.
    pub redis_keep: usize,
    /// The limits of the chat.
    pub limits: Limits,
}

/// Which certificate the server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// One that is made at the start, for this machine: browsers warn of it.
    Made,
    /// One in a file, with those that vouch for it, and its key in another one; both in PEM.
    Files {
        /// The file of the certificate.
        chain: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            data: "sockless-chat-data".into(),
            secret_file: None,
            socketio_client: None,
            origins: Vec::new(),
            guests: true,
            secure_cookies: false,
            certificate: None,
            proxies: Vec::new(),
            log: LevelFilter::INFO,
            log_json: false,
            token_life: Duration::from_secs(30 * 86_400),
            grace: Duration::from_secs(120),
            sessions: 100_000,
            keep: 100_000,
            requests_a_minute: 600,
            spread: Duration::from_secs(10),
            redis: None,
            redis_prefix: "sockless-chat:".into(),
            redis_durable: false,
            redis_keep: 100_000,
            limits: Limits::default(),
        }
    }
}

/// What is wrong with a setting.
#[derive(Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// There is no such flag.
    Unknown(String),
    /// A flag has no value.
    Alone(String),
    /// A value is something else: where it stands, what it is, and what it should be.
    Value(String, String, &'static str),
    /// A file can't be read, or something in it is no setting: where, and what.
    File(String, String),
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(flag) => write!(f, "{flag}: there is no such setting; see --help"),
            Self::Alone(flag) => write!(f, "{flag}: a value has to follow"),
            Self::Value(place, value, wanted) => write!(f, "{place}: {value:?} is not {wanted}"),
            Self::File(place, what) => write!(f, "{place}: {what}"),
        }
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads flags, `--name value` or `--name=value`, variables, `SOCKLESS_CHAT_NAME`, and the file that `--config` names, `name = value`. A flag
    /// wins over a variable, and a variable over the file.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn read(
        flags: impl IntoIterator<Item = String>,
        variable: impl Fn(&str) -> Option<String>,
        open: impl Fn(&str) -> io::Result<String>,
    ) -> Result<Self, SettingsError> {
        let mut given = Vec::new();
        let mut config = variable(&variable_name(CONFIG));
        let mut flags = flags.into_iter();
        while let Some(flag) = flags.next() {
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (flag, None),
            };
            let known =
                name.strip_prefix("--").filter(|name| *name == CONFIG || row(name).is_some());
            let flag = known.ok_or_else(|| SettingsError::Unknown(name.clone()))?.to_owned();
            let value = value.or_else(|| flags.next()).ok_or(SettingsError::Alone(name.clone()))?;
            match flag == CONFIG {
                true => config = Some(value),
                false => given.push((flag, name, value)),
            }
        }
        let of_file = match config {
            None => Vec::new(),
            Some(path) => {
                let text = open(&path);
                let text =
                    text.map_err(|error| SettingsError::File(path.clone(), error.to_string()))?;
                file::read(&path, &text)?
            }
        };
        if let Some(line) = of_file.iter().find(|line| row(&line.name).is_none()) {
            let what = format!("there is no setting {:?}; see --help", line.name);
            return Err(SettingsError::File(line.place.clone(), what));
        }
        let mut settings = Self::default();
        for row in ROWS {
            let apply = |settings: &mut Self, place: &str, value: &str| {
                let wrong = |wanted| SettingsError::Value(place.into(), value.into(), wanted);
                (row.set)(settings, value).map_err(wrong)
            };
            let name = variable_name(row.flag);
            let mut flags = given.iter().filter(|(flag, ..)| flag == row.flag).peekable();
            let line = of_file.iter().find(|line| line.name == row.flag);
            if flags.peek().is_some() {
                flags.try_for_each(|(_, place, value)| apply(&mut settings, place, value))?;
            } else if let Some(value) = variable(&name) {
                apply(&mut settings, &name, &value)?;
            } else if let Some(line) = line {
                apply(&mut settings, &line.place, &line.value)?;
            }
        }
        Ok(settings)
    }

    /// What there is to be set.
    pub fn help() -> String {
        let row = |flag: &str, value: &str, help: &str| {
            format!("  {:34} {help}\n", format!("--{flag} {value}"))
        };
        let rows = ROWS.iter().map(|it| row(it.flag, it.value, it.help));
        rows.collect::<String>() + &row(CONFIG, "FILE", "a file of settings: name = value, in TOML")
    }
}

/// The flag that names a file of settings.
const CONFIG: &str = "config";

fn row(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.flag == name)
}

fn variable_name(flag: &str) -> String {
    format!("SOCKLESS_CHAT_{}", flag.to_uppercase().replace('-', "_"))
}
