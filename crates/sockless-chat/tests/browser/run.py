#!/usr/bin/env python3
"""Runs the page in headless Chromium: `run.py PROGRAM [--socketio-client FILE] [--axe FILE] [--screenshots DIRECTORY]`, where PROGRAM is the
built `sockless-chat`. With the official client of Socket.IO the small page is run as well; with `axe.min.js` of axe-core the page is
looked over by it. With a directory it only makes the README's pictures.

Exit status: 0 if all pass; 1 if something fails; 2 without Chromium.
"""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "autobahn" / "interop"))

import chromium  # noqa: E402
from cable import Cable  # noqa: E402

# For machines that are busy with something else.
PATIENCE = 120


class Page(chromium.Tab):
    """A page of a browser of its own: nobody else has its cookies."""

    def __init__(self, browser, context=None):
        self.browser = browser
        self.context = context or browser.call("Target.createBrowserContext")["browserContextId"]
        made = browser.call("Target.createTarget", url="about:blank", browserContextId=self.context)
        self.target = made["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self.session = attached["sessionId"]

    def until(self, expression, expected=True):
        value = self.wait_for(expression, expected, PATIENCE)
        if value != expected:
            state = self.evaluate("document.body.innerText")
            raise RuntimeError("%s: %r, not %r. The page:\n%s" % (expression, value, expected, state))

    def key(self, key, **more):
        more = {"text": "\r"} if key == "Enter" else more
        codes = {"Enter": 13, "Tab": 9}
        for kind in ["keyDown", "keyUp"]:
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key], **more)

    def sign_in(self, url, name):
        self.open(url)
        self.until("!document.getElementById('door').hidden")
        self.click("#name")
        self.write(name)
        self.key("Enter")
        self.connected()
        self.until("document.getElementById('you').textContent", name)
        # The worker that keeps the page has to have it.
        self.until("navigator.serviceWorker.ready.then(() => true)")

    def connected(self):
        self.until("document.getElementById('state')?.textContent.startsWith('Connected')")

    def offline(self):
        self.until("document.getElementById('state')?.textContent.startsWith('Offline')")

    def say(self, text):
        self.evaluate("document.getElementById('text').focus()")
        self.write(text)
        self.key("Enter")
        self.until("document.getElementById('text').value", "")

    def texts(self):
        return "[...document.querySelectorAll('#log .text')].map(line => line.textContent)"

    def waiting(self):
        return "document.querySelectorAll('#log .waits').length"

    def choose(self, name):
        self.until("[...document.querySelectorAll('#side li span:first-child')].some(it => it.textContent === %s)" % json.dumps(name))
        self.evaluate("[...document.querySelectorAll('#side li span:first-child')].find(it => it.textContent === %s).parentElement.click()" % json.dumps(name))


class Server:
    """The program, killed and started again at the same address."""

    def __init__(self, program, client=None):
        # A page that comes by the cable has the cable's address for its origin.
        self.cable = Cable()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        self.cable.lead_to(self.address)
        origins = "http://%s,http://%s" % (self.address, self.cable.address)
        self.command = [program, "--origin", origins] + (["--socketio-client", client] if client else [])
        self.data = tempfile.mkdtemp(prefix="sockless-chat-")
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command + ["--data", self.data, "--listen", self.address], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(30) != 0:
            raise RuntimeError("the program has ended with %d" % self.process.returncode)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.cable.close()
        shutil.rmtree(self.data, ignore_errors=True)


# The source of axe-core, if it is given.
AXE = ""
SCRIPT = "<img src=x onerror=hacked=1>"


def talk(server, ann, bob):
    """Two pages talk, by keyboard alone; a script in a name and in a text is text."""
    ann.say("hello, Bob")
    bob.until(bob.texts(), ["hello, Bob"])
    bob.say("<script>hacked=1</script> 🦀")
    ann.until(ann.texts(), ["hello, Bob", "<script>hacked=1</script> 🦀"])
    ann.until("[...document.querySelectorAll('#log .who')].map(who => who.textContent).join()", "ann," + SCRIPT)
    for page in [ann, bob]:
        page.until("typeof hacked", "undefined")
        page.until("document.querySelectorAll('#log img, #log script, #side img').length", 0)
        page.until(page.waiting(), 0)
    # Nothing inline runs, and no text becomes markup, even if a mistake of ours tried it.
    said = ann.evaluate("try { document.body.innerHTML = '<b>x</b>'; 'taken' } catch (error) { error.name }")
    if said != "TypeError":
        raise RuntimeError("innerHTML: %s" % said)


