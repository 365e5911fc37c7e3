#!/usr/bin/env python3
"""Runs the probe, all chapters, against every server and client program of this repository.

    crates/sockless-probe/programs.py [NAME ...] [--jobs N]

A case that fails is run once more, alone and with more patience, before it counts: a machine that does much else is slow. What fails then
and isn't in KNOWN is shown with its log. Reports are kept under target/probe.

Exit status: 0 if nothing fails, 1 if something does, 2 if nothing fails and a program can't be run on this system, which it says by its own
status 2.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REPORTS = os.path.join(ROOT, "target", "probe")
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
PROGRAMS = os.path.join(TARGET, "release")
PROBE = os.path.join(PROGRAMS, "sockless-probe")
LIMIT = 300

# The servers: the scheme of their addresses, further options of the probe.
SERVERS = {
    "echo_std": ("ws", []),
    "echo_mio": ("ws", []),
    "echo_tokio": ("ws", []),
    "echo_uring": ("ws", []),
    "echo_axum": ("ws", []),
    "echo_recorded": ("ws", []),
    "echo_heapless": ("ws", []),
    "echo_tls": ("wss", ["--insecure"]),
    "echo_h2": ("ws", []),
    "echo_h2 over HTTP/2": ("ws", ["--http2"]),
    # In front of echo_std.
    "relay": ("ws", []),
}
# The clients: the cases of each part run one after the other, the parts at a time.
PARTS = ["1.*,2.*,3.*,4.*,5.*,6.*,7.*", "9.*,10.*,12.*,13.*", "framing,control,utf-8,closing,negotiation", "deflate,hostile,limits,keepalive,handshake"]
CLIENTS = ["client_std", "client_tokio"]
# Prints what it receives, so that what needs no echo is for it.
PRINTER = "ws"
PRINTER_CASES = "handshake.accept*,handshake.connection*,handshake.extension*,handshake.field*,handshake.http*,handshake.no-*,handshake.nonsense,handshake.other*,handshake.right,handshake.status*,handshake.subprotocol*,handshake.upgrade*,handshake.value*"
# Deviations that are meant: the program, the case, the reason. One that is no longer seen is an error, too.
KNOWN = {
    "echo_heapless": {
        "hostile.idle-others": "it serves 32 clients at a time by design, and has no memory for a hundred",
        "hostile.many-announced": "it serves 32 clients at a time by design, and has no memory for fifty",
    },
}

say_lock = threading.Lock()


def say(text):
    with say_lock:
        print("probe: " + text, flush=True)


class Broken(Exception):
    """A program does not build or start."""


class CannotRun(Exception):
    """A program needs something that this system doesn't have."""


def build():
    servers = sorted({name.split()[0] for name in SERVERS})
    packages = [("sockless-probe", []), ("sockless-autobahn", servers + CLIENTS), ("sockless-cli", [PRINTER])]
    for package, programs in packages:
        command = ["cargo", "build", "--quiet", "--release", "-p", package]
        for program in programs:
            command += ["--bin", program]
        if subprocess.run(command, cwd=ROOT).returncode != 0:
            raise Broken("%s does not build" % package)


