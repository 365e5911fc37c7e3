"""Chromium and axum, on HTTP/2 over TLS: the page, and the WebSocket on the same connection (RFC 8441)."""

import os
import re
import subprocess
import tempfile
import threading

import chromium
from network import check
from programs import HERE as PEERS
from programs import Skipped, stop

# What a page does in one connection, with what it sends and what it gets.
OFFERED = """new Promise((resolve, reject) => {
  const socket = new WebSocket(%s, ["v1.echo", "v2.echo"]);
  socket.onerror = () => reject(new Error("it failed"));
  socket.onopen = () => { resolve([socket.protocol, socket.extensions]); socket.close(1000); };
})"""
REFUSED = """new Promise(resolve => {
  const socket = new WebSocket(%s);
  socket.onopen = () => resolve("open");
  socket.onclose = event => resolve(event.code);
})"""


class Pages:
    """The server, and what it says that it has been asked. To be stopped."""

    def __init__(self, line):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors)
        first = self.process.stdout.readline().decode()
        found = re.search(r"127\.0\.0\.1:(\d+)/", first)
        if not found:
            self.stop()
            raise RuntimeError("the server did not start: %s" % self.said())
        self.port, self.lines = int(found.group(1)), []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.lines.append(line.decode().rstrip("\n"))

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip()

    def stop(self):
        stop(self.process)


def pages(real, folder, start):
    path = chromium.find()
    if not path:
        raise Skipped("not installed: chromium")
    good = os.path.join(folder, "good")
    server = start(Pages([real, "pages", good + ".pem", good + ".key"]))
    browser = chromium.Chromium(path)
    try:
        said = browse(browser, server)
    finally:
        browser.close()
    check("panicked" not in server.said(), server.said())
    return said


def browse(browser, server):
    page = "https://localhost:%d/" % server.port
    socket = "wss://localhost:%d/" % server.port
    tab = browser.tab()
    tab.open(page)
    version = tab.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol")
    check(version == "h2", "the page came over %s" % version)
    with open(os.path.join(PEERS, "browser", "client.js")) as file:
        tab.evaluate(file.read())
    agreed = tab.evaluate(OFFERED % repr(socket + "ws"))
    check(agreed[0] == "v2.echo" and agreed[1].startswith("permessage-deflate"), "agreed on: %s" % agreed)
    for name in ["text", "binary", "large", "server pings", "client closes", "killed"]:
        try:
            said = tab.evaluate("run(%r, %r)" % (name, socket + ("pings" if name == "server pings" else "ws")))
        except RuntimeError as error:
            raise RuntimeError("%s: %s" % (name, error)) from None
        check(name != "text" or "permessage-deflate" in said, said)
    code = tab.evaluate(REFUSED % repr(socket + "elsewhere"))
    check(code == 1006, "another origin's WebSocket: %s" % code)
    # The tab goes in the middle of a message.
    leaving = browser.tab()
    leaving.open(page)
    with open(os.path.join(PEERS, "browser", "client.js")) as file:
        leaving.evaluate(file.read())
    leaving.evaluate("run('leave', %r)" % (socket + "ws"))
    leaving.close()
    tab.evaluate("run('killed', %r)" % (socket + "ws"))
    tab.close()
    return asked(server)


def asked(server):
    """What the server has seen: nothing came otherwise than over HTTP/2."""
    lines = [line.split("\t") for line in server.lines]
    loads = [line for line in lines if line[0] == "page"]
    sockets = [line for line in lines if line[0] in ["echo", "pings", "elsewhere"]]
    check(loads and all(line[1:] == ["HTTP/2.0", "GET"] for line in loads), "the page: %s" % loads)
    wanted = ["HTTP/2.0", "CONNECT", ":protocol websocket"]
    check(len(sockets) > 5 and all(line[1:] == wanted for line in sockets), "the sockets: %s" % sockets)
    ends = [line[1] for line in lines if line[0] == "end"]
    clean = [end for end in ends if re.search("cause: Closed", end)]
    check(len(clean) >= 8, "%d ended in order: %s" % (len(clean), ends))
    return "%d pages, %d WebSockets by CONNECT with :protocol, %d ended in order" % (len(loads), len(sockets), len(clean))
