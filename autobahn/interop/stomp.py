"""STOMP through the bridge: between a broker and a client for browsers that others wrote."""

import os
import socket
import subprocess

import install
from programs import HERE, Server, binary, free_port, stop, wait_for

HEADS = ["broker", "client", "subprotocol", "text", "binary", "topic"]
CELLS = HEADS[2:]


def rows(versions):
    cells = dict.fromkeys(CELLS, ("FAILED", "it was not reached"))
    missing = [name for name in ["node", "python"] if not versions[name]]
    if missing:
        cells = dict.fromkeys(CELLS, ("skipped", "not installed: %s" % ", ".join(missing)))
    else:
        run(cells)
    return [(["CoilMQ", "stompjs"], [cells[name] for name in CELLS])]


def run(cells):
    broker = bridge = None
    port = free_port()
    line = [os.path.join(install.VENV, "bin", "coilmq"), "--host", "127.0.0.1", "--port", str(port)]
    try:
        broker = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=HERE
        )
        wait_for(port, broker, "CoilMQ")
        bridge = Server([binary("bridge"), "--listen", "127.0.0.1:0", "--to", "127.0.0.1:%d" % port])
        client = ["node", os.path.join("node", "stomp.mjs"), "ws://127.0.0.1:%d/" % bridge.port, socket.getfqdn()]
        done = subprocess.run(client, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=HERE, timeout=120)
        for told in done.stdout.decode().splitlines():
            name, result, said = (told.split("\t") + ["", ""])[:3]
            if name in CELLS:
                cells[name] = ("ok" if result == "ok" else "FAILED", said)
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        cells["subprotocol"] = ("FAILED", str(error))
    finally:
        if bridge:
            bridge.stop()
        if broker:
            stop(broker)
