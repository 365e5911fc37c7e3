//! Where and when it ran.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use sockless::words::simd::Level;

pub struct Machine {
    pub date: String,
    pub processor: String,
    pub cores: usize,
    pub system: String,
    /// What SIMD this library uses here.
    pub level: String,
    pub load: String,
    pub compiler: String,
}

impl Machine {
    pub fn look() -> Self {
        let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = processor.lines().find_map(|line| line.strip_prefix("model name"));
        let processor = processor.map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned());
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: Vec<&str> = load.split(' ').take(2).collect();
        Self {
            date: today(),
            processor: processor.unwrap_or_else(|| std::env::consts::ARCH.into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            system: std::env::consts::OS.into(),
            level: format!("{:?}", Level::detect().instructions()).to_lowercase(),
            load: load.join(" "),
            compiler: first_line("rustc", "--version"),
        }
    }

    /// Its name in that of a file: the processor's words, without those that say nothing, and what SIMD is used.
    pub fn name(&self) -> String {
        let words = self.processor.to_lowercase().replace("(r)", " ").replace("processor", " ");
        let words =
            words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.chain([&self.level[..]]).collect::<Vec<_>>().join("-")
    }
}

fn first_line(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    output.ok().and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or_default()
}

/// The date in UTC, year, month and day.
fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut days = seconds / 86_400;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}
