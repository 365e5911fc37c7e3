"""The client's side of the subprotocol `sockless.reliable.v1`, written from its specification alone.

A `Session` has no socket and no clock: messages and times go in, messages and events come out. The numbers in the comments are the
specification's sections.
"""

import re

TEXT, BINARY = 1, 2
DLE = b"\x10"
LAST = 2**53 - 1
NUMBER = "(0|[1-9][0-9]{0,15})"
MOST_OPENINGS = 4
MOST_REQUESTS_TO_SEND_AGAIN = 16
# The text messages that carry no payload: their fields after the letter (2).
SHORT = {
    "w": " ".join([NUMBER] * 5),
    "x": "(unknown|ended|stale|diverged|full) " + NUMBER,
    "a": NUMBER,
    "n": NUMBER,
    "p": NUMBER,
    "g": NUMBER,
    "i": "",
    "o": "",
    "b": NUMBER + " (done|diverged)",
    # From a client alone; here to be told from what isn't described.
    "h": "([0-9a-f]{32}) " + " ".join([NUMBER] * 3),
    "r": "([0-9a-f]{32}) " + " ".join([NUMBER] * 5),
}
SHORT = {letter: re.compile(fields + r"\Z") for letter, fields in SHORT.items()}


class Violation(Exception):
    """The peer has broken the protocol (13): the connection is to be closed with 4400 and this reason."""


def parse(kind, message):
    """A message's letter (`m` for an ordinary one), its fields, and its payload (2)."""
    if message[:1] != DLE:
        return "m", [], message
    letter = message[1:2].decode("latin-1")
    if letter == "\x10":
        return "m", [], message[1:]
    if letter in ("q", "u"):
        return letter, [], message[2:]
    if letter in ("y", "e"):
        number, space, payload = message[2:].partition(b" ")
        if not space or not re.fullmatch(NUMBER.encode(), number) or int(number) > LAST:
            raise Violation("malformed")
        return letter, [int(number)], payload
    if kind != TEXT or len(message) > 128 or letter not in SHORT:
        raise Violation("malformed")
    match = SHORT[letter].match(message[2:].decode())
    if not match:
        raise Violation("malformed")
    fields = [int(field) if field[0] in "0123456789" and len(field) < 32 else field for field in match.groups()]
    if any(isinstance(field, int) and field > LAST for field in fields):
        raise Violation("malformed")
    if letter == "w" and (fields[0] > fields[1] or fields[2] == 0 or fields[3] == 0):
        raise Violation("malformed")
    return letter, fields, None


