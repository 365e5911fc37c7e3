// The client's side of the subprotocol `sockless.reliable.v1`, for browsers. Numbers like (4) are sections of its specification. How a
// message is read is at the end, after the stores; what may go out when is `#pump`; what has to be stored before is `#flush`.

export const SUBPROTOCOL = "sockless.reliable.v1";
const DLE = "\x10";
const LAST = Number.MAX_SAFE_INTEGER;
const MOST_OPENINGS = 4;
const MOST_REWINDS = 16;
const RETRIED = new Set([1001, 1005, 1006, 1011, 1012, 1013, 1014, 4408]);
const DEFAULTS = {
  name: "default",
  window: { messages: 1024, bytes: 4 << 20 },
  queue: { messages: 1024, bytes: 8 << 20 },
  ackDelay: 50,
  opening: 10_000,
  probe: { interval: 25_000, timeout: 20_000 },
  backoff: { first: 500, cap: 30_000, stable: 10_000, longestAsked: 3_600_000 },
  takeOver: false,
};

/** Something that a session tells. Its fields depend on its type. */
export class SessionEvent extends Event {
  constructor(type, fields) {
    super(type);
    Object.assign(this, fields);
  }
}

/** Why a call has failed: `code` is one of a few words. */
export class SessionError extends Error {
  constructor(code, message, data) {
    super(message);
    this.name = "SessionError";
    this.code = code;
    this.data = data;
  }
}

/** One session. It connects, reconnects and stores by itself, from its construction until `end` or `close`. */
export class Session extends EventTarget {
  #url;
  #options;
  #store;
  #socket = null;
  // "waiting" for the session's lock, "asleep", "connecting", "opening", "open", "ending", "ended", "closed".
  #phase = "waiting";
  #id;
  #attempt = 0;
  #welcomed = false;
  #received = 0;
  #assigned = 0;
  #sent = 0;
  #acked = 0;
  // The messages acked + 1 to assigned: { number, wire, size, resolve, reject, settle, delivered }.
  #queue = [];
  #queuedBytes = 0;
  #unsent = []; // what waits for the session to be loaded
  #fresh = []; // entries that no transaction has yet
  #effects = []; // messages whose effects no transaction has yet
  #stored = { attempt: 0, welcomed: false, accepted: 0, assigned: 0 };
  #dirty = false;
  #flushing = false;
  #over = null; // how the session has ended, until that is stored
  #link = null; // what section 3 keeps for a connection
  #due = []; // session messages that are to go out
  #waiting = new Map(); // requests without a reply
  #roomWanted = false;
  #failed = 0;
  #openedAt = null;
  #nextTry = null;
  #timer = null;
  #release = null;
  #unlisten = [];

  constructor(url, options = {}) {
    super();
    this.#url = url;
    const merged = { ...DEFAULTS, ...options };
    for (const group of ["window", "queue", "probe", "backoff"]) {
      if (merged[group]) merged[group] = { ...DEFAULTS[group], ...options[group] };
    }
    this.#options = merged;
    this.#store = merged.store ?? (globalThis.indexedDB ? new IndexedDbStore(merged.name) : new MemoryStore());
    this.#own();
  }

  get phase() {
    return this.#phase;
  }

  /** The last number that the server has accepted, and the last that a message was given. */
  get acked() {
    return this.#acked;
  }

  get assigned() {
    return this.#assigned;
  }

