"""A cable between a page and the server, which can be cut: whatever it has taken by then is gone, and whoever sent it doesn't learn so."""

import select
import socket
import struct
import threading


class Cable:
    """Carries connections to an address. Each of its ways to fail is one of a network's."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.to = None
        self.lock = threading.Lock()
        self.open = set()
        # How many octets it still carries to the server; None: all.
        self.left = None
        # What it has taken and not carried.
        self.swallowed = 0
        self.down = False
        self.websocket = True
        # How many requests for a WebSocket it has let nobody answer.
        self.refused = 0
        threading.Thread(target=self.listen, daemon=True).start()

    def lead_to(self, address):
        self.to = address

    def cut_after(self, octets):
        """Lets so many octets pass to the server. What follows, in both directions, is taken and lost, and nobody is told."""
        with self.lock:
            self.left = octets

    def is_cut(self):
        with self.lock:
            return self.left is not None and self.left <= 0

    def break_off(self):
        """Ends all connections as if the machine had another address now, and takes none."""
        with self.lock:
            self.down = True
            broken, self.open = self.open, set()
        for pair in broken:
            self.end(pair)

    def mend(self):
        with self.lock:
            self.left, self.down = None, False

    def block_websocket(self):
        """From now on requests for a WebSocket are answered as by a proxy that knows no such thing."""
        with self.lock:
            self.websocket = False

    def close(self):
        self.break_off()
        self.listener.close()

    @staticmethod
    def end(pair):
        for one in pair:
            try:
                # A reset.
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def listen(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=[client], daemon=True).start()

    def carry(self, client):
        with self.lock:
            host, port = self.to.split(":")
            down = self.down
        try:
            if down:
                return
            with socket.create_connection((host, int(port))) as server:
                pair = (client, server)
                with self.lock:
                    if self.down:
                        return
                    self.open.add(pair)
                try:
                    self.relay(client, server)
                finally:
                    with self.lock:
                        self.open.discard(pair)
        except OSError:
            pass
        finally:
            client.close()

    def relay(self, client, server):
        ends = [client, server]
        while ends:
            for one in select.select(ends, [], [])[0]:
                data = one.recv(1 << 16)
                other = server if one is client else client
                if not data:
                    # The other half may have something to say still; a cut cable doesn't say that there is no more.
                    ends.remove(one)
                    if not self.is_cut():
                        other.shutdown(socket.SHUT_WR)
                    continue
                if one is client and self.refuses(client, data):
                    return
                passed = self.passes(data, one is client)
                if passed:
                    other.sendall(passed)

    def passes(self, data, to_server):
        """What of this is carried."""
        with self.lock:
            if self.left is None:
                return data
            passed = data[: self.left] if to_server else (data if self.left > 0 else b"")
            if to_server:
                self.left -= len(passed)
            self.swallowed += len(data) - len(passed)
            return passed

    def refuses(self, client, data):
        """A browser asks for a WebSocket on a connection of its own, with all of the request at once."""
        with self.lock:
            if self.websocket or b"\r\nupgrade: websocket\r\n" not in data.lower():
                return False
            self.refused += 1
        client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return True