class Session:
    """`store` is called with a state before anything goes out that presumes it (10); `Session(saved=state)` goes on from there."""

    def __init__(self, session_id=None, window=(64, 65536), ack_delay=0.05, opening=10, probe=None, store=None, saved=None):
        self.window, self.ack_delay, self.opening_limit, self.probe = window, ack_delay, opening, probe
        self.store = store or (lambda state: None)
        self.id, self.attempt, self.welcomed = session_id, 0, False
        self.received = self.assigned = self.sent = self.acked = 0
        # (kind, what goes on the wire) of the messages acked + 1 to assigned.
        self.queue = []
        self.outcome, self.undelivered_from = None, None
        if saved:
            self.id, self.attempt, self.welcomed = saved["id"], saved["attempt"], saved["welcomed"]
            self.received, self.assigned, self.acked = saved["received"], saved["assigned"], saved["acked"]
            self.queue = list(saved["queue"])
            # Once there has been a welcome, what is stored may have gone out (10).
            self.sent = self.assigned if self.welcomed else 0
        self.dirty = saved is None
        self.phase = "asleep"
        self.waiting = set()

    def state(self):
        names = ("id", "attempt", "welcomed", "received", "assigned", "acked")
        return {name: getattr(self, name) for name in names} | {"queue": list(self.queue)}

    def save(self):
        if self.dirty:
            self.dirty = False
            self.store(self.state())

    # What the application does.

    def send(self, kind, payload):
        return self.push(kind, DLE + payload if payload[:1] == DLE else payload)

    def request(self, kind, payload):
        number = self.push(kind, DLE + b"q" + payload)
        self.waiting.add(number)
        return number

    def reply(self, to, kind, payload, rejected=False):
        return self.push(kind, DLE + (b"e%d " if rejected else b"y%d ") % to + payload)

    def push(self, kind, wire):
        if self.outcome or self.assigned == LAST:
            raise ValueError("nothing can be sent any more")
        self.assigned += 1
        self.queue.append((kind, wire))
        self.dirty = True
        return self.assigned

    def status(self, number):
        """11."""
        if number <= self.acked:
            return "delivered"
        if self.outcome and self.phase != "ending":
            return "unknown" if number <= self.sent else "undelivered"
        return "sent" if number <= self.sent else "pending"

    def end(self):
        """9: with a connection by byes, otherwise at once."""
        if self.phase == "open":
            self.phase, self.outcome, self.due = "ending", "done", ["bye done"]
        else:
            self.finish("done")

    # The connection.

    def connect(self, now):
        """A new connection: the opening is its first output (4)."""
        self.attempt += 1
        self.dirty = True
        self.phase, self.openings, self.due = "opening", 1, ["opening"]
        self.heard, self.probed = now, False

    def lost(self):
        if self.phase == "ending":
            self.finish(self.outcome)
        elif self.phase != "ended":
            self.phase = "asleep"

    def finish(self, outcome, known=None, beyond_is_unknown=True):
        """The session ends; `known` is what the other side says that it has."""
        if known is not None:
            self.acknowledge(min(known, self.sent))
            if not beyond_is_unknown:
                self.sent = self.acked
        self.outcome, self.phase, self.dirty = outcome, "ended", True

    def acknowledge(self, number):
        while self.acked < number:
            self.acked += 1
            self.queue.pop(0)
            self.dirty = True

    def begin(self, received, seen, window_messages, window_bytes, grace):
        """A welcome (4)."""
        self.theirs = (window_messages, window_bytes)
        if received < self.acked or seen > self.sent:
            self.phase, self.outcome, self.due = "ending", "diverged", ["bye diverged"]
            return [("ended", "diverged")]
        resumed, self.welcomed, self.dirty = self.welcomed, True, True
        self.acknowledge(received)
        self.phase, self.next_out, self.due = "open", self.acked + 1, []
        self.rewinds, self.ack_due, self.asked = 0, None, None
        self.unacked = []
        return [("open", resumed, grace)]

    def refused(self, reason, number):
        """4."""
        if reason == "stale":
            if number < self.attempt:
                raise Violation("unexpected")
            self.openings += 1
            if self.openings > MOST_OPENINGS:
                raise Violation("openings")
            self.attempt, self.dirty, self.due = number + 1, True, ["opening"]
            return []
        if reason == "full":
            self.phase = "asleep"
            return [("full",)]
        known = None if reason == "unknown" else number
        self.finish(reason, known, beyond_is_unknown=reason != "ended")
        self.due = ["close"]
        return [("ended", reason)]

    def receive(self, kind, message, now):
        """What a message from the connection means, as a list of events."""
        letter, fields, payload = parse(kind, message)
        self.heard, self.probed = now, False
        if self.phase == "opening":
            if "opening" in self.due or letter not in ("w", "x"):
                raise Violation("unexpected")
            return self.begin(*fields) if letter == "w" else self.refused(*fields)
        if self.phase == "ended" or letter in ("h", "r", "w", "x"):
            raise Violation("unexpected")
        if letter == "b":
            return self.bye(*fields)
        if letter in ("m", "q", "y", "e", "g"):
            return self.numbered(letter, fields, kind, payload, len(message), now)
        if letter == "u":
            return [("unnumbered", kind, payload)] if self.phase == "open" else []
        if letter == "a":
            return self.ack(*fields)
        if letter == "n":
            return self.again(*fields)
        if letter == "p":
            # This client never asks.
            raise Violation("position")
        if letter == "i" and "alive" not in self.due and self.phase == "open":
            self.due.append("alive")
        return []

    def numbered(self, letter, fields, kind, payload, length, now):
        """5, 6."""
        if self.phase != "open":
            return []
        if self.next_in > LAST:
            raise Violation("numbers")
        outstanding = len(self.unacked) + 1
        if outstanding > self.window[0] or outstanding > 1 and sum(self.unacked) + length > self.window[1]:
            raise Violation("window")
        self.unacked.append(length)
        number, self.next_in = self.next_in, self.next_in + 1
        pressing = outstanding * 4 >= self.window[0] or sum(self.unacked) * 4 >= self.window[1]
        due = now if pressing else now + self.ack_delay
        self.ack_due = due if self.ack_due is None else min(due, self.ack_due)
        if number <= self.received:
            return []
        self.received, self.dirty = number, True
        if letter == "m":
            return [("message", number, kind, payload)]
        if letter == "q":
            return [("request", number, kind, payload)]
        if letter == "g":
            return [("gap", number, fields[0])]
        waited = fields[0] in self.waiting
        self.waiting.discard(fields[0])
        return [("reply" if waited else "late", fields[0], letter == "e", kind, payload)]

    def ack(self, count):
        if count == 0:
            raise Violation("malformed")
        number = self.acked + count
        if self.phase == "open" and number > self.next_out - 1 or number > self.sent:
            raise Violation("ack-ahead")
        self.rewinds = 0
        self.acknowledge(number)
        return []

    def again(self, number):
        """7."""
        if self.phase != "open":
            return []
        self.rewinds += 1
        if not self.acked < number <= self.next_out or self.rewinds > MOST_REQUESTS_TO_SEND_AGAIN:
            raise Violation("again")
        self.next_out = number
        self.due.append("position %d" % number)
        return []

    def bye(self, number, reason):
        """9."""
        ours = self.phase == "ending" and not any(due.startswith("bye") for due in self.due)
        if self.outcome == "diverged":
            self.finish("diverged")
        elif not self.acked <= number <= self.sent:
            raise Violation("ack-back" if number < self.acked else "ack-ahead")
        else:
            self.finish(self.outcome or reason, number, beyond_is_unknown=reason == "diverged")
        self.due = ["close"] if ours else ["bye done", "close"]
        return [("ended", self.outcome)]

    def output(self, now):
        """What is to go out now: messages as (kind, message), or (None, (code, reason)) for a close."""
        if self.phase == "asleep":
            return
        # 10: nothing goes out that presumes what isn't stored.
        self.save()
        while self.due:
            due = self.due.pop(0)
            if due == "opening":
                self.heard = now
                yield TEXT, self.opening()
            elif due.startswith("bye"):
                yield TEXT, DLE + b"b%d %s" % (self.received, due[4:].encode())
                self.heard = now
            elif due.startswith("position"):
                yield TEXT, DLE + b"p" + due[9:].encode()
            elif due == "alive":
                yield TEXT, DLE + b"o"
            elif due == "probe":
                yield TEXT, DLE + b"i"
            elif due == "close":
                yield None, (1000, "")
        if self.phase != "open":
            return
        if self.ack_due is not None and self.ack_due <= now:
            self.ack_due = None
            ack = min(self.received, self.next_in - 1)
            if ack > self.ack_sent:
                count = ack - self.ack_sent
                del self.unacked[:count]
                self.ack_sent = ack
                yield TEXT, DLE + b"a%d" % count
        while self.next_out <= self.assigned:
            kind, wire = self.queue[self.next_out - self.acked - 1]
            outstanding = self.queue[: self.next_out - self.acked]
            if len(outstanding) > self.theirs[0]:
                return
            if len(outstanding) > 1 and sum(len(wire) for _, wire in outstanding) > self.theirs[1]:
                return
            self.sent = max(self.sent, self.next_out)
            self.next_out += 1
            yield kind, wire

    def opening(self):
        """4: hello or resume; its numbers fix where the counting on this connection begins (3)."""
        self.next_in, self.ack_sent = self.received + 1, self.received
        fields = (self.id.encode(), self.attempt) + self.window
        if not self.welcomed:
            return DLE + b"h%s %d %d %d" % fields
        return DLE + b"r%s %d %d %d %d %d" % (fields[:2] + (self.received, self.received) + fields[2:])

    def deadline(self):
        """When to call `silence` and `output`, if nothing happens before."""
        times = [self.ack_due] if self.phase == "open" and self.ack_due is not None else []
        if self.phase in ("opening", "ending"):
            times.append(self.heard + self.opening_limit)
        elif self.phase == "open" and self.probe:
            times.append(self.heard + self.probe[self.probed])
        return min(times, default=None)

    def silence(self, now):
        """Whether the connection is to be given up, with 4408 (4, 8)."""
        if self.phase in ("opening", "ending"):
            return now >= self.heard + self.opening_limit
        if self.phase != "open" or not self.probe or now < self.heard + self.probe[self.probed]:
            return False
        if self.probed:
            return True
        self.probed, self.heard = True, now
        self.due.append("probe")
        return False