  /** What has become of a message (11). */
  status(number) {
    if (number < 1 || number > this.#assigned) return undefined;
    if (number <= this.#acked) return "delivered";
    if (this.#phase === "ended") return number <= this.#sent ? "unknown" : "undelivered";
    return number <= this.#sent ? "sent" : "pending";
  }

  /** Takes a message. The promise is kept when it is stored: from then on it will be sent, once, whatever happens to the page. */
  send(data) {
    return this.#push(encode(data), false);
  }

  /** Asks something: the reply's data. It is rejected with `rejected`, `timeout` or `ended`. The message is delivered all the same. */
  async request(data, { timeout = 30_000 } = {}) {
    const sent = await this.#push(prefix("q", encode(data)), true);
    return sent.reply(timeout);
  }

  /** Replies to a request of the server: as `respond` and `refuse` of its event do. */
  reply(to, data, { rejected = false } = {}) {
    return this.#push(prefix(`${rejected ? "e" : "y"}${to} `, encode(data)), false);
  }

  /** Ends the session on both sides. What isn't delivered won't be. The promise is kept when the end is stored. */
  end() {
    const ended = new Promise((resolve) => {
      if (this.#phase === "ended") resolve();
      else this.addEventListener("ended", () => resolve(), { once: true });
    });
    if (this.#phase === "open") {
      this.#phase = "ending";
      this.#link.heard = this.#now();
      this.#due = ["bye done"];
      this.#touch();
    } else if (this.#phase !== "ending" && !this.#over) {
      this.#finish("done");
    }
    return ended;
  }

  /** Lets the connection go, and the session sleep: another page, or a later `Session` of the same name, goes on with it. */
  close() {
    if (this.#phase === "closed") return;
    this.#drop(1001);
    this.#stop(new SessionError("closed", "the session was closed on this page"));
  }

  /** Tries again at once, also after it was given up. */
  retryNow() {
    if (this.#phase !== "asleep") return;
    this.#nextTry = 0;
    this.#arm();
  }

  // Who has the session.

  async #own() {
    // Whoever has made the session can listen first.
    await null;
    const { locks = globalThis.navigator?.locks, name, takeOver } = this.#options;
    if (!locks) {
      this.#begin();
      return;
    }
    const key = `sockless-reliable ${name}`;
    const held = async () => {
      if (this.#phase === "closed") return;
      this.#begin();
      await new Promise((release) => (this.#release = release));
    };
    const first = (lock) => {
      if (lock) return held();
      this.#tell("elsewhere", {});
      locks.request(key, held).catch(() => this.#superseded());
    };
    locks.request(key, takeOver ? { steal: true } : { ifAvailable: true }, first).catch(() => this.#superseded());
  }

  /** Another page has the session now, or another connection. */
  #superseded() {
    if (this.#phase === "closed" || this.#phase === "ended") return;
    this.#drop(1000);
    this.#stop(new SessionError("superseded", "another page or connection carries this session"));
    this.#tell("superseded", {});
  }

  async #begin() {
    try {
      const state = await this.#store.load();
      if (this.#phase === "closed") return;
      if (state) {
        this.#id = state.id;
        this.#attempt = state.attempt;
        this.#welcomed = state.welcomed;
        this.#received = state.accepted;
        this.#assigned = state.assigned;
        this.#acked = state.acked;
        this.#queue = state.queue.map(({ number, wire }) => this.#entry(number, wire));
        this.#queuedBytes = this.#queue.reduce((sum, entry) => sum + entry.size, 0);
        // Once there has been a welcome, what is stored may have gone out (10).
        this.#sent = state.welcomed ? state.assigned : 0;
        this.#stored = { attempt: state.attempt, welcomed: state.welcomed, accepted: state.accepted, assigned: state.assigned };
      } else {
        const octets = crypto.getRandomValues(new Uint8Array(16));
        this.#id = Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
      }
    } catch (error) {
      this.#broken(error);
      return;
    }
    this.#phase = "asleep";
    this.#nextTry = 0;
    this.#listen();
    for (const waiting of this.#unsent.splice(0)) waiting();
    this.#tell("ready", { resumed: this.#welcomed, queued: this.#queue.length });
    if (this.#over) this.#touch();
    this.#arm();
  }

  /** The browser's own signs of a network that has come back, or of a page that was frozen. */
  #listen() {
    const page = this.#options.page ?? globalThis;
    const wake = () => {
      if (page.document?.visibilityState === "hidden") return;
      if (this.#phase === "open") this.#probe();
      else if (this.#nextTry !== Infinity) this.retryNow();
    };
    const listen = (target, type, listener) => {
      if (!target?.addEventListener) return;
      target.addEventListener(type, listener);
      this.#unlisten.push(() => target.removeEventListener(type, listener));
    };
    listen(page, "online", wake);
    listen(page, "pageshow", wake);
    listen(page.document, "visibilitychange", wake);
    listen(page, "offline", () => (this.#phase === "open" ? this.#probe() : this.#arm()));
  }

  #isOffline() {
    return (this.#options.page ?? globalThis).navigator?.onLine === false;
  }

  /** Nothing happens any more on this page. */
  #stop(error) {
    this.#phase = "closed";
    clearTimeout(this.#timer);
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
    for (const entry of this.#queue) entry.reject?.(error);
    for (const waiting of this.#unsent.splice(0)) waiting();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#release?.();
  }

  /** The store has failed: what is stored is whole, and this page can't add to it. */
  #broken(error) {
    if (this.#phase === "closed") return;
    if (error?.code === "superseded") return this.#superseded();
    this.#drop(1011);
    this.#stop(new SessionError("store", `the store has failed: ${error?.message ?? error}`));
    this.#tell("broken", { error });
  }

  // Taking messages.

  #entry(number, wire) {
    const entry = { number, wire, size: sizeOf(wire) };
    entry.delivered = new Promise((settle) => (entry.settle = settle));
    return entry;
  }

  #push(wire, asks) {
    return new Promise((resolve, reject) => {
      const push = () => {
        if (this.#phase === "closed") return reject(new SessionError("closed", "the session was closed on this page"));
        if (this.#over || this.#phase === "ending" || this.#phase === "ended") return reject(new SessionError("ended", "the session has ended"));
        if (this.#assigned === LAST) return reject(new SessionError("numbers", "the greatest number has been used"));
        const { messages, bytes } = this.#options.queue;
        if (this.#queue.length >= messages || this.#queuedBytes >= bytes) {
          this.#roomWanted = true;
          return reject(new SessionError("full", "the queue is full"));
        }
        const entry = this.#entry(++this.#assigned, wire);
        const { number, delivered } = entry;
        const sent = { number, delivered };
        // The reply can be there before the promise of `send` is kept.
        const answer = asks && new Promise((settle, refuse) => this.#waiting.set(number, { resolve: settle, reject: refuse }));
        answer?.catch?.(() => {});
        if (asks) sent.reply = (timeout) => this.#await(number, answer, timeout);
        entry.resolve = () => resolve(sent);
        entry.reject = reject;
        this.#queue.push(entry);
        this.#queuedBytes += entry.size;
        this.#fresh.push(entry);
        this.#touch();
      };
      if (this.#phase === "waiting") this.#unsent.push(push);
      else push();
    });
  }

  async #await(number, answer, timeout) {
    const timer = setTimeout(() => {
      this.#waiting.get(number)?.reject(new SessionError("timeout", "no reply in time; it may be answered later"));
      this.#waiting.delete(number);
    }, timeout);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  // Storing.

  #touch() {
    this.#dirty = true;
    if (!this.#flushing && this.#phase !== "waiting") this.#flush();
  }

  /** Stores what has changed, then lets out what waited for it (10). One transaction at a time, each with all there is. */
  async #flush() {
    this.#flushing = true;
    try {
      // What is done in this turn of the page is stored together.
      await null;
      while (this.#dirty && this.#phase !== "closed") {
        this.#dirty = false;
        const [added, effects, over] = [this.#fresh.splice(0), this.#effects.splice(0), this.#over];
        const state = { id: this.#id, attempt: this.#attempt, welcomed: this.#welcomed, accepted: this.#received, assigned: this.#assigned, acked: this.#acked };
        const apply = effects.length > 0 ? (transaction) => this.#options.effects(effects, transaction) : undefined;
        await this.#store.write(state, added.map(({ number, wire }) => ({ number, wire })), apply);
        if (this.#phase === "closed") return;
        this.#stored = state;
        for (const entry of added) entry.resolve();
        for (const message of effects) this.#tell("message", message);
        this.#pump();
        if (over) {
          await this.#store.clear();
          this.#report(over);
          return;
        }
      }
    } catch (error) {
      this.#broken(error);
    } finally {
      this.#flushing = false;
    }
  }

  // Connections.

  #now() {
    return performance.now();
  }

  #tell(type, fields) {
    this.dispatchEvent(new SessionEvent(type, fields));
  }

  #connect() {
    const { WebSocket = globalThis.WebSocket } = this.#options;
    if (this.#attempt >= LAST) return;
    this.#nextTry = null;
    this.#phase = "connecting";
    this.#link = { heard: this.#now() };
    this.#tell("trying", { failed: this.#failed });
    const socket = new WebSocket(this.#url, [SUBPROTOCOL]);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    const current = () => this.#socket === socket;
    socket.onopen = () => {
      if (!current()) return;
      // A browser fails the connection by itself unless the subprotocol was selected.
      this.#attempt += 1;
      this.#phase = "opening";
      this.#link = { openings: 1, heard: this.#now(), probed: false };
      this.#due = ["opening"];
      this.#touch();
    };
    socket.onmessage = ({ data }) => {
      if (!current()) return;
      try {
        this.#receive(data);
      } catch (error) {
        if (error?.code !== "violation") throw error;
        this.#drop(4400, error.message);
        this.#ended(4400, error.message);
      }
    };
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }) => {
      if (!current()) return;
      this.#socket = null;
      this.#ended(code, reason);
    };
    this.#arm();
  }

  /** Lets the connection go. Whatever it still brings counts no more. */
  #drop(code, reason = "") {
    const socket = this.#socket;
    this.#socket = null;
    // A browser lets pages close with 1000 and 3000 to 4999 alone.
    socket?.close(code === 1000 || code >= 3000 ? code : 1000, reason);
  }

  /** The connection has ended: when to try again (14). */
  #ended(code, reason) {
    if (this.#phase === "ending") return this.#finish(this.#link.ends ?? "done");
    if (this.#over || this.#phase === "ended" || this.#phase === "closed") return;
    if (code === 4409) return this.#superseded();
    const { first, cap, stable, longestAsked } = this.#options.backoff;
    const lasted = this.#openedAt !== null && this.#now() - this.#openedAt >= stable;
    this.#failed = lasted ? 1 : this.#failed + 1;
    const wasOpen = this.#phase === "open";
    this.#phase = "asleep";
    this.#openedAt = null;
    if (wasOpen) this.#tell("lost", { code, reason });
    if (!RETRIED.has(code)) {
      this.#nextTry = Infinity;
      this.#tell("gaveup", { code, reason });
      return;
    }
    const asked = /^retry-after=([0-9]{1,9})$/.exec(reason)?.[1] ?? 0;
    const greatest = Math.min(cap, first * 2 ** Math.min(this.#failed - 1, 60));
    const delay = Math.min(asked * 1000, longestAsked) + Math.random() * greatest;
    this.#nextTry = this.#now() + delay;
    this.#tell("backoff", { delay, failed: this.#failed, code, reason });
    this.#arm();
  }

  #probe() {
    if (this.#link.probed) return;
    const { timeout } = this.#options.probe || DEFAULTS.probe;
    Object.assign(this.#link, { probed: true, heard: this.#now(), patience: timeout });
    this.#due.push("probe");
    this.#pump();
  }

  /** When something is to be done though nothing happens. */
  #deadline() {
    const { opening, probe } = this.#options;
    switch (this.#phase) {
      case "asleep":
        return this.#over || this.#isOffline() ? null : this.#nextTry;
      case "connecting":
      case "opening":
      case "ending":
        return this.#link.heard + opening;
      case "open": {
        const times = [this.#link.ackDue];
        if (this.#link.probed) times.push(this.#link.heard + this.#link.patience);
        else if (probe) times.push(this.#link.heard + probe.interval);
        return Math.min(...times.filter((time) => time !== null));
      }
      default:
        return null;
    }
  }

  #arm() {
    clearTimeout(this.#timer);
    const at = this.#deadline();
    if (at === null || at === Infinity) return;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, Math.min(at - this.#now(), 2 ** 30)));
  }

  #tick() {
    const now = this.#now();
    const due = this.#deadline();
    if (due !== null && now >= due) {
      if (this.#phase === "asleep") return this.#connect();
      const silent = this.#phase !== "open" || (this.#link.probed && now >= this.#link.heard + this.#link.patience);
      if (silent) {
        this.#drop(4408);
        return this.#ended(4408, "");
      }
      if (this.#link.ackDue === null || now < this.#link.ackDue) return this.#probe();
    }
    this.#pump();
    // A timer can be early.
    this.#arm();
  }

  // What goes out.

  #say(message) {
    this.#socket?.send(message);
  }

  #pump() {
    const [link, stored, socket] = [this.#link, this.#stored, this.#socket];
    if (!socket || !["opening", "open", "ending"].includes(this.#phase)) return;
    if (this.#phase === "opening") {
      // The attempt is stored before it is made.
      if (this.#due[0] === "opening" && stored.attempt === this.#attempt) {
        this.#due = [];
        link.heard = this.#now();
        Object.assign(link, { nextIn: stored.accepted + 1, ackSent: stored.accepted });
        this.#say(this.#opening());
      }
    } else if (stored.welcomed) {
      this.#pumpOpen(link, stored);
    }
    this.#arm();
  }

  #opening() {
    const { messages, bytes } = this.#options.window;
    const head = `${this.#id} ${this.#attempt}`;
    if (!this.#welcomed) return `${DLE}h${head} ${messages} ${bytes}`;
    return `${DLE}r${head} ${this.#link.ackSent} ${this.#received} ${messages} ${bytes}`;
  }

  #pumpOpen(link, stored) {
    while (this.#due.length > 0) {
      const [what, argument] = this.#due[0].split(" ");
      if (what === "bye") {
        // Its number says what is accepted for good.
        if (stored.accepted < this.#received) return;
        this.#say(`${DLE}b${this.#received} ${argument}`);
        link.byeSent = true;
      } else if (what === "close") {
        this.#drop(1000);
        return;
      } else {
        this.#say(DLE + { alive: "o", probe: "i", position: `p${argument}` }[what]);
      }
      this.#due.shift();
    }
    if (this.#phase !== "open" || this.#over) return;
    if (link.ackDue !== null && link.ackDue <= this.#now()) {
      const ack = Math.min(stored.accepted, link.nextIn - 1);
      if (ack > link.ackSent) {
        const count = ack - link.ackSent;
        for (const size of link.inSizes.splice(0, count)) link.inBytes -= size;
        link.ackSent = ack;
        this.#say(`${DLE}a${count}`);
      }
      // What isn't stored yet is acked when it is.
      link.ackDue = stored.accepted < this.#received && ack < link.nextIn - 1 ? this.#now() + this.#options.ackDelay : null;
    }
    while (link.nextOut <= stored.assigned) {
      const entry = this.#queue[link.nextOut - this.#acked - 1];
      const messages = link.nextOut - this.#acked;
      if (messages > link.theirs.messages || (messages > 1 && link.outBytes + entry.size > link.theirs.bytes)) return;
      link.outBytes += entry.size;
      this.#sent = Math.max(this.#sent, link.nextOut);
      link.nextOut += 1;
      this.#say(entry.wire);
    }
  }

  // What comes in.

  #receive(data) {
    const { letter, fields, payload, size } = parse(data);
    const link = this.#link;
    Object.assign(link, { heard: this.#now(), probed: false });
    if (this.#phase === "opening") {
      if (this.#due.length > 0 || !"wx".includes(letter)) throw violation("unexpected");
      if (letter === "w") this.#welcome(...fields);
      else this.#refused(...fields);
    } else if ("hrwx".includes(letter) || link.byeReceived) {
      throw violation("unexpected");
    } else if (letter === "b") {
      this.#bye(...fields);
    } else if ("mqyeg".includes(letter)) {
      this.#numbered(letter, fields, payload, size);
    } else if (letter === "a") {
      if (fields[0] === 0) throw violation("malformed");
      const number = this.#acked + fields[0];
      if (number > link.nextOut - 1) throw violation("ack-ahead");
      link.rewinds = 0;
      this.#acknowledge(number);
    } else if (letter === "p") {
      throw violation("position"); // it never asks for one
    } else if (this.#phase === "open" && letter === "n") {
      this.#again(fields[0]);
    } else if (this.#phase === "open" && letter === "u") {
      this.#tell("unnumbered", { data: payload });
    } else if (this.#phase === "open" && letter === "i" && !this.#due.includes("alive")) {
      this.#due.push("alive");
    }
    this.#pump();
  }

  #welcome(received, seen, messages, bytes, grace) {
    const link = this.#link;
    const resumed = this.#welcomed;
    Object.assign(link, { theirs: { messages, bytes }, outBytes: 0, inSizes: [], inBytes: 0, ackDue: null, rewinds: 0 });
    if (received < this.#acked || seen > this.#sent) {
      this.#phase = "ending";
      Object.assign(link, { ends: "diverged", nextOut: this.#sent + 1 });
      this.#due = ["bye diverged"];
      return;
    }
    this.#welcomed = true;
    this.#phase = "open";
    this.#openedAt = this.#now();
    this.#acknowledge(received);
    link.nextOut = this.#acked + 1;
    this.#touch();
    this.#tell("open", { resumed, grace });
  }

  #refused(reason, number) {
    if (reason === "stale") {
      if (number < this.#attempt || number === LAST) throw violation("unexpected");
      if (++this.#link.openings > MOST_OPENINGS) throw violation("openings");
      this.#attempt = number + 1;
      this.#due = ["opening"];
      this.#touch();
    } else if (reason === "full") {
      this.#drop(1000);
      this.#ended(1013, "");
    } else {
      this.#finish(reason, reason === "unknown" ? undefined : number, reason !== "ended");
      this.#drop(1000);
    }
  }

  #numbered(letter, fields, payload, size) {
    const { messages, bytes } = this.#options.window;
    const link = this.#link;
    if (this.#phase !== "open" || this.#over) return;
    if (link.nextIn > LAST) throw violation("numbers");
    const outstanding = link.inSizes.push(size);
    link.inBytes += size;
    if (outstanding > messages || (outstanding > 1 && link.inBytes > bytes)) throw violation("window");
    const number = link.nextIn++;
    const pressing = outstanding * 4 >= messages || link.inBytes * 4 >= bytes;
    const due = pressing ? this.#now() : this.#now() + this.#options.ackDelay;
    link.ackDue = Math.min(due, link.ackDue ?? Infinity);
    if (number <= this.#received) return;
    this.#received = number;
    if (letter === "m") {
      const message = { number, data: payload };
      // With effects, the application gets the message once they are stored; otherwise before, and again if the page dies in between.
      if (this.#options.effects) this.#effects.push(message);
      else this.#tell("message", message);
    } else if (letter === "q") {
      const respond = (data) => this.reply(number, data);
      const refuse = (data) => this.reply(number, data, { rejected: true });
      this.#tell("request", { number, data: payload, respond, refuse });
    } else if (letter === "g") {
      this.#tell("gap", { number, count: fields[0] });
    } else {
      const asked = this.#waiting.get(fields[0]);
      this.#waiting.delete(fields[0]);
      if (letter === "y") asked?.resolve(payload);
      else asked?.reject(new SessionError("rejected", "the server has rejected the request", payload));
    }
    this.#touch();
  }

  #acknowledge(number) {
    if (number <= this.#acked) return;
    while (this.#acked < number) {
      const entry = this.#queue.shift();
      this.#acked += 1;
      this.#queuedBytes -= entry.size;
      if (this.#link.nextOut > this.#acked) this.#link.outBytes -= entry.size;
      entry.settle("delivered");
    }
    this.#touch();
    this.#tell("delivered", { upTo: number });
    const { messages, bytes } = this.#options.queue;
    if (this.#roomWanted && this.#queue.length * 2 <= messages && this.#queuedBytes * 2 <= bytes) {
      this.#roomWanted = false;
      this.#tell("room", {});
    }
  }

  /** The server wants messages once more (7). */
  #again(number) {
    const link = this.#link;
    link.rewinds += 1;
    if (number <= this.#acked || number > link.nextOut || link.rewinds > MOST_REWINDS) throw violation("again");
    link.nextOut = number;
    link.outBytes = this.#queue.slice(0, number - this.#acked - 1).reduce((sum, entry) => sum + entry.size, 0);
    this.#due.push(`position ${number}`);
  }

  #bye(number, reason) {
    const link = this.#link;
    link.byeReceived = true;
    if (link.ends !== "diverged") {
      if (number < this.#acked) throw violation("ack-back");
      if (number > this.#sent) throw violation("ack-ahead");
    }
    if (!link.byeSent && !this.#due.some((due) => due.startsWith("bye"))) this.#due.push("bye done");
    this.#due.push("close");
    if (link.ends === "diverged") this.#finish("diverged");
    else this.#finish(this.#phase === "ending" ? "done" : `by the server: ${reason}`, number, reason === "diverged");
  }

  /** The session has ended: the application learns of it when that is stored. */
  #finish(reason, known, beyondIsUnknown = true) {
    if (this.#over) return;
    if (known !== undefined) {
      this.#acknowledge(Math.min(known, this.#sent));
      if (!beyondIsUnknown) this.#sent = this.#acked;
    }
    this.#over = { reason };
    this.#touch();
  }

  #report({ reason }) {
    this.#drop(1000);
    const error = new SessionError("ended", `the session has ended: ${reason}`);
    const failed = this.#queue.splice(0).map((entry) => {
      const status = entry.number <= this.#sent ? "unknown" : "undelivered";
      entry.reject?.(error);
      entry.settle(status);
      return { number: entry.number, status, data: decode(entry.wire) };
    });
    this.#stop(error);
    this.#phase = "ended";
    this.#tell("ended", { reason, failed });
  }
}

/** Keeps a session in memory: it lives through lost connections, but not through a reload. */
export class MemoryStore {
  #kept;

  async load() {
    return this.#kept && structuredClone({ ...this.#kept.state, queue: [...this.#kept.messages] });
  }

  async write(state, added, apply) {
    apply?.(undefined);
    const messages = [...(this.#kept?.messages ?? []), ...added].filter(({ number }) => number > state.acked);
    this.#kept = { state, messages };
  }

  async clear() {
    this.#kept = undefined;
  }
}

const SESSIONS = "sockless-sessions";
const MESSAGES = "sockless-messages";

/** Keeps a session in IndexedDB. Of two pages that write to one session the one that has loaded it last goes on. */
export class IndexedDbStore {
  #name;
  #options;
  #database;
  #owner = Array.from(crypto.getRandomValues(new Uint32Array(2))).join("-");

  /** `open` opens a database of the application's own, in which `createStores` was called; `stores` are those that effects write to. */
  constructor(name, { open, stores = [], durability = "strict" } = {}) {
    this.#name = name;
    this.#options = { open: open ?? openOwn, stores, durability };
  }

  /** To be called while a database of the application's own is made or upgraded. */
  static createStores(database) {
    if (!database.objectStoreNames.contains(SESSIONS)) database.createObjectStore(SESSIONS);
    if (!database.objectStoreNames.contains(MESSAGES)) database.createObjectStore(MESSAGES);
  }

  async load() {
    this.#database = await this.#options.open();
    let found;
    let queue;
    await this.#transact((sessions, messages, _, then) => {
      then(messages.getAll(this.#messagesTo(LAST)), (all) => (queue = all.flat()));
      then(sessions.get(this.#name), (state) => {
        found = state;
        sessions.put({ ...state, owner: this.#owner }, this.#name);
      });
    });
    return found?.id && { ...found, queue: queue.filter(({ number }) => number > found.acked) };
  }

  async write(state, added, apply) {
    await this.#transact((sessions, messages, transaction, then) => {
      then(sessions.get(this.#name), (found) => {
        this.#check(found);
        sessions.put({ ...state, owner: this.#owner }, this.#name);
        // One record, under the last number of its messages: it goes when they all are acknowledged.
        const last = added.at(-1)?.number ?? 0;
        if (last > state.acked) messages.put(added, [this.#name, last]);
        messages.delete(this.#messagesTo(state.acked));
        apply?.(transaction);
      });
    });
  }

  async clear() {
    await this.#transact((sessions, messages, _, then) => {
      then(sessions.get(this.#name), (found) => {
        this.#check(found);
        sessions.put({ owner: this.#owner }, this.#name);
        messages.delete(this.#messagesTo(LAST));
      });
    });
  }

  #check(found) {
    if (found?.owner !== this.#owner) throw new SessionError("superseded", "another page has this session");
  }

  #messagesTo(number) {
    return IDBKeyRange.bound([this.#name, 0], [this.#name, number]);
  }

  /** One transaction. What is thrown inside of it aborts it, and is the reason. */
  #transact(work) {
    return new Promise((resolve, reject) => {
      const { stores, durability } = this.#options;
      const transaction = this.#database.transaction([SESSIONS, MESSAGES, ...stores], "readwrite", { durability });
      let failure;
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(failure ?? transaction.error);
      const then = (request, take) => {
        request.onsuccess = () => {
          try {
            take(request.result);
          } catch (error) {
            failure = error;
            transaction.abort();
          }
        };
      };
      work(transaction.objectStore(SESSIONS), transaction.objectStore(MESSAGES), transaction, then);
    });
  }
}

function openOwn() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("sockless-reliable", 1);
    request.onupgradeneeded = () => IndexedDbStore.createStores(request.result);
    request.onsuccess = () => {
      // A newer version of the application may want to upgrade.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
}

// Messages on the wire (2): strings, or Uint8Arrays.

function violation(word) {
  return new SessionError("violation", word);
}

function sizeOf(wire) {
  if (typeof wire !== "string") return wire.byteLength;
  let size = wire.length;
  for (let at = 0; at < wire.length; at++) {
    const unit = wire.charCodeAt(at);
    if (unit < 0x80) continue;
    // A surrogate pair is two units and four octets.
    const pair = (unit & 0xfc00) === 0xd800 && (wire.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
    size += unit < 0x800 ? 1 : 2;
    if (pair) at += 1;
  }
  return size;
}

function prefix(head, wire) {
  // What `encode` has put there for an ordinary message isn't needed.
  const payload = head !== "" && isEscaped(wire) ? wire.slice(1) : wire;
  if (typeof payload === "string") return DLE + head + payload;
  const octets = new Uint8Array(1 + head.length + payload.byteLength);
  octets.set(new TextEncoder().encode(DLE + head));
  octets.set(payload, 1 + head.length);
  return octets;
}

function isEscaped(wire) {
  return typeof wire === "string" ? wire.startsWith(DLE) : wire[0] === 0x10;
}

function encode(data) {
  let wire = data;
  if (data instanceof ArrayBuffer) wire = new Uint8Array(data.slice(0));
  else if (ArrayBuffer.isView(data)) wire = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  else if (typeof data !== "string") throw new TypeError("a message is a string, an ArrayBuffer or a view of one");
  return isEscaped(wire) ? prefix("", wire) : wire;
}

/** The application's data again. */
function decode(wire) {
  const { payload } = parse(wire);
  return payload ?? wire;
}

const NUMBER = "(0|[1-9][0-9]{0,15})";
const SHORT = {
  w: Array(5).fill(NUMBER).join(" "),
  x: `(unknown|ended|stale|diverged|full) ${NUMBER}`,
  a: NUMBER,
  n: NUMBER,
  p: NUMBER,
  g: NUMBER,
  i: "",
  o: "",
  b: `${NUMBER} (done|diverged)`,
};
for (const letter of Object.keys(SHORT)) SHORT[letter] = new RegExp(`^${SHORT[letter]}$`);

function parse(data) {
  const text = typeof data === "string";
  const wire = text ? data : new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
  const size = sizeOf(wire);
  // Buffers are handed out as they came: as ArrayBuffers.
  const rest = (at) => (text ? wire.slice(at) : at === 0 && data instanceof ArrayBuffer ? data : wire.slice(at).buffer);
  if (!isEscaped(wire)) return { letter: "m", fields: [], payload: rest(0), size };
  const letter = text ? wire[1] : String.fromCharCode(wire[1] ?? 0);
  if (letter === DLE) return { letter: "m", fields: [], payload: rest(1), size };
  if (letter === "q" || letter === "u") return { letter, fields: [], payload: rest(2), size };
  if (letter === "y" || letter === "e") {
    const head = text ? wire.slice(2, 20) : String.fromCharCode(...wire.slice(2, 20));
    const number = /^(0|[1-9][0-9]{0,15}) /.exec(head)?.[1];
    if (number === undefined || Number(number) > LAST) throw violation("malformed");
    return { letter, fields: [Number(number)], payload: rest(3 + number.length), size };
  }
  if (text && (letter === "h" || letter === "r")) throw violation("unexpected");
  const match = text && size <= 128 && Object.hasOwn(SHORT, letter ?? "") && SHORT[letter].exec(wire.slice(2));
  if (!match) throw violation("malformed");
  const fields = match.slice(1).map((field) => (/^[0-9]/.test(field) ? Number(field) : field));
  if (fields.some((field) => field > LAST)) throw violation("malformed");
  if (letter === "w" && (fields[0] > fields[1] || fields[2] === 0 || fields[3] === 0)) throw violation("malformed");
  return { letter, fields, size };
}
