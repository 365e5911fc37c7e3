// The client of the chat: a session, the outbox, questions and answers. It knows the protocol, and nothing of the page: that is told by
// events. What it says is kept first and sent then, and sent again in every new session until the server has stored it; the server
// knows each by its key.

import { Connection, isPolling } from "./connection.js";
import { Session } from "./reliable.js";

/** How many things may be on their way. The server remembers more keys. */
const ON_THE_WAY = 20;

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("-");
}

export class Client extends EventTarget {
  #memory;
  #session = null;
  #sent = new Set(); // keys that this session has been given
  #asked = new Map(); // questions, by their numbers
  #next = 1;
  #pumping = false;
  #again = false;
  #stopped = false;
  #ends = 0;

  constructor(memory) {
    super();
    this.#memory = memory;
  }

  get session() {
    return this.#session;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Begins, or goes on with, the session of this browser. */
  start({ takeOver = false } = {}) {
    this.#session?.close();
    this.#sent.clear();
    const url = new URL("chat", location.href.replace(/^http/, "ws"));
    const effects = (messages, transaction) => this.#memory.effects(messages, transaction);
    const backoff = { first: 300, cap: 15_000 };
    const options = { name: `chat ${this.#memory.you}`, store: this.#memory.store(), effects, takeOver, backoff };
    const session = new Session(url, { ...options, WebSocket: Connection });
    this.#session = session;
    const on = (type, listener) => session.addEventListener(type, (event) => this.#session === session && listener(event));
    on("ready", () => {
      // A session in which nothing was ever said has no hello.
      const first = session.assigned === 0 ? { do: "hello", after: this.#memory.after } : { do: "look" };
      this.#send(first);
      this.pump();
    });
    on("message", ({ data }) => this.#take(data));
    on("trying", () => this.#tell("state", { state: "connecting" }));
    on("open", ({ resumed }) => this.#tell("state", { state: resumed ? "resumed" : "connected", polls: isPolling() }));
    on("lost", () => this.#tell("state", { state: "connecting" }));
    on("backoff", ({ delay, code }) => this.#tell("state", { state: "offline", delay, code }));
    on("elsewhere", () => this.#tell("state", { state: "elsewhere" }));
    on("superseded", () => this.#tell("state", { state: "elsewhere" }));
    on("gaveup", ({ code, reason }) => this.#tell("state", { state: "refused", code, reason }));
    on("broken", ({ error }) => this.#tell("state", { state: "broken", error }));
    on("ended", () => {
      // The server has forgotten the session, or ended it: a new one goes on from what is kept.
      this.#tell("state", { state: "connecting" });
      const delay = Math.min(300 * 2 ** this.#ends++, 15_000);
      setTimeout(() => !this.#stopped && this.#session === session && this.start(), delay);
    });
  }

  stop() {
    this.#stopped = true;
    this.#session?.close();
  }

  /** Ends the session on both sides. */
  async leave() {
    this.#stopped = true;
    await Promise.race([this.#session?.end(), new Promise((resolve) => setTimeout(resolve, 1000))]);
    this.#session?.close();
  }

  #send(action) {
    return this.#session.send(JSON.stringify(action)).catch(() => {});
  }

  #take(data) {
    if (typeof data !== "string") {
      const n = new DataView(data).getUint32(0);
      this.#answer(n, (asked) => asked.resolve(new Uint8Array(data, 4)));
      return;
    }
    const event = JSON.parse(data);
    if (event.ev === "welcome") this.#ends = 0;
    if (event.ev === "messages" && event.more) this.#send({ do: "more", after: this.#memory.after });
    if (event.ev === "refused" && event.re !== undefined) {
      this.#answer(event.re, (asked) => asked.reject(new Error(event.text)));
    } else if (event.re !== undefined) {
      this.#answer(event.re, (asked) => asked.resolve(event));
    }
    if (event.ev === "said" || (event.ev === "refused" && event.key)) {
      this.#sent.delete(event.key);
      this.pump();
    }
    this.#tell("event", event);
  }

  #answer(n, give) {
    const asked = this.#asked.get(n);
    this.#asked.delete(n);
    if (asked) give(asked);
  }

  /** Asks something that has an answer. */
  ask(action) {
    const n = this.#next++;
    return new Promise((resolve, reject) => {
      this.#asked.set(n, { resolve, reject });
      setTimeout(() => this.#asked.delete(n) && reject(new Error("There was no answer.")), 30_000);
      this.#send({ ...action, n });
    });
  }

  /** Says something. When the promise is kept, it is kept. */
  async say(to, text) {
    const entry = { key: newKey(), to, text, at: Date.now() };
    entry.order = await this.#memory.put(entry);
    this.pump();
    return entry;
  }

  /** Sends a file. When the promise is kept, it is kept, all of it. */
  async sendFile(to, file) {
    const kept = { name: file.name, kind: file.type || "application/octet-stream", size: file.size, blob: file };
    const entry = { key: newKey(), to, text: "", file: kept, at: Date.now() };
    entry.order = await this.#memory.put(entry);
    this.pump();
    return entry;
  }

  typing(to) {
    // It is of no use later.
    if (this.#session?.phase === "open") this.#send({ do: "typing", to });
  }

  /** Gives the session what waits in the outbox, in its order. Texts don't wait for files. */
  async pump() {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    do {
      this.#again = false;
      const session = this.#session;
      for (const entry of await this.#memory.outbox()) {
        if (session !== this.#session) break;
        if (this.#sent.has(entry.key)) continue;
        if (this.#sent.size >= ON_THE_WAY) break;
        if (entry.file) {
          this.#tell("upload", { entry, session });
          continue;
        }
        this.#sent.add(entry.key);
        await this.#send({ do: "say", key: entry.key, to: entry.to, text: entry.text });
      }
    } while (this.#again);
    this.#pumping = false;
  }
}
