// The page that the tests open in a browser: `page.html?port=PORT`. It has `run`, for the scenarios, and `begin` and `finish`, for
// a page that is reloaded, or crashes, while it sends. With `&rate=N` it sends N messages a second, to a server that answers each
// message with how many there were, and a request likewise.

import { IndexedDbStore, Session } from "../../../js/reliable.js";
import { scenarios, sleep } from "./scenarios.mjs";

const parameters = new URLSearchParams(location.search);
const port = parameters.get("port");
const rate = Number(parameters.get("rate"));
const text = (number) => (rate ? `${number}` : `message ${number}`);

function make(path, options) {
  return new Session(`ws://127.0.0.1:${port}${path}`, { backoff: { first: 20, stable: 0 }, ...options });
}

/** A store that another page can open, too. */
function store(name = `scenario ${Math.random()}`) {
  return Object.assign(new IndexedDbStore(name), { again: () => store(name), die() {} });
}

/** A page without a network, if need be. */
class Page extends EventTarget {
  navigator = { onLine: true };
}

window.names = Object.keys(scenarios);
window.run = (name) => scenarios[name]({ make, store, page: new Page() });

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("application", 1);
    request.onupgradeneeded = () => {
      IndexedDbStore.createStores(request.result);
      request.result.createObjectStore("effects", { autoIncrement: true });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

let session;
let sending = true;

/** Sends as fast as it may, or as the store takes messages. What was promised is written down where a reload finds it. */
window.begin = async () => {
  const effects = (messages, transaction) => transaction.objectStore("effects").add(messages.map(({ data }) => data));
  const path = rate ? "/" : "/cut/30000";
  const most = rate ? 2 * rate : 200;
  const room = { messages: Math.max(2 * most, 1024) };
  const kept = new IndexedDbStore("reloaded", { open, stores: ["effects"] });
  session = make(path, { name: "reloaded", store: kept, effects, queue: room, window: room });
  await new Promise((resolve) => session.addEventListener("ready", resolve));
  const promised = Number(localStorage.promised ?? 0);
  if (promised > session.assigned) throw new Error(`${promised} were promised, ${session.assigned} are there`);
  // What couldn't be sent while there was no page is made up for.
  const started = Number((localStorage.started ??= Date.now()));
  const mayBe = () => (rate ? ((Date.now() - started) * rate) / 1000 : Infinity);
  (async () => {
    while (sending) {
      const room = most - (session.assigned - session.acked);
      const count = Math.floor(Math.min(room, mayBe() - session.assigned, most / 20));
      if (count < 1) {
        await sleep(1);
        continue;
      }
      const some = Array.from({ length: count }, () => session.send(text(session.assigned + 1)));
      const sent = await Promise.all(some);
      localStorage.promised = sent.at(-1).number;
    }
  })();
  return session.assigned;
};

/** What the application's store holds. */
async function stored() {
  const database = await open();
  const request = database.transaction("effects").objectStore("effects").getAll();
  const found = await new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  database.close();
  return found.flat();
}

/** The last page: what was sent, what was promised, how many the server has taken, and what the application's store holds. */
window.finish = async () => {
  sending = false;
  while (session.acked < session.assigned || (await stored()).length < session.assigned) await sleep(100);
  const sent = session.assigned;
  let taken;
  if (rate) {
    taken = Number(await session.request("how many?"));
  } else {
    await session.send("!count");
    while ((await stored()).length <= sent) await sleep(100);
  }
  const effects = await stored();
  taken ??= Number(effects.pop()) - 1;
  const wrong = effects.findIndex((data, at) => data !== text(at + 1));
  return { sent, promised: Number(localStorage.promised), taken, effects: effects.length, wrong };
};

window.loaded = true;
