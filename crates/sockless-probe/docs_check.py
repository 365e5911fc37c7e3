#!/usr/bin/env python3
"""Runs every program of README.md and docs/clients.md as a newcomer does, and the probe with it.

    crates/sockless-probe/docs_check.py [--cases PATTERNS]

PROBE is the program (target/release/sockless-probe without it), PYTHON an interpreter with `websockets`, NODE_MODULES a folder with `ws`;
without those, what autobahn/interop has installed. Go's module comes from Debian's package of it or from its proxy, tungstenite from
crates.io. A program whose tools can't be had is skipped, which is said and counted.

Exit status: 0 if all is well, 1 if not, 2 if all that could be run is well and something was skipped.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

from agreement.agree import free_port, stop, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
INTEROP = os.path.join(ROOT, "autobahn", "interop")
PROBE = os.environ.get("PROBE", os.path.join(ROOT, "target", "release", "sockless-probe"))
PYTHON = os.environ.get("PYTHON", os.path.join(INTEROP, ".venv", "bin", "python"))
NODE_MODULES = os.environ.get("NODE_MODULES", os.path.join(INTEROP, "node", "node_modules"))
# Where Debian puts the sources of Go's libraries.
GOPATH = "/usr/share/gocode"
LIMIT = 300


class Skipped(Exception):
    """A program can't be run here."""


def blocks(path, language):
    with open(os.path.join(HERE, path)) as file:
        return re.findall(r"^```%s\n(.*?)^```" % language, file.read(), re.S | re.M)


def needs(command, why):
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT)
    if done.returncode != 0:
        raise Skipped(why)


def python(folder, text):
    if not shutil.which(PYTHON):
        raise Skipped("there is no %s" % PYTHON)
    needs([PYTHON, "-c", "import websockets.asyncio.server"], "websockets is not installed")
    return [PYTHON, write(folder, "program.py", text)]


def node(folder, text):
    if not shutil.which("node") or not os.path.isdir(os.path.join(NODE_MODULES, "ws")):
        raise Skipped("Node or its package ws is not there")
    os.symlink(NODE_MODULES, os.path.join(folder, "node_modules"))
    return ["node", write(folder, "program.mjs", text)]


def go(folder, text):
    if not shutil.which("go"):
        raise Skipped("there is no Go")
    write(folder, "main.go", text)
    program, env = os.path.join(folder, "program"), dict(os.environ)
    if os.path.isdir(os.path.join(GOPATH, "src", "github.com", "gorilla", "websocket")):
        env.update(GO111MODULE="off", GOPATH=GOPATH)
    else:
        write(folder, "go.mod", "module client\n\ngo 1.19\n\nrequire github.com/gorilla/websocket v1.5.1\n")
        done = subprocess.run(["go", "mod", "tidy"], cwd=folder, stderr=subprocess.DEVNULL, timeout=LIMIT)
        if done.returncode != 0:
            raise Skipped("gorilla/websocket can't be downloaded")
    subprocess.run(["go", "build", "-o", program, "main.go"], cwd=folder, env=env, check=True, timeout=LIMIT)
    return [program]


def rust(folder, text):
    manifest = '[workspace]\n\n[package]\nname = "program"\nversion = "0.1.0"\nedition = "2024"\n\n[dependencies]\ntungstenite = "0.30"\n'
    write(folder, "Cargo.toml", manifest)
    os.mkdir(os.path.join(folder, "src"))
    write(folder, "src/main.rs", text)
    target = ["--manifest-path", os.path.join(folder, "Cargo.toml")]
    needs(["cargo", "fetch", "--quiet"] + target, "tungstenite can't be downloaded")
    built = ["--target-dir", os.path.join(ROOT, "target", "probe-docs")]
    subprocess.run(["cargo", "build", "--quiet"] + target + built, check=True, timeout=LIMIT)
    return [os.path.join(ROOT, "target", "probe-docs", "debug", "program")]


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def at(text, port):
    """The program with the port that is free here."""
    if "9001" not in text:
        raise SystemExit("docs_check: the port is not in the program")
    return text.replace("9001", str(port))


def test_server(folder, command, port, cases):
    with open(os.path.join(folder, "log"), "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        wait_for(port, server)
        return subprocess.run([PROBE, "server", "ws://127.0.0.1:%d" % port] + cases, stdout=subprocess.PIPE, timeout=LIMIT)
    finally:
        stop(server)


def test_client(folder, command, port, cases):
    line = [PROBE, "client", "--listen", "127.0.0.1:%d" % port] + cases
    probe = subprocess.Popen(line, stdout=subprocess.PIPE)
    try:
        wait_for(port, probe)
        subprocess.run(command, cwd=folder, check=True, timeout=LIMIT)
        said, _ = probe.communicate(timeout=LIMIT)
        return subprocess.CompletedProcess(line, probe.returncode, said)
    finally:
        stop(probe)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", default="1.*,2.*,5.3,5.6,7.1.1,9.1.1,handshake.right")
    args = parser.parse_args()
    cases = ["--quick", "--quiet", "--timeout", "5", "--filter", args.cases]
    js, clients = blocks("README.md", "js"), "docs/clients.md"
    servers_and_clients = blocks("README.md", "python")
    programs = [
        ("the server in Node", node, js[0], test_server),
        ("the server in Python", python, servers_and_clients[0], test_server),
        ("the client in Python", python, servers_and_clients[1], test_client),
        ("the client in Node", node, blocks(clients, "js")[0], test_client),
        ("the client in Go", go, blocks(clients, "go")[0], test_client),
        ("the client in Rust", rust, blocks(clients, "rust")[0], test_client),
    ]
    status = skipped = 0
    for name, prepare, text, test in programs:
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            try:
                done = test(folder, prepare(folder, at(text, port)), port, cases)
            except Skipped as why:
                print("docs_check: SKIPPED: %s: %s" % (name, why), flush=True)
                skipped += 1
                continue
        said = done.stdout.decode()
        count = re.search(r"(\d+) cases in", said)
        print("docs_check: %s: %s cases, status %d" % (name, count.group(1) if count else "no", done.returncode), flush=True)
        if done.returncode != 0 or not count:
            print(said)
            status = 1
    print("docs_check: %s%s" % ("FAILED" if status else "passed", ", %d skipped" % skipped if skipped else ""))
    return status or (2 if skipped else 0)


if __name__ == "__main__":
    sys.exit(main())
