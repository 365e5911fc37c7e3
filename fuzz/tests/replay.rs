//! The corpus and all past findings, on stable Rust.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use sockless_fuzz::{Check, TARGETS, corpus};

/// Runs one input; if it fails, says which one it was.
fn run(target: &str, name: &str, input: &[u8], check: Check) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(input))) {
        eprintln!("{target}: {name} fails, an input of {} bytes", input.len());
        resume_unwind(panic);
    }
}

fn replay(target: &str) {
    let (_, check) = TARGETS.into_iter().find(|(name, _)| *name == target).expect("a target");
    let packed = fs::read(corpus::packed(target)).expect("a packed corpus");
    let inputs = corpus::unpack(&packed);
    assert!(inputs.len() >= 10, "the corpus of {target} has {} inputs", inputs.len());
    for (number, input) in inputs.iter().enumerate() {
        run(target, &format!("input {number} of the corpus"), input, check);
    }
    run(target, "nothing", &[], check);
    let Ok(crashes) = fs::read_dir(corpus::crashes(target)) else { return };
    for crash in crashes {
        let path = crash.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            continue;
        }
        assert!(path.with_extension("txt").exists(), "{} has no explanation", path.display());
        let input = fs::read(&path).expect("a file");
        run(target, &path.display().to_string(), &input, check);
    }
}

macro_rules! replays {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })*

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$(stringify!($target)),*];
            assert_eq!(TARGETS.map(|(name, _)| name), replayed);
        }
    };
}

replays! {
    header receive_server receive_client connection halves handshake_server handshake_client extension_header inflate close_body
    utf8 joined engineio_payload socketio_packet socketio_server
}
