//! A server's opening handshake, in memory: from the head of a request to the answer, written.

use std::sync::Arc;

use crate::contender::Contender;
use crate::race::{self, Effort, Row, Runner};
use crate::request::REQUEST;
use crate::wire::{Input, Written};

const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub fn measure(contenders: &[Box<dyn Contender>], effort: Effort) -> Vec<Row> {
    let input = || Input::once(REQUEST.as_bytes().into());
    for contender in contenders {
        let written = Arc::new(Written::keeping());
        if let Ok(mut repeated) = contender.handshake(input(), Arc::clone(&written)) {
            repeated(1);
            let kept = written.kept();
            let accepts = kept.windows(ACCEPT.len()).any(|window| window == ACCEPT);
            assert!(accepts, "{}: {}", contender.name(), String::from_utf8_lossy(&kept));
        }
    }
    let field = || {
        let each = contenders.iter().map(|contender| {
            let repeated = contender.handshake(input(), Arc::default());
            (contender.name(), repeated.map(|repeated| repeated as Runner), None)
        });
        each.collect()
    };
    vec![race::row("server, a request of Chromium".into(), field, 1, effort)]
}