def listening(command, pattern=rb"(127\.0\.0\.1:\d+)"):
    """A process that says where it listens, and where that is."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for line in iter(process.stdout.readline, b""):
        found = re.search(pattern, line)
        if found:
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return process, found.group(1).decode()
    name = os.path.basename(command[0])
    if process.wait() == 2:
        raise CannotRun("%s can't be run on this system" % name)
    raise Broken("%s does not say where it listens" % name)


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def file_of(name, part):
    return os.path.join(REPORTS, "%s%s.json" % (name.replace(" ", "_").replace("/", ""), part))


def cases_of(path):
    if not os.path.exists(path):
        return {}, "there is no report"
    with open(path) as file:
        report = json.load(file)
    return {case["id"]: case for case in report["cases"]}, report["stopped"]


def failures(cases):
    good = ("OK", "INFORMATIONAL")
    return sorted(id for id, case in cases.items() if case["behavior"] == "FAILED" or case["close"] not in good)


def test_server(name):
    scheme, more = SERVERS[name]
    program = os.path.join(PROGRAMS, name.split()[0])
    processes, records = [], os.path.join(REPORTS, "records")
    try:
        command = [program, "--listen", "127.0.0.1:0"]
        if name == "relay":
            echo, address = listening([os.path.join(PROGRAMS, "echo_std"), "--listen", "127.0.0.1:0"])
            processes.append(echo)
            command += ["--to", address]
        if name == "echo_recorded":
            command += ["--record", records]
        server, address = listening(command)
        processes.append(server)

        def run(path, options):
            line = [PROBE, "server", "%s://%s" % (scheme, address), "--agent", name, "--quiet", "--json", path]
            done = subprocess.run(line + more + options, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=LIMIT)
            return done.stderr.decode(errors="replace").strip()

        return judged(name, run, ["--quick"])
    finally:
        for process in processes:
            stop(process)
        if name == "echo_recorded":
            shutil.rmtree(records, ignore_errors=True)


def test_client(name, part):
    program = os.path.join(PROGRAMS, name)

    def run(path, options):
        line = [PROBE, "client", "--listen", "127.0.0.1:0", "--quiet", "--json", path]
        probe, address = listening(line + options)
        try:
            if name == PRINTER:
                print_each("ws://" + address)
            else:
                command = [program, "ws://" + address, "--agent", name]
                subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT)
            try:
                probe.wait(60)
            except subprocess.TimeoutExpired:
                return "the probe does not end"
            return ""
        finally:
            stop(probe)

    return judged(name, run, ["--quick", "--filter", part], PARTS.index(part) if part in PARTS else "")


def print_each(url):
    """Starts the printing client for each case, some at a time."""
    program = os.path.join(PROGRAMS, PRINTER)

    def visit(path, wait):
        command = [program, url + path, "--quiet", "--wait", wait, "--timeout", "5"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LIMIT)
        return done.stdout.decode(errors="replace").strip()

    count = int(visit("/getCaseCount", "2"))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: visit("/runCase?case=%d&agent=%s" % (n, PRINTER), "2"), range(1, count + 1)))
    visit("/updateReports?agent=" + PRINTER, "2")


def judged(name, run, options, part=""):
    """Runs the cases, and those that fail once more: name, number of cases, failures with their cases, what went wrong besides."""
    started, path = time.time(), file_of(name, part)
    said = run(path, options)
    cases, stopped = cases_of(path)
    known = KNOWN.get(name, {})
    failed = [id for id in failures(cases) if id not in known]
    if failed and len(failed) < 40 and not stopped:
        again = path.replace(".json", ".again.json")
        run(again, ["--quick", "--filter", ",".join(failed), "--timeout", "6"])
        second, _ = cases_of(again)
        cases.update(second)
        failed = [id for id in failed if id in failures(cases)]
    trouble = stopped or ("" if cases else said or "no case was run")
    gone = [id for id in known if id not in failures(cases)]
    if gone and not trouble:
        trouble = "KNOWN has what is no longer seen: %s" % ", ".join(gone)
    word = "FAILED" if failed or trouble else "passed"
    say("%s%s: %d cases in %.0f s: %s" % (name, " part %s" % part if part != "" else "", len(cases), time.time() - started, word))
    return name, cases, failed, trouble


def main():
    parser = argparse.ArgumentParser(description="Runs the probe against the programs of this repository.")
    parser.add_argument("names", nargs="*", help="programs; without them, all")
    parser.add_argument("--jobs", type=int, default=3, help="how many runs at a time")
    parser.add_argument("--built", action="store_true", help="the programs are built already")
    args = parser.parse_args()
    started = time.time()
    try:
        if not args.built:
            build()
    except Broken as why:
        say("WRONG: %s" % why)
        return 1
    shutil.rmtree(REPORTS, ignore_errors=True)
    os.makedirs(REPORTS)
    runs = [(test_client, (client, part)) for client in CLIENTS for part in PARTS]
    runs += [(test_server, (server,)) for server in SERVERS] + [(test_client, (PRINTER, PRINTER_CASES))]
    runs = [(test, what) for test, what in runs if not args.names or what[0].split()[0] in args.names]
    built, status, count, skipped = time.time(), 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for future in [pool.submit(test, *what) for test, what in runs]:
            try:
                name, cases, failed, trouble = future.result()
            except CannotRun as why:
                say("SKIPPED: %s" % why)
                skipped += 1
                continue
            except Broken as why:
                say("WRONG: %s" % why)
                status = 1
                continue
            count += len(cases)
            if trouble:
                say("WRONG: %s: %s" % (name, trouble))
            for id in failed:
                case = cases[id]
                say("WRONG: %s: %s %s/%s: %s %s" % (name, id, case["behavior"], case["close"], case["reason"], case["closeReason"]))
                for at, way, text in case["log"][-12:]:
                    print("    %9.3f ms %s %s" % (at / 1000, way, text[:160]))
            if failed or trouble:
                status = 1
    say("%d programs, %d cases in %.0f s (and %.0f s of building): %s" % (len({what[0] for _, what in runs}), count, time.time() - built, built - started, "passed" if status == 0 else "FAILED"))
    return status or (2 if skipped else 0)


if __name__ == "__main__":
    sys.exit(main())
