//! The program as a process: what it prints, writes, and ends with.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::servers::{Habit, nobody, serve};

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("sockless-load-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("written");
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockless-load"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let run = tokio::time::timeout(Duration::from_secs(120), command.output());
    let output = run.await.expect("it ends").expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn the_example_runs_as_it_is_and_is_reported_in_three_forms() {
    let directory = Directory::new("example");
    let (status, example, _) = output(program().arg("--example")).await;
    assert_eq!(status, Some(0));
    let scenario = directory.write("echo.toml", &example);
    let url = serve(Habit::Echo).await;
    let (json, page) = (directory.0.join("report.json"), directory.0.join("report.html"));
    let mut command = program();
    command.arg(&scenario).args(["--url", &url, "--connections=5", "--duration", "1200ms"]);
    command.arg("--json").arg(&json).arg("--html").arg(&page);
    let (status, table, progress) = output(&mut command).await;
    // Whether 50 ms hold is the machine's business.
    assert!(matches!(status, Some(0 | 1)), "{status:?} {table} {progress}");
    assert!(
        table.contains("5 wanted, 5 opened") && table.contains("60 planned, 60 sent"),
        "{table}"
    );
    assert!(table.contains("ok   lost: 0, at most 0"), "{table}");
    assert!(progress.lines().count() >= 1 && progress.contains("open 5"), "{progress}");
    let json = std::fs::read_to_string(json).expect("a report");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["messages"]["delivered"], 60);
    assert_eq!(json["latency"]["count"], 60);
    assert_eq!(json["held"], status == Some(0));
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.contains("<svg") && page.contains("echo.toml"));
    // To the standard output, and nothing else there.
    let mut command = program();
    command.arg(&scenario).args(["--url", &url, "--connections=2", "--duration=300ms"]);
    let (_, json, silence) = output(command.args(["--json", "-", "--quiet"])).await;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON alone");
    assert_eq!((json["connections"]["opened"].as_u64(), silence.as_str()), (Some(2), ""));
}

#[tokio::test]
async fn the_status_says_how_it_ended() {
    let directory = Directory::new("status");
    let text = "url = \"ws://localhost/\"\nconnections = 2\nramp = 0\nduration = \"200ms\"\n[message]\nsend = \"{mark}\"\nevery = \"20ms\"\n";
    let scenario = directory.write("a.toml", text);
    let url = serve(Habit::Echo).await;
    let (status, _, _) = output(program().arg(&scenario).args(["--url", &url])).await;
    assert_eq!(status, Some(0));
    let (status, table, _) =
        output(program().arg(&scenario).args(["--url", &nobody().await])).await;
    assert_eq!(status, Some(1), "{table}");
    let strict = directory.write("b.toml", &format!("{text}[thresholds]\np50 = \"1us\"\n"));
    let (status, table, _) = output(program().arg(&strict).args(["--url", &url])).await;
    assert_eq!(status, Some(1), "{table}");
    assert!(table.contains("FAIL p50: "), "{table}");
    let wrong = directory.write("c.toml", &text.replace("every", "evry"));
    let (status, _, problem) = output(program().arg(&wrong)).await;
    assert_eq!(status, Some(2));
    assert!(problem.contains("c.toml:7: unknown field `evry`"), "{problem}");
    let (status, _, _) = output(program().arg("--check").arg(&scenario)).await;
    assert_eq!(status, Some(0));
    for (args, what) in [
        (vec![], "which scenario?"),
        (vec!["a", "b"], "one scenario"),
        (vec!["--nothing", "a"], "unknown flag --nothing"),
        (vec!["--url"], "--url needs a value"),
        (vec!["--quiet=yes", "a"], "takes no value"),
        (vec!["--duration", "soon", "a"], "--duration: a length of time"),
        (vec!["--connections", "many", "a"], "--connections: a number"),
        (vec!["/nowhere/a.toml"], "/nowhere/a.toml: No such file"),
    ] {
        let (status, _, problem) = output(program().args(args)).await;
        assert_eq!(status, Some(2), "{problem}");
        assert!(problem.contains(what), "{problem}");
    }
    let (status, help, _) = output(program().arg("--help")).await;
    assert!(status == Some(0) && help.contains("--html FILE"));
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_shows_what_was_measured() {
    let directory = Directory::new("stopped");
    let text = "url = \"ws://localhost/\"\nconnections = 2\nramp = 0\nduration = \"1h\"\n[message]\nsend = \"{mark}\"\nevery = \"20ms\"\n";
    let scenario = directory.write("a.toml", text);
    let url = serve(Habit::Echo).await;
    let mut command = program();
    command.arg(&scenario).args(["--url", &url]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program");
    // A line of progress: it measures.
    let mut lines = tokio::io::BufReader::new(child.stderr.take().expect("its errors"));
    let mut line = String::new();
    let first = tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut line);
    tokio::time::timeout(Duration::from_secs(60), first).await.expect("a line").expect("a line");
    let id = child.id().expect("it runs").to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().await.expect("kill");
    assert!(killed.success());
    let ended = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output());
    let output = ended.await.expect("it ends").expect("its output");
    let table = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(130), "{table}");
    assert!(table.contains("stopped early") && table.contains("planned to received"), "{table}");
}

/// With fewer descriptors than connections: it says so before it begins, and what to do.
#[cfg(unix)]
#[tokio::test]
async fn too_few_descriptors_are_said_before_it_begins() {
    let directory = Directory::new("descriptors");
    let text = "url = \"ws://127.0.0.1:1/\"\nconnections = 500\nduration = 1\n";
    let scenario = directory.write("a.toml", text);
    let shell = |limits: &str| {
        let mut command = Command::new("sh");
        let line = format!("{limits} && exec \"$0\" \"$1\"");
        command.arg("-c").arg(line).arg(env!("CARGO_BIN_EXE_sockless-load")).arg(&scenario);
        command
    };
    let (status, _, problem) = output(&mut shell("ulimit -n 200")).await;
    assert_eq!(status, Some(2), "{problem}");
    assert!(
        problem.contains("need 564 open files") && problem.contains("--connections 136"),
        "{problem}"
    );
    // What may be raised is raised: all are tried, and nobody listens.
    let (status, table, _) = output(&mut shell("ulimit -S -n 200")).await;
    assert_eq!(status, Some(1), "{table}");
    assert!(table.contains("500 failed: ") && !table.contains("open files"), "{table}");
}
