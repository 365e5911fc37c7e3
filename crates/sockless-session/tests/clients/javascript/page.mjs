// The page that the tests open in a browser: `page.html?port=PORT`. It has `run`, for the scenarios, and `begin` and `finish`, for
// a page that is reloaded, or crashes, while it sends.

import { IndexedDbStore, Session } from "../../../js/reliable.js";
import { scenarios, sleep } from "./scenarios.mjs";

const port = new URLSearchParams(location.search).get("port");

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

/** Sends as fast as the store takes messages. What was promised is written down where a reload finds it. */
window.begin = async () => {
  const effects = ({ data }, transaction) => transaction.objectStore("effects").add(data);
  session = make("/cut/30000", { name: "reloaded", store: new IndexedDbStore("reloaded", { open, stores: ["effects"] }), effects });
  await new Promise((resolve) => session.addEventListener("ready", resolve));
  const promised = Number(localStorage.promised ?? 0);
  if (promised > session.assigned) throw new Error(`${promised} were promised, ${session.assigned} are there`);
  (async () => {
    while (sending) {
      if (session.assigned - session.acked > 200) {
        await sleep(1);
        continue;
      }
      const sent = session.send(`message ${session.assigned + 1}`);
      sent.then(({ number }) => (localStorage.promised = number));
      if (session.assigned % 10 === 0) await sent;
    }
  })();
  return session.assigned;
};

/** The last page: what was sent, what was promised, how many the server has taken, and what the application's store holds. */
window.finish = async () => {
  sending = false;
  const count = async () => {
    const database = await open();
    const request = database.transaction("effects").objectStore("effects").getAll();
    return new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  };
  while (session.acked < session.assigned || (await count()).length < session.assigned) await sleep(10);
  const sent = session.assigned;
  await session.send("!count");
  let effects = [];
  while (effects.length <= sent) {
    await sleep(10);
    effects = await count();
  }
  const wrong = effects.slice(0, sent).findIndex((data, at) => data !== `message ${at + 1}`);
  return { sent, promised: Number(localStorage.promised), taken: Number(effects[sent]), effects: effects.length, wrong };
};

window.loaded = true;
