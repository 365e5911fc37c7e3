"""Installs the Autobahn test suite, runs it against a program of this repository or all of them, and judges the reports.

Exit status: 0 if every expected case is OK in both columns, 1 if not, 2 if the suite can't be run here.
"""

import argparse
import collections
import concurrent.futures
import datetime
import fcntl
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
VENV = os.path.join(HERE, ".venv")
REPORTS = os.path.join(HERE, "reports")
SUITE = "autobahntestsuite==25.10.1"
IMAGE = "crossbario/autobahn-testsuite:25.10.1"

# How many cases the suite has in each group.
GROUPS = {1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1, 12: 90, 13: 126}
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}
PROGRAMS = {
    "server": ["echo_std", "server_blocking", "echo_mio", "echo_tokio", "server_tokio", "echo_uring", "echo_axum", "echo_heapless"],
    "client": ["client_std", "client_blocking", "client_tokio", "client_tokio_halves"],
}
# Groups 12 and 13 are not for those without permessage-deflate.
WITHOUT_DEFLATE = {"echo_heapless"}
# A few of every sub-group of 12 and 13: small, medium and large messages, automatic fragmentation.
SAMPLE_COMPRESSED = ["1", "6", "11", "16"]


class CannotRun(Exception):
    """The suite, or a program, can't be run on this machine."""


class Broken(Exception):
    """Something did not start."""


def say(text):
    print("autobahn: " + text, flush=True)


def compressed_sample():
    groups = ["12.%d" % n for n in range(1, 6)] + ["13.%d" % n for n in range(1, 8)]
    return ["%s.%s" % (group, case) for group in groups for case in SAMPLE_COMPRESSED]


# One case of most groups, for a program whose engine has passed all of them in another one: what differs is its loop.
FEW = """1.1.1 1.1.7 1.2.8 2.2 2.5 2.10 3.1 4.1.1 4.2.1 5.6 5.18 5.19 6.1.1 6.4.1 6.12.1 7.1.1 7.1.5 7.3.1 7.5.1 7.7.1 7.9.1
         9.1.3 9.3.1 9.5.1 10.1.1""".split()


def shards(cases):
    """The case patterns of the two processes, and how many cases they make."""
    plain = [1, 2, 3, 4, 5, 6, 7, 10]
    core = sum(GROUPS[group] for group in plain) + GROUPS[9]
    first, second = ["%d.*" % group for group in plain], ["9.*"]
    if cases == "few":
        half = len(FEW) // 2
        return [FEW[:half], FEW[half:]], len(FEW)
    if cases == "core":
        return [first, second], core
    if cases == "sample":
        sample = compressed_sample()
        half = len(sample) // 2
        return [first + sample[:half], second + sample[half:]], core + len(sample)
    return [first + second + ["12.*"], ["13.*"]], sum(GROUPS.values())


# -- the suite itself ----------------------------------------------------------------------------------------------------------


