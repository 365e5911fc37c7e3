// A WebSocket for Node 20, which has none: as much of the browser's interface as the client uses, over a socket.

import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export class WebSocket {
  constructor(url, [subprotocol]) {
    const { hostname, port, pathname } = new URL(url);
    this.socket = connect(Number(port), hostname);
    this.socket.setNoDelay(true);
    this.closing = this.code = this.reason = undefined;
    this.opened = this.ended = false;
    this.rest = Buffer.alloc(0);
    this.parts = [];
    const key = randomBytes(16).toString("base64");
    this.accept = createHash("sha1").update(key + GUID).digest("base64");
    this.subprotocol = subprotocol;
    this.socket.on("connect", () => {
      this.socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`,
      );
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => this.over());
    this.socket.on("end", () => this.socket.destroy());
    this.socket.on("data", (chunk) => {
      this.rest = Buffer.concat([this.rest, chunk]);
      if (!this.opened) this.head();
      if (this.opened) this.frames();
    });
  }

  head() {
    const end = this.rest.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.rest.subarray(0, end).toString().toLowerCase();
    this.rest = this.rest.subarray(end + 4);
    const fine = head.includes(" 101 ") && head.includes(this.accept.toLowerCase()) && head.includes(this.subprotocol);
    if (!fine) return this.socket.destroy();
    this.opened = true;
    this.onopen?.();
  }

  frames() {
    while (this.rest.length >= 2 && !this.ended) {
      let [length, at] = [this.rest[1], 2];
      if (length === 126 && this.rest.length >= 4) [length, at] = [this.rest.readUInt16BE(2), 4];
      else if (length === 127 && this.rest.length >= 10) [length, at] = [Number(this.rest.readBigUInt64BE(2)), 10];
      else if (length >= 126) return;
      if (this.rest.length < at + length) return;
      const [first, payload] = [this.rest[0], this.rest.subarray(at, at + length)];
      this.rest = this.rest.subarray(at + length);
      this.frame(first, payload);
    }
  }

  frame(first, payload) {
    const opcode = first & 15;
    if (opcode === 8) {
      [this.code, this.reason] = payload.length ? [payload.readUInt16BE(0), payload.subarray(2).toString()] : [1005, ""];
      this.write(8, payload.subarray(0, 2));
      this.socket.end();
    } else if (opcode === 9) {
      this.write(10, payload);
    } else if (opcode < 3) {
      this.kind = opcode || this.kind;
      this.parts.push(payload);
      if (!(first & 0x80)) return;
      const whole = Buffer.concat(this.parts.splice(0));
      const data = this.kind === 1 ? whole.toString() : new Uint8Array(whole).buffer;
      if (!this.closing) this.onmessage?.({ data });
    }
  }

  write(opcode, payload) {
    if (this.socket.destroyed) return;
    const length = payload.length;
    const head = Buffer.alloc(length < 126 ? 6 : length < 65536 ? 8 : 14);
    head[0] = 0x80 | opcode;
    head[1] = 0x80 | (length < 126 ? length : length < 65536 ? 126 : 127);
    if (length >= 65536) head.writeBigUInt64BE(BigInt(length), 2);
    else if (length >= 126) head.writeUInt16BE(length, 2);
    const mask = randomBytes(4);
    mask.copy(head, head.length - 4);
    const masked = Buffer.from(payload);
    for (let at = 0; at < length; at++) masked[at] ^= mask[at & 3];
    this.socket.write(Buffer.concat([head, masked]));
  }

  send(data) {
    if (this.closing || !this.opened) return;
    if (typeof data === "string") this.write(1, Buffer.from(data));
    else this.write(2, Buffer.from(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength));
  }

  close(code = 1000, reason = "") {
    if (this.closing) return;
    if (code !== 1000 && !(code >= 3000 && code <= 4999)) throw new RangeError(`a page can't close with ${code}`);
    this.closing = true;
    if (!this.opened) return this.socket.destroy();
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
    payload.writeUInt16BE(code);
    payload.write(reason, 2);
    this.write(8, payload);
    setTimeout(() => this.socket.destroy(), 1000).unref();
  }

  over() {
    if (this.ended) return;
    this.ended = true;
    this.onclose?.({ code: this.code ?? 1006, reason: this.reason ?? "" });
  }
}
