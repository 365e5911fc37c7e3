"""Node's `ws` and Python's `websockets` on the other side, in both roles, with compression: the scenarios of the other interoperability test."""

import subprocess
import threading

import install
import matrix
from network import check, echo
from programs import HERE as PEERS
from programs import Nginx, Server, Skipped

# After how long a silence the server pings that is asked to, in seconds.
SILENCE = "1.2"
PATIENCE = 150


def told(line, server, deflate):
    """Runs a client; every scenario has to go well."""
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=PEERS)
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    went, said = {}, []
    try:
        for told in process.stdout:
            told = told.decode().rstrip("\n")
            said.append(told)
            if told == "ready":
                server.interrupt()
            name, result, why = (told.split("\t") + ["", ""])[:3]
            if name in matrix.SCENARIOS:
                went[name] = (result, why)
        status = process.wait()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
    for name in matrix.SCENARIOS:
        check(name in went, "%s: nothing was told; status %s: %s" % (name, status, " | ".join(said[-3:])))
        result, why = went[name]
        check(result == "ok", "%s: %s" % (name, why))
    check(status == 0, "status %s" % status)
    deflates = "permessage-deflate" in went["text"][1]
    check(deflates == (deflate == "on"), "deflate is %s, and %s" % (deflate, went["text"][1]))
    return "%d scenarios, deflate %s" % (len(went), deflate)


def ready(peer):
    if peer == "node" and not install.node_packages():
        raise Skipped("Node and npm, or their packages, can't be installed")
    if peer == "python" and not install.python_packages():
        raise Skipped("Python's packages can't be installed")


def client(peer, form, deflate, proxied=False):
    """The peer is the client of our server."""

    def run(real, _folder, start):
        ready(peer)
        server = start(echo(real, "--deflate", deflate, "--form", form))
        pinging = start(echo(real, "--deflate", deflate, "--form", form, "--keepalive", SILENCE))
        ports = [server.port, pinging.port]
        if proxied:
            path = install.nginx_path()
            if not path:
                raise Skipped("not installed: nginx")
            ports = start(Nginx(path, ports, "http")).ports
        urls = ["ws://127.0.0.1:%d/" % port for port in ports]
        said = told(matrix.command(peer, "client") + urls, server, deflate)
        # It has been interrupted by the last scenario, and stops gracefully.
        status = server.process.wait(15)
        check(status == 0, "the server's status is %s: %s" % (status, server.said()))
        return said

    return run


def server(peer, form, deflate):
    """The peer is the server of our client."""

    def run(real, _folder, start):
        ready(peer)
        there = start(Server(matrix.command(peer, "server")))
        line = [real, "client", "ws://127.0.0.1:%d" % there.port, deflate, form]
        return told(line, there, deflate)

    return run
