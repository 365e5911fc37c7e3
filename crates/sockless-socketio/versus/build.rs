//! Which version of the other server is locked, for the report.

use std::fs;

fn main() {
    println!("cargo::rerun-if-changed=Cargo.lock");
    let lock = fs::read_to_string("Cargo.lock").unwrap_or_default();
    let package =
        lock.split("[[package]]").find(|package| package.contains("name = \"socketioxide\""));
    let version =
        package.and_then(|package| package.split("version = \"").nth(1)?.split('"').next());
    println!("cargo::rustc-env=SOCKETIOXIDE={}", version.unwrap_or("unknown"));
}
