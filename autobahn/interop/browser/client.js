// The scenarios for a browser, which can neither ping nor send fragments: `run(NAME, URL)`.

const LENGTHS = [0, 1, 125, 126, 4096, 65535, 65536, 262144, 1 << 20];
const LARGE = 16 << 20;
const PATIENCE = 60000;

function bytes(length) {
  const made = new Uint8Array(length);
  // Half of it is the same over and over, half is not.
  for (let at = 0, state = 1; at < length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    made[at] = at & 64 ? state >>> 24 : at;
  }
  return made;
}

function text(length) {
  const piece = "a grüß 世界 😀 ";
  const size = new TextEncoder().encode(piece).length;
  return piece.repeat(Math.floor(length / size)) + "x".repeat(length % size);
}

function check(holds, why) {
  if (!holds) throw new Error(why);
}

// An open client whose events wait until they are asked for.
class Client {
  constructor(url) {
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.waiting = [];
    this.wanting = [];
    this.socket.onopen = () => this.tell("open");
    this.socket.onmessage = event => this.tell("message", event.data);
    this.socket.onclose = event => this.tell("close", { code: event.code, clean: event.wasClean });
  }

  static async open(url) {
    const client = new Client(url);
    await client.next("open");
    return client;
  }

  tell(name, value) {
    const wanting = this.wanting.shift();
    wanting ? wanting([name, value]) : this.waiting.push([name, value]);
  }

  async next(expected) {
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`${expected}: nothing came`)), PATIENCE));
    const event = this.waiting.shift() ?? new Promise(resolve => this.wanting.push(resolve));
    const [name, value] = await Promise.race([event, late]);
    check(name === expected, `${expected} was expected, ${name} came: ${value?.code ?? ""}`);
    return value;
  }

  async echoes(message) {
    this.socket.send(message);
    const back = await this.next("message");
    if (typeof message === "string") {
      check(back === message, `text of ${message.length} characters came back otherwise`);
    } else {
      check(back instanceof ArrayBuffer && back.byteLength === message.length, "not the bytes that were sent");
      const seen = new Uint8Array(back);
      check(message.every((byte, at) => byte === seen[at]), `${message.length} bytes came back otherwise`);
    }
  }

  async closed(code) {
    const seen = await this.next("close");
    check(seen.code === code && seen.clean, `${code} was expected, ${seen.code} came${seen.clean ? "" : ", not clean"}`);
    return `${code}`;
  }

  close(code) {
    this.socket.close(code, "enough");
    return this.closed(code);
  }
}

const scenarios = {
  async text(url) {
    const client = await Client.open(url);
    for (const length of LENGTHS) await client.echoes(text(length));
    await client.close(1000);
    return `extensions: ${client.socket.extensions || "none"}`;
  },
  async binary(url) {
    const client = await Client.open(url);
    for (const length of LENGTHS) await client.echoes(bytes(length));
    await client.close(1000);
  },
  async large(url) {
    const client = await Client.open(url);
    await client.echoes(bytes(LARGE));
    await client.echoes(text(LARGE));
    await client.close(1000);
  },
  // Of pings the page hears nothing: had they not been answered, the server would have closed.
  async "server pings"(url) {
    const client = await Client.open(url);
    await new Promise(resolve => setTimeout(resolve, 3000));
    await client.echoes("still open");
    await client.close(1000);
  },
  async "client closes"(url) {
    const seen = [];
    for (const code of [1000, 3000, 4001]) seen.push(await (await Client.open(url)).close(code));
    const client = await Client.open(url);
    client.socket.close();
    return [...seen, await client.closed(1005)].join(" ");
  },
  // The tab is closed while this is under way.
  async leave(url) {
    const client = await Client.open(url);
    client.socket.send(bytes(LARGE));
  },
  async killed(url) {
    const client = await Client.open(url);
    await client.echoes("still there");
    await client.close(1000);
  },
  async wait(url) {
    globalThis.waiting = await Client.open(url);
    await globalThis.waiting.echoes("here");
  },
  async "server closes"() {
    return await globalThis.waiting.closed(1001);
  },
};

globalThis.run = (name, url) => scenarios[name](url);
