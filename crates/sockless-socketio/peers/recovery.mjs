// The official client against the example `suite` with recovery: node recovery.mjs URL. Its last line says how many checks there were.
//
// It is run by run.py, in a folder where npm has installed the client.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { io } from "socket.io-client";

const url = process.argv[2];
let checks = 0;

function same(actual, expected, what) {
  assert.deepEqual(actual, expected, what);
  checks += 1;
}

function next(socket, name) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name}`)), 5000);
    socket.once(name, (...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}

// The ways in which a connection ends that nobody has wanted to end.
const cuts = {
  "the engine is closed": (socket) => socket.io.engine.close(),
  "the transport is closed": (socket) => socket.io.engine.transport.close(),
  "nothing is said": (socket) => {
    const { transport } = socket.io.engine;
    // The server finds it out by its heartbeat, or when the client is back.
    if (transport.ws) transport.ws.onclose = transport.ws.onmessage = () => {};
    socket.io.engine._onClose("transport error");
  },
};

async function cutAndBack(transports, how) {
  const options = { forceNew: true, transports, reconnectionDelay: 300, reconnectionDelayMax: 300, randomizationFactor: 0 };
  const ann = io(url, options);
  const bob = io(url, { ...options, transports: ["websocket"] });
  const told = [];
  await Promise.all([next(ann, "auth"), next(bob, "auth")]);
  const id = ann.id;
  while (ann.io.engine.transport.name !== transports.at(-1)) await sleep(10);
  ann.on("told", (...args) => told.push(args.slice(0, -1)));
  const away = async (work) => {
    const gone = next(ann, "disconnect");
    const back = next(ann, "connect");
    cuts[how](ann);
    await gone;
    await work();
    await back;
    same([ann.recovered, ann.id], [true, id], `recovered, where ${how}`);
    // What it had missed comes with the answer.
    await ann.timeout(5000).emitWithAck("message-with-ack", 1);
  };
  await away(async () => {});
  await away(async () => {
    for (let number = 0; number < 5; number += 1) bob.emit("to-others", number, Buffer.from([number]));
    await bob.timeout(5000).emitWithAck("message-with-ack", 1);
  });
  same(told, [...Array(5).keys()].map((number) => [number, Buffer.from([number])]), "what it has missed");
  told.length = 0;
  // Its last event is one that isn't kept, and has a string at its end.
  const now = next(ann, "told-now");
  await sleep(50);
  bob.emit("to-others-now", "a string");
  same((await now)[0], "a string", "a volatile event");
  await away(async () => {
    bob.emit("to-others", "last");
    await bob.timeout(5000).emitWithAck("message-with-ack", 1);
  });
  same(told, [["last"]], "what it has missed then");
  // Who has left comes back as somebody else.
  ann.disconnect();
  const again = next(ann, "connect");
  ann.connect();
  await again;
  same([ann.recovered, ann.id === id], [false, false], "left and come again");
  ann.disconnect();
  bob.disconnect();
}

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  const before = checks;
  for (const how of Object.keys(cuts)) await cutAndBack(transports, how);
  console.log(`${transports.join(", then ")}: ${checks - before} checks of recovery`);
}
console.log(`${checks} checks hold`);
process.exit(0);
