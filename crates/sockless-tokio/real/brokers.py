"""Brokers behind the crate's examples: `bridge` before those that speak TCP, `relay` before those that speak WebSocket."""

import os
import shutil
import subprocess
import sys
import threading

import install
from network import check
from programs import HERE as PEERS
from programs import Server, Skipped
from services import HERE, Crossbar, Mosquitto, RabbitMQ

NODE = os.path.join(HERE, "node")
VENV = os.path.join(HERE, ".venv")
# After how many seconds of silence bridge and relay ping a client, and how long they wait for the answer: less than a slow broker takes.
SILENCE = "3"
# The most that they may keep for a client whose broker stands still: the sockets' buffers are the system's.
KEPT = 8 << 20
PATIENCE = 240


def resident(process):
    """How much memory a process has."""
    with open("/proc/%d/statm" % process.pid) as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Between:
    """What is before a broker, the broker, and what a client may ask of it."""

    def __init__(self, middle, broker):
        self.middle, self.broker = middle, broker
        self.least = self.most = 0

    def do(self, what):
        if what == "pause":
            self.broker.pause()
            self.least = self.most = resident(self.middle.process)
        elif what == "go on":
            self.most = resident(self.middle.process)
            self.broker.go_on()
        elif what == "stop":
            self.broker.stop()


def told(line, between, names, cwd=NODE):
    """Runs a client, does what it asks for, and wants each of these to have gone well."""
    process = subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd
    )
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    went, said = {}, []
    try:
        for told in process.stdout:
            name, *rest = told.decode().rstrip("\n").split("\t") + ["", ""]
            said.append(told.decode().strip())
            if name == "ask":
                between.do(rest[0])
                process.stdin.write(b"done\n")
                process.stdin.flush()
            elif name in names:
                went[name] = rest[:2]
        process.wait()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
    for name in names:
        result, why = went.get(name, ("", "nothing was told: %s" % " | ".join(said[-3:])))
        check(result == "ok", "%s: %s" % (name, why))
    grown = between.most - between.least
    check(grown < KEPT, "it has grown by %d bytes while the broker stood still" % grown)
    check(between.middle.process.poll() is None, "it has ended")
    errors = between.middle.said()
    check("panicked" not in errors, errors)
    return "; ".join("%s%s" % (name, ": " + went[name][1] if went[name][1] else "") for name in names)


def node_packages():
    """The clients of this folder."""
    if not install.node_packages():
        raise Skipped("Node and npm, or their packages, can't be installed")
    modules = os.path.join(NODE, "node_modules")
    present, written = install.installed(modules, os.path.join(NODE, "package-lock.json"))
    if not present:
        if install.runs(["npm", "ci", "--no-audit", "--no-fund"], cwd=NODE) is None:
            raise Skipped("npm can't install the clients of the brokers")
        written()


def mqtt(examples, start):
    """Mosquitto behind the bridge, and MQTT.js."""
    node_packages()
    broker = start(Mosquitto())
    bridge = start(Server([examples("bridge"), "127.0.0.1:%d" % broker.port, "127.0.0.1:0", SILENCE]))
    line = ["node", "mqtt.mjs", "ws://127.0.0.1:%d/" % bridge.port, str(broker.port)]
    return told(line, Between(bridge, broker), ["subprotocol", "both ways", "slow broker", "broker gone"])


def stomp(examples, start):
    """RabbitMQ behind the bridge, and its Web-STOMP behind the relay; `@stomp/stompjs`."""
    node_packages()
    broker = start(RabbitMQ())
    bridge = start(Server([examples("bridge"), "127.0.0.1:%d" % broker.port, "127.0.0.1:0", SILENCE]))
    relay = start(Server([examples("relay"), "ws://127.0.0.1:%d" % broker.web, "127.0.0.1:0", SILENCE]))
    names = ["subprotocol", "text", "binary", "topic"]
    said = []
    for middle, url in [(bridge, "ws://127.0.0.1:%d/"), (relay, "ws://127.0.0.1:%d/ws")]:
        # Its own name for the host is that of its virtual host.
        line = ["node", os.path.join("node", "stomp.mjs"), url % middle.port, "/"]
        said.append(told(line, Between(middle, broker), names, cwd=PEERS))
        line = ["node", "slow_stomp.mjs", url % middle.port]
        said.append(told(line, Between(middle, broker), ["slow broker"]))
    return "bridge: %s; %s. relay: %s; %s" % tuple(said)


def crossbar():
    """Where crossbar is: installed already, or with all that it needs at the versions that are written down."""
    if shutil.which("crossbar"):
        return shutil.which("crossbar")
    program = os.path.join(VENV, "bin", "crossbar")
    pinned = os.path.join(HERE, "crossbar.txt")
    present, written = install.installed(VENV, pinned)
    if not present:
        install.say("installing crossbar, which takes a while")
        made = install.runs([sys.executable, "-m", "venv", "--clear", VENV])
        pip = [os.path.join(VENV, "bin", "python"), "-m", "pip", "install", "--quiet", "--no-deps", "-r", pinned]
        if made is None or install.runs(pip) is None:
            raise Skipped("crossbar can't be installed from PyPI")
        written()
    return program


def wamp(examples, start):
    """Crossbar behind the relay, and autobahn's client, in both serialisations."""
    node_packages()
    router = start(Crossbar(crossbar()))
    to = "ws://127.0.0.1:%d" % router.port
    relay = start(Server([examples("relay"), to, "127.0.0.1:0", SILENCE]))
    line = ["node", "wamp.mjs", "ws://127.0.0.1:%d/" % relay.port, to + "/"]
    return told(line, Between(relay, router), ["json", "msgpack", "slow router"])
