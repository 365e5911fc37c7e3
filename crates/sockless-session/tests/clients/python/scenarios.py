"""Runs the client of `reliable.py` against a server: `scenarios.py PORT [NAME...]`. What the server does with messages is written in
`server/application.rs`. Prints a line for each scenario; the exit status is 1 if one fails.
"""

import json
import os
import random
import sys
import time

from reliable import BINARY, TEXT, Session, Violation
from websocket import Lost, WebSocket

SUBPROTOCOL = "sockless.reliable.v1"
# For machines that are busy with something else.
PATIENCE = 240
PORT = int(sys.argv[1])


def new_session(**more):
    return Session(os.urandom(16).hex(), **more)


class Driver:
    """Keeps a session on a connection, and collects its events."""

    def __init__(self, session, path="/"):
        self.session, self.path = session, path
        self.events, self.closes, self.said = [], [], []
        self.websocket, self.next_try, self.gave_up = None, 0, False
        self.connections = 0

    def connect(self):
        try:
            self.websocket = WebSocket("127.0.0.1", PORT, self.path, SUBPROTOCOL)
        except Lost:
            self.next_try = time.monotonic() + random.uniform(0, 0.05)
            return
        self.connections += 1
        self.session.connect(time.monotonic())

    def ended(self, code, reason):
        self.closes.append((code, reason))
        self.websocket.drop()
        self.websocket = None
        self.session.lost()
        self.next_try = time.monotonic() + random.uniform(0, 0.02)
        # 14: which codes deserve another try.
        self.gave_up = code in (1000, 4400, 4409)

    def turn(self):
        now = time.monotonic()
        if self.websocket is None:
            if now >= self.next_try and not self.session.phase == "ended":
                self.connect()
            else:
                time.sleep(0.005)
            return
        try:
            if self.session.silence(now):
                self.websocket.close(4408)
                raise Lost(4408)
            for kind, message in self.session.output(now):
                if kind is None:
                    self.websocket.close(*message)
                    while True:
                        self.websocket.receive(5)
                self.said.append(message)
                self.websocket.send(kind, message)
            deadline = self.session.deadline()
            wait = 0.02 if deadline is None else min(0.02, deadline - time.monotonic())
            for kind, message in self.websocket.receive(wait):
                self.events += self.session.receive(kind, message, time.monotonic())
        except Violation as violation:
            self.websocket.close(4400, str(violation))
            raise
        except Lost as lost:
            self.ended(lost.code, lost.reason)

    def until(self, done):
        limit = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > limit:
                raise AssertionError("not in %d s; %r, closes %r" % (PATIENCE, self.session.__dict__, self.closes))
            self.turn()

    def drop(self):
        self.ended(1006, "")
        self.websocket = None

    def messages(self):
        return [event[2:] for event in self.events if event[0] == "message"]

    def close(self):
        """Ends the session, and sees that both sides agree on what was delivered."""
        self.until(lambda: self.session.acked == self.session.assigned and not self.session.ack_due)
        self.session.end()
        self.until(lambda: self.websocket is None)
        assert self.closes[-1] == (1000, ""), self.closes
        assert self.session.phase == "ended" and self.session.outcome == "done"


def conversation():
    """Everything that the protocol can carry, on one connection."""
    driver = Driver(new_session())
    session = driver.session
    sent = [(TEXT, b"one"), (BINARY, b"\x00two"), (TEXT, b"\x10three"), (BINARY, b"\x10"), (TEXT, b""), (TEXT, "fünf".encode())]
    sent.append((BINARY, bytes(range(256)) * 1000))
    assert session.send(*sent[0]) == 1 and session.status(1) == "pending"
    for kind, payload in sent[1:]:
        session.send(kind, payload)
    driver.until(lambda: len(driver.messages()) == len(sent))
    assert driver.messages() == sent
    asked = session.request(TEXT, b"sum"), session.request(TEXT, b"fail")
    session.send(TEXT, b"!gap")
    session.send(TEXT, b"!tick")
    session.send(TEXT, b"!again")
    session.send(TEXT, b"!ask")
    driver.until(lambda: any(event[0] == "request" for event in driver.events))
    number, kind, payload = next(event[1:] for event in driver.events if event[0] == "request")
    assert (kind, payload) == (TEXT, b"what?")
    session.reply(number, TEXT, b"that")
    driver.until(lambda: (TEXT, b"answered: that") in driver.messages())
    assert ("reply", asked[0], False, TEXT, b"SUM") in driver.events
    assert ("reply", asked[1], True, TEXT, b"no") in driver.events
    assert any(event[0] == "gap" and event[2] == 3 for event in driver.events)
    assert ("unnumbered", TEXT, b"tick") in driver.events
    # The server has asked for a message again: it took it once.
    assert driver.messages().count((TEXT, b"!again")) == 1
    assert any(said.startswith(b"\x10p") for said in driver.said)
    driver.close()
    assert session.status(session.assigned) == "delivered"


