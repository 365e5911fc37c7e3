//! What clients cost that do nothing at all: next to nothing, whatever state they have left their connection in. The deadlines are
//! the programs' own, so that nobody goes meanwhile but by a ping.

use std::thread;
use std::time::Duration;

use super::client::{Hostile, REQUEST, masked};
use super::programs::{PROGRAMS, Program};
use super::reason;

/// For how long everybody is silent.
const SILENCE: Duration = Duration::from_secs(5);
/// The processor time that the server may take meanwhile.
const CPU: Duration = Duration::from_millis(50);

fn measured(program: &'static Program, options: &[&str]) -> Option<Duration> {
    let running = program.start(options)?;
    let server = &running.server;
    // Those that send much are opened one after another, and hold the others up.
    let (message, close) = (masked(0x82, &[7; 10_000]), masked(0x88, &[3, 0xE8]));
    let mut flooding = Hostile::open_to_send_much(server);
    flooding.flood(&message);
    let mut closing = Hostile::open_to_send_much(server);
    closing.send_too_much(running.streams);
    closing.send(&[close, vec![0x82]].concat());
    let mut ending = Hostile::open_to_send_much(server);
    ending.send_too_much(running.streams);
    ending.tcp.shutdown(std::net::Shutdown::Write).unwrap();
    let _dialing = Hostile::dial(server);
    let mut asking = Hostile::connect(server);
    asking.send(&REQUEST[..20]);
    let _idle = Hostile::open(server);
    let mut interrupted = Hostile::open(server);
    interrupted.send(&message[..500]);
    thread::sleep(Duration::from_millis(500));
    let before = server.cpu();
    thread::sleep(SILENCE);
    Some(server.cpu() - before)
}

fn nobody_spins(options: &[&str]) {
    let mut failed = Vec::new();
    thread::scope(|scope| {
        let start = |program| (program, scope.spawn(move || measured(program, options)));
        let runs: Vec<_> = PROGRAMS.iter().map(start).collect();
        for (Program { name, .. }, ran) in runs {
            match ran.join() {
                Ok(None) => println!("{name}: SKIPPED"),
                Ok(Some(cpu)) if cpu < CPU => println!("{name}: {cpu:?} in {SILENCE:?}"),
                Ok(Some(cpu)) => failed.push(format!("{name}: {cpu:?} in {SILENCE:?}")),
                Err(why) => failed.push(format!("{name}: {}", reason(&*why))),
            }
        }
    });
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn with_the_default_deadlines() {
    nobody_spins(&[]);
}

#[test]
fn with_pings_after_two_seconds() {
    nobody_spins(super::WITH_PINGS);
}