def typing(server, ann, bob):
    """Who is writing is seen by the other."""
    bob.evaluate("document.getElementById('text').focus()")
    bob.write("I am")
    ann.until("document.getElementById('typing').textContent", SCRIPT + " is writing…")
    bob.key("Enter")
    ann.until("document.getElementById('typing').textContent", "")


def direct(server, ann, bob):
    """What is said to one is shown with that one, and marked until it is read."""
    bob.choose("ann")
    bob.say("between us")
    ann.until("document.querySelector('#people .count')?.textContent", "1")
    ann.until("document.title.startsWith('(')")
    ann.choose(SCRIPT)
    ann.until(ann.texts(), ["between us"])
    ann.until("document.querySelector('#people .count')", None)
    for page in [ann, bob]:
        page.choose("lobby")
        page.until("document.getElementById('place').textContent", "# lobby")
        page.until(page.texts() + ".length", 3)


def reload(server, ann, bob):
    """A page that is loaded anew has everything, and its session goes on."""
    before = bob.evaluate(bob.texts())
    bob.call("Page.reload")
    bob.connected()
    bob.until(bob.texts(), before)
    ann.say("after the reload")
    bob.until(bob.texts(), before + ["after the reload"])
    # Who is there is known again.
    bob.until("document.querySelectorAll('#people .dot.on').length", 1)


def offline(server, ann, bob):
    """Without a server: what is written is kept, over a reload, too, and arrives once and in order."""
    before = ann.evaluate(ann.texts())
    server.kill()
    bob.offline()
    for text in ["one", "two"]:
        bob.say(text)
    bob.until(bob.waiting(), 2)
    bob.call("Page.reload")
    bob.offline()
    bob.until(bob.texts(), before + ["one", "two"])
    bob.say("three")
    bob.call("Page.reload")
    bob.offline()
    bob.until(bob.waiting(), 3)
    server.start()
    for page in [ann, bob]:
        page.evaluate("document.querySelector('#state button')?.click()")
        page.connected()
    ann.until(ann.texts(), before + ["one", "two", "three"])
    bob.until(bob.waiting(), 0)
    bob.until(bob.texts(), before + ["one", "two", "three"])


