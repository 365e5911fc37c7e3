// Runs the scenarios under Node: `node.mjs PORT [NAME...]`, with a WebSocket, a store and locks of this folder. The exit status is 1 if
// one fails.

import { MemoryStore, Session, SessionError } from "../../../js/reliable.js";
import { scenarios } from "./scenarios.mjs";
import { WebSocket } from "./websocket.mjs";

/** A store that outlives the page that writes to it, and takes its time. */
class Shared {
  constructor(disk = new MemoryStore(), owner = { now: null }) {
    Object.assign(this, { disk, owner, dead: false });
  }

  /** What a new page opens. */
  again() {
    return new Shared(this.disk, this.owner);
  }

  /** The page is gone: what it hasn't finished to write is written or not, and it never learns. */
  die() {
    this.dead = true;
  }

  async load() {
    this.owner.now = this;
    return this.disk.load();
  }

  async write(...given) {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
    if (this.dead) return new Promise(() => {});
    if (this.owner.now !== this) throw new SessionError("superseded", "another page has this session");
    await this.disk.write(...given);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
    if (this.dead) return new Promise(() => {});
  }

  async clear() {
    return this.disk.clear();
  }
}

/** Locks as the browser has them, as far as the client uses them. */
class Locks {
  constructor() {
    this.held = new Map();
  }

  async request(name, options, callback) {
    if (typeof options === "function") return this.request(name, {}, options);
    while (this.held.has(name)) {
      if (options.ifAvailable) return callback(null);
      const holder = this.held.get(name);
      if (options.steal) {
        holder.steal(new DOMException("stolen", "AbortError"));
        break;
      }
      await holder.over;
    }
    const lock = {};
    lock.over = new Promise((resolve) => (lock.free = resolve));
    const stolen = new Promise((_, reject) => (lock.steal = reject));
    this.held.set(name, lock);
    try {
      return await Promise.race([Promise.resolve(callback(lock)), stolen]);
    } finally {
      if (this.held.get(name) === lock) this.held.delete(name);
      lock.free();
    }
  }
}

/** A page without a network, if need be. */
class Page extends EventTarget {
  navigator = { onLine: true };
}

const [port, ...wanted] = process.argv.slice(2);
const make = (path, options) =>
  new Session(`ws://127.0.0.1:${port}${path}`, { WebSocket, locks: null, backoff: { first: 20, stable: 0 }, ...options });
let failed = 0;
for (const [name, scenario] of Object.entries(scenarios)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  try {
    const said = await scenario({ make, store: () => new Shared(), locks: new Locks(), page: new Page() });
    console.log(`${name}: passes ${said ?? ""}`);
  } catch (error) {
    failed += 1;
    console.log(`${name}: FAILS: ${error.stack}`);
  }
}
process.exit(failed ? 1 : 0);
