// What a session connects with: a WebSocket. Where two in a row have not opened, it may be that none passes here; then the same messages go
// as events of Socket.IO, by polling. It looks like a WebSocket to the session.

/** After how many WebSockets in a row that have not opened polling is tried. */
const TRIES = 2;
const NAMESPACE = "/session,";
const SEPARATOR = "\x1e";

let failed = 0;
let polls = false;

/** Whether the last connection that opened was none of WebSocket. */
export const isPolling = () => polls;

/** Makes a connection. It is called with `new`, as a WebSocket is. */
export function Connection(url, protocols) {
  const socket = failed < TRIES ? webSocket(url, protocols) : null;
  if (!socket) return new Polling(new URL("socket.io/", location.href), () => openOnce(url, protocols));
  failed += 1;
  socket.addEventListener("open", () => {
    failed = 0;
    polls = false;
  });
  return socket;
}

/** A WebSocket, unless the browser itself lets none be made. */
function webSocket(url, protocols) {
  try {
    return new WebSocket(url, protocols);
  } catch {
    return null;
  }
}

/** Whether a WebSocket opens: it is closed at once. */
function openOnce(url, protocols) {
  return new Promise((resolve) => {
    const socket = webSocket(url, protocols);
    if (!socket) return resolve(false);
    socket.onopen = () => {
      socket.close();
      resolve(true);
    };
    socket.onclose = () => resolve(false);
  });
}

/** Engine.IO 4 by polling, Socket.IO 5 on it, and one namespace. */
class Polling {
  onopen = null;
  onmessage = null;
  onclose = null;
  #address;
  #opens;
  #queue = [];
  #posting = false;
  #most = 0; // of a request's body, in UTF-16
  #binary = false; // whether the next packet is what an event has announced
  #open = false;
  #closed = false;
  #stopping = new AbortController();

  constructor(address, opens) {
    this.#address = address;
    this.#address.search = "?EIO=4&transport=polling";
    this.#opens = opens;
    this.#run().catch(() => this.#end(1006, ""));
  }

  send(data) {
    if (typeof data === "string") return this.#say(`42${NAMESPACE}${JSON.stringify(["text", data])}`);
    const event = JSON.stringify(["binary", { _placeholder: true, num: 0 }]);
    this.#say(`451-${NAMESPACE}${event}`, `b${toBase64(data)}`);
  }

  /** Whoever closes it hears no more of it. */
  close() {
    if (this.#closed) return;
    this.onclose = null;
    if (this.#open) this.#say(`41${NAMESPACE}`, "1");
    this.#end(1005, "");
  }

  async #run() {
    const [opening] = await this.#poll();
    const { sid, maxPayload } = JSON.parse(opening.slice(1));
    // What isn't ASCII has up to three octets.
    this.#most = maxPayload / 3;
    this.#address.searchParams.set("sid", sid);
    this.#say(`40${NAMESPACE}`);
    while (!this.#closed) {
      for (const packet of await this.#poll()) this.#take(packet);
    }
  }

  async #poll() {
    const answer = await fetch(this.#address, { cache: "no-store", signal: this.#stopping.signal });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return (await answer.text()).split(SEPARATOR);
  }

  #take(packet) {
    if (this.#closed) return;
    if (this.#binary) {
      this.#binary = false;
      return this.onmessage?.({ data: fromBase64(packet.slice(1)) });
    }
    if (packet === "2") return this.#say("3");
    const [, head] = /^4([0-9]+-?)\/session,/.exec(packet) ?? [];
    const rest = () => JSON.parse(packet.slice(1 + head.length + NAMESPACE.length));
    switch (head) {
      case "0":
        return this.#opened();
      case "2": {
        const [name, first, second] = rest();
        if (name === "text") this.onmessage?.({ data: first });
        else if (name === "close") this.#end(first, second);
        return;
      }
      case "51-":
        this.#binary = true;
        return;
      case "1":
      case "4":
        return this.#end(1006, "");
      default:
        if (packet === "1") this.#end(1006, "");
    }
  }

  async #opened() {
    this.#open = true;
    polls = true;
    this.onopen?.();
    // It may be that the server was away, and that is over.
    if (await this.#opens()) {
      failed = 0;
      this.#say("1");
      this.#end(1001, "");
    }
  }

  #say(...packets) {
    if (this.#closed) return;
    this.#queue.push(...packets);
    if (!this.#posting) this.#post();
  }

  async #post() {
    this.#posting = true;
    try {
      while (this.#queue.length > 0) {
        let count = 1;
        let length = this.#queue[0].length;
        while (count < this.#queue.length && (length += 1 + this.#queue[count].length) <= this.#most) count += 1;
        const body = this.#queue.splice(0, count).join(SEPARATOR);
        const answer = await fetch(this.#address, { method: "POST", body });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
      }
    } catch {
      this.#end(1006, "");
    }
    this.#posting = false;
  }

  #end(code, reason) {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopping.abort();
    // If this way isn't open either, the other one is tried first.
    if (!this.#open) failed = TRIES - 1;
    this.onclose?.({ code, reason });
  }
}

function toBase64(data) {
  const octets = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
  let text = "";
  for (let at = 0; at < octets.length; at += 8192) text += String.fromCharCode(...octets.subarray(at, at + 8192));
  return btoa(text);
}

function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
}
