//! The recipes for continuous integration and the test client in C, as far as they can be run on this machine.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::{PROBE, file, opening, server};

/// The lines of a block of YAML that begins after `head`, without their indentation.
fn block(text: &str, head: &str, nth: usize) -> String {
    let mut lines = text.lines();
    for _ in 0..=nth {
        lines.by_ref().find(|line| line.trim() == head).expect("the block");
    }
    let lines: Vec<&str> = lines.collect();
    let indent = lines[0].len() - lines[0].trim_start().len();
    let inside =
        |line: &&&str| line.trim().is_empty() || line.len() - line.trim_start().len() >= indent;
    let own = lines.iter().take_while(inside);
    own.map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Runs the commands of a recipe in a fresh folder, with the probe on the path: the status, and the files that are there then.
fn run(commands: &str, name: &str) -> (Option<i32>, Vec<String>) {
    let url = server(|mut stream| {
        opening(&mut stream);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let folder = file(name);
    std::fs::create_dir(&folder).unwrap();
    let path = format!(
        "{}:{}",
        Path::new(PROBE).parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let status = Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", commands])
        .env("PATH", path)
        .env("START", "sleep 60")
        .env("URL", url)
        .env("OPTIONS", "--timeout 0.1 --filter control.ping-1")
        .current_dir(&folder)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let files = std::fs::read_dir(&folder).unwrap();
    let mut files: Vec<String> =
        files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let _ = std::fs::remove_dir_all(folder);
    (status.code(), files)
}

#[test]
fn the_steps_of_the_action_and_of_the_job_leave_reports_and_the_probes_status() {
    let expected =
        (Some(1), vec!["sockless-probe.html".to_owned(), "sockless-probe.xml".to_owned()]);
    let action = include_str!("../../ci/action.yml");
    assert_eq!(run(&block(action, "run: |", 0), "action"), expected);
    // The last command of the job is a separate line, and the server ends with the container: here it has to be ended.
    let job = include_str!("../../ci/gitlab.yml");
    let last = job.lines().find_map(|line| line.trim().strip_prefix("- sockless-probe")).unwrap();
    let commands = block(job, "- |", 0);
    let whole = format!("trap 'kill $(jobs -p)' EXIT\n{commands}\nsockless-probe{last}");
    assert_eq!(run(&whole, "job"), expected);
}

#[test]
fn the_client_in_c_is_tested_as_its_author_would_test_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("agreement/c/client.c");
    let program = file("client");
    let built =
        Command::new("cc").arg("-Wall").arg("-Werror").arg("-o").arg(&program).arg(source).status();
    let built = built.expect("a C compiler, which ring needs as well");
    assert!(built.success());
    use std::io::BufRead as _;
    let mut probe = Command::new(PROBE)
        .args(["client", "--listen", "127.0.0.1:0", "--quiet", "--timeout", "5"])
        .args(["--filter", "1.*,2.1,2.2,2.6,2.10,5.3,5.6,7.1.1,7.3.1,9.1.1,9.2.1,control.ping-1*"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(probe.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let port = first.split("127.0.0.1:").nth(1).unwrap().split(' ').next().unwrap();
    let ran = Command::new(&program).args(["127.0.0.1", port, "in-c"]).status().unwrap();
    assert!(ran.success());
    let said: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(probe.wait().unwrap().code(), Some(0), "{said:#?}");
    assert!(said.iter().any(|line| line.starts_with("autobahn 1 ")), "{said:#?}");
    let _ = std::fs::remove_file(program);
}
