//! The chapters about what a connection does and what it is made of, as one program: each by itself would take as long to build
//! and to link as all of them together.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod heads;
mod streams;
mod wire;

mod closing;
mod control;
mod conversions;
mod counters;
mod endpoint;
mod fragmentation;
mod framing;
mod halves;
mod holding;
mod large;
mod level1;
mod limits;
mod misuse;
mod output;
mod parts;
mod results;
mod settings;
mod shown;
mod streamed;
mod text;
mod timers;
mod words;

/// Cargo finds no program in `tests` by itself here: a chapter that none of them names would never run.
#[test]
fn every_chapter_is_part_of_a_program() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &std::path::Path| std::fs::read_to_string(path).expect("it is there");
    let manifest = read(&root.join("Cargo.toml"));
    let (mut chapters, mut named) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(root.join("tests")).expect("it is there") {
        let path = entry.expect("it can be read").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        if path.is_dir() {
            let program = format!("path = \"tests/{name}/main.rs\"");
            assert!(!path.join("main.rs").exists() || manifest.contains(&program), "{name}");
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            if manifest.contains(&format!("[[test]]\nname = \"{name}\"")) {
                let text = read(&path);
                let modules = text.lines().filter_map(|line| line.strip_prefix("mod "));
                named.extend(modules.map(|line| line.trim_end_matches(';').to_owned()));
            } else {
                chapters.push(name);
            }
        }
    }
    assert!(chapters.len() > 30, "{chapters:?}");
    chapters.retain(|chapter| !named.contains(chapter));
    assert_eq!(chapters, [""; 0], "no program names them");
}
