#!/usr/bin/env python3
"""Runs other people's suites, clients and servers against this crate's.

    peers/run.py suites    the official suites of Engine.IO 4 and Socket.IO 5, unmodified, against the example `suite`
    peers/run.py client    the official client, 4.8, in Node, against the example; then both with MessagePack
    peers/run.py recovery  the same client, cut and recovered
    peers/run.py cluster   the same client, and servers that are one through a Redis, killed
    peers/run.py page      the official client in Chromium, against the example
    peers/run.py python    python-socketio's client against the example
    peers/run.py parsers   generated and mutated packets, read here and by the packages that the official ones read with
    peers/run.py server    this crate's client, the example `talk`, against the official server, 4.8, in Node; then both with MessagePack
    peers/run.py sample    the ways to the most important peers: client, recovery, parsers, python and server, without MessagePack
    peers/run.py           all of them; --runs N: each N times

The suites are fetched from GitHub, packages by npm and pip, into a temporary folder: nothing of them is kept. SOCKLESS_SOCKETIO_DOCS names a
folder that has the suites already: the one that is `docs` in the repository socketio/socket.io. What can't be had is said and counted as
skipped: the status is 2 then. The suites want port 3000, and a machine that isn't busy: the README says why.
"""

import argparse
import functools
import http.server
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
REPOSITORY = "https://github.com/socketio/socket.io"
COMMIT = "d2d753fed4435015c2d83fe62e676b44e07fa3f7"
SUITES = {"engine.io-protocol/v4-test-suite": 25, "socket.io-protocol/v5-test-suite": 32}
CLIENT = "socket.io-client@4.8"
SERVER = "socket.io@4.8"
MSGPACK = "socket.io-msgpack-parser@3"
PARSERS = ["socket.io-parser@4.2", "engine.io-parser@5.2"]
# How packets are written: the words that the programs want for it.
VARIANTS = [[], ["msgpack"]]
PYTHON = "python-socketio[client]==5.18.1"

# The browser is driven as in the other tests.
sys.path.insert(0, str(ROOT / "autobahn" / "interop"))
import chromium  # noqa: E402


# The suites say `localhost`, and one test gives a request five milliseconds to arrive: there is no time to try ::1 first.
IPV4 = {**os.environ, "NODE_OPTIONS": "--dns-result-order=ipv4first"}


class Skipped(Exception):
    """Something that can't be had."""


def quiet(command, what, **options):
    """Runs a command. What it says is shown only if it fails, which means that something can't be had."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Skipped(f"{what}: {error}") from error
    if done.returncode != 0:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        raise Skipped(what)


def build():
    """The folder of the examples."""
    command = ["cargo", "build", "--quiet", "--package", "sockless-socketio", "--all-features", "--example", "suite", "--example", "talk", "--example", "decode"]
    subprocess.run(command, check=True, cwd=ROOT)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "examples"


def hurry():
    """The suite's times are short: on a busy machine it goes first, where that is allowed."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    except OSError:
        pass


