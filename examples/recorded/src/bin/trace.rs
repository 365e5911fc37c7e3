//! Makes the calls again that the server has written down: `cargo run -p example-recorded --bin example-trace FILE`.
//!
//! It prints each of them, with the events that come of it. It ends with status 1 where the connection does something else than it did then.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::error::Error;

use example_recorded::Echo;
use sockless::Want;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("which file? example-trace FILE")?;
    let mut echo = Echo::default();
    let text = std::fs::read_to_string(file)?;
    // Where the server was ended, the last line may be a part of one.
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        println!("{line}");
        match line.strip_prefix("done ") {
            None => echo.make(line.parse()?, |event| println!("    {event:#?}"))?,
            Some(was) => match echo.want() {
                Want::Done(outcome) if format!("{outcome:?}") == was => {
                    println!("the same again");
                    return Ok(());
                }
                other => return Err(format!("it is not done so: {other:?}").into()),
            },
        }
    }
    println!("the same again, as far as it is written down");
    Ok(())
}
