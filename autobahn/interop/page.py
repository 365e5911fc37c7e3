"""The page that the echo servers give a browser: loaded, used and looked at as by a user."""

import json

from programs import Skipped, echo

HEADS = ["server", "scheme", "deflate", "loads", "extensions", "text", "binary", "page closes", "server stops"]
CELLS = HEADS[3:]

STATE = "document.querySelector('#state').textContent"
EXTENSIONS = "document.querySelector('#extensions').textContent"
LAST = "[...document.querySelectorAll('#log div')].slice(-%d).map(line => line.className + ' ' + line.textContent)"


def rows(versions, browser):
    made = []
    for program, scheme in [("echo_std", "ws"), ("echo_tls", "wss")]:
        for deflate in ["on", "off"]:
            cells = run(program, deflate, versions, browser)
            made.append(([program, scheme, deflate], cells))
    return made


def run(program, deflate, versions, browser):
    """The cells of a row."""
    if not versions["chromium"]:
        return [("skipped", "not installed: chromium")] * len(CELLS)
    cells, server, tab = [], None, None
    try:
        server = echo(program, "--deflate", deflate)
        tab = browser().tab()
        for step in [loads, extensions, text, binary, page_closes, server_stops]:
            cells.append(step(tab, server, deflate))
    except Skipped as why:
        cells.append(("skipped", str(why)))
    except (OSError, RuntimeError) as error:
        cells.append(("FAILED", str(error)))
    finally:
        if tab:
            tab.close()
        if server:
            server.stop()
    # What comes after a step that could not be done.
    return cells + [("FAILED", "it was not reached")] * (len(CELLS) - len(cells))


def judge(seen, expected):
    return ("ok", "") if seen == expected else ("FAILED", "%r was expected, the page shows %r" % (expected, seen))


def load(tab, server):
    scheme = "https" if server.name == "echo_tls" else "http"
    tab.open("%s://127.0.0.1:%d/" % (scheme, server.port))
    return judge(tab.wait_for(STATE, "open"), "open")


def loads(tab, server, _):
    return load(tab, server)


def extensions(tab, _, deflate):
    return judge(tab.evaluate(EXTENSIONS), "permessage-deflate" if deflate == "on" else "none")


def shown(tab, lines):
    """Waits until the log ends with these lines."""
    return judge(tab.wait_for(LAST % len(lines), lines), lines)


def fill(tab, value):
    """Clicks into the field, and writes over what is there."""
    tab.click("#text")
    tab.evaluate("document.querySelector('#text').select()")
    tab.write(value)


def text(tab, *_):
    for value in ["Hello", "grüß dich, 世界 😀", "x" * 5000]:
        fill(tab, value)
        tab.click("#form button")
        result = shown(tab, ["out > " + value, "in < " + value])
        if result[0] != "ok":
            return result
    # The return key sends, too.
    fill(tab, "by key")
    for kind in ["keyDown", "keyUp"]:
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        tab.call("Input.dispatchKeyEvent", type=kind, **key)
    return shown(tab, ["out > by key", "in < by key"])


def binary(tab, *_):
    for value in ["Hello", "grüß", "y" * 70_000]:
        fill(tab, value)
        tab.click("#binary")
        sent = value.encode()
        said = "%d bytes: %s" % (len(sent), sent[:16].hex(" "))
        result = shown(tab, ["out > " + said, "in < " + said])
        if result[0] != "ok":
            return result
    return ("ok", "")


def closed(tab, code):
    state = judge(tab.wait_for(STATE, "closed %d" % code), "closed %d" % code)
    return state if state[0] != "ok" else shown(tab, ["note closed: code %d, clean" % code])


def page_closes(tab, *_):
    tab.click("#close")
    return closed(tab, 1000)


def server_stops(tab, server, _):
    result = load(tab, server)
    if result[0] != "ok":
        return result
    server.interrupt()
    result = closed(tab, 1001)
    status = server.process.wait(10)
    return result if status == 0 else ("FAILED", "the server's status is %s" % json.dumps(status))