class Holiday:
    """A file of random octets that one page sends and others save."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sockless-chat-"))
        self.content = os.urandom(2 << 20)
        # Its name is its own: a page has only one button of that name.
        self.name = "holiday-%s.bin" % os.urandom(4).hex()
        (self.folder / self.name).write_bytes(self.content)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def choose(self, page):
        node = page.call("DOM.getDocument")["root"]["nodeId"]
        node = page.call("DOM.querySelector", nodeId=node, selector="#file")["nodeId"]
        page.call("DOM.setFileInputFiles", nodeId=node, files=[str(self.folder / self.name)])

    def buttons(self):
        return "[...document.querySelectorAll('#log li button')].filter(it => it.textContent.includes(%s))" % json.dumps(self.name)

    def arrives(self, page):
        """It is there once, and what is saved is what was sent."""
        page.until(self.buttons() + ".length", 1)
        target = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        page.browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(target), browserContextId=page.context)
        page.evaluate(self.buttons() + "[0].click()")
        deadline = time.monotonic() + PATIENCE
        while not (target / self.name).exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.2)
        if hashlib.sha256((target / self.name).read_bytes()).digest() != hashlib.sha256(self.content).digest():
            raise RuntimeError("the file has changed")


def files(server, ann, bob):
    """A file whose server is killed in its middle arrives, and comes out as it went in."""
    with Holiday() as holiday:
        holiday.choose(ann)
        ann.until("document.querySelector('#uploads progress')?.value > 0")
        server.kill()
        ann.offline()
        server.start()
        for page in [ann, bob]:
            page.evaluate("document.querySelector('#state button')?.click()")
            page.connected()
        ann.until("document.querySelectorAll('#uploads progress').length", 0)
        holiday.arrives(bob)


def network(server, ann, bob):
    """A page loses its network in the middle of a file: for a while nobody is told, then the connection breaks, and there is no other. It
    comes back with nothing lost: neither the file, nor what either side said meanwhile."""
    cable = server.cable
    page = Page(ann.browser)
    page.sign_in("http://" + cable.address, "carol")
    with Holiday() as holiday:
        page.say("before")
        bob.until(bob.texts() + ".at(-1)", "before")
        # One octet after the middle, that is in the middle of a part.
        cable.cut_after((1 << 20) + 1)
        holiday.choose(page)
        wait_until(cable.is_cut)
        page.say("into the void")
        bob.say("unheard")
        ann.until(ann.texts() + ".at(-1)", "unheard")
        wait_until(lambda: cable.swallowed > 0)
        if page.evaluate(page.texts() + ".includes('unheard')") or bob.evaluate(bob.texts() + ".includes('into the void')"):
            raise RuntimeError("the cable isn't cut")
        cable.break_off()
        page.offline()
        page.say("without a network")
        cable.mend()
        page.evaluate("document.querySelector('#state button')?.click()")
        page.connected()
        page.until("document.querySelectorAll('#uploads progress').length", 0)
        page.until(page.waiting(), 0)
        holiday.arrives(bob)
        own, others = ["before", "into the void", "without a network"], ["unheard"]
        for one in [page, bob, ann]:
            for expected in [own, others]:
                one.until(one.texts() + ".filter(it => %s.includes(it))" % json.dumps(expected), expected)
    page.close()


def blocked(server, ann, bob):
    """Where no WebSocket passes, the page talks by polling: texts, a file up and one down, over a server that stops, too."""
    server.cable.block_websocket()
    page = Page(ann.browser)
    page.sign_in("http://" + server.cable.address, "dora")
    # It has tried, and says what it does.
    if server.cable.refused < 2:
        raise RuntimeError("only %d WebSockets were tried" % server.cable.refused)
    page.until("document.getElementById('state').textContent.includes('without WebSocket')")
    page.say("by polling")
    bob.until(bob.texts() + ".at(-1)", "by polling")
    bob.say("to polling")
    page.until(page.texts() + ".at(-1)", "to polling")
    with Holiday() as holiday:
        holiday.choose(page)
        page.until("document.querySelectorAll('#uploads progress').length", 0)
        holiday.arrives(bob)
        holiday.arrives(page)
    before = page.evaluate(page.texts())
    server.stop()
    page.offline()
    page.say("while it was away")
    server.start()
    for one in [ann, bob, page]:
        one.evaluate("document.querySelector('#state button')?.click()")
        one.connected()
    bob.until(bob.texts() + ".at(-1)", "while it was away")
    page.until(page.waiting(), 0)
    page.until(page.texts(), before + ["while it was away"])
    page.close()


def wait_until(holds):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError("it hasn't happened in %d s" % PATIENCE)
        time.sleep(0.05)


def stop(server, ann, bob):
    """A server that stops says so, and its clients come back."""
    server.stop()
    ann.offline()
    server.start()
    for page in [ann, bob]:
        page.evaluate("document.querySelector('#state button')?.click()")
        page.connected()
    ann.say("after the stop")
    bob.until(bob.texts() + ".at(-1)", "after the stop")


def crash(server, ann, bob):
    """Who has crashed is away; and comes back with everything."""
    online = "[...document.querySelectorAll('#people li')].map(it => it.textContent).find(it => it.startsWith(%s))" % json.dumps(SCRIPT)
    ann.until(online, SCRIPT + "● online")
    threading.Thread(target=lambda: in_vain(bob), daemon=True).start()
    ann.until(online, SCRIPT + "○ away")
    ann.say("while you were away")
    again = Page(bob.browser, bob.context)
    again.open(server.url)
    again.connected()
    again.until(again.texts() + ".at(-1)", "while you were away")
    ann.until(online, SCRIPT + "● online")


def official(server, ann, bob):
    """The official client of Socket.IO in the same rooms, by WebSocket and where there is none."""
    for blocked in [False, True]:
        page = Page(ann.browser, ann.context)
        page.call("Page.enable")
        if blocked:
            source = "window.WebSocket = class { constructor() { throw new Error('blocked') } }"
            page.call("Page.addScriptToEvaluateOnNewDocument", source=source)
        page.open(server.url + "/simple.html")
        page.until("document.getElementById('state')?.textContent", "Connected as ann")
        transport = "polling" if blocked else "websocket"
        page.until("socket.io.engine.transport.name", transport)
        page.evaluate("document.getElementById('text').focus()")
        page.write("by " + transport)
        page.key("Enter")
        ann.until(ann.texts() + ".at(-1)", "by " + transport)
        ann.say("to " + transport)
        page.until("document.querySelector('#log li:last-child').textContent", "ann: to " + transport)
        page.close()


def accessible(server, ann, bob):
    """Nothing that axe objects to: signed in and out, light and dark, desktop and phone."""
    door = Page(ann.browser)
    door.open(server.url)
    door.until("!document.getElementById('door').hidden")
    for page in [ann, door]:
        for scheme, width in [("light", 900), ("dark", 390)]:
            page.call("Emulation.setDeviceMetricsOverride", width=width, height=700, deviceScaleFactor=1, mobile=width < 500)
            page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            page.evaluate(AXE + "; 0")
            found = page.evaluate("axe.run().then(it => it.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' | ')))")
            if found:
                raise RuntimeError("%s, %d: %s" % (scheme, width, "; ".join(found)))
        page.call("Emulation.clearDeviceMetricsOverride")
        page.call("Emulation.setEmulatedMedia", features=[])
    door.close()


def screenshots(server, ann, bob, folder):
    """The README's pictures: desktop, dark, phone."""
    for page, text in [(ann, "Good morning! Who is coming to the lake on Sunday?"), (bob, "I am 🙌"), (bob, "Shall I bring the boat?"), (ann, "Yes, please ⛵")]:
        page.say(text)
        ann.until(ann.texts() + ".at(-1)", text)
        ann.until(ann.waiting(), 0)
        bob.until(bob.texts() + ".at(-1)", text)
    bob.evaluate("document.getElementById('text').focus()")
    bob.write("There is")
    ann.until("document.getElementById('typing').textContent", "Bob is writing…")
    for name, width, height, scheme in [("desktop", 900, 560, "light"), ("dark", 900, 560, "dark"), ("phone", 390, 700, "light")]:
        ann.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=name == "phone")
        ann.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        time.sleep(0.3)
        picture = ann.call("Page.captureScreenshot", format="png")["data"]
        (pathlib.Path(folder) / (name + ".png")).write_bytes(base64.b64decode(picture))


