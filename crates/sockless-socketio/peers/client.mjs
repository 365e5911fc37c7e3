// The official client against the example `suite`: node client.mjs URL [msgpack]. Its last line says how many checks there were.
//
// It is run by run.py, in a folder where npm has installed the client.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { io } from "socket.io-client";

const url = process.argv[2];
const parser = process.argv[3] === "msgpack" ? { parser: (await import("socket.io-msgpack-parser")).default } : {};
let checks = 0;

function same(actual, expected, what) {
  assert.deepEqual(actual, expected, what);
  checks += 1;
}

// The arguments of the next event of this name.
function next(socket, name) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name}`)), 5000);
    socket.once(name, (...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}

function open(path, options) {
  return io(url + path, { forceNew: true, reconnection: false, ...parser, ...options });
}

async function talk(transports) {
  const socket = open("/", { transports, auth: { token: "é😀" } });
  const upgraded = transports.length > 1 ? next(socket.io.engine, "upgrade") : null;
  const greeting = next(socket, "auth");
  await next(socket, "connect");
  same(await greeting, [{ token: "é😀" }], "the authentication");

  // A burst, which goes on while the transport changes.
  const count = 1000;
  const back = [];
  const all = new Promise((resolve) => {
    socket.on("message-back", (number) => {
      back.push(number);
      if (back.length === count) resolve();
    });
  });
  for (let number = 0; number < count; number += 1) {
    socket.emit("message", number);
    if (number % 100 === 0) await sleep(5);
  }
  await Promise.race([all, sleep(10000)]);
  socket.off("message-back");
  same(back, [...Array(count).keys()], "a burst, in order");
  if (upgraded) await upgraded;
  same(socket.io.engine.transport.name, transports.at(-1), "the transport");

  let reply = next(socket, "message-back");
  socket.emit("message", "日本語 \u001e \"", { deep: [1, null, { x: true }] });
  same(await reply, ["日本語 \u001e \"", { deep: [1, null, { x: true }] }], "text and JSON");

  reply = next(socket, "message-back");
  socket.emit("message", Buffer.from([1, 2, 3]), { inside: Buffer.from([4]) }, Buffer.alloc(0));
  same(await reply, [Buffer.from([1, 2, 3]), { inside: Buffer.from([4]) }, Buffer.alloc(0)], "attachments");

  reply = next(socket, "message-back");
  const long = "x".repeat(500_000);
  socket.emit("message", long);
  same(await reply, [long], "a long message");

  same(await socket.timeout(5000).emitWithAck("message-with-ack", "a"), "a", "an acknowledgement");
  const bytes = Buffer.alloc(100_000, 7);
  same(await socket.timeout(5000).emitWithAck("message-with-ack", bytes), bytes, "one with bytes");

  // The server asks.
  socket.once("question", (number, answer) => answer(number + 1, Buffer.from([9])));
  reply = next(socket, "answered");
  socket.emit("ask-me", 41);
  same(await reply, [42, Buffer.from([9])], "an acknowledgement of the client's");

  // A second namespace on the same session, and one that isn't there.
  const custom = socket.io.socket("/custom", { auth: { a: 1 } });
  const customs = next(custom, "auth");
  same((await customs).length, 1, "a second namespace");
  const unknown = socket.io.socket("/nowhere");
  const refused = next(unknown, "connect_error");
  same((await refused)[0].message, "Invalid namespace", "a namespace that isn't there");
  custom.disconnect();

  // Several pings.
  await sleep(1500);
  same(socket.connected, true, "the heartbeat");

  const left = next(socket, "disconnect");
  socket.emit("leave-me");
  same((await left)[0], "io server disconnect", "disconnected by the server");
  const again = next(socket, "connect");
  socket.connect();
  await again;
  same(socket.connected, true, "connected again");
  socket.disconnect();
  same(socket.connected, false, "disconnected by the client");
}

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  const before = checks;
  await talk(transports);
  console.log(`${transports.join(", then ")}: ${checks - before} checks`);
}
console.log(`${checks} checks hold`);
process.exit(0);
