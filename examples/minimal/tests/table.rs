//! The table of the examples in the README: each of them is there, in the order in which one learns, with its lines and packages as they are.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::print_stdout, reason = "the table is of interest")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The examples, in the order in which one learns, and the names of their packages.
const EXAMPLES: [(&str, &str); 9] = [
    ("minimal", "minimal"),
    ("std", "example-std"),
    ("mio", "example-mio"),
    ("uring", "example-uring"),
    ("tls", "example-tls"),
    ("h2", "example-h2"),
    ("heapless", "example-heapless"),
    ("relay", "example-relay"),
    ("recorded", "example-recorded"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// How many lines there are in the program of this folder, without those that are blank or a comment.
fn lines(folder: &Path) -> usize {
    let mut lines = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            lines += self::lines(&path);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(path).unwrap();
            let code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
            lines += text.lines().filter(code).count();
        }
    }
    lines
}

/// How many packages are built for it on Linux, itself included.
fn packages(package: &str) -> usize {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--target", "x86_64-unknown-linux-gnu"])
        .args(["--edges", "normal,build", "--prefix", "none", "--package", package])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names: BTreeSet<_> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)").trim_end_matches(" (proc-macro)"))
        .filter(|line| !line.is_empty())
        .collect();
    names.len()
}

#[test]
fn the_readme_counts_right() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (mut wrong, mut after) = (Vec::new(), 0);
    for (example, package) in EXAMPLES {
        let (lines, packages) =
            (lines(&root().join("examples").join(example).join("src")), packages(package));
        let (begin, end) = (
            format!("| [`{example}`](examples/{example}) |"),
            format!(" | {lines} | {packages} |"),
        );
        println!("{begin} ...{end}");
        let at = readme.find(&begin);
        let row = at.and_then(|at| readme[at..].lines().next());
        if !row.is_some_and(|row| row.ends_with(&end)) || at.is_none_or(|at| at < after) {
            wrong.push(format!("{begin} ...{end} is right, not {row:?}"));
        }
        after = at.unwrap_or(after);
    }
    assert!(
        wrong.is_empty(),
        "the README's table, in the order of this test:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_example_is_in_the_table() {
    let mut there: Vec<_> = fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("Cargo.toml").exists())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    there.sort_unstable();
    let mut named = EXAMPLES.map(|(example, _)| example);
    named.sort_unstable();
    assert_eq!(there, named);
}
