// What this browser keeps for one user, in one database with the session: messages, what waits to be sent, and marks. It knows the
// events of the server as far as they change what is kept, and nothing of the page.

import { IndexedDbStore } from "./reliable.js";

export const STORES = ["messages", "outbox", "marks"];

/** The name of a place, as a key: what is said to one is kept with the other of the two. */
export function placeOf(message, you) {
  const { room, user } = message.to;
  if (room !== undefined) return `room/${room}`;
  return `user/${user === you ? message.from : user}`;
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class Memory {
  static open(you) {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(`sockless-chat ${you}`, 2);
      request.onupgradeneeded = ({ oldVersion }) => {
        const database = request.result;
        if (oldVersion < 1) {
          IndexedDbStore.createStores(database);
          database.createObjectStore("messages", { keyPath: ["place", "id"] });
          database.createObjectStore("outbox", { keyPath: "order", autoIncrement: true }).createIndex("key", "key");
          database.createObjectStore("marks");
        }
        // Where many servers are one, a message may come again with another id after a loss.
        if (oldVersion < 2) request.transaction.objectStore("messages").createIndex("key", ["from", "key"]);
      };
      request.onsuccess = async () => {
        const memory = new Memory(you, request.result);
        memory.after = (await memory.mark("after")) ?? 0;
        resolve(memory);
      };
      request.onerror = () => reject(request.error);
    });
  }

  constructor(you, database) {
    this.you = you;
    this.database = database;
    this.after = 0;
  }

  /** Where the session is kept. */
  store() {
    return new IndexedDbStore("chat", { open: async () => this.database, stores: STORES });
  }

  /** Does what events change, in the transaction in which they are accepted: once, whatever happens to the page. */
  effects(messages, transaction) {
    for (const { data } of messages) {
      if (typeof data !== "string") continue;
      const event = JSON.parse(data);
      if (event.ev === "message") this.#take([event.message], transaction);
      else if (event.ev === "messages") this.#take(event.list, transaction);
      else if (event.ev === "incomplete") this.#note(event, transaction);
      else if (event.ev === "said") this.#said(event, transaction);
      else if (event.ev === "refused" && event.key && event.error !== "storage") this.#drop(event.key, transaction);
    }
  }

  #take(list, transaction) {
    const messages = transaction.objectStore("messages");
    for (const message of list) {
      this.#putOnce(messages, message);
      this.#moveTo(message.id, transaction);
    }
  }

  #putOnce(messages, message) {
    const put = () => messages.put({ ...message, place: placeOf(message, this.you) });
    if (message.key === undefined) return put();
    messages.index("key").getKey([message.from, message.key]).onsuccess = ({ target }) => target.result ?? put();
  }

  /** Between which ids something may be missing. */
  #note({ after, up_to: upTo }, transaction) {
    const marks = transaction.objectStore("marks");
    marks.get("gaps").onsuccess = ({ target }) => {
      const gaps = target.result ?? [];
      if (!gaps.some(([first, last]) => first === after && last === upTo)) gaps.push([after, upTo]);
      marks.put(gaps.slice(-100), "gaps");
    };
  }

  #moveTo(id, transaction) {
    this.after = Math.max(this.after, id);
    transaction.objectStore("marks").put(this.after, "after");
  }

  #said({ key, id, at, up_to_date: upToDate }, transaction) {
    const outbox = transaction.objectStore("outbox");
    outbox.index("key").get(key).onsuccess = ({ target }) => {
      const found = target.result;
      if (!found) return;
      outbox.delete(found.order);
      const { to, text, file } = found;
      const message = { id, at: at || found.at, from: this.you, to, text, key, file: file && { name: file.name, kind: file.kind, size: file.size } };
      this.#putOnce(transaction.objectStore("messages"), message);
    };
    if (upToDate) this.#moveTo(id, transaction);
  }

  #drop(key, transaction) {
    const outbox = transaction.objectStore("outbox");
    outbox.index("key").getKey(key).onsuccess = ({ target }) => {
      if (target.result !== undefined) outbox.delete(target.result);
    };
  }

  #in(store, mode = "readonly") {
    return this.database.transaction(store, mode, { durability: "strict" }).objectStore(store);
  }

  /** Keeps what is to be said: when this is kept, a reload can't lose it. */
  async put(entry) {
    return done(this.#in("outbox", "readwrite").add(entry));
  }

  async outbox() {
    return done(this.#in("outbox").getAll());
  }

  async drop(order) {
    return done(this.#in("outbox", "readwrite").delete(order));
  }

  /** Keeps what came as history. */
  async keep(list) {
    const messages = this.#in("messages", "readwrite");
    for (const message of list) this.#putOnce(messages, message);
  }

  /** The last messages of a place. */
  async last(place, count) {
    const range = IDBKeyRange.bound([place, 0], [place, Number.MAX_SAFE_INTEGER]);
    const found = [];
    return new Promise((resolve, reject) => {
      const request = this.#in("messages").openCursor(range, "prev");
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (!cursor || found.length === count) return resolve(found.reverse());
        found.push(cursor.value);
        cursor.continue();
      };
    });
  }

  /** How many messages of others each place has after its mark. */
  async unread() {
    const counts = new Map();
    const marks = this.#in("marks");
    const [names, values] = await Promise.all([done(marks.getAllKeys()), done(marks.getAll())]);
    const read = new Map(names.map((name, at) => [name, values[at]]));
    const from = Math.min(...[...read].filter(([name]) => name.startsWith("read ")).map(([, id]) => id), this.after);
    await new Promise((resolve, reject) => {
      const request = this.#in("messages").openCursor();
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (!cursor) return resolve();
        const { place, id, from: who } = cursor.value;
        if (id > from && who !== this.you && id > (read.get(`read ${place}`) ?? 0)) counts.set(place, (counts.get(place) ?? 0) + 1);
        cursor.continue();
      };
    });
    return counts;
  }

  /** All places in which something was said. */
  async places() {
    const places = [];
    return new Promise((resolve, reject) => {
      const store = this.#in("messages");
      const step = (after) => {
        const request = store.openKeyCursor(after && IDBKeyRange.lowerBound([after, Infinity], true));
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          if (!request.result) return resolve(places);
          places.push(request.result.key[0]);
          step(request.result.key[0]);
        };
      };
      step();
    });
  }

  async mark(name, value) {
    if (value === undefined) return done(this.#in("marks").get(name));
    return done(this.#in("marks", "readwrite").put(value, name));
  }

  close() {
    this.database.close();
  }
}
