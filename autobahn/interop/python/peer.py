"""The peer on Python's `websockets`.

    python peer.py client URL PINGING_URL   runs the scenarios against an echo server, the second of which pings soon
    python peer.py server                   serves the paths that the client of this folder asks for

A client prints a line for each scenario: its name, ok or FAILED, and what there is to say, parted by tabs.
"""

import asyncio
import random
import ssl
import sys

import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode

LENGTHS = [0, 1, 125, 126, 4096, 65535, 65536, 262144, 1 << 20]
LARGE = 16 << 20
PATIENCE = 60
OPTIONS = {"compression": "deflate", "max_size": 64 << 20, "ping_interval": None, "close_timeout": PATIENCE}


def data(length):
    """Half of it is the same over and over, half is not."""
    half = random.Random(length).randbytes(length // 2)
    return half + b"abcdefgh" * ((length - len(half)) // 8) + b"x" * ((length - len(half)) % 8)


def text(length):
    piece = "a grüß 世界 😀 "
    size = len(piece.encode())
    return piece * (length // size) + "x" * (length % size)


def check(holds, why):
    if not holds:
        raise AssertionError(why)


class Client(ClientConnection):
    """A client that counts the pings it gets."""

    pings = 0

    def process_event(self, event):
        if getattr(event, "opcode", None) is Opcode.PING:
            self.pings += 1
        super().process_event(event)

    async def echoes(self, message):
        await self.send(message)
        back = await self.recv()
        check(type(back) is type(message) and back == message, "%d came back, other than what was sent" % len(back))

    async def closes(self, code):
        await self.close(code, "enough")
        seen = self.protocol.close_rcvd and self.protocol.close_rcvd.code
        check(seen == code, "closed with %s, answered with %s" % (code, seen))
        return str(seen)


def dial(url):
    context = None
    if url.startswith("wss:"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return connect(url, create_connection=Client, ssl=context, **OPTIONS)


async def texts(url, _):
    async with dial(url) as client:
        for length in LENGTHS:
            await client.echoes(text(length))
        return "extensions: %s" % client.response.headers.get("Sec-WebSocket-Extensions", "none")


async def binaries(url, _):
    async with dial(url) as client:
        for length in LENGTHS:
            await client.echoes(data(length))


async def large(url, _):
    async with dial(url) as client:
        await client.echoes(data(LARGE))
        await client.echoes(text(LARGE))


async def fragments(url, _):
    async with dial(url) as client:
        for length in [3, 1000, 300_000]:
            for whole in [text(length), data(length)]:
                pongs = []

                async def pieces():
                    yield whole[: length // 3]
                    pongs.append(await client.ping(b"between %d" % len(whole)))
                    yield whole[:0]
                    yield whole[length // 3 :]

                await client.send(pieces())
                check(await client.recv() == whole, "fragments of %d came back otherwise" % length)
                await pongs[0]


async def client_pings(url, _):
    async with dial(url) as client:
        for payload in [b"", b"x", b"y" * 125]:
            await (await client.ping(payload))


async def server_pings(_, pinging):
    async with dial(pinging) as client:
        while client.pings < 2:
            await asyncio.sleep(0.05)
        await client.echoes("still open")


async def client_closes(url, _):
    seen = []
    for code in [1000, 3000, 4001]:
        seen.append(await (await dial(url)).closes(code))
    return " ".join(seen)


async def killed(url, _):
    for whole in [data(LARGE), text(300_000)]:
        client = await dial(url)

        async def pieces():
            yield whole[: len(whole) // 2]
            client.transport.abort()

        try:
            await client.send(pieces())
        except ConnectionClosed:
            pass
        await client.wait_closed()
    async with dial(url) as client:
        await client.echoes("still there")


async def server_closes(url, _):
    client = await dial(url)
    await client.echoes("here")
    print("ready", flush=True)
    await client.wait_closed()
    seen = client.protocol.close_rcvd and client.protocol.close_rcvd.code
    check(seen == 1001, "1001 was expected, %s came" % seen)
    return str(seen)


SCENARIOS = {
    "text": texts,
    "binary": binaries,
    "large": large,
    "fragments": fragments,
    "client pings": client_pings,
    "server pings": server_pings,
    "client closes": client_closes,
    "killed": killed,
    "server closes": server_closes,
}


async def run_client(url, pinging):
    for name, scenario in SCENARIOS.items():
        try:
            said = await asyncio.wait_for(scenario(url, pinging), PATIENCE)
            print("%s\tok\t%s" % (name, said or ""), flush=True)
        except Exception as error:
            print("%s\tFAILED\t%s: %s" % (name, type(error).__name__, error), flush=True)


class Server:
    def __init__(self):
        # How the connection before the one to /seen ended.
        self.closed = None

    async def handle(self, socket):
        path = socket.request.path
        if path == "/seen":
            return await socket.send(await self.closed)
        self.closed = asyncio.get_running_loop().create_future()
        try:
            await getattr(self, "do_" + path[1:])(socket)
        except ConnectionClosed:
            pass
        await socket.wait_closed()
        received = socket.protocol.close_rcvd
        self.closed.set_result("%d %s" % (received.code, received.reason) if received else "1006 ")

    async def do_echo(self, socket):
        async for message in socket:
            await socket.send(message)

    async def do_fragments(self, socket):
        async for message in socket:

            async def pieces():
                third = len(message) // 3
                yield message[:third]
                await socket.ping()
                yield message[:0]
                yield message[third:]

            await socket.send(pieces())

    async def do_ping(self, socket):
        await (await socket.ping("are you there?"))
        await socket.send("pong: are you there?")

    async def do_close(self, socket):
        await socket.recv()
        await socket.close(4002, "done")

    async def do_kill(self, socket):
        message = await socket.recv()

        async def pieces():
            yield message
            # As much as the socket's buffers take goes out before the end.
            socket.transport.abort()

        await socket.send(pieces())


async def run_server():
    async with serve(Server().handle, "127.0.0.1", 0, **OPTIONS) as server:
        print("listening %d" % server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


if sys.argv[1] == "version":
    print(websockets.version.version)
else:
    asyncio.run(run_client(*sys.argv[2:4]) if sys.argv[1] == "client" else run_server())
