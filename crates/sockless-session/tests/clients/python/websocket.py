"""A WebSocket client (RFC 6455) that is just enough for the tests: no extensions, one subprotocol, the standard library alone."""

import base64
import hashlib
import os
import select
import socket
import struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Lost(Exception):
    """The connection has ended: `code` and `reason` are those of the peer's Close frame, or 1006 and nothing."""

    def __init__(self, code=1006, reason=""):
        super().__init__("%d %s" % (code, reason))
        self.code, self.reason = code, reason


class WebSocket:
    def __init__(self, host, port, path, subprotocol, timeout=10):
        try:
            self.socket = socket.create_connection((host, port), timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.rest = self.open("%s:%d" % (host, port), path, subprotocol)
        except OSError as error:
            raise Lost() from error
        self.fragments, self.kind = [], None
        self.close_sent = False

    def open(self, host, path, subprotocol):
        key = base64.b64encode(os.urandom(16))
        fields = [
            "GET %s HTTP/1.1" % path,
            "Host: " + host,
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: " + key.decode(),
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: " + subprotocol,
        ]
        self.socket.sendall(("\r\n".join(fields) + "\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = self.socket.recv(4096)
            if not chunk:
                raise Lost()
            head += chunk
        head, rest = head.split(b"\r\n\r\n", 1)
        status, *lines = head.decode().split("\r\n")
        answer = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        if status.split()[1] != "101":
            raise ValueError(status)
        if answer["sec-websocket-accept"] != base64.b64encode(hashlib.sha1(key + GUID).digest()).decode():
            raise ValueError("Sec-WebSocket-Accept is wrong")
        if answer.get("sec-websocket-protocol") != subprotocol:
            raise ValueError("the server doesn't speak " + subprotocol)
        return rest

    def send(self, kind, payload):
        """Sends a frame."""
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", 0x80 | kind, 0x80 | length)
        elif length < 1 << 16:
            head = struct.pack("!BBH", 0x80 | kind, 0x80 | 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | kind, 0x80 | 127, length)
        mask = os.urandom(4)
        repeated = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
        masked = (int.from_bytes(payload, "big") ^ repeated).to_bytes(length, "big")
        try:
            self.socket.sendall(head + mask + masked)
        except OSError as error:
            raise Lost() from error

    def close(self, code, reason=""):
        """Sends a Close frame; what still arrives is to be received until `Lost`."""
        if not self.close_sent:
            self.close_sent = True
            self.send(CLOSE, struct.pack("!H", code) + reason.encode())

    def drop(self):
        """Ends the connection without a word."""
        self.socket.close()

    def receive(self, timeout):
        """The messages that arrive, as soon as there is one; an empty list after the timeout."""
        messages = self.parse()
        if messages:
            return messages
        readable, _, _ = select.select([self.socket], [], [], max(timeout, 0))
        if not readable:
            return []
        try:
            chunk = self.socket.recv(1 << 16)
        except OSError as error:
            raise Lost() from error
        if not chunk:
            raise Lost()
        self.rest += chunk
        return self.parse()

    def parse(self):
        """The whole messages in what has been read. What follows a Close frame isn't looked at."""
        messages = []
        while True:
            if len(self.rest) < 2:
                return messages
            first, length, at = self.rest[0], self.rest[1], 2
            for marker, size in ((126, 2), (127, 8)):
                if length == marker:
                    if len(self.rest) < 2 + size:
                        return messages
                    length, at = int.from_bytes(self.rest[2 : 2 + size], "big"), 2 + size
                    break
            if len(self.rest) < at + length:
                return messages
            payload, opcode = self.rest[at : at + length], first & 15
            if opcode == CLOSE:
                # What came before it is handed out first.
                if messages:
                    return messages
                self.rest = self.rest[at + length :]
                code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                try:
                    self.close(code if payload else 1000)
                except Lost:
                    pass
                self.socket.close()
                raise Lost(code, payload[2:].decode())
            self.rest = self.rest[at + length :]
            if opcode == PING:
                self.send(PONG, payload)
            elif opcode != PONG:
                self.kind = opcode or self.kind
                self.fragments.append(payload)
                if first & 0x80:
                    messages.append((self.kind, b"".join(self.fragments)))
                    self.fragments = []