class Serving:
    """A server that says its URL: by default the example, on a port of 127.0.0.1; 0 is any."""

    def __init__(self, examples, port, command=None, **options):
        self.command = command or [examples / "suite", f"127.0.0.1:{port}"]
        self.options = options

    def __enter__(self):
        self.start()
        return self

    def start(self):
        self.process = subprocess.Popen(self.command, preexec_fn=hurry, stdout=subprocess.PIPE, text=True, **self.options)
        self.url = self.process.stdout.readline().strip()

    def restart(self):
        """Kills it, and starts it again at the same place."""
        self.process.kill()
        self.process.wait()
        port = self.url.rsplit(":", 1)[1]
        last = str(self.command[-1])
        self.command[-1] = f"{last.rsplit(':', 1)[0]}:{port}" if ":" in last else port
        self.start()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def suites(folder):
    """Copies the suites into a folder, and installs what they need."""
    docs = os.environ.get("SOCKLESS_SOCKETIO_DOCS")
    if docs is None:
        clone = folder / "repository"
        quiet(["git", "init", "--quiet", clone], "git")
        git = ["git", "-C", clone]
        quiet([*git, "sparse-checkout", "set", *(f"docs/{suite}" for suite in SUITES)], "git with sparse checkouts")
        fetch = [*git, "fetch", "--quiet", "--depth=1", "--filter=blob:none", REPOSITORY, COMMIT]
        quiet(fetch, "the suites can't be fetched from GitHub")
        quiet([*git, "checkout", "--quiet", "FETCH_HEAD"], "the suites can't be fetched from GitHub")
        docs = clone / "docs"
    for suite in SUITES:
        there = folder / suite
        shutil.copytree(Path(docs) / suite, there, ignore=shutil.ignore_patterns("node_modules"))
        quiet(["npm", "ci", "--no-audit", "--no-fund"], f"npm can't install what {suite} needs", cwd=there)


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def run_suites(program, folder, runs):
    suites(folder)
    if not is_free(3000):
        raise Skipped("port 3000, which the suites want, is taken")
    with Serving(program, 3000):
        for suite, count in SUITES.items():
            for run in range(1, runs + 1):
                mocha = ["npx", "mocha", "--exit", "--reporter", "dot", "test-suite.js"]
                done = subprocess.run(mocha, cwd=folder / suite, env=IPV4, preexec_fn=hurry, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
                if done.returncode != 0 or f"{count} passing" not in done.stdout:
                    sys.exit(f"{suite}, run {run}:\n{done.stdout}")
                print(f"{suite}: {count} of {count}, run {run} of {runs}", flush=True)


def installed(folder, name, packages, *files):
    """A folder where npm has installed packages, with copies of these files."""
    here = folder / name
    here.mkdir()
    for file in files:
        shutil.copy(Path(__file__).with_name(file), here)
    (here / "package.json").write_text('{"private": true}')
    quiet(["npm", "install", "--no-audit", "--no-fund", *packages], f"npm can't install {' and '.join(packages)}", cwd=here)
    return here


def finished(what, done):
    print(done.stdout, end="", flush=True)
    if done.returncode != 0:
        sys.exit(f"{what}: status {done.returncode}")


def run_client(program, folder, runs):
    here = installed(folder, "client", [CLIENT, MSGPACK], "client.mjs")
    for words in VARIANTS:
        with Serving(program, 0, [program / "suite", "127.0.0.1:0", *words]) as serving:
            for run in range(1, runs + 1):
                done = subprocess.run(["node", "client.mjs", serving.url, *words], cwd=here, text=True, stdout=subprocess.PIPE, timeout=120)
                finished(f"{CLIENT} {' '.join(words)}, run {run}", done)


def run_recovery(program, folder, runs):
    here = installed(folder, "recovery", [CLIENT], "recovery.mjs")
    with Serving(program, 0, [program / "suite", "127.0.0.1:0", "recovery"]) as serving:
        for run in range(1, runs + 1):
            done = subprocess.run(["node", "recovery.mjs", serving.url], cwd=here, text=True, stdout=subprocess.PIPE, timeout=120)
            finished(f"{CLIENT}, recovery, run {run}", done)


def run_cluster(program, folder, runs):
    if shutil.which("redis-server") is None:
        raise Skipped("redis-server is not installed")
    here = installed(folder, "cluster", [CLIENT], "cluster.mjs")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    redis = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", here], stdout=subprocess.DEVNULL)
    try:
        for run in range(1, runs + 1):
            command = ["node", "cluster.mjs", program / "suite", f"redis://127.0.0.1:{port}/"]
            done = subprocess.run(command, cwd=here, text=True, stdout=subprocess.PIPE, timeout=180)
            finished(f"{CLIENT}, cluster, run {run}", done)
    finally:
        redis.terminate()
        redis.wait()


def run_python(program, folder, runs):
    venv = folder / "python"
    quiet([sys.executable, "-m", "venv", venv], "Python can't make a virtual environment")
    quiet([venv / "bin" / "pip", "install", "--quiet", PYTHON], f"pip can't install {PYTHON}")
    command = [venv / "bin" / "python", Path(__file__).with_name("client.py")]
    with Serving(program, 0) as serving:
        for run in range(1, runs + 1):
            done = subprocess.run([*command, serving.url], text=True, stdout=subprocess.PIPE, timeout=120)
            finished(f"{PYTHON}, run {run}", done)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def run_page(program, folder, runs):
    path = chromium.find()
    if path is None:
        raise Skipped("Chromium is not installed")
    here = installed(folder, "page", [CLIENT], "page.html")
    shutil.copy(here / "node_modules" / "socket.io-client" / "dist" / "socket.io.js", here)
    files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=here))
    threading.Thread(target=files.serve_forever, daemon=True).start()
    browser = chromium.Chromium(path)
    try:
        tab = browser.tab()
        tab.open(f"http://127.0.0.1:{files.server_port}/page.html")
        with Serving(program, 0) as serving:
            for _ in range(runs):
                for transports in ['["polling"]', '["websocket"]', '["polling", "websocket"]']:
                    tab.evaluate(f'talk("{serving.url}", {transports})')
                    serving.restart()
                    checks = tab.evaluate("returned()")
                    print(f"Chromium, {transports}: {checks} checks", flush=True)
    finally:
        browser.close()
        files.shutdown()


def run_server(program, folder, runs):
    here = installed(folder, "server", [SERVER, MSGPACK], "server.mjs")
    for words in VARIANTS:
        with Serving(program, 0, ["node", "server.mjs", *words, "0"], cwd=here) as serving:
            for run in range(1, runs + 1):
                talks = subprocess.Popen([program / "talk", serving.url, *words], text=True, stdout=subprocess.PIPE)
                for line in talks.stdout:
                    if line == "restart\n":
                        serving.restart()
                    else:
                        print(line, end="", flush=True)
                if talks.wait(120) != 0:
                    sys.exit(f"{SERVER} {' '.join(words)}, run {run}: status {talks.returncode}")


def run_parsers(program, folder, runs):
    here = installed(folder, "parsers", PARSERS, "parsers.mjs")
    for run in range(1, runs + 1):
        done = subprocess.run(["node", "parsers.mjs", program / "decode", "6000", str(run)], cwd=here, text=True, stdout=subprocess.PIPE, timeout=120)
        finished(f"parsers, run {run}", done)


RUNS = {"suites": run_suites, "client": run_client, "recovery": run_recovery, "cluster": run_cluster, "page": run_page, "python": run_python, "parsers": run_parsers, "server": run_server}
SAMPLE = ["client", "recovery", "python", "parsers", "server"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=[*RUNS, "sample", "all"], default="all")
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    program = build()
    skipped = 0
    chosen = {"all": list(RUNS), "sample": SAMPLE}.get(options.what, [options.what])
    if options.what == "sample":
        VARIANTS.pop()
    for what in chosen:
        run = RUNS[what]
        with tempfile.TemporaryDirectory() as folder:
            try:
                run(program, Path(folder), options.runs)
            except Skipped as skip:
                print(f"skipped: {skip}", flush=True)
                skipped += 1
    print(f"{skipped} skipped")
    sys.exit(2 if skipped else 0)


main()
