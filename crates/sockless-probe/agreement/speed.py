"""Measures the probe against Autobahn's suite: the same server, the same machine, one run.

    python3 speed.py SERVER...        SERVER is the command of an echo server that takes `--listen HOST:PORT`, such as echo_mio
    python3 speed.py --part CASES SERVER...        these cases alone, such as 12.1.*,13.1.*; each tool in one process

The suite runs in two processes, groups 1 to 10 and 12 in one and 13 in the other, which is the quickest way to use two cores. Of each run
the seconds are shown that passed, those of processor time that the tool took, and those that the server took: on a machine that does other
things besides, only the latter two can be compared, and a part of the cases is enough for it. The environment has WSTEST (the suite's command) and PROBE (the program).

Exit status: 0 if the probe keeps its promises (core under 5 s, quick under 60 s, full at least 3 times as fast; a part: at least 3 times less
processor time), 1 if not.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

from agree import CORE, spec, stop

SHARDS = [CORE + ["12.*"], ["13.*"]]


def start_server(command):
    server = subprocess.Popen(command + ["--listen", "127.0.0.1:0"], stdout=subprocess.PIPE)
    for line in iter(server.stdout.readline, b""):
        found = re.search(rb"127\.0\.0\.1:(\d+)", line)
        if found:
            return server, "ws://127.0.0.1:%s" % found.group(1).decode()
    raise SystemExit("speed: the server did not say where it listens")


class Meter:
    """What a run takes: seconds that pass, the tool's processor time, the server's."""

    def __init__(self, name, server):
        self.name, self.server = name, server

    def server_time(self):
        with open("/proc/%d/stat" % self.server.pid) as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        self.began = time.time(), tool_time(), self.server_time()
        return self

    def __exit__(self, kind, *_):
        now = time.time(), tool_time(), self.server_time()
        self.seconds, self.tool, self.served = (after - before for after, before in zip(now, self.began))
        if kind is None:
            row = (self.name, self.seconds, self.tool, self.served)
            print("%s: %.1f s; processor time: tool %.1f s, server %.1f s" % row, flush=True)

    def work(self):
        return self.tool + self.served


def tool_time():
    """The processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_probe(url, arguments, expected=None):
    """How many cases that were."""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        command = [os.environ["PROBE"], "server", url, "--quiet", "--json", report] + arguments
        done = subprocess.run(command, stdout=subprocess.DEVNULL)
        with open(report) as file:
            cases = json.load(file)["cases"]
    if len(cases) != (expected or len(cases)) or done.returncode != 0:
        raise SystemExit("speed: %s: %d cases, status %d" % (" ".join(arguments), len(cases), done.returncode))
    return len(cases)


def run_suite(url, expected, shards):
    with tempfile.TemporaryDirectory() as folder:
        running, parts = [], []
        for number, patterns in enumerate(shards):
            part = os.path.join(folder, str(number))
            os.makedirs(part)
            parts.append(part)
            path = spec(part, patterns, servers=[{"agent": "measured", "url": url}])
            command = [os.environ["WSTEST"], "-m", "fuzzingclient", "-s", path]
            running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=part))
        for process in running:
            process.wait()
        count = 0
        for part in parts:
            with open(os.path.join(part, "index.json")) as file:
                count += len(json.load(file)["measured"])
    if count != expected:
        raise SystemExit("speed: the suite reported %d cases" % count)


def measure_part(server, url, part):
    try:
        with Meter("the probe", server) as probe:
            count = run_probe(url, ["--timeout", "10", "--filter", part])
        with Meter("Autobahn", server) as suite:
            run_suite(url, count, [part.split(",")])
    finally:
        stop(server)
    tool, both = suite.tool / probe.tool, suite.work() / probe.work()
    print("%d cases, Autobahn / the probe: %.2f in processor time of the tool, %.2f with the server's; load %.1f" % (count, tool, both, os.getloadavg()[0]))
    return 0 if both >= 3 else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--part")
    parser.add_argument("server", nargs="+")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    server, url = start_server(args.server)
    if args.part:
        return measure_part(server, url, args.part)
    every = ["--filter", "1.*,2.*,3.*,4.*,5.*,6.*,7.*,9.*,10.*,12.*,13.*"]
    try:
        with Meter("core", server) as core:
            run_probe(url, ["--core"], 301)
        with Meter("quick", server) as quick:
            run_probe(url, ["--quick"] + every, 517)
        with Meter("full", server) as full:
            run_probe(url, every, 517)
        with Meter("Autobahn in two processes", server) as suite:
            run_suite(url, 517, SHARDS)
    finally:
        stop(server)
    ratio, works = suite.seconds / full.seconds, suite.work() / full.work()
    print("Autobahn / full: %.2f in time, %.2f in processor time; load %.1f before, %.1f after" % (ratio, works, load, os.getloadavg()[0]))
    return 0 if core.seconds < 5 and quick.seconds < 60 and ratio >= 3 else 1


if __name__ == "__main__":
    sys.exit(main())
