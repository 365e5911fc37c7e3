// WAMP's client: what one session publishes, another gets, in each serialisation.
//
//   node wamp.mjs RELAY_URL ROUTER_URL

import { createRequire } from "node:module";
import autobahn from "autobahn";
import { ask, check, Inbox, run, sleep, within } from "./within.mjs";

// The client takes the browser's, which Node has since version 22.
globalThis.WebSocket ??= createRequire(new URL("../../../../autobahn/interop/node/", import.meta.url))("ws");

const [url, router] = process.argv.slice(2);
const SERIALIZERS = { json: autobahn.serializer.JSONSerializer, msgpack: autobahn.serializer.MsgpackSerializer };
const SIZES = [0, 1, 1_000, 70_000];

async function open(target, kind) {
  const connection = new autobahn.Connection({
    url: target,
    realm: "realm1",
    max_retries: 0,
    serializers: [new SERIALIZERS[kind]()],
  });
  const session = await within(
    new Promise((resolve, reject) => {
      connection.onopen = resolve;
      connection.onclose = (reason, details) => {
        connection.gone = true;
        reject(new Error(`${reason}: ${details?.message ?? details?.reason ?? ""}`));
        return true;
      };
      connection.open();
    }),
    "joining",
  );
  return { connection, session };
}

async function exchange(from, to, topic) {
  const inbox = new Inbox();
  await within(to.session.subscribe(topic, args => inbox.put(args)), "subscribing");
  for (const size of SIZES) {
    const sent = ["grüß dich, 世界", "x".repeat(size), { a: [1, null, true, -2.5] }];
    await within(from.session.publish(topic, sent, {}, { acknowledge: true }), "publishing");
    const args = await inbox.take();
    check(JSON.stringify(args) === JSON.stringify(sent), `${size} characters came otherwise`);
  }
}

const close = (...all) => all.forEach(one => one.connection.close());

const bothWays = kind => async () => {
  const [near, far] = [await open(url, kind), await open(router, "json")];
  const { protocol } = near.connection._transport.info;
  check(protocol === `wamp.2.${kind}`, `the subprotocol is ${protocol}`);
  await exchange(near, far, `test.up.${kind}`);
  await exchange(far, near, `test.down.${kind}`);
  // A call through the relay to a callee behind it, and back.
  await within(near.session.register(`test.add.${kind}`, ([a, b]) => a + b), "registering");
  check((await within(far.session.call(`test.add.${kind}`, [2, 3]), "calling")) === 5, "the call has another result");
  close(near, far);
  return protocol;
};

await run({
  json: bothWays("json"),
  msgpack: bothWays("msgpack"),
  async "slow router"() {
    const [near, far] = [await open(url, "msgpack"), await open(router, "msgpack")];
    const inbox = new Inbox();
    await within(far.session.subscribe("test.slow", args => inbox.put(args)), "subscribing");
    await ask("pause");
    const payload = "y".repeat(100_000);
    const all = Array.from({ length: 300 }, (_, at) =>
      near.session.publish("test.slow", [at, payload], {}, { acknowledge: true }),
    );
    await sleep(10_000);
    check(!near.connection.gone, "the client was closed while the router was slow");
    await ask("go on");
    await within(Promise.all(all), "acknowledging");
    for (let at = 0; at < all.length; at++) {
      const [number, text] = await inbox.take();
      check(number === at && text === payload, `${number} came for ${at}`);
    }
    check(!near.connection.gone, "the client was closed");
    close(near, far);
    return "300 messages of 100000 bytes after 10 s";
  },
});
