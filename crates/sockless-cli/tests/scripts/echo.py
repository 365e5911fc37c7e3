"""An echo server that compresses, on the library `websockets`. Prints its port, and the extensions of its one client."""

import asyncio

from websockets.asyncio.server import serve


async def main():
    done = asyncio.Event()

    async def echo(client):
        print(client.response.headers.get("Sec-WebSocket-Extensions"), flush=True)
        async for message in client:
            await client.send(message)
        done.set()

    async with serve(echo, "127.0.0.1", 0, compression="deflate", max_size=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.wait_for(done.wait(), 60)


asyncio.run(main())