def runs(command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def find_python2():
    """An interpreter of Python 2.7 that runs; a name on the path may be a shim that doesn't."""
    candidates = ["python2.7", "python2", "/usr/bin/python2.7"]
    roots = [os.environ.get("PYENV_ROOT"), os.path.expanduser("~/.pyenv")]
    for root in filter(None, roots):
        candidates += sorted(glob.glob(os.path.join(root, "versions", "2.7*", "bin", "python2.7")))
    for candidate in candidates:
        version = runs([candidate, "-c", "import sys; print(sys.version_info[:2] == (2, 7))"])
        if version and version.strip() == "True":
            return candidate
    return None


def install():
    """A command that runs `wstest`, installed if need be, by one process at a time."""
    with open(__file__, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return install_alone()


def install_alone():
    wstest = os.path.join(VENV, "suite", "bin", "wstest")
    if runs([wstest, "--help"]):
        return [wstest]
    python2 = find_python2()
    if python2:
        say("installing %s into %s (once, about a minute)" % (SUITE, os.path.relpath(VENV, ROOT)))
        shutil.rmtree(VENV, ignore_errors=True)
        tool = os.path.join(VENV, "tool")
        # The last virtualenv that still makes environments for Python 2.7.
        steps = [
            [sys.executable, "-m", "venv", tool],
            [os.path.join(tool, "bin", "pip"), "install", "--quiet", "virtualenv<20.22"],
            [os.path.join(tool, "bin", "virtualenv"), "--quiet", "-p", python2, os.path.join(VENV, "suite")],
            [os.path.join(VENV, "suite", "bin", "pip"), "install", "--quiet", SUITE],
        ]
        for step in steps:
            done = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode != 0:
                raise CannotRun("installing failed: %s\n%s" % (" ".join(step), done.stdout.decode(errors="replace")))
        return [wstest]
    if runs(["docker", "info"]):
        say("using the Docker image %s" % IMAGE)
        mount = "%s:%s" % (HERE, HERE)
        return ["docker", "run", "--rm", "--network", "host", "-v", mount, "-w", HERE, IMAGE, "wstest"]
    raise CannotRun("neither Python 2.7 nor a running Docker engine was found; install one of them")


# -- the programs under test ---------------------------------------------------------------------------------------------------


def build(programs):
    """The folder with the programs."""
    say("building %s" % " ".join(programs))
    command = ["cargo", "build", "--quiet", "--release", "-p", "sockless-autobahn"]
    for program in programs:
        command += ["--bin", program]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        raise SystemExit("autobahn: %s: does not build" % " ".join(programs))
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    return os.path.join(target, "release")


def start_server(path):
    """Starts an echo server on a free port; the process and its port."""
    process = subprocess.Popen([path, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE)
    for line in iter(process.stdout.readline, b""):
        found = re.search(rb"127\.0\.0\.1:(\d+)", line)
        if found:
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return process, int(found.group(1))
    if process.wait() == 2:
        raise CannotRun("%s lacks something of this system" % os.path.basename(path))
    raise Broken("%s did not say where it listens" % os.path.basename(path))


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(300):
        if process.poll() is not None:
            raise Broken("the fuzzing server ended at once")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise Broken("the fuzzing server did not start")


# -- running -------------------------------------------------------------------------------------------------------------------


class Shard:
    """One process of the suite: its cases, its reports."""

    def __init__(self, number, patterns, folder):
        self.folder = os.path.join(folder, "shard%d" % number)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.patterns = patterns

    def write_spec(self, **more):
        spec = {"outdir": self.folder, "cases": self.patterns, "exclude-cases": [], "exclude-agent-cases": {}}
        spec.update(more)
        path = os.path.join(self.folder, "spec.json")
        with open(path, "w") as file:
            json.dump(spec, file)
        return path

    def log(self):
        return open(os.path.join(self.folder, "wstest.log"), "wb")

    def progress(self):
        """How many cases have begun, as far as the suite's log tells."""
        with open(os.path.join(self.folder, "wstest.log"), "rb") as file:
            return len(re.findall(rb"Running test case ID", file.read()))

    def cases(self):
        path = os.path.join(self.folder, "index.json")
        if not os.path.exists(path):
            return {}
        with open(path) as file:
            return json.load(file)


def follow(program, shards, processes, expected, limit):
    """Waits until the processes have ended, and shows how far they are."""
    started, shown = time.time(), 0
    while any(process.poll() is None for process in processes):
        time.sleep(0.5)
        elapsed = time.time() - started
        if elapsed > limit:
            say("%s: stopped after %d s" % (program, elapsed))
            return
        if elapsed - shown >= 15:
            shown = elapsed
            begun = sum(shard.progress() for shard in shards)
            say("%s: %d s: %d of %d cases begun" % (program, elapsed, begun, expected))


def run_server(wstest, path, program, shards, expected, limit):
    server, port = start_server(path)
    running = []
    try:
        for shard in shards:
            target = {"agent": program, "url": "ws://127.0.0.1:%d" % port}
            spec = shard.write_spec(servers=[target])
            log = shard.log()
            running.append(subprocess.Popen(wstest + ["-m", "fuzzingclient", "-s", spec], stdout=log, stderr=log, cwd=shard.folder))
        follow(program, shards, running, expected, limit)
    finally:
        for process in running + [server]:
            stop(process)


def run_client(wstest, path, program, shards, expected, limit):
    servers, clients = [], []
    try:
        for shard in shards:
            port = free_port()
            spec = shard.write_spec(url="ws://127.0.0.1:%d" % port)
            log = shard.log()
            command = wstest + ["-m", "fuzzingserver", "-u", "0", "-s", spec]
            servers.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=shard.folder))
            wait_for(port, servers[-1])
            # Most cases break the rules, which the client says.
            said = open(os.path.join(shard.folder, "client.log"), "wb")
            line = [path, "ws://127.0.0.1:%d" % port, "--agent", program]
            clients.append(subprocess.Popen(line, stdout=said, stderr=said))
        follow(program, shards, clients, expected, limit)
        for client in clients:
            if client.poll() not in (None, 0):
                say("%s ended with status %s, see client.log beside the reports" % (program, client.poll()))
    finally:
        for process in clients + servers:
            stop(process)


# -- judging -------------------------------------------------------------------------------------------------------------------


def judge(program, shards, expected):
    """What is wrong, a line each; and how often each verdict was given."""
    wrong, verdicts, seen = [], collections.Counter(), set()
    for shard in shards:
        report = shard.cases()
        if set(report) != {program}:
            wrong.append("the agents in %s are %s" % (shard.folder, sorted(report) or "none"))
            continue
        for case, result in report[program].items():
            if case in seen:
                wrong.append("case %s was reported twice" % case)
            seen.add(case)
            behavior, close = result["behavior"], result["behaviorClose"]
            allowed = {"OK", "INFORMATIONAL"} if case in INFORMATIONAL else {"OK"}
            verdicts[behavior if close in allowed else "close " + close] += 1
            if behavior not in allowed or close not in allowed:
                where = os.path.join(shard.folder, result.get("reportfile", ""))
                wrong.append("case %s: %s, close %s: %s" % (case, behavior, close, where))
    if len(seen) != expected:
        wrong.append("%d cases were expected, %d were reported" % (expected, len(seen)))
    return wrong, verdicts


def revision():
    """The commit that is tested; with a + if the sources are others."""
    commit = runs(["git", "-C", ROOT, "rev-parse", "--short=10", "HEAD"])
    sources = ["src", "crates/sockless-blocking", "crates/sockless-tokio", "autobahn/src", "examples", "Cargo.toml", "Cargo.lock"]
    changed = runs(["git", "-C", ROOT, "status", "--porcelain", "--", *sources])
    return commit.strip() + ("+" if changed and changed.strip() else "") if commit else "?"


def record(folder, **result):
    """Keeps the result for the table of results."""
    rustc = (runs(["rustc", "--version"]) or "rustc").strip()
    result.update(date=datetime.date.today().isoformat(), suite=SUITE, rustc=rustc)
    with open(os.path.join(folder, "result.json"), "w") as file:
        json.dump(result, file, indent=1, sort_keys=True)


def run_program(wstest, folder, role, program, cases):
    """Runs the cases, and judges them: whether all is well."""
    if program in WITHOUT_DEFLATE and cases != "few":
        cases = "core"
    reports = os.path.join(REPORTS, role, program, cases)
    shutil.rmtree(reports, ignore_errors=True)
    patterns, expected = shards(cases)
    parts = [Shard(number, those, reports) for number, those in enumerate(patterns, 1)]
    say("%s %s: %d cases (%s) in %d processes" % (role, program, expected, cases, len(parts)))
    # A copy, so that it is one and the same program to the end, whatever is built meanwhile. Another process makes it: a file that this one has
    # open for writing would be held open by what another thread starts, and could not be run.
    copy, tested = os.path.join(reports, program), revision()
    subprocess.run(["cp", os.path.join(folder, program), copy], check=True)
    started = time.time()
    run = run_server if role == "server" else run_client
    run(wstest, copy, program, parts, expected, limit=3000)
    os.remove(copy)
    seconds = time.time() - started

    wrong, verdicts = judge(program, parts, expected)
    for line in wrong:
        say("WRONG: %s: %s" % (program, line))
    for part in parts:
        say("%s: report: %s" % (program, os.path.relpath(os.path.join(part.folder, "index.html"), ROOT)))
    counts = ", ".join("%d %s" % (count, verdict) for verdict, count in sorted(verdicts.items()))
    verdict = "FAILED" if wrong else "passed"
    say("%s %s (%s): %s in %d s: %s" % (role, program, cases, counts or "nothing", seconds, verdict))
    result = {"role": role, "program": program, "cases": cases, "revision": tested, "expected": expected}
    record(reports, verdicts=verdicts, wrong=wrong, seconds=round(seconds), **result)
    return not wrong


def run_all(wstest, cases, jobs, role=None):
    """Runs every program, some at a time; whether all is well, and which could not be run."""
    roles = [role] if role else list(PROGRAMS)
    folder = build([program for role in roles for program in PROGRAMS[role]])
    skipped = []

    def one(pair):
        role, program = pair
        try:
            return run_program(wstest, folder, role, program, cases)
        except CannotRun as why:
            skipped.append("%s %s: %s" % (role, program, why))
            return True
        except Broken as why:
            say("WRONG: %s %s: %s" % (role, program, why))
            return False

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        well = all(list(pool.map(one, [(role, program) for role in roles for program in PROGRAMS[role]])))
    return well, skipped


def main():
    parser = argparse.ArgumentParser(prog="autobahn/run.sh", description="Runs the Autobahn test suite against a program.")
    parser.add_argument("role", choices=["server", "client", "all"])
    parser.add_argument("program", nargs="?", help="a program; without it, all of the role")
    parser.add_argument("--cases", choices=["few", "core", "sample", "full"], default="core")
    parser.add_argument("--jobs", type=int, default=2, help="how many programs run at a time, where there are several")
    parser.add_argument("--require-all", action="store_true", help="a program that can't be run here counts as failed")
    args = parser.parse_args()
    if args.role == "all" and args.program:
        parser.error("all stands alone")
    try:
        wstest = install()
        if args.program:
            folder = build([args.program])
            well, skipped = run_program(wstest, folder, args.role, args.program, args.cases), []
        else:
            well, skipped = run_all(wstest, args.cases, args.jobs, None if args.role == "all" else args.role)
    except CannotRun as error:
        say(str(error))
        return 2
    except Broken as error:
        say(str(error))
        return 1
    if skipped:
        say("SKIPPED, %d of the programs:\n%s" % (len(skipped), "\n".join(skipped)))
    return 0 if well and not (skipped and args.require_all) else 1


if __name__ == "__main__":
    sys.exit(main())
