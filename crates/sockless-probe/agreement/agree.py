"""Runs Autobahn and the probe against the same testees, and compares their verdicts, case by case.

    python3 agree.py [--cases core|compressed|sample|full] [--only NAME ...] [--role server|client]
    python3 agree.py --table          writes AGREEMENT.md from the runs that are kept

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
FULL = CORE + ["12.*", "13.*"]
# Small messages, one frame and fragments, of every sub-group of 12 and 13, which Autobahn has done with in a minute or two.
COMPRESSED = ["%d.%d.%d" % (group, sub, n) for group, subs in ((12, 5), (13, 7)) for sub in range(1, subs + 1) for n in (1, 3, 11)]
PATTERNS = {"core": CORE, "compressed": COMPRESSED, "sample": CORE + COMPRESSED, "full": FULL}


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
        "fastwebsockets": (rust and [rust, "fastwebsockets"], ["server"]),
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
    for _ in range(200):
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


def compare(name, role, command, cases):
    folder = os.path.join(RUNS, role, name + (" compressed" if cases == "compressed" else ""))
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "autobahn"))
    run = run_server if role == "server" else run_client
    suite, probe, suite_seconds, seconds = run(name, command, PATTERNS[cases], folder)
    ours, theirs = verdicts(probe, name), verdicts(suite, name)
    different = {
        id: [theirs.get(id), ours.get(id)] for id in sorted(set(ours) | set(theirs)) if ours.get(id) != theirs.get(id)
    }
    result = {"cases": len(theirs), "different": different, "autobahn": suite_seconds, "probe": seconds}
    result["quick"] = bool(os.environ.get("QUICK"))
    for path in [suite, probe]:
        for file in os.listdir(path):
            if file not in ("index.json", "spec.json"):
                os.remove(os.path.join(path, file))
    with open(os.path.join(folder, "result.json"), "w") as file:
        json.dump(result, file, indent=1)
    return result


def table():
    known, lines = explained(), []
    for name, (_, roles) in testees().items():
        for role, run in [(role, run) for role in roles for run in (name, name + " compressed")]:
            path = os.path.join(RUNS, role, run, "result.json")
            if not os.path.exists(path):
                continue
            with open(path) as file:
                result = json.load(file)
            why = known.get("%s %s" % (role, name), {})
            same = result["cases"] - len(result["different"])
            quick = " (20 messages a compressed case)" if result["quick"] and result["cases"] > 301 else ""
            row = (run, role, result["cases"], same, len(result["different"]), result["autobahn"], result["probe"], quick)
            lines.append("| %s | %s | %d | %d | %d | %.1f s | %.1f s%s |" % row)
            for id, (theirs, ours) in result["different"].items():
                say = lambda verdict: " / ".join(verdict) if verdict else "-"
                lines.append("| | | `%s` | Autobahn: %s | probe: %s | %s | |" % (id, say(theirs), say(ours), why.get(id, "not explained")))
    text = ["# Agreement with Autobahn", "", "Written by `agree.py --table` from real runs, one process of each tool, one after the other.",
            "`compressed` is 36 of the 216 cases of groups 12 and 13: small messages of every sub-group, in one frame and in fragments. The machine did other things",
            "as well, so that the times say what a run took and nothing more; `speed.py` measures.", ""]
    text += ["| testee | role | cases | same verdict | other verdict | Autobahn | probe |", "|---|---|---|---|---|---|---|"] + lines
    with open(os.path.join(HERE, "AGREEMENT.md"), "w") as file:
        file.write("\n".join(text) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", choices=list(PATTERNS), default="core")
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
            result = compare(name, role, command, args.cases)
            why = known.get("%s %s" % (role, name), {})
            open_ones = [id for id in result["different"] if id not in why]
            well, ran = well and not open_ones, ran + 1
            print("agree: %s %s: %d cases, %d other verdicts, of them not explained: %s; Autobahn %.1f s, probe %.1f s" % (
                role, name, result["cases"], len(result["different"]), open_ones or "none", result["autobahn"], result["probe"]), flush=True)
            for id in open_ones:
                print("    %s: Autobahn %s, probe %s" % (id, *result["different"][id]))
    if not ran:
        return 2
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
