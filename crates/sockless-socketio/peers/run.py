#!/usr/bin/env python3
"""Runs other people's suites and clients against the example `suite`.

    peers/run.py suites [--runs N]   the official suites of Engine.IO 4 and Socket.IO 5, unmodified
    peers/run.py client [--runs N]   the official client, 4.8, in Node
    peers/run.py                     both

The suites are fetched from GitHub, packages by npm, into a temporary folder: nothing of them is kept. SOCKLESS_SOCKETIO_DOCS names a folder
that has the suites already: the one that is `docs` in the repository socketio/socket.io. What can't be had is said and counted as
skipped: the status is 2 then. The suites want port 3000, and a machine that isn't busy: the README says why.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
REPOSITORY = "https://github.com/socketio/socket.io"
COMMIT = "d2d753fed4435015c2d83fe62e676b44e07fa3f7"
SUITES = {"engine.io-protocol/v4-test-suite": 25, "socket.io-protocol/v5-test-suite": 32}
CLIENT = "socket.io-client@4.8"


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
    command = ["cargo", "build", "--quiet", "--package", "sockless-socketio", "--features", "tokio", "--example", "suite"]
    subprocess.run(command, check=True, cwd=ROOT)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "examples" / "suite"


def hurry():
    """The suite's times are short: on a busy machine it goes first, where that is allowed."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    except OSError:
        pass


class Serving:
    """The example, on a port of 127.0.0.1; 0 is any."""

    def __init__(self, program, port):
        self.command = [program, f"127.0.0.1:{port}"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, preexec_fn=hurry, stdout=subprocess.PIPE, text=True)
        return self.process.stdout.readline().strip()

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


def run_client(program, folder, runs):
    here = folder / "client"
    here.mkdir()
    shutil.copy(Path(__file__).with_name("client.mjs"), here)
    (here / "package.json").write_text('{"private": true}')
    quiet(["npm", "install", "--no-audit", "--no-fund", CLIENT], f"npm can't install {CLIENT}", cwd=here)
    with Serving(program, 0) as url:
        for run in range(1, runs + 1):
            done = subprocess.run(["node", "client.mjs", url], cwd=here, text=True, stdout=subprocess.PIPE, timeout=120)
            print(done.stdout, end="", flush=True)
            if done.returncode != 0:
                sys.exit(f"{CLIENT}, run {run}: status {done.returncode}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["suites", "client", "all"], default="all")
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    program = build()
    skipped = 0
    for what, run in {"suites": run_suites, "client": run_client}.items():
        if options.what not in (what, "all"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                run(program, Path(folder), options.runs)
            except Skipped as skip:
                print(f"skipped: {skip}", flush=True)
                skipped += 1
    print(f"{skipped} skipped")
    sys.exit(2 if skipped else 0)


main()
