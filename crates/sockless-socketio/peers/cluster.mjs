// The official client, and servers that are one through a Redis: node cluster.mjs PROGRAM REDIS_URL, where the program is the example `suite`. Its
// last line says how many checks there were.
//
// It is run by run.py, in a folder where npm has installed the client. The servers are started here, and killed by signal 9.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import net from "node:net";
import readline from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { io } from "socket.io-client";

const [program, redis] = process.argv.slice(2);
let checks = 0;

function same(actual, expected, what) {
  assert.deepEqual(actual, expected, what);
  checks += 1;
}

function next(socket, name) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name}`)), 10000);
    socket.once(name, (...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}

const running = new Set();

/** A server: its process, and its URL. */
async function serve() {
  const child = spawn(program, ["127.0.0.1:0", redis], { stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  const lines = readline.createInterface({ input: child.stdout });
  const [url] = await new Promise((resolve) => lines.once("line", (line) => resolve([line])));
  return { child, url };
}

async function kill({ child }) {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
  running.delete(child);
}

/** One address, which leads to the server that was said last. */
async function balance() {
  let port = 0;
  const proxy = net.createServer((client) => {
    const server = net.connect(port, "127.0.0.1");
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) socket.on("error", () => [client, server].forEach((its) => its.destroy()));
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${proxy.address().port}`;
  return { url, leadTo: (server) => (port = Number(new URL(server.url).port)), close: () => proxy.close() };
}

const fast = { forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 100, randomizationFactor: 0 };

async function moves(transports) {
  let [first, second] = [await serve(), await serve()];
  const balancer = await balance();
  balancer.leadTo(first);
  const ann = io(balancer.url, { ...fast, transports });
  const told = [];
  ann.on("told", (...args) => told.push(args.slice(0, -1)));
  await next(ann, "auth");
  const id = ann.id;
  let number = 0;
  for (let round = 0; round < 3; round += 1) {
    const bob = io(second.url, { ...fast, transports: ["websocket"] });
    await next(bob, "auth");
    const say = async (count) => {
      for (const end = number + count; number < end; number += 1) bob.emit("to-others", number, Buffer.from([number]));
      await bob.timeout(5000).emitWithAck("message-with-ack", 1);
    };
    await say(3);
    while (told.length < number) await sleep(5);
    const gone = next(ann, "disconnect");
    const back = next(ann, "connect");
    await kill(first);
    await gone;
    await say(20);
    balancer.leadTo(second);
    await back;
    same([ann.recovered, ann.id], [true, id], `recovered by another server, round ${round}`);
    await say(2);
    while (told.length < number) await sleep(5);
    same(told, [...Array(number).keys()].map((number) => [number, Buffer.from([number])]), "all of it once and in order");
    same(await ann.timeout(5000).emitWithAck("message-with-ack", round), round, "it is served there");
    // The one that it is at now is the next to die.
    bob.disconnect();
    first = second;
    second = await serve();
  }
  ann.disconnect();
  balancer.close();
  await kill(first);
  await kill(second);
}

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  const before = checks;
  await moves(transports);
  console.log(`${transports.join(", then ")}: ${checks - before} checks`);
}
for (const child of running) child.kill("SIGKILL");
console.log(`${checks} checks hold`);
process.exit(0);
