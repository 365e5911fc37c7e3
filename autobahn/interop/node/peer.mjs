// The peer on Node's `ws`.
//
//   node peer.mjs client URL PINGING_URL   runs the scenarios against an echo server, the second of which pings soon
//   node peer.mjs server                   serves the paths that the client of this folder asks for
//
// A client prints a line for each scenario: its name, ok or FAILED, and what there is to say, parted by tabs.

import { readFileSync } from "node:fs";
import WebSocket, { WebSocketServer } from "ws";

const LENGTHS = [0, 1, 125, 126, 4096, 65535, 65536, 262144, 1 << 20];
const LARGE = 16 << 20;
const LIMIT = 64 << 20;
const PATIENCE = 60_000;

const deflate = { threshold: 0 };
const options = { perMessageDeflate: deflate, rejectUnauthorized: false, maxPayload: LIMIT };

function bytes(length) {
  const made = Buffer.alloc(length);
  // Half of it is the same over and over, half is not.
  for (let at = 0, state = 1; at < length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    made[at] = at & 64 ? state >>> 24 : at;
  }
  return made;
}

function text(length) {
  const piece = Buffer.from("a grüß 世界 😀 ");
  return piece.toString().repeat(Math.floor(length / piece.length)) + "x".repeat(length % piece.length);
}

function check(holds, why) {
  if (!holds) throw new Error(why);
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing in ${PATIENCE} ms`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// An open client whose events wait until they are asked for.
class Client {
  constructor(url) {
    this.socket = new WebSocket(url, options);
    this.waiting = [];
    this.wanting = [];
    for (const name of ["open", "ping", "pong", "error"]) {
      this.socket.on(name, value => this.tell(name, value));
    }
    this.socket.on("message", (data, binary) => this.tell(binary ? "binary" : "text", data));
    this.socket.on("close", (code, reason) => this.tell("close", { code, reason: reason.toString() }));
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
    const event = this.waiting.shift() ?? new Promise(resolve => this.wanting.push(resolve));
    const [name, value] = await within(Promise.resolve(event), expected);
    check(name === expected, `${expected} was expected, ${name} came: ${value?.message ?? value?.code ?? ""}`);
    return value;
  }

  async echoes(message) {
    this.socket.send(message);
    const back = await this.next(typeof message === "string" ? "text" : "binary");
    check(back.equals(Buffer.from(message)), `${back.length} bytes came back, other than those sent`);
  }

  async close(code) {
    this.socket.close(code, "enough");
    const { code: seen } = await this.next("close");
    check(seen === code, `closed with ${code}, answered with ${seen}`);
    return `${seen}`;
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
  async fragments(url) {
    const client = await Client.open(url);
    for (const length of [3, 1000, 300_000]) {
      for (const binary of [false, true]) {
        // Text is cut inside its code points, too.
        const whole = binary ? bytes(length) : Buffer.from(text(length));
        const third = Math.floor(whole.length / 3);
        client.socket.send(whole.subarray(0, third), { fin: false, binary });
        client.socket.ping("between");
        client.socket.send(whole.subarray(0, 0), { fin: false, binary });
        client.socket.send(whole.subarray(third), { fin: true, binary });
        const pong = await client.next("pong");
        check(pong.toString() === "between", "the pong has another payload");
        const back = await client.next(binary ? "binary" : "text");
        check(back.equals(whole), `fragments of ${length} came back otherwise`);
      }
    }
    await client.close(1000);
  },
  async "client pings"(url) {
    const client = await Client.open(url);
    for (const payload of ["", "x", "y".repeat(125)]) {
      client.socket.ping(payload);
      check((await client.next("pong")).toString() === payload, "the pong has another payload");
    }
    await client.close(1000);
  },
  async "server pings"(_, pinging) {
    const client = await Client.open(pinging);
    await client.next("ping");
    await client.next("ping");
    await client.echoes("still open");
    await client.close(1000);
  },
  async "client closes"(url) {
    const seen = [];
    for (const code of [1000, 3000, 4001]) seen.push(await (await Client.open(url)).close(code));
    const client = await Client.open(url);
    client.socket.close();
    const { code } = await client.next("close");
    check(code === 1005, `closed without a code, answered with ${code}`);
    return [...seen, code].join(" ");
  },
  async killed(url) {
    for (const message of [bytes(LARGE), text(300_000)]) {
      const client = await Client.open(url);
      client.socket.send(message.slice(0, message.length / 2), { fin: false, binary: typeof message !== "string" });
      client.socket.terminate();
    }
    const client = await Client.open(url);
    await client.echoes("still there");
    await client.close(1000);
  },
  async "server closes"(url) {
    const client = await Client.open(url);
    await client.echoes("here");
    console.log("ready");
    const { code } = await client.next("close");
    check(code === 1001, `1001 was expected, ${code} came`);
    return `${code}`;
  },
};

async function runClient(url, pinging) {
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      console.log(`${name}\tok\t${(await scenario(url, pinging)) ?? ""}`);
    } catch (error) {
      console.log(`${name}\tFAILED\t${error.message}`);
    }
  }
}

function runServer() {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: deflate, maxPayload: LIMIT });
  // How the connection before the one to /seen ended.
  let closed;
  const paths = {
    "/echo": socket => socket.on("message", (data, binary) => socket.send(data, { binary })),
    "/fragments": socket =>
      socket.on("message", (data, binary) => {
        const third = Math.floor(data.length / 3);
        socket.send(data.subarray(0, third), { fin: false, binary });
        socket.ping("between");
        socket.send(data.subarray(0, 0), { fin: false, binary });
        socket.send(data.subarray(third), { fin: true, binary });
      }),
    "/ping": socket => {
      socket.on("pong", payload => socket.send(`pong: ${payload}`));
      socket.ping("are you there?");
    },
    "/close": socket => socket.on("message", () => socket.close(4002, "done")),
    "/kill": socket =>
      socket.on("message", data => {
        socket.send(data, { fin: false, binary: true }, () => socket.terminate());
      }),
    "/seen": async socket => socket.send(await closed),
  };
  server.on("connection", (socket, request) => {
    socket.on("error", () => {});
    if (request.url !== "/seen") {
      closed = new Promise(resolve => socket.on("close", (code, reason) => resolve(`${code} ${reason}`)));
    }
    (paths[request.url] ?? (() => socket.close(4004, "no such path")))(socket);
  });
  server.on("listening", () => console.log(`listening ${server.address().port}`));
}

const [role, url, pinging] = process.argv.slice(2);
if (role === "version") {
  const at = new URL("./node_modules/ws/package.json", import.meta.url);
  console.log(`${JSON.parse(readFileSync(at)).version}`);
} else if (role === "client") {
  await runClient(url, pinging);
} else {
  runServer();
}
