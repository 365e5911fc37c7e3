// The official server, for our client: node server.mjs [msgpack] PORT. It prints its URL once it listens.
//
// It is run by run.py, in a folder where npm has installed the server.

import { createServer } from "node:http";
import { Server } from "socket.io";

const parser = process.argv[2] === "msgpack" ? { parser: (await import("socket.io-msgpack-parser")).default } : {};
const http = createServer();
const io = new Server(http, {
  pingInterval: 300,
  pingTimeout: 5000,
  maxHttpBufferSize: 100_000,
  ...parser,
  connectionStateRecovery: { maxDisconnectionDuration: 60_000 },
});

io.of("/closed").use((socket, next) => {
  const error = new Error("not you");
  error.data = { code: 7 };
  next(error);
});

function serve(socket) {
  socket.emit("auth", socket.handshake.auth, socket.handshake.query.token);
  socket.on("say", (...args) => socket.emit("said", ...args));
  socket.on("ask", (...args) => args.pop()(...args));
  socket.on("ask me", async (...args) => {
    socket.emit("answered", ...[await socket.timeout(5000).emitWithAck("question", ...args)]);
  });
  socket.on("count", (count) => {
    for (let number = 0; number < count; number += 1) socket.emit("number", number);
  });
  socket.on("leave me", () => socket.disconnect());
  // The connection goes, and what is said meanwhile has to be recovered.
  socket.on("cut me", () => {
    socket.conn.close();
    for (let number = 0; number < 3; number += 1) socket.nsp.emit("missed", number);
  });
}

io.on("connection", serve);
io.of("/news").on("connection", serve);

http.listen(Number(process.argv.at(-1)), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${http.address().port}`);
});
