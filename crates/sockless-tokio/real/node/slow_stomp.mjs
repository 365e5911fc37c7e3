// STOMP's client, by way of WebSocket, while the broker stands still for longer than what is between is patient.
//
//   node slow_stomp.mjs URL

import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { ask, check, Inbox, run, sleep, within } from "./within.mjs";

// STOMP's client and `ws` are those of the other interoperability test.
const there = createRequire(new URL("../../../../autobahn/interop/node/", import.meta.url));
const { Client } = there("@stomp/stompjs");
const WebSocket = there("ws");

// As many as it takes until the client waits: what the sockets between hold is the system's choice, tens of megabytes on some.
const MOST = 800;
const LONG = 400_000;
// How much waits in the client, and how often it is looked at without any of it being taken.
const AHEAD = 4_000_000;
const STILL = 60;
// The relay and the broker compress, so that what is easily compressed would fit into their sockets, whatever its length.
const BODY = randomBytes((LONG * 3) / 4).toString("base64");
const [url] = process.argv.slice(2);

async function connect() {
  const client = new Client({
    webSocketFactory: () => {
      const socket = new WebSocket(url, ["v12.stomp"]);
      socket.binaryType = "arraybuffer";
      return socket;
    },
    connectHeaders: { host: "/" },
    // The broker's heart stands still, too.
    heartbeatIncoming: 0,
    heartbeatOutgoing: 0,
    reconnectDelay: 0,
  });
  const connected = new Promise((resolve, reject) => {
    client.onConnect = resolve;
    client.onStompError = frame => reject(new Error(frame.headers.message));
    client.onWebSocketError = event => reject(new Error(event.message));
  });
  client.closed = "";
  client.onWebSocketClose = event => (client.closed = `with ${event.code} ${event.reason}`);
  client.activate();
  await within(connected, "connecting");
  return client;
}

await run({
  async "slow broker"() {
    const [reader, writer] = [await connect(), await connect()];
    const destination = `/topic/slow-${process.pid}`;
    const inbox = new Inbox();
    const subscribed = new Promise(resolve => reader.watchForReceipt("subscribed", resolve));
    reader.subscribe(destination, message => inbox.put(message.body), { receipt: "subscribed" });
    await within(subscribed, "subscribing");
    await ask("pause");
    // Until nothing more is taken: a ping that can still be written has to be answered in time.
    let many = 0;
    for (let still = 0; still < STILL && many < MOST; ) {
      if (writer.webSocket.bufferedAmount > AHEAD) {
        still++;
        await sleep(50);
        continue;
      }
      still = 0;
      writer.publish({ destination, body: `${many++} ${BODY}` });
      // Whoever is busy for long answers no pings.
      await sleep(5);
    }
    await sleep(10_000);
    const closed = () => [writer, reader].map(client => client.closed).join("");
    check(!closed(), `a client was closed while the broker was slow: ${closed()}`);
    const waiting = writer.webSocket.bufferedAmount;
    check(waiting > 0, `all of ${many} was taken while the broker stood still: the client was not slowed`);
    await ask("go on");
    for (let at = 0; at < many; at++) {
      const body = await inbox.take();
      check(body === `${at} ${BODY}`, `message ${at} came otherwise`);
    }
    check(!closed(), `a client was closed: ${closed()}`);
    await within(Promise.all([reader.deactivate(), writer.deactivate()]), "closing");
    return `${many} messages of ${LONG} bytes after 10 s; ${waiting} bytes waited in the client`;
  },
});
