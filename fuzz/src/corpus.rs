//! The corpus as it lies in the repository: one file for each target, `corpus.packed/<target>`, in which each input comes after its
//! length in four bytes, the highest first. In order of length and then of content, so that the same inputs make the same file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the packed corpus of a target lies.
pub fn packed(target: &str) -> PathBuf {
    home().join("corpus.packed").join(target)
}

/// Where past findings of a target lie, each beside a text that explains it.
pub fn crashes(target: &str) -> PathBuf {
    home().join("crashes").join(target)
}

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The inputs in a packed corpus.
pub fn unpack(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    while !bytes.is_empty() {
        let (len, rest) = bytes.split_first_chunk().expect("a length");
        let (input, rest) = rest.split_at(u32::from_be_bytes(*len) as usize);
        inputs.push(input.to_vec());
        bytes = rest;
    }
    inputs
}

/// The files of a directory, packed.
pub fn pack(directory: &Path) -> io::Result<Vec<u8>> {
    let mut inputs = Vec::new();
    for entry in fs::read_dir(directory)? {
        inputs.push(fs::read(entry?.path())?);
    }
    inputs.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    inputs.dedup();
    let mut packed = Vec::new();
    for input in inputs {
        let len = u32::try_from(input.len()).map_err(io::Error::other)?;
        packed.extend(len.to_be_bytes());
        packed.extend(input);
    }
    Ok(packed)
}
