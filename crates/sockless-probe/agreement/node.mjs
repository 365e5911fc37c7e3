// The testee on Node's `ws`: an echo server, or the client that Autobahn's addresses are for.
//
//   node node.mjs server PORT
//   node node.mjs client ws://HOST:PORT NAME

import { createRequire } from "node:module";

const require = createRequire(process.env.WS_FROM ?? import.meta.url);
const WebSocket = require("ws");

const options = { perMessageDeflate: { threshold: 0 }, maxPayload: 64 << 20, autoPong: true };

function echo(socket) {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
  socket.on("error", () => {});
}

// One connection, to its end: what it was told.
function visit(url, echoes) {
  return new Promise(resolve => {
    const socket = new WebSocket(url, options);
    let told = "";
    socket.on("message", (data, binary) => (echoes ? socket.send(data, { binary }) : (told += data)));
    socket.on("error", () => {});
    socket.on("close", () => resolve(told));
  });
}

if (process.argv[2] === "server") {
  const server = new WebSocket.Server({ ...options, host: "127.0.0.1", port: Number(process.argv[3]) });
  server.on("connection", echo);
} else {
  const [url, name] = process.argv.slice(3);
  const count = Number(await visit(`${url}/getCaseCount`, false));
  for (let number = 1; number <= count; number++) {
    await visit(`${url}/runCase?case=${number}&agent=${name}`, true);
  }
  await visit(`${url}/updateReports?agent=${name}`, false);
}
