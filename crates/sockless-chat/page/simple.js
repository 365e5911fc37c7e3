// The same rooms with the official client of Socket.IO. Who has signed in on the other page has the cookie.

let after = 0;
const $ = (id) => document.getElementById(id);
const socket = io();
const known = new Set(); // what came again after a loss has another id and the same key
const show = ({ id, from, text, file, key }) => {
  if (id <= after) return;
  after = id;
  if (key && known.has(`${from} ${key}`)) return;
  known.add(`${from} ${key}`);
  const line = document.createElement("li");
  line.textContent = `${from}: ${text || file.name}`;
  $("log").append(line);
};
socket.on("connect", () => socket.emit("do", { do: "hello", after }));
socket.on("disconnect", (reason) => ($("state").textContent = reason));
socket.on("connect_error", (error) => ($("state").textContent = error.message));
socket.on("event", (event) => {
  if (event.ev === "welcome") $("state").textContent = `Connected as ${event.you}`;
  if (event.ev === "message") show(event.message);
  if (event.ev === "messages") event.list.forEach(show);
  if (event.ev === "messages" && event.more) socket.emit("do", { do: "more", after });
  if (event.ev === "incomplete") $("state").textContent = "Some messages may be missing.";
  if (event.ev === "refused") $("state").textContent = event.text;
});
$("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = Array.from(crypto.getRandomValues(new Uint32Array(3))).join("-");
  socket.emit("do", { do: "say", key, to: { room: "lobby" }, text: $("text").value });
  const own = document.createElement("li");
  own.textContent = `me: ${$("text").value}`;
  $("log").append(own);
  $("text").value = "";
});
