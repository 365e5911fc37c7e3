//! The table of the settings: what each is called, what it takes, and what it changes.

use std::time::Duration;

use super::{Certificate, Settings};
use crate::chat::Name;

/// What a setting is called, what it takes, what it is for, and what it changes.
pub(super) struct Row {
    pub(super) flag: &'static str,
    pub(super) value: &'static str,
    pub(super) help: &'static str,
    pub(super) set: fn(&mut Settings, &str) -> Result<(), &'static str>,
}

pub(super) const ROWS: &[Row] = &[
    Row {
        flag: "listen",
        value: "ADDRESS:PORT",
        help: "where to listen [127.0.0.1:3000]",
        set: |settings, text| put(&mut settings.listen, text, "an address and a port"),
    },
    Row {
        flag: "data",
        value: "DIRECTORY",
        help: "the store and the secret [sockless-chat-data]",
        set: |settings, text| put(&mut settings.data, text, "a directory"),
    },
    Row {
        flag: "secret-file",
        value: "FILE",
        help: "what tokens are signed with [made in the directory]",
        set: |settings, text| {
            settings.secret_file = Some(text.into());
            Ok(())
        },
    },
    Row {
        flag: "socketio-client",
        value: "FILE",
        help: "socket.io.min.js of socket.io-client, for /simple.html",
        set: |settings, text| {
            settings.socketio_client = Some(text.into());
            Ok(())
        },
    },
    Row {
        flag: "origin",
        value: "ORIGIN,..",
        help: "whose pages may connect [its own]",
        set: |settings, text| {
            let all: Vec<String> = text.split(',').map(|origin| origin.trim().into()).collect();
            let fine = |origin: &String| {
                let rest = origin.strip_prefix("https://").or(origin.strip_prefix("http://"));
                rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '*', ' ']))
            };
            if !all.iter().all(fine) {
                return Err("origins as https://example.com");
            }
            settings.origins.extend(all);
            Ok(())
        },
    },
    Row {
        flag: "guests",
        value: "yes|no",
        help: "whether anybody may take a free name [yes]",
        set: |settings, text| flag(&mut settings.guests, text),
    },
    Row {
        flag: "secure-cookies",
        value: "yes|no",
        help: "whether cookies are for https alone [no]",
        set: |settings, text| flag(&mut settings.secure_cookies, text),
    },
    Row {
        flag: "tls",
        value: "made|CHAIN:KEY",
        help: "TLS with a certificate that is made, or with two files in PEM [none]",
        set: |settings, text| {
            settings.certificate = Some(match text.split_once(':') {
                None if text == "made" => Certificate::Made,
                Some((chain, key)) if !chain.is_empty() && !key.is_empty() => {
                    Certificate::Files { chain: chain.into(), key: key.into() }
                }
                _ => return Err("made, or two files with a colon between"),
            });
            Ok(())
        },
    },
    Row {
        flag: "proxy",
        value: "ADDRESS,..",
        help: "whose X-Forwarded-For is believed [nobody's]",
        set: |settings, text| {
            for address in text.split(',') {
                let address = address.trim().parse().map_err(|_| "addresses of proxies")?;
                settings.proxies.push(address);
            }
            Ok(())
        },
    },
    Row {
        flag: "log",
        value: "LEVEL",
        help: "off, error, warn, info or debug [info]",
        set: |settings, text| put(&mut settings.log, text, "off, error, warn, info or debug"),
    },
    Row {
        flag: "log-format",
        value: "text|json",
        help: "how lines of the log are written, to stderr [text]",
        set: |settings, text| {
            settings.log_json = match text {
                "text" => false,
                "json" => true,
                _ => return Err("text or json"),
            };
            Ok(())
        },
    },
    Row {
        flag: "token-life",
        value: "SECONDS",
        help: "how long a token holds [2592000]",
        set: |settings, text| seconds(&mut settings.token_life, text),
    },
    Row {
        flag: "grace",
        value: "SECONDS",
        help: "how long a session waits for its client [120]",
        set: |settings, text| seconds(&mut settings.grace, text),
    },
    Row {
        flag: "sessions",
        value: "NUMBER",
        help: "how many sessions there may be [100000]",
        set: |settings, text| number(&mut settings.sessions, text),
    },
    Row {
        flag: "keep",
        value: "NUMBER",
        help: "how many messages of a room are kept [100000]",
        set: |settings, text| number(&mut settings.keep, text),
    },
    Row {
        flag: "max-file",
        value: "OCTETS",
        help: "the longest file [8388608]",
        set: |settings, text| number(&mut settings.limits.file, text),
    },
    Row {
        flag: "max-text",
        value: "OCTETS",
        help: "the longest message [4000]",
        set: |settings, text| number(&mut settings.limits.text, text),
    },
    Row {
        flag: "requests-a-minute",
        value: "NUMBER",
        help: "connections and logins of one address [600]",
        set: |settings, text| number(&mut settings.requests_a_minute, text),
    },
    Row {
        flag: "spread",
        value: "SECONDS",
        help: "over how long clients come back after a stop [10]",
        set: |settings, text| seconds(&mut settings.spread, text),
    },
    Row {
        flag: "redis",
        value: "URL",
        help: "many servers as one, through this Redis [alone]",
        set: |settings, text| {
            settings.redis = Some(text.into());
            Ok(())
        },
    },
    Row {
        flag: "redis-prefix",
        value: "TEXT",
        help: "what its keys begin with [sockless-chat:]",
        set: |settings, text| put(&mut settings.redis_prefix, text, "a text"),
    },
    Row {
        flag: "redis-durable",
        value: "yes|no",
        help: "whether its restarts lose nothing: appendfsync always [no]",
        set: |settings, text| flag(&mut settings.redis_durable, text),
    },
    Row {
        flag: "redis-keep",
        value: "NUMBER",
        help: "how many entries of the log are kept there [100000]",
        set: |settings, text| number(&mut settings.redis_keep, text),
    },
    Row {
        flag: "lobby",
        value: "ROOM|none",
        help: "the room in which everybody begins [lobby]",
        set: |settings, text| {
            let room = (text != "none").then(|| Name::parse(text)).transpose();
            settings.limits.lobby = room.map_err(|_| "the name of a room, or none")?;
            Ok(())
        },
    },
];

fn put<T: std::str::FromStr>(
    place: &mut T,
    text: &str,
    wanted: &'static str,
) -> Result<(), &'static str> {
    *place = text.parse().map_err(|_| wanted)?;
    Ok(())
}

fn number<T: std::str::FromStr + PartialOrd + From<u8>>(
    place: &mut T,
    text: &str,
) -> Result<(), &'static str> {
    let number: T = text.parse().map_err(|_| "a number")?;
    if number < T::from(1) {
        return Err("a number from 1 on");
    }
    *place = number;
    Ok(())
}

fn seconds(place: &mut Duration, text: &str) -> Result<(), &'static str> {
    let seconds: u32 = text.parse().map_err(|_| "a number of seconds")?;
    *place = Duration::from_secs(seconds.into());
    Ok(())
}

fn flag(place: &mut bool, text: &str) -> Result<(), &'static str> {
    *place = match text {
        "yes" => true,
        "no" => false,
        _ => return Err("yes or no"),
    };
    Ok(())
}
