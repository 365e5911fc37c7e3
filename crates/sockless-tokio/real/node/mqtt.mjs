// MQTT's client, by way of WebSocket and by TCP: what one sends, the other gets.
//
//   node mqtt.mjs WS_URL TCP_PORT

import { createRequire } from "node:module";
import mqtt from "mqtt";
import { ask, check, Inbox, run, sleep, within } from "./within.mjs";

const WebSocket = createRequire(new URL("../../../../autobahn/interop/node/", import.meta.url))("ws");

const SIZES = [0, 1, 100, 5_000, 70_000, 1_000_000];
const MANY = 96;
const LONG = 500_000;

const [url, port] = process.argv.slice(2);
const bytes = (size, seed = 0) => Buffer.from(new Uint8Array(size).map((_, at) => at * 7 + (at >> 8) + seed));

async function connect(target) {
  let socket;
  const client = mqtt.connect(target, {
    reconnectPeriod: 0,
    keepalive: 0,
    protocolVersion: 4,
    connectTimeout: 30_000,
    createWebsocket: (url, protocols) => (socket = new WebSocket(url, protocols)),
  });
  client.inbox = new Inbox();
  client.on("message", (topic, payload) => client.inbox.put({ topic, payload }));
  await within(
    new Promise((resolve, reject) => client.on("connect", resolve).on("error", reject).on("close", () => reject(new Error("closed")))),
    "connecting",
  );
  client.socket = socket;
  return client;
}

const end = (...clients) => within(Promise.all(clients.map(client => client.endAsync())), "ending");

async function exchange(from, to, topic) {
  await within(to.subscribeAsync(topic, { qos: 2 }), "subscribing");
  for (const qos of [0, 1, 2]) {
    for (const size of SIZES) {
      const sent = bytes(size, qos);
      await within(from.publishAsync(topic, sent, { qos }), "publishing");
      const { payload } = await to.inbox.take();
      check(payload.equals(sent), `${size} bytes came otherwise`);
    }
  }
}

await run({
  async subprotocol() {
    const client = await connect(url);
    const { protocol } = client.socket;
    await end(client);
    check(protocol === "mqtt", `the subprotocol is ${protocol}`);
  },
  async "both ways"() {
    const [near, far] = [await connect(url), await connect(`mqtt://127.0.0.1:${port}`)];
    await exchange(near, far, "up");
    await exchange(far, near, "down");
    await end(near, far);
    return `${2 * 3 * SIZES.length} messages, QoS 0 to 2`;
  },
  // The broker stands still for longer than the bridge's pings are patient.
  async "slow broker"() {
    const [near, far] = [await connect(url), await connect(`mqtt://127.0.0.1:${port}`)];
    await within(far.subscribeAsync("slow", { qos: 1 }), "subscribing");
    let acknowledged = 0;
    await ask("pause");
    // Made in no time: whoever is busy for long answers no pings.
    const sent = Array.from({ length: MANY }, (_, at) => Buffer.alloc(LONG, `message ${at} `));
    const all = sent.map(payload => near.publishAsync("slow", payload, { qos: 1 }).then(() => acknowledged++));
    let closed = "";
    near.socket.on("close", (code, reason) => (closed = `${code} ${reason}`));
    await sleep(10_000);
    check(!closed, `the client was closed while the broker was slow: ${closed}`);
    check(acknowledged === 0, `${acknowledged} were acknowledged by a broker that stands still`);
    // What the bridge keeps is looked at meanwhile.
    await ask("go on");
    await within(Promise.all(all), "acknowledging");
    for (const payload of sent) {
      const message = await far.inbox.take();
      check(message.payload.equals(payload), "a message came otherwise");
    }
    check(!closed, `the client was closed: ${closed}`);
    await end(near, far);
    return `${MANY} messages of ${LONG} bytes after 10 s`;
  },
  async "broker gone"() {
    const near = await connect(url);
    const closed = new Promise(resolve => near.socket.on("close", resolve));
    await ask("stop");
    const code = await within(closed, "closing");
    check([1000, 1011].includes(code), `it closes with ${code}`);
    const again = new WebSocket(url, ["mqtt"]);
    const answer = new Promise(resolve => again.on("error", error => resolve(error.message)).on("open", () => resolve("it opened")));
    const said = await within(answer, "answering");
    check(/502/.test(said), `without a broker: ${said}`);
    return `${code}, then 502`;
  },
});
