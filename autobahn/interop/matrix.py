"""Both roles of sockless against peers: what is run, and how a row of the table comes about."""

import os
import subprocess
import tempfile
import threading

import chromium
import install
from programs import HERE, Nginx, Server, Skipped, binary, echo, example

SCENARIOS = [
    "text",
    "binary",
    "large",
    "fragments",
    "client pings",
    "server pings",
    "client closes",
    "server closes",
    "killed",
]
SERVERS = ["echo_std", "echo_mio", "echo_tokio", "echo_uring", "echo_axum", "echo_tls"]
NAMES = {"node": "Node ws", "python": "Python websockets", "tungstenite": "tungstenite", "chromium": "Chromium"}
# What a peer can't do.
UNABLE = {"chromium": {"fragments", "client pings"}}
# After how long a silence the server pings that is asked to, in seconds.
SILENCE = "1.2"
PATIENCE = 180


class Row:
    """A peer in one role, with one program, on one way; and what came of each scenario."""

    def __init__(self, peer, role, program, deflate, proxied):
        self.peer, self.role, self.program, self.deflate, self.proxied = peer, role, program, deflate, proxied
        self.cells = {}
        # The peer's own word for what it has negotiated.
        self.extensions = None

    def names(self):
        way = "nginx" if self.proxied else "direct"
        return [NAMES[self.peer], self.role, self.program, way, self.deflate]

    def fill(self, result):
        """Gives every scenario without a result this one."""
        for scenario in SCENARIOS:
            unable = scenario in UNABLE.get(self.peer, ())
            self.cells.setdefault(scenario, ("-", "") if unable else result)

    def take(self, line):
        """Takes a line in which a peer tells how a scenario went."""
        name, result, said = (line.split("\t") + ["", ""])[:3]
        if name in SCENARIOS:
            self.note(name, result == "ok", said)

    def note(self, name, ok, said):
        if ok and name == "text":
            self.extensions = said.partition(": ")[2]
            ok, said = self.judge_extensions()
        self.cells[name] = ("ok" if ok else "FAILED", said)

    def judge_extensions(self):
        deflates = "permessage-deflate" in (self.extensions or "")
        wanted = self.deflate == "on" and self.peer != "tungstenite"
        return deflates == wanted, "the extensions in use are: %s" % self.extensions


def plan():
    """All rows."""
    rows = []
    for deflate in ["on", "off"]:
        for program in SERVERS:
            for peer in NAMES:
                # The test of the echo servers themselves has tungstenite over TLS.
                if (peer, program) != ("tungstenite", "echo_tls"):
                    rows.append(Row(peer, "client", program, deflate, False))
        rows += [Row(peer, "client", "echo_mio", deflate, True) for peer in NAMES]
        # One peer shows what the proxy makes of each of the others.
        rows += [Row("python", "client", program, deflate, True) for program in SERVERS if program != "echo_mio"]
        for proxied in [False, True]:
            rows += [Row(peer, "server", "interop_client", deflate, proxied) for peer in NAMES if peer != "chromium"]
    return rows


def command(peer, role):
    return {
        "node": ["node", os.path.join("node", "peer.mjs"), role],
        "python": [install.PYTHON, os.path.join("python", "peer.py"), role],
        "tungstenite": [example("interop_tungstenite"), role],
    }[peer]


def run(row, versions, browser):
    """Fills a row."""
    missing = [name for name in [row.peer] + ["nginx"] * row.proxied if not versions[name]]
    if missing:
        row.fill(("skipped", "not installed: %s" % ", ".join(missing)))
        return
    started = []
    try:
        if row.role == "client":
            run_client(row, browser, started)
        else:
            run_server(row, started)
        row.fill(("FAILED", "it was not reached"))
    except Skipped as why:
        row.fill(("skipped", str(why)))
    except (OSError, RuntimeError) as error:
        row.fill(("FAILED", str(error)))
    finally:
        for one in reversed(started):
            one.stop()


def proxied(row, servers, started):
    """The ports of servers, or of nginx before them."""
    ports = [server.port for server in servers]
    if row.proxied:
        started.append(Nginx(install.nginx_path(), ports, "https" if row.program == "echo_tls" else "http"))
        ports = started[-1].ports
    return ports


def run_client(row, browser, started):
    """The peer is the client of an echo server."""
    server = echo(row.program, "--deflate", row.deflate)
    started.append(server)
    pinging = echo(row.program, "--deflate", row.deflate, "--keepalive", SILENCE)
    started.append(pinging)
    # nginx speaks TLS with the server alone.
    scheme = "wss" if row.program == "echo_tls" and not row.proxied else "ws"
    urls = ["%s://127.0.0.1:%d/" % (scheme, port) for port in proxied(row, [server, pinging], started)]
    if row.peer == "chromium":
        run_browser(row, browser(), urls, server)
    else:
        run_peer(row, command(row.peer, "client") + urls, server)
    for one in [server, pinging]:
        if "panicked" in one.said():
            raise RuntimeError(one.said())
    if row.cells.get("server closes", ("",))[0] == "ok":
        try:
            status = server.process.wait(10)
        except subprocess.TimeoutExpired:
            status = "none yet"
        if status != 0:
            row.cells["server closes"] = ("FAILED", "the server's status is %s" % status)


def run_server(row, started):
    """The peer is the server of the sockless client."""
    server = Server(command(row.peer, "server"))
    started.append(server)
    port, = proxied(row, [server], started)
    run_peer(row, [example("interop_client"), "ws://127.0.0.1:%d" % port, row.deflate], server)


def run_peer(row, line, server):
    """Runs a client, takes what it tells, and stops the server when the client is ready for that."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, cwd=HERE)
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        try:
            for told in process.stdout:
                told = told.decode().rstrip("\n")
                if told == "ready":
                    server.interrupt()
                row.take(told)
            status = process.wait()
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
        if status != 0:
            errors.seek(0)
            last = errors.read().decode(errors="replace").strip().splitlines()[-3:]
            raise RuntimeError("the client ended with status %s: %s" % (status, " | ".join(last)))


def run_browser(row, browser, urls, server):
    """Runs the scenarios in a tab of the browser."""
    with open(os.path.join(HERE, "browser", "client.js")) as file:
        script = file.read()
    url, pinging = urls
    tab = opened(browser, script)
    try:
        for name in ["text", "binary", "large", "server pings", "client closes", "killed", "server closes"]:
            try:
                if name == "killed":
                    leaving = opened(browser, script)
                    leaving.evaluate("run('leave', %r)" % url)
                    leaving.close()
                if name == "server closes":
                    tab.evaluate("run('wait', %r)" % url)
                    server.interrupt()
                said = tab.evaluate("run(%r, %r)" % (name, pinging if name == "server pings" else url))
                row.note(name, True, said or "")
            except RuntimeError as error:
                row.note(name, False, str(error))
    finally:
        tab.close()


def opened(browser, script):
    tab = browser.tab()
    tab.evaluate(script)
    return tab