def in_vain(page):
    """The command has no answer: nobody is left to give it."""
    try:
        page.call("Page.crash")
    except RuntimeError:
        pass


def main():
    global AXE
    path = chromium.find()
    if not path:
        print("no Chromium here")
        return 2
    options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
    client, folder = options.get("--socketio-client"), options.get("--screenshots")
    if "--axe" in options:
        AXE = pathlib.Path(options["--axe"]).read_text()
    server = Server(sys.argv[1], client)
    browser = chromium.Chromium(path)
    failed = 0
    try:
        ann, bob = Page(browser), Page(browser)
        ann.sign_in(server.url, "ann")
        bob.sign_in(server.url, "Bob" if folder else SCRIPT)
        if folder:
            screenshots(server, ann, bob, folder)
            return 0
        scenarios = [talk, typing, direct, reload, offline, files, network, blocked, stop]
        scenarios += ([accessible] if AXE else []) + ([official] if client else []) + [crash]
        for scenario in scenarios:
            started = time.monotonic()
            try:
                scenario(server, ann, bob)
                print("%s: passes, %.1f s" % (scenario.__name__, time.monotonic() - started), flush=True)
            except (RuntimeError, OSError) as error:
                # What follows begins where this one should have ended.
                failed = 1
                print("%s: FAILS: %s" % (scenario.__name__, error), flush=True)
                break
    finally:
        browser.close()
        server.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
