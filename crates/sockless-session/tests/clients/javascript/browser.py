"""Runs the client for browsers in Chromium: `browser.py PORT [--storm] [NAME...]`. First the scenarios, then a page that is reloaded and
crashes while it sends, for SOCKLESS_SECONDS (5 by default). `--storm` is the page alone, with SOCKLESS_RATE messages a second (1000
by default), for a server that counts them.

Exit status: 0 if all pass; 1 if something fails; 2 without Chromium.
"""

import functools
import http.server
import os
import pathlib
import random
import sys
import threading
import time

PACKAGE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(PACKAGE.parents[1] / "autobahn" / "interop"))

import chromium  # noqa: E402


class Files(http.server.SimpleHTTPRequestHandler):
    extensions_map = {".html": "text/html", ".mjs": "text/javascript", ".js": "text/javascript", "": "text/plain"}

    def log_message(self, *_):
        pass


# For machines that are busy with something else.
PATIENCE = 240


def result(tab, expression):
    """What is promised, however long that takes: a command of the browser has less patience."""
    tab.evaluate(
        "window.said = undefined; void (%s).then(value => window.said = { value }, error => window.said = { error: error.stack })"
        % expression
    )
    if tab.wait_for("window.said !== undefined", True, PATIENCE) is not True:
        raise RuntimeError("%s: no end in %d s" % (expression, PATIENCE))
    said = tab.evaluate("window.said")
    if "error" in said:
        raise RuntimeError(said["error"])
    return said.get("value")


def load(tab, url):
    tab.open(url)
    if tab.wait_for("window.loaded === true", True, PATIENCE) is not True:
        raise RuntimeError("the page doesn't load")


def crash(browser, tab):
    """The command has no answer: nobody is left to give it."""
    waiting = threading.Thread(target=lambda: call_in_vain(tab), daemon=True)
    waiting.start()
    time.sleep(0.2)
    tab.close()


def call_in_vain(tab):
    try:
        tab.call("Page.crash")
    except RuntimeError:
        pass


def reloads(browser, url):
    """A page sends and takes messages all the time, while it is reloaded, crashes, and its connections are cut."""
    tab = browser.tab()
    started = time.monotonic()
    until = started + float(os.environ.get("SOCKLESS_SECONDS", "5"))
    # A page lives longer where more than its beginning is to be seen.
    longest = float(os.environ.get("SOCKLESS_PAUSE", "1000")) / 1000
    pages = crashes = 0
    while time.monotonic() < until:
        load(tab, url)
        result(tab, "begin()")
        pages += 1
        time.sleep(random.uniform(0.05, longest))
        if random.random() < 0.3:
            # The renderer dies at once, without a farewell.
            crash(browser, tab)
            tab = browser.tab()
            crashes += 1
    load(tab, url)
    result(tab, "begin()")
    seconds = time.monotonic() - started
    found = result(tab, "finish()")
    tab.close()
    fine = found["taken"] == found["effects"] == found["sent"] and found["wrong"] == -1
    if not fine or not 0 < found["promised"] <= found["sent"]:
        raise RuntimeError("%r" % found)
    return "%d pages, of which %d crashed; counted %d messages sent, taken and answered once, %.0f a second" % (
        pages,
        crashes,
        found["sent"],
        found["sent"] / seconds,
    )


def main():
    path = chromium.find()
    if not path:
        print("no Chromium here")
        return 2
    handler = functools.partial(Files, directory=str(PACKAGE))
    files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=files.serve_forever, daemon=True).start()
    url = "http://127.0.0.1:%d/tests/clients/javascript/page.html?port=%s" % (files.server_port, sys.argv[1])
    storm = "--storm" in sys.argv
    wanted = [word for word in sys.argv[2:] if word != "--storm"]
    if storm:
        url += "&rate=" + os.environ.get("SOCKLESS_RATE", "1000")
    browser = chromium.Chromium(path)
    failed = 0
    try:
        tab = browser.tab()
        load(tab, url)
        names = [] if storm else tab.evaluate("names")
        runs = [(name, lambda name=name: result(tab, "run(%r)" % name)) for name in names]
        runs.append(("pages that are reloaded", lambda: reloads(browser, url)))
        for name, run in runs:
            if wanted and name not in wanted:
                continue
            try:
                print("%s: passes %s" % (name, run() or ""), flush=True)
            except RuntimeError as error:
                failed += 1
                print("%s: FAILS: %s" % (name, error), flush=True)
    finally:
        browser.close()
        files.shutdown()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
