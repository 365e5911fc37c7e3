//! Says what packets are: each line of the input has a JSON array of messages, a line of the output what they were taken for. Text is a string, a
//! message of bytes an array of numbers. `peers/parsers.mjs` holds it against the packages that the official server and client read with.
//!
//! `decode socketio`: all messages are read one after the other by one decoder. `decode engineio`: each message is a body of long-polling.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io::{self, BufRead as _, Write as _};

use serde_json::{Value, json};
use sockless_socketio::engine::{self, decode_payload};
use sockless_socketio::socket::{Config, Decoder, Packet, Payload, Violation};

fn main() -> io::Result<()> {
    let read = match std::env::args().nth(1).as_deref() {
        Some("socketio") => socketio,
        Some("engineio") => engineio,
        _ => {
            eprintln!("usage: decode socketio|engineio");
            std::process::exit(2);
        }
    };
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let messages: Vec<Value> = serde_json::from_str(&line?)?;
        writeln!(output, "{}", read(&messages))?;
    }
    Ok(())
}

/// The packets until one is refused, and whether one is.
fn socketio(messages: &[Value]) -> Value {
    let (mut decoder, config) = (Decoder::default(), Config::default());
    let mut packets = Vec::new();
    for message in messages {
        let decoded = match message {
            Value::String(text) => decoder.text(text.as_str(), &config),
            bytes => decoder.binary(bytes_of(bytes).into(), &config),
        };
        match decoded {
            Ok(packet) => packets.extend(packet.as_ref().map(shown)),
            Err(violation) => return refused(&packets, Some(violation)),
        }
    }
    refused(&packets, None)
}

fn refused(packets: &[Value], violation: Option<Violation>) -> Value {
    json!({ "packets": packets, "refused": violation.map(|violation| violation.to_string()) })
}

fn bytes_of(value: &Value) -> Vec<u8> {
    let numbers = value.as_array().into_iter().flatten();
    numbers.filter_map(|number| u8::try_from(number.as_u64()?).ok()).collect()
}

fn shown(packet: &Packet) -> Value {
    let namespace = packet.namespace().as_str();
    match packet {
        Packet::Connect { data, .. } => json!({ "type": 0, "nsp": namespace, "json": data }),
        Packet::Disconnect { .. } => json!({ "type": 1, "nsp": namespace }),
        Packet::Event { id, name, payload, .. } => {
            json!({ "type": 2, "nsp": namespace, "id": id, "name": name, "json": payload.json(), "attachments": attachments(payload) })
        }
        Packet::Ack { id, payload, .. } => {
            json!({ "type": 3, "nsp": namespace, "id": id, "json": payload.json(), "attachments": attachments(payload) })
        }
        Packet::ConnectError { data, .. } => json!({ "type": 4, "nsp": namespace, "json": data }),
    }
}

fn attachments(payload: &Payload) -> Vec<&[u8]> {
    payload.attachments().iter().map(|bytes| &**bytes).collect()
}

/// What each body has in it: packets, and an error where the next one is none.
fn engineio(bodies: &[Value]) -> Value {
    let body = |body: &Value| {
        let mut packets = Vec::new();
        for packet in decode_payload(body.as_str().unwrap_or_default()) {
            let Ok(packet) = packet else {
                packets.push(json!({ "type": "error" }));
                break;
            };
            packets.push(match packet {
                engine::Packet::Open(data) => json!({ "type": "open", "data": data }),
                engine::Packet::Close => json!({ "type": "close" }),
                engine::Packet::Ping(data) => json!({ "type": "ping", "data": data }),
                engine::Packet::Pong(data) => json!({ "type": "pong", "data": data }),
                engine::Packet::Message(data) => json!({ "type": "message", "data": data }),
                engine::Packet::Binary(bytes) => json!({ "type": "message", "bytes": &*bytes }),
                engine::Packet::Upgrade => json!({ "type": "upgrade" }),
                engine::Packet::Noop => json!({ "type": "noop" }),
            });
        }
        Value::from(packets)
    };
    bodies.iter().map(body).collect()
}
