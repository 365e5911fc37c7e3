"""Runs Autobahn and the probe against the same testees, and compares their verdicts, case by case.

    python3 agree.py [--cases full|core|sample|12.1|...|13.7 ...] [--only NAME ...] [--role server|client]
    python3 agree.py --table          writes AGREEMENT.md from the runs that are kept

Each run is kept in `runs`, by role, testee and cases, so that the long ones can be made one by one: `full` is all at once, for a testee
without compression; `core` and the twelve sub-groups `12.1` to `13.7` together are the same cases; `sample` is three cases of each sub-group,
small messages in one frame and in fragments. Where verdicts differ, both tools run those cases once more, alone:
one that agrees then was a matter of timing, and the table counts it as such.

What is needed is taken from the environment: WSTEST (the command), PROBE (the program), TESTEES (the program of `rust`),
NODE_MODULES_OF (a file beside a node_modules with ws), PYTHON (an interpreter with websockets and aiohttp), GO_TESTEE (the program of
`go`). A testee whose tools are not there is named, and left out.

Exit status: 0 if all verdicts agree but for those that EXPLAINED has, 1 if not, 2 if nothing could be run.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = os.path.join(HERE, "runs")
CORE = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"]
# Of 18 cases each; a slow testee and Autobahn need minutes for one.
SUBGROUPS = ["12.%d" % n for n in range(1, 6)] + ["13.%d" % n for n in range(1, 8)]
SAMPLE = ["%s.%d" % (name, n) for name in SUBGROUPS for n in (1, 3, 11)]
PATTERNS = {"full": CORE + ["12.*", "13.*"], "core": CORE, "sample": SAMPLE, **{name: [name + ".*"] for name in SUBGROUPS}}


def explained():
    with open(os.path.join(HERE, "explained.json")) as file:
        return json.load(file)


def testees():
    """Name: the command, without role and the rest; the roles."""
    env = os.environ
    rust, python, go = env.get("TESTEES"), env.get("PYTHON"), env.get("GO_TESTEE")
    node = ["node", os.path.join(HERE, "node.mjs")] if env.get("WS_FROM") and shutil.which("node") else None
    script = os.path.join(HERE, "python.py")
    return {
        "tungstenite": (rust and [rust, "tungstenite"], ["server", "client"]),
        "tokio-websockets": (rust and [rust, "tokio-websockets"], ["server", "client"]),
        "fastwebsockets": (rust and [rust, "fastwebsockets"], ["server", "client"]),
        "ws": (node, ["server", "client"]),
        "websockets": (python and [python, script, "websockets"], ["server", "client"]),
        "aiohttp": (python and [python, script, "aiohttp"], ["server", "client"]),
        "gorilla": (go and [go], ["server", "client"]),
    }


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(1200):
        if process.poll() is not None:
            raise SystemExit("agree: %s ended at once" % " ".join(process.args[:2]))
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("agree: %s does not listen" % " ".join(process.args[:2]))


def start(command, log):
    with open(log, "wb") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def spec(folder, patterns, **more):
    path = os.path.join(folder, "spec.json")
    with open(path, "w") as file:
        json.dump({"outdir": folder, "cases": patterns, "exclude-cases": [], "exclude-agent-cases": {}, **more}, file)
    return path


def verdicts(folder, name):
    with open(os.path.join(folder, "index.json")) as file:
        index = json.load(file)
    return {id: (case["behavior"], case["behaviorClose"]) for id, case in index[name].items()}


def run_server(name, command, patterns, folder):
    port = free_port()
    server = start(command + ["server", str(port)], os.path.join(folder, "testee.log"))
    try:
        wait_for(port, server)
        url = "ws://127.0.0.1:%d" % port
        suite, probe = os.path.join(folder, "autobahn"), os.path.join(folder, "probe")
        started = time.time()
        path = spec(suite, patterns, servers=[{"agent": name, "url": url}])
        with open(os.path.join(folder, "wstest.log"), "wb") as log:
            subprocess.run([os.environ["WSTEST"], "-m", "fuzzingclient", "-s", path], stdout=log, stderr=log)
        suite_seconds, started = time.time() - started, time.time()
        command = [os.environ["PROBE"], "server", url, "--agent", name, "--autobahn", probe, "--quiet"]
        command += ["--filter", ",".join(patterns)] + (["--quick"] if os.environ.get("QUICK") else [])
        subprocess.run(command, stdout=subprocess.DEVNULL)
        return suite, probe, suite_seconds, time.time() - started
    finally:
        stop(server)


def run_client(name, command, patterns, folder):
    suite, probe = os.path.join(folder, "autobahn"), os.path.join(folder, "probe")
    times = []
    for tool in ["wstest", "probe"]:
        port = free_port()
        url = "ws://127.0.0.1:%d" % port
        if tool == "wstest":
            path = spec(suite, patterns, url=url)
            line = [os.environ["WSTEST"], "-m", "fuzzingserver", "-u", "0", "-s", path]
        else:
            line = [os.environ["PROBE"], "client", "--listen", url[5:], "--autobahn", probe, "--quiet"]
            line += ["--filter", ",".join(patterns)] + (["--quick"] if os.environ.get("QUICK") else [])
        server = start(line, os.path.join(folder, tool + ".log"))
        try:
            wait_for(port, server)
            started = time.time()
            with open(os.path.join(folder, "testee.log"), "ab") as log:
                subprocess.run(command + ["client", url, name], stdout=log, stderr=log, timeout=3000)
            times.append(time.time() - started)
            time.sleep(1)
        finally:
            stop(server)
    return suite, probe, *times


def run_both(name, role, command, patterns, folder):
    """The verdicts that differ, how many there are in all, and the seconds of each tool."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "autobahn"))
    run = run_server if role == "server" else run_client
    suite, probe, suite_seconds, seconds = run(name, command, patterns, folder)
    ours, theirs = verdicts(probe, name), verdicts(suite, name)
    for path in [suite, probe]:
        for file in os.listdir(path):
            if file not in ("index.json", "spec.json"):
                os.remove(os.path.join(path, file))
    different = {
        id: [theirs.get(id), ours.get(id)] for id in sorted(set(ours) | set(theirs)) if ours.get(id) != theirs.get(id)
    }
    return different, len(theirs), suite_seconds, seconds