def cuts():
    """Both wires are cut again and again, at any octet; each message and each echo arrives once, in order."""
    driver = Driver(new_session(window=(16, 4096)), "/cut/900")
    sent = [(TEXT, b"message %d" % number + b"." * random.choice([0, 0, 0, 300])) for number in range(200)]
    waiting = list(sent)

    def feed():
        while waiting and len(driver.session.queue) < 40:
            driver.session.send(*waiting.pop(0))
        return len(driver.messages()) >= len(sent)

    driver.until(feed)
    assert driver.messages() == sent
    assert driver.connections > 10, driver.connections
    driver.path = "/"
    driver.drop()
    driver.session.send(TEXT, b"!count")
    driver.until(lambda: len(driver.messages()) > len(sent))
    assert driver.messages()[-1] == (TEXT, b"%d" % (len(sent) + 1)), driver.messages()[-1]
    driver.close()
    return "%d connections" % driver.connections


def deaths():
    """The client dies again and again, and goes on from what it has stored: its effects are stored with the state, so each echo has
    one, once."""
    disk = {}
    done = []

    def store(state):
        state["queue"] = [(kind, wire.hex()) for kind, wire in state["queue"]]
        disk["state"] = json.dumps(state | {"done": [(kind, payload.hex()) for kind, payload in done]})

    def live():
        nonlocal done
        if "state" not in disk:
            return Driver(new_session(window=(16, 4096), store=store), "/cut/3000")
        saved = json.loads(disk["state"])
        done = [(kind, bytes.fromhex(payload)) for kind, payload in saved["done"]]
        saved["queue"] = [(kind, bytes.fromhex(wire)) for kind, wire in saved["queue"]]
        return Driver(Session(window=(16, 4096), store=store, saved=saved), "/cut/3000")

    total, lives = 200, 0
    sent = [(TEXT, b"message %d" % number) for number in range(total)]
    while len(done) < total:
        driver = live()
        lives += 1
        end, seen = random.randrange(60), 0
        limit = time.monotonic() + PATIENCE
        while end > 0 and len(done) < total and time.monotonic() < limit:
            if driver.session.assigned < total and len(driver.session.queue) < 10:
                driver.session.send(*sent[driver.session.assigned])
            driver.turn()
            done += driver.messages()[seen:]
            seen = len(driver.messages())
            end -= 1
        assert time.monotonic() < limit, "no end"
        # It dies here: neither the session nor what it has done since it was stored is known any more.
        if driver.websocket:
            driver.websocket.drop()
        if len(done) == total:
            driver.session.save()
    assert done == sent, done
    assert lives > 3
    return "%d lives" % lives


def unknown():
    """The server has forgotten the session: what was sent is unknown, what never was is undelivered."""
    driver = Driver(new_session())
    driver.session.send(TEXT, b"one")
    driver.until(lambda: driver.session.acked == 1)
    driver.session.send(TEXT, b"!forget")
    driver.until(lambda: driver.closes)
    first = driver.session.send(TEXT, b"never sent")
    driver.until(lambda: driver.session.phase == "ended" and driver.websocket is None)
    assert driver.session.outcome == "unknown"
    assert [driver.session.status(number) for number in (1, 2, first)] == ["delivered", "unknown", "undelivered"]


