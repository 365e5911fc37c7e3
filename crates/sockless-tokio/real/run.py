"""sockless-tokio against programs that others wrote: installs what is missing, runs each part within its time, prints a line for each.

Exit status: 0 if nothing failed, 1 if something did, 2 if nothing can be run here.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import services  # noqa: F401  (it says where the modules of the other interoperability test are)
import brokers
import browser
import chromium
import network
import peers
from programs import ROOT, Skipped

# How long a part may take, in seconds; those with a broker longer.
PATIENCE = 170
LONGER = 700
# What is installed with apt: the program, and the package that has it.
PACKAGES = {
    "node": "nodejs",
    "npm": "npm",
    "nginx": "nginx",
    "tinyproxy": "tinyproxy",
    "danted": "dante-server",
    "microsocks": "microsocks",
    "mosquitto": "mosquitto",
}
HEAVY = {"rabbitmq-server": "rabbitmq-server"}


def say(text):
    print("real: " + text, flush=True)


def install(heavy):
    """Installs what is missing, where that is ours to do: as root, with apt."""
    wanted = {**PACKAGES, **(HEAVY if heavy else {})}
    missing = []
    for program, package in wanted.items():
        try:
            services.path_of(program)
        except Skipped:
            missing.append(package)
    if not chromium.find():
        missing.append("chromium")
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        say("installing %s with apt-get" % ", ".join(missing))
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
        subprocess.run(["apt-get", "update", "-qq"], **quiet)
        line = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        # One that can't be had is no reason to do without the others.
        if subprocess.run(line + missing, **quiet).returncode != 0:
            for package in missing:
                subprocess.run(line + [package], **quiet)
    # Parts say for themselves what they do without; here it is so that no two install the same, and none does so in its own time.
    install_packages = [lambda: peers.ready("node"), lambda: peers.ready("python"), brokers.node_packages]
    for needed in install_packages + [brokers.crossbar] * heavy:
        try:
            needed()
        except Skipped as why:
            say(str(why))


def plan(real, examples, folder):
    """The parts: name, what runs it, how long it may take, whether it is one of the heavy ones."""
    parts = []

    def part(name, run, patience=PATIENCE, heavy=False):
        parts.append((name, run, patience, heavy))

    part("OpenSSL in nginx: certificates", lambda start: network.certificates(real, folder, start))
    part("OpenSSL in Python: our TLS", lambda start: network.openssl(real, folder, start))
    part("tinyproxy: HTTP CONNECT", lambda start: network.tinyproxy(real, folder, start))
    part("dante: SOCKS5", lambda start: network.dante(real, folder, start))
    part("microsocks: SOCKS5", lambda start: network.microsocks(real, folder, start))
    part("nginx in front", lambda start: network.nginx(real, folder, start))
    part("Chromium and axum: HTTP/2", lambda start: browser.pages(real, folder, start))
    for peer, name in [("node", "Node ws"), ("python", "Python websockets")]:
        for form in ["whole", "halves", "traits"]:
            deflate = "off" if form == "traits" else "on"
            run = peers.client(peer, form, deflate)
            part("%s is the client, %s" % (name, form), lambda start, run=run: run(real, folder, start))
        for form, deflate in [("whole", "on"), ("halves", "on"), ("whole", "off")]:
            run = peers.server(peer, form, deflate)
            title = "%s is the server, %s, deflate %s" % (name, form, deflate)
            part(title, lambda start, run=run: run(real, folder, start))
        run = peers.client(peer, "whole", "on", proxied=True)
        part("%s is the client, through nginx" % name, lambda start, run=run: run(real, folder, start))
    part("Mosquitto and MQTT.js", lambda start: brokers.mqtt(examples, start), LONGER)
    part("RabbitMQ and stompjs", lambda start: brokers.stomp(examples, start), LONGER, True)
    part("Crossbar and autobahn", lambda start: brokers.wamp(examples, start), LONGER, True)
    return parts


def attempt(run, patience):
    """Runs a part; ends what it has started, also when its time is over. Its result, and what there is to say."""
    started, outcome = [], []

    def start(one):
        started.append(one)
        return one

    def work():
        try:
            outcome.append(("ok", run(start)))
        except Skipped as why:
            outcome.append(("skipped", str(why)))
        except Exception as error:  # noqa: BLE001  whatever it is, the part has failed
            outcome.append(("FAILED", "%s: %s" % (type(error).__name__, error)))

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(patience)
    result = outcome[0] if outcome else ("FAILED", "it took longer than %d s" % patience)
    for one in reversed(started):
        one.stop()
    return result


def build(profile):
    """The programs of the crate: whether they are built, and where they are."""
    line = ["cargo", "build", "--quiet", "--profile", profile, "-p", "sockless-tokio-real", "-p", "sockless-tokio"]
    built = subprocess.run(line + ["--bins", "--examples"], cwd=ROOT).returncode == 0
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    return built, os.path.join(target, "debug" if profile == "dev" else profile)


def main():
    parser = argparse.ArgumentParser(prog="crates/sockless-tokio/real/run.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="RabbitMQ and Crossbar, too, which take long to install and to start")
    parser.add_argument("--only", default="", help="only the parts whose names contain this")
    parser.add_argument("--jobs", type=int, default=2, help="how many parts run at a time; 2 by default")
    parser.add_argument("--profile", default="release", help="how the programs are built; release by default")
    parser.add_argument("--built", help="the folder of the programs, built already; then nothing is installed either")
    parser.add_argument("--require-all", action="store_true", help="what is skipped counts as failed")
    args = parser.parse_args()
    if not shutil.which("cargo"):
        say("cargo is needed to build the programs")
        return 2
    if not args.built:
        install(args.all)
    if not args.built:
        say("building the programs")
    built, target = (True, os.path.abspath(args.built)) if args.built else build(args.profile)
    if not built:
        say("the programs do not build")
        return 1
    real = os.path.join(target, "sockless-tokio-real")
    folder = tempfile.mkdtemp(prefix="sockless-certificates-")
    os.chmod(folder, 0o755)
    counts, lock, started = {"ok": 0, "skipped": 0, "FAILED": 0}, threading.Lock(), time.monotonic()

    def one(part):
        name, run, patience, _ = part
        begun = time.monotonic()
        result, said = attempt(run, patience)
        with lock:
            counts[result] += 1
            say("%-7s %5.1f s  %s: %s" % (result, time.monotonic() - begun, name, said))

    try:
        subprocess.run([real, "certificates", folder], check=True)
        parts = plan(real, lambda name: os.path.join(target, "examples", name), folder)
        parts = [part for part in parts if args.only in part[0] and (args.all or args.only or not part[3])]
        # Those that take longest begin first.
        parts.sort(key=lambda part: -part[2])
        with ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(one, parts))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say("%d ok, %d skipped, %d failed, in %d s" % (*counts.values(), time.monotonic() - started))
    if not any(counts.values()):
        say("no part is called so")
        return 2
    return 1 if counts["FAILED"] or (args.require_all and counts["skipped"]) else 0


if __name__ == "__main__":
    sys.exit(main())
