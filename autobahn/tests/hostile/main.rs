//! Hostile clients against every network program of this package. Each script shows that its client is gone within its deadline and
//! a second, and that a client that behaves gets its echo in under 100 ms all the while (`cargo test --release`); and [`silent`] that nobody spins.
//!
//! The programs run with their default settings but for short deadlines, without pings and with pings after two seconds. What a
//! client's end is, `/proc` tells: a stream that its server has closed belongs to no process any more, whatever has arrived of it.
//!
//! Here lives what all scripts share: all programs, side by side. A script is a file.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures are of interest")]

mod client;
#[path = "../../../tests/wire/frames.rs"]
mod frames;
mod programs;
#[path = "../server/mod.rs"]
mod server;
mod system;
mod witness;

mod closes_with_a_tail;
mod floods_and_never_reads;
mod never_reads_its_answer;
mod reads_a_byte_a_second;
mod silent;
mod streams_of_http2;
mod trickles_its_handshake;
mod vanishes;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use programs::{PROGRAMS, Program, Running};
use witness::{Witness, delay_of_this_machine};

/// The deadlines that the programs run with.
const HANDSHAKE: Duration = Duration::from_secs(3);
const WRITE: Duration = Duration::from_secs(2);
const CLOSE: Duration = Duration::from_secs(1);
const KEEPALIVE: Duration = Duration::from_secs(2);
/// How long a client that was answered may take to read the answer: fixed.
const LINGER: Duration = Duration::from_secs(1);
/// How much later than its deadline a client may be gone.
const LATE: Duration = Duration::from_secs(1);
/// The longest echo of a client that behaves. Programs that are built without optimisation need ten times as long for all they do.
const ECHO: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 });

const SHORT: [&str; 6] =
    ["--handshake-timeout", "3", "--write-timeout", "2", "--close-timeout", "1"];
const WITHOUT_PINGS: &[&str] = &["--keepalive", "0"];
const WITH_PINGS: &[&str] = &["--keepalive", "2"];

/// Runs a script against every program in each of these settings, all at once, and a client that behaves beside it.
fn everywhere(settings: &[&[&str]], script: impl Fn(&Running) -> Duration + Sync) {
    delay_of_this_machine();
    let run = |program: &'static Program, setting: &[&str]| {
        let Some(running) = program.start(&[&SHORT, setting].concat()) else {
            return Ok("SKIPPED".to_owned());
        };
        thread::scope(|scope| {
            let witness = Witness::start(scope, &running.server);
            // A panic here is what a test's panic is: the witness is asked all the same.
            let told = catch_unwind(AssertUnwindSafe(|| script(&running)));
            let echo = witness.worst();
            let gone = told.map_err(|why| reason(&*why))?;
            let echo = echo.map_err(|why| format!("the client that behaves: {why}"))?;
            match echo < ECHO + delay_of_this_machine() {
                true => Ok(format!("gone after {gone:.2?}, the longest echo {echo:.1?}")),
                false => Err(format!("the longest echo took {echo:?}")),
            }
        })
    };
    let run = &run;
    let mut failed = Vec::new();
    thread::scope(|scope| {
        let mut runs = Vec::new();
        for program in &PROGRAMS {
            for setting in settings {
                let name = format!("{} {}", program.name, setting.join(" "));
                runs.push((name, scope.spawn(move || run(program, setting))));
            }
        }
        for (name, ran) in runs {
            match ran.join().unwrap_or_else(|why| Err(reason(&*why))) {
                Ok(told) => println!("{name}: {told}"),
                Err(why) => failed.push(format!("{name}: {why}")),
            }
        }
    });
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

/// What a panic says.
fn reason(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
