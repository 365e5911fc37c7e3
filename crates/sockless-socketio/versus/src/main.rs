//! Runs the same clients against both servers, in turns, and writes what it has cost each: `versus [--quick] [--only WORD] [--out FILE]`.

mod load;
mod machine;
mod report;
mod rows;
mod server;

use std::io;
use std::path::PathBuf;

use report::Report;

/// What is asked for on the command line.
struct Options {
    rounds: usize,
    only: Option<String>,
    out: Option<PathBuf>,
}

fn options() -> Result<Options, String> {
    let mut options = Options { rounds: 15, only: None, out: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match &*word {
            "--quick" => options.rounds = 3,
            "--only" => options.only = Some(value()?),
            "--out" => options.out = Some(value()?.into()),
            _ => {
                return Err(format!(
                    "usage: versus [--quick] [--only WORD] [--out FILE]; not {word}"
                ));
            }
        }
    }
    Ok(options)
}

fn main() -> io::Result<()> {
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            std::process::exit(2);
        }
    };
    let mut report = Report::begin(options.rounds);
    for row in rows::all() {
        let wanted = options.only.as_ref().is_none_or(|word| row.name().contains(word.as_str()));
        if wanted {
            let measured = row.measure(options.rounds);
            let measured = measured.map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", row.name()))
            })?;
            println!("{}", report::line(&row, &measured));
            report.add(&row, measured);
        }
    }
    let text = report.text();
    match &options.out {
        Some(path) => std::fs::write(path, text),
        None => {
            print!("\n{text}");
            Ok(())
        }
    }
}
