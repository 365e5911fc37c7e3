// STOMP's client for browsers, on Node's `ws`: what one sends, another gets.
//
//   node stomp.mjs URL HOST   where the broker takes HOST for its own name
//
// Prints a line for each scenario: its name, ok or FAILED, and what there is to say, parted by tabs.

import { Client } from "@stomp/stompjs";
import WebSocket from "ws";

const SIZES = [0, 1, 100, 5_000, 70_000, 500_000];
const PATIENCE = 20_000;

const [url, host] = process.argv.slice(2);

function check(holds, why) {
  if (!holds) throw new Error(why);
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing in ${PATIENCE} ms`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// A client of the broker, by way of WebSocket.
async function connect() {
  const client = new Client({
    webSocketFactory: () => {
      const socket = new WebSocket(url, ["v12.stomp", "v11.stomp", "v10.stomp"]);
      socket.binaryType = "arraybuffer";
      return socket;
    },
    connectHeaders: { host },
    reconnectDelay: 0,
  });
  const connected = new Promise((resolve, reject) => {
    client.onConnect = resolve;
    client.onStompError = frame => reject(new Error(frame.headers.message));
    client.onWebSocketError = event => reject(new Error(event.message));
  });
  client.activate();
  await within(connected, "connecting");
  return client;
}

// What arrives at a destination, in turn.
async function subscribe(client, destination) {
  const waiting = [];
  const wanting = [];
  const subscribed = new Promise(resolve => client.watchForReceipt("subscribed", resolve));
  const take = message => {
    const wanted = wanting.shift();
    wanted ? wanted(message) : waiting.push(message);
  };
  client.subscribe(destination, take, { receipt: "subscribed" });
  await within(subscribed, "subscribing");
  return () => within(waiting.shift() ?? new Promise(resolve => wanting.push(resolve)), "receiving");
}

async function exchange(destination, makeBody, seen) {
  const [reader, writer] = [await connect(), await connect()];
  const next = await subscribe(reader, destination);
  for (const size of SIZES) {
    const body = makeBody(size);
    writer.publish({ destination, ...(typeof body === "string" ? { body } : { binaryBody: body }) });
    const message = await next();
    check(seen(message, body), `${size} bytes came otherwise`);
  }
  const said = `STOMP ${reader.connectedVersion}, ${SIZES.length} messages`;
  await within(Promise.all([reader.deactivate(), writer.deactivate()]), "closing");
  return said;
}

const scenarios = {
  subprotocol: async () => {
    const client = await connect();
    const { protocol } = client.webSocket;
    await client.deactivate();
    check(protocol === "v12.stomp", `the subprotocol is ${protocol}`);
  },
  text: () =>
    exchange("/queue/text", size => "ü".repeat(size / 2) + "x".repeat(size % 2), (message, body) => message.body === body),
  // With bytes that mean something to STOMP.
  binary: () =>
    exchange("/queue/binary", size => new Uint8Array(size).map((_, at) => at), (message, body) =>
      Buffer.from(message.binaryBody).equals(Buffer.from(body)),
    ),
  topic: () => exchange("/topic/all", size => "t".repeat(size), (message, body) => message.body === body),
};

for (const [name, scenario] of Object.entries(scenarios)) {
  try {
    console.log(`${name}\tok\t${(await scenario()) ?? ""}`);
  } catch (error) {
    console.log(`${name}\tFAILED\t${error.message}`);
  }
}
process.exit(0);
