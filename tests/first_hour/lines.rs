//! How long a first program is, beside what the table in the README says. Each program's tests include this file.

/// The lines of a program that are neither blank nor a comment.
pub(crate) fn count(program: &str) -> usize {
    let counts = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    program.lines().filter(counts).count()
}

/// Checks the row of a program: as many lines as it has that are neither blank nor a comment, and no more than it may have. rustfmt keeps the layout: `rustfmt.toml` in this folder has its defaults, whatever the one of the repository says.
#[track_caller]
pub(crate) fn check(name: &str, program: &str) {
    let lines = count(program);
    let table = include_str!("README.md")
        .lines()
        .filter(|line| line.starts_with('|'));
    let cells = table.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let row = cells
        .into_iter()
        .find(|row| row[1].starts_with(&format!("[`{name}`]")));
    let row = row.unwrap_or_else(|| panic!("a row for {name}"));
    let (said, most): (usize, usize) = (
        row[3].parse().expect("lines"),
        row[4].parse().expect("most"),
    );
    assert_eq!(
        (said, lines <= most),
        (lines, true),
        "{name} has {lines} lines, of at most {most}"
    );
}
