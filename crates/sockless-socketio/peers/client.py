"""python-socketio's client against the example `suite`: client.py URL. Its last line says how many checks there were.

It is run by run.py, with an interpreter that has python-socketio."""

import queue
import sys

import socketio

URL = sys.argv[1]
checks = 0


def same(actual, expected, what):
    global checks
    assert actual == expected, f"{what}: {actual!r} is not {expected!r}"
    checks += 1


def talk(transports):
    heard = queue.Queue()
    client = socketio.Client(reconnection=False)
    client.on("*", lambda event, *arguments: heard.put((event, list(arguments))))
    client.on("question", lambda number, *rest: (number + 1, b"\x09"))
    client.on("auth", lambda auth: heard.put(("custom auth", [auth])), namespace="/custom")
    client.connect(URL, transports=transports, auth={"token": "é😀"}, namespaces=["/", "/custom"])
    greetings = sorted([heard.get(timeout=5) for _ in range(2)])
    same(greetings, [("auth", [{"token": "é😀"}]), ("custom auth", [{"token": "é😀"}])], "the authentication")
    # This client reads no body with more than 16 packets, whoever the server is.
    for number in range(10):
        client.emit("message", number)
    same([heard.get(timeout=5) for _ in range(10)], [("message-back", [number]) for number in range(10)], "a burst, in order")
    same(client.transport(), "websocket" if "websocket" in transports else "polling", "the transport")
    client.emit("message", ("日本語 \x1e \"", {"deep": [1, None]}, b"\x01\x02", {"inside": b""}))
    same(heard.get(timeout=5), ("message-back", ["日本語 \x1e \"", {"deep": [1, None]}, b"\x01\x02", {"inside": b""}]), "JSON and bytes")
    same(client.call("message-with-ack", ("a", b"\x07" * 100_000), timeout=5), ("a", b"\x07" * 100_000), "an acknowledgement")
    client.emit("ask-me", 41)
    same(heard.get(timeout=5), ("answered", [42, b"\x09"]), "an acknowledgement of the client's")
    client.sleep(1.2)
    same(client.connected, True, "the heartbeat")
    client.emit("leave-me")
    client.sleep(0.3)
    same("/" in client.namespaces, False, "disconnected by the server")
    client.disconnect()


for transports in [["polling"], ["websocket"], ["polling", "websocket"]]:
    before = checks
    talk(transports)
    print(f"{', then '.join(transports)}: {checks - before} checks", flush=True)
print(f"{checks} checks hold")