def compare(name, role, command, cases):
    folder = os.path.join(RUNS, role, name, cases)
    first, count, suite_seconds, seconds = run_both(name, role, command, PATTERNS[cases], folder)
    different = run_both(name, role, command, list(first), os.path.join(folder, "again"))[0] if first else {}
    timing = {id: verdicts for id, verdicts in first.items() if id not in different}
    result = {"cases": count, "different": different, "timing": timing, "autobahn": suite_seconds, "probe": seconds}
    result["quick"] = bool(os.environ.get("QUICK"))
    with open(os.path.join(folder, "result.json"), "w") as file:
        json.dump(result, file, indent=1)
    return result


def kept(name, role):
    """The runs of a testee that are kept, taken together; `None` if there is none."""
    runs = [cases for cases in PATTERNS if os.path.exists(os.path.join(RUNS, role, name, cases, "result.json"))]
    runs = ["full"] if "full" in runs else runs
    if not runs:
        return None
    whole = {"verdicts": {}, "different": {}, "timing": {}, "autobahn": 0, "probe": 0, "quick": False, "runs": runs}
    for cases in runs:
        folder = os.path.join(RUNS, role, name, cases)
        with open(os.path.join(folder, "result.json")) as file:
            result = json.load(file)
        whole["verdicts"].update(verdicts(os.path.join(folder, "autobahn"), name))
        for key in ("different", "timing"):
            whole[key].update(result[key])
        for key in ("autobahn", "probe"):
            whole[key] += result[key]
        whole["quick"] |= result["quick"]
    return whole


HEAD = """# Agreement with Autobahn

Written by `agree.py --table` from real runs, one process of each tool, one after the other, at the same testee. Autobahn has 517 cases, of which 216 are
about compression, 18 in each of twelve sub-groups; what was run of those is in the fourth column, and `sample` is three cases of each sub-group: small
messages, in one frame and in fragments. `later` are verdicts that differed at first, and were the same when both tools ran those cases once
more, alone: a matter of timing on a busy machine. The machine did other things as well, so that the times say what a run took and nothing more;
`speed.py` measures.
"""


def compressed(result):
    """Which of the cases about compression were run."""
    found = {behavior for id, (behavior, _) in result["verdicts"].items() if id.startswith(("12.", "13."))}
    count = sum(id.startswith(("12.", "13.")) for id in result["verdicts"])
    if count == 216 and found == {"UNIMPLEMENTED"}:
        return "all; it doesn't compress"
    if count == 216:
        return "all" + (", 20 messages each with the probe" if result["quick"] else "")
    return "%d: %s" % (count, ", ".join(run for run in result["runs"] if run != "core"))


def table():
    known, lines = explained(), []
    for name, (_, roles) in testees().items():
        for role in roles:
            result = kept(name, role)
            if not result:
                continue
            why = known.get("%s %s" % (role, name), {})
            count, later, other = len(result["verdicts"]), len(result["timing"]), len(result["different"])
            row = (name, role, count, compressed(result), count - later - other, later, other, result["autobahn"], result["probe"])
            lines.append("| %s | %s | %d | %s | %d | %d | %d | %.0f s | %.0f s |" % row)
            for id, (theirs, ours) in result["different"].items():
                say = lambda verdict: " / ".join(verdict) if verdict else "-"
                lines.append("| | | `%s` | Autobahn: %s | probe: %s | %s | | | |" % (id, say(theirs), say(ours), why.get(id, "not explained")))
    head = ["| testee | role | cases | of them about compression | same verdict | later | other verdict | Autobahn | probe |", "|---|---|---|---|---|---|---|---|---|"]
    with open(os.path.join(HERE, "AGREEMENT.md"), "w") as file:
        file.write("\n".join([HEAD, *head, *lines]) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", nargs="+", choices=list(PATTERNS), default=["full"])
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--role", choices=["server", "client"])
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if args.table:
        return table()
    known, well, ran = explained(), True, 0
    for name, (command, roles) in testees().items():
        if args.only and name not in args.only:
            continue
        for role in roles:
            if args.role and role != args.role:
                continue
            if not command:
                print("agree: %s %s: its tools are not there" % (role, name))
                continue
            for cases in args.cases:
                result = compare(name, role, command, cases)
                why = known.get("%s %s" % (role, name), {})
                open_ones = [id for id in result["different"] if id not in why]
                well, ran = well and not open_ones, ran + 1
                print("agree: %s %s, %s: %d cases, %d other verdicts, of them not explained: %s; later: %s; Autobahn %.1f s, probe %.1f s" % (
                    role, name, cases, result["cases"], len(result["different"]), open_ones or "none", list(result["timing"]) or "none", result["autobahn"], result["probe"]), flush=True)
                for id in open_ones:
                    print("    %s: Autobahn %s, probe %s" % (id, *result["different"][id]))
    if not ran:
        return 2
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
