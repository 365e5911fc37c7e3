"""Chromium without a window, driven over the DevTools protocol through a pair of pipes."""

import itertools
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--mute-audio",
    # The server's certificate is made when it starts.
    "--ignore-certificate-errors",
    "--remote-debugging-pipe",
]
PATIENCE = 90


def find():
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """A running browser; to be closed."""

    def __init__(self, path):
        self.profile = tempfile.mkdtemp(prefix="sockless-chromium-")
        to_read, self.to_write = os.pipe()
        self.to_read, to_write = os.pipe()
        # Chromium reads its commands from descriptor 3, and answers on descriptor 4.
        command = 'exec "$@" 3<&%d 4>&%d' % (to_read, to_write)
        flags = FLAGS + ["--user-data-dir=" + self.profile, "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", command, "bash", path] + flags,
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_read)
        os.close(to_write)
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.answers = {}
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with os.fdopen(self.to_read, "rb", buffering=0) as stream:
            rest = b""
            while True:
                chunk = stream.read(1 << 16)
                if not chunk:
                    break
                *whole, rest = (rest + chunk).split(b"\0")
                for message in map(json.loads, whole):
                    waiting = self.answers.pop(message.get("id"), None)
                    if waiting:
                        waiting.put(message)
        for waiting in list(self.answers.values()):
            waiting.put({"error": {"message": "the browser has ended"}})

    def call(self, method, session=None, **params):
        message = {"id": next(self.numbers), "method": method, "params": params}
        if session:
            message["sessionId"] = session
        waiting = self.answers[message["id"]] = queue.Queue()
        encoded = json.dumps(message).encode() + b"\0"
        with self.lock:
            while encoded:
                encoded = encoded[os.write(self.to_write, encoded) :]
        try:
            answer = waiting.get(timeout=PATIENCE)
        except queue.Empty:
            raise RuntimeError("%s: no answer from the browser" % method) from None
        if "error" in answer:
            raise RuntimeError("%s: %s" % (method, answer["error"]["message"]))
        return answer["result"]

    def tab(self):
        return Tab(self)

    def close(self):
        try:
            self.call("Browser.close")
        except (RuntimeError, OSError):
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.to_write)
        shutil.rmtree(self.profile, ignore_errors=True)


class Tab:
    """A page."""

    def __init__(self, browser):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self.session = attached["sessionId"]

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def evaluate(self, expression):
        """The value of an expression; if it is a promise, what it promises."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            thrown = result["exceptionDetails"]
            said = thrown.get("exception", {}).get("description") or thrown["text"]
            raise RuntimeError(said.splitlines()[0])
        return result["result"].get("value")

    def wait_for(self, expression, expected, limit=20):
        """Waits until an expression has a value; what it has in the end."""
        deadline = time.monotonic() + limit
        while True:
            value = self.evaluate(expression)
            if value == expected or time.monotonic() > deadline:
                return value
            time.sleep(0.05)

    def open(self, url):
        failed = self.call("Page.navigate", url=url).get("errorText")
        if failed:
            raise RuntimeError("%s: %s" % (url, failed))
        self.wait_for("document.readyState", "complete")

    def click(self, selector):
        """Clicks into the middle of an element, as a user does."""
        middle = "(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector(%s).getBoundingClientRect())"
        x, y = self.evaluate(middle % json.dumps(selector))
        for kind in ["mousePressed", "mouseReleased"]:
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def write(self, text):
        """Writes over what is selected, as a user does."""
        self.call("Input.insertText", text=text)

    def close(self):
        try:
            self.browser.call("Target.closeTarget", targetId=self.target)
        except RuntimeError:
            pass
