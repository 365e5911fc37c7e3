//! Packs and unpacks the corpus of a target: `corpus pack TARGET DIRECTORY`, `corpus unpack TARGET DIRECTORY`.

use std::fs;
use std::path::Path;

use sockless_fuzz::{TARGETS, corpus};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [verb, target, directory] = &arguments[..] else {
        eprintln!("corpus pack|unpack TARGET DIRECTORY");
        std::process::exit(2);
    };
    if !TARGETS.iter().any(|(name, _)| name == target) {
        eprintln!("{target} is none of {:?}", TARGETS.map(|(name, _)| name));
        std::process::exit(2);
    }
    let directory = Path::new(directory);
    fs::create_dir_all(directory)?;
    if verb == "pack" {
        return fs::write(corpus::packed(target), corpus::pack(directory)?);
    }
    if let Ok(bytes) = fs::read(corpus::packed(target)) {
        for (number, input) in corpus::unpack(&bytes).iter().enumerate() {
            fs::write(directory.join(format!("packed-{number:04}")), input)?;
        }
    }
    Ok(())
}