def ended_by_the_server():
    """The server says bye; and one that has ended without a connection says so when it is resumed."""
    driver = Driver(new_session())
    driver.session.send(TEXT, b"!end")
    driver.until(lambda: driver.session.phase == "ended" and driver.websocket is None)
    assert driver.closes[-1][0] == 1000 and driver.session.status(1) == "delivered", driver.closes
    driver = Driver(new_session())
    driver.session.send(TEXT, b"!end asleep")
    driver.until(lambda: driver.closes)
    late = driver.session.send(TEXT, b"late")
    driver.until(lambda: driver.session.phase == "ended" and driver.websocket is None)
    assert driver.session.outcome == "ended"
    assert [driver.session.status(number) for number in (1, late)] == ["delivered", "undelivered"]
    # A hello with the id of a session that has ended is refused likewise.
    again = Driver(Session(driver.session.id))
    again.until(lambda: again.session.phase == "ended" and again.websocket is None)
    assert again.session.outcome == "ended"


def newest_wins():
    """Two connections of one session: the older is closed with 4409; an attempt that was made before is stale."""
    driver = Driver(new_session())
    driver.session.send(TEXT, b"one")
    driver.until(lambda: len(driver.messages()) == 1)
    copy = driver.session.state()
    first = driver.websocket
    driver.connect()
    driver.until(lambda: driver.session.phase == "open")
    try:
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            first.receive(1)
        raise AssertionError("the older connection goes on")
    except Lost as lost:
        assert lost.code == 4409, lost
    other = Driver(Session(saved=copy))
    other.until(lambda: other.session.phase == "open")
    assert other.said[0].split()[1] == b"2" and other.said[1].split()[1] == b"3", other.said
    other.drop()
    driver.until(lambda: driver.closes and driver.closes[0][0] == 4409)


def full():
    """A server without room says so, and closes with 1013; the session stays as it is."""
    driver = Driver(new_session(), "/full")
    driver.session.send(TEXT, b"one")
    driver.until(lambda: driver.closes)
    assert driver.closes[0][0] == 1013 and ("full",) in driver.events
    driver.path = "/"
    driver.until(lambda: driver.messages() == [(TEXT, b"one")])
    driver.close()


def violations():
    """The server closes with 4400 and the word; the session goes on afterwards."""
    bad = [(b"a5", "ack-ahead"), (b"z", "malformed"), (b"p1", "position"), (b"n7", "again"), (b"w0 0 1 1 1", "unexpected"), (b"", "malformed")]
    driver = Driver(new_session())
    for message, reason in bad:
        driver.until(lambda: driver.session.phase == "open")
        driver.websocket.send(TEXT, b"\x10" + message)
        driver.until(lambda: driver.closes)
        assert driver.closes.pop() == (4400, reason)
    driver.session.send(TEXT, b"unharmed")
    driver.until(lambda: driver.messages() == [(TEXT, b"unharmed")])
    driver.close()


def probes():
    """A silent server is probed, and answers; one that doesn't answer is given up with 4408."""
    driver = Driver(new_session(probe=(0.05, 0.5)))
    driver.until(lambda: driver.said.count(b"\x10i") >= 3)
    assert not driver.closes
    driver = Driver(new_session(probe=(0.05, 0.1)), "/silent")
    driver.until(lambda: driver.closes)
    assert driver.closes[0][0] == 4408


SCENARIOS = [conversation, cuts, deaths, unknown, ended_by_the_server, newest_wins, full, violations, probes]


def main():
    wanted = [scenario for scenario in SCENARIOS if not sys.argv[2:] or scenario.__name__ in sys.argv[2:]]
    failed = 0
    for scenario in wanted:
        try:
            print("%s: passes %s" % (scenario.__name__, scenario() or ""), flush=True)
        except Exception as error:
            failed += 1
            print("%s: FAILS: %s: %s" % (scenario.__name__, type(error).__name__, error), flush=True)
            if os.environ.get("SOCKLESS_TRACEBACK"):
                raise
    return 1 if failed or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
