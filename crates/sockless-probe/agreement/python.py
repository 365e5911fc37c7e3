"""The testees in Python: an echo server, or the client that Autobahn's addresses are for.

    python python.py LIBRARY server PORT
    python python.py LIBRARY client ws://HOST:PORT NAME

LIBRARY is websockets or aiohttp.
"""

import asyncio
import sys


def websockets_options():
    return {"max_size": 64 << 20, "compression": "deflate", "ping_interval": None, "close_timeout": 5}


async def websockets_server(port):
    from websockets.asyncio.server import serve

    async def echo(connection):
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", port, **websockets_options()):
        await asyncio.Future()


async def websockets_visit(url, echoes):
    from websockets.asyncio.client import connect

    told = ""
    try:
        async with connect(url, **websockets_options()) as connection:
            async for message in connection:
                if echoes:
                    await connection.send(message)
                else:
                    told += message
    except Exception:
        # What goes wrong is for the other side to judge.
        pass
    return told


async def aiohttp_server(port):
    from aiohttp import WSMsgType, web

    async def echo(request):
        socket = web.WebSocketResponse(max_msg_size=64 << 20, autoping=True)
        await socket.prepare(request)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type == WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Future()


async def aiohttp_visit(url, echoes):
    import aiohttp

    told = ""
    try:
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(url, max_msg_size=64 << 20, compress=15) as socket:
                async for message in socket:
                    if not echoes:
                        told += message.data
                    elif message.type == aiohttp.WSMsgType.TEXT:
                        await socket.send_str(message.data)
                    elif message.type == aiohttp.WSMsgType.BINARY:
                        await socket.send_bytes(message.data)
    except Exception:
        pass
    return told


async def client(visit, url, name):
    count = int(await visit(url + "/getCaseCount", False))
    for number in range(1, count + 1):
        await visit("%s/runCase?case=%d&agent=%s" % (url, number, name), True)
    await visit("%s/updateReports?agent=%s" % (url, name), False)


def main():
    library, role, *rest = sys.argv[1:]
    here = globals()
    if role == "server":
        asyncio.run(here[library + "_server"](int(rest[0])))
    else:
        asyncio.run(client(here[library + "_visit"], *rest))


if __name__ == "__main__":
    main()
