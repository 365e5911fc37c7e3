//! The design names its tests: they are there.

use std::fs;
use std::path::Path;

/// The text of all files below a directory.
fn texts(path: &Path, all: &mut Vec<(String, String)>) {
    for entry in
        fs::read_dir(path).expect("a directory").map(|entry| entry.expect("an entry").path())
    {
        if entry.is_dir() {
            texts(&entry, all);
        } else if let Ok(text) = fs::read_to_string(&entry) {
            all.push((entry.display().to_string(), text));
        }
    }
}

#[test]
fn every_row_of_the_threat_model_names_a_test_that_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    texts(&here.join("tests"), &mut files);
    texts(&here.join("../sockless-tokio/tests"), &mut files);
    let design = fs::read_to_string(here.join("docs/design.md")).expect("the design");
    let (_, model) = design.split_once("## Threat model").expect("a threat model");
    let (model, _) = model.split_once("\n## ").expect("what follows");
    let rows: Vec<&str> = model.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 12, "{rows:?}");
    for row in rows {
        let last = row.trim_end_matches(" |").rsplit(" | ").next().expect("a column");
        let names: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            let (file, test) = match name.rsplit_once("::") {
                Some((file, test)) => (file, format!("fn {test}(")),
                None => match name.split_once(": ") {
                    Some((file, test)) => (file, format!("def {test}(")),
                    // A whole chapter, or another test of the file before.
                    None if name.contains('/') => (name, String::new()),
                    None => ("", format!("fn {name}(")),
                },
            };
            let found =
                files.iter().any(|(path, text)| path.contains(file) && text.contains(&test));
            assert!(found, "{name} in {row}");
        }
    }
}
