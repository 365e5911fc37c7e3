// The page: who is here, where one is, and what happens on a key or a click. It joins the client, what is kept, and what is shown.

import { Client } from "./client.js";
import { Uploads, download } from "./files.js";
import { Memory, placeOf } from "./memory.js";
import * as view from "./view.js";

const { $ } = view;

let you, memory, client, uploads;
let current = "room/lobby";
let messages = []; // of the current place
let rooms = new Map(); // name: { members, count }
let online = new Set();
let people = new Set(); // with whom something was said
let unread = new Map();
let locals = new Map(); // by sender and key: heard, and not stored yet
let typing = new Map(); // place: name: until when

const to = (place) => (place.startsWith("room/") ? { room: place.slice(5) } : { user: place.slice(5) });

// Who.

async function begin() {
  // The server says who we are; where it can't be reached, we are who we were.
  const answer = await fetch("me").catch(() => null);
  if (answer?.ok) return enter((await answer.json()).you);
  if (answer?.status === 401 || !localStorage.you) {
    localStorage.removeItem("you");
    return view.showDoor();
  }
  return enter(localStorage.you);
}

async function login(wants) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch("login", { method: "POST", headers, body: JSON.stringify(wants) }).catch(() => null);
  if (!answer) return view.showDoor("The server can't be reached.");
  if (!answer.ok) return view.showDoor(`${await answer.text()}.`);
  return enter((await answer.json()).you);
}

async function enter(name) {
  you = localStorage.you = name;
  memory = await Memory.open(you);
  client = new Client(memory);
  uploads = new Uploads(client);
  client.addEventListener("event", ({ detail }) => take(detail));
  client.addEventListener("state", ({ detail }) => showState(detail));
  uploads.addEventListener("progress", ({ detail }) => view.showUpload(detail.entry, detail.done, () => cancel(detail.entry)));
  uploads.addEventListener("end", ({ detail }) => {
    view.hideUpload(detail.entry.key);
    if (detail.error) view.showState(`${detail.entry.file.name}: ${detail.error}`, true);
  });
  view.showChat(you);
  for (const place of await memory.places()) if (place.startsWith("user/")) people.add(place.slice(5));
  for (const name of (await memory.mark("rooms")) ?? []) rooms.set(name, { members: [], count: 0 });
  unread = await memory.unread();
  current = (await memory.mark("current")) ?? current;
  await choose(current);
  client.start();
}

async function leave() {
  await client.leave();
  memory.close();
  localStorage.removeItem("you");
  await fetch("logout", { method: "POST" }).catch(() => {});
  location.reload();
}

async function showState({ state, polls, delay, code, reason }) {
  const how = polls ? ", without WebSocket, which is blocked here" : "";
  if (state === "connected") view.showState(`Connected${how}`, false);
  else if (state === "resumed") view.showState(`Connected, and nothing was lost${how}`, false);
  else if (state === "connecting") view.showState("Connecting…", false);
  else if (state === "elsewhere") {
    view.showState("This chat is open in another tab.", true, () => client.start({ takeOver: true }), "Use it here");
  } else if (state === "offline") {
    const seconds = Math.max(1, Math.round(delay / 1000));
    view.showState(`Offline: trying again in ${seconds} s. What you write is kept.`, true, () => client.session.retryNow(), "Try now");
    // A connection that was refused says no more than that: it may be the token.
    if (code === 1006) await checkToken();
  } else if (state === "refused") {
    view.showState(`The server has closed the connection: ${reason || code}.`, true, () => client.start(), "Connect");
    await checkToken();
  } else view.showState("This browser can't keep messages; the page can't go on.", true, () => location.reload(), "Reload");
}

async function checkToken() {
  const answer = await fetch("me").catch(() => null);
  if (answer?.status !== 401) return;
  client.stop();
  memory.close();
  view.showDoor("You have been signed out.");
}

// What happens.

async function take(event) {
  switch (event.ev) {
    case "welcome":
      rooms = new Map(event.rooms.map((room) => [room.name, room]));
      online = new Set(event.online);
      memory.mark("rooms", [...rooms.keys()]);
      if (current.startsWith("room/") && !rooms.has(current.slice(5)) && rooms.size) await choose(`room/${[...rooms.keys()][0]}`);
      break;
    case "messages":
      for (const message of event.list) await heard(message);
      break;
    case "message":
      await heard(event.message);
      break;
    case "said":
      await showMessages();
      break;
    case "local":
      locals.set(`${event.message.from}\n${event.message.key}`, { ...event.message, id: undefined });
      await showMessages();
      return;
    case "incomplete":
      view.showState("Some messages were lost between the servers: what may be missing is marked.", true);
      await showMessages();
      return;
    case "alone":
      if (event.alone) view.showState("This server is alone: those who are on it hear you now, all others later.", true);
      else view.showState("Connected, and together with the other servers again", false);
      return;
    case "entered":
      rooms.set(event.room.name, event.room);
      memory.mark("rooms", [...rooms.keys()]);
      break;
    case "joined":
      rooms.get(event.room)?.members.push(event.user);
      if (event.online) online.add(event.user);
      break;
    case "left":
      if (event.user === you) forgetRoom(event.room);
      else if (rooms.has(event.room)) rooms.get(event.room).members = rooms.get(event.room).members.filter((name) => name !== event.user);
      break;
    case "presence":
      if (event.online) online.add(event.user);
      else online.delete(event.user);
      break;
    case "typing":
      noteTyping(placeOf({ to: event.place, from: event.user }, you), event.user, Date.now() + 5000);
      return;
    case "refused":
      if (event.key && event.error !== "storage") {
        view.showState(`Not sent: ${event.text}`, true);
        await showMessages();
      }
      return;
    default:
      return;
  }
  showSide();
}

function forgetRoom(name) {
  rooms.delete(name);
  memory.mark("rooms", [...rooms.keys()]);
}

async function heard(message) {
  const place = placeOf(message, you);
  if (place.startsWith("user/")) people.add(place.slice(5));
  noteTyping(place, message.from, 0);
  locals.delete(`${message.from}\n${message.key}`);
  if (place === current) {
    await showMessages();
    if (document.hasFocus()) return read();
  }
  if (message.from !== you) unread.set(place, (unread.get(place) ?? 0) + 1);
}

function read() {
  unread.delete(current);
  const last = messages.findLast((message) => message.id !== undefined);
  if (last) memory.mark(`read ${current}`, last.id);
  showSide();
}

function noteTyping(place, name, until) {
  if (!typing.has(place)) typing.set(place, new Map());
  typing.get(place).set(name, until);
  showTyping();
  if (until) setTimeout(showTyping, until - Date.now() + 50);
}

function showTyping() {
  const here = [...(typing.get(current) ?? [])].filter(([, until]) => until > Date.now());
  view.showTyping(here.map(([name]) => name));
}

function showSide() {
  const shown = new Set([...people, ...[...rooms.values()].flatMap((room) => room.members)]);
  shown.delete(you);
  const sorted = [...shown].sort((a, b) => online.has(b) - online.has(a) || a.localeCompare(b));
  view.showSide(
    {
      rooms: [...rooms.keys()].map((name) => ({ place: `room/${name}`, name, unread: unread.get(`room/${name}`) })),
      people: sorted.map((name) => ({ place: `user/${name}`, name, unread: unread.get(`user/${name}`), online: online.has(name) })),
      current,
    },
    choose,
  );
  view.showTitle([...unread.values()].reduce((sum, count) => sum + count, 0));
}

let shownCount = 100;

async function showMessages(stay = false) {
  const place = current;
  const [kept, waiting] = [await memory.last(place, shownCount), await memory.outbox()];
  const gaps = (await memory.mark("gaps")) ?? [];
  if (place !== current) return;
  const heardHere = [...locals.values()].filter((message) => placeOf(message, you) === place);
  const outbox = waiting.filter((entry) => placeOf({ to: entry.to, from: you }, you) === place);
  for (const [after] of gaps) {
    const at = kept.findIndex((message) => message.id > after);
    if (at > 0) kept.splice(at, 0, { gap: true });
  }
  messages = [...kept, ...heardHere, ...outbox.map(({ text, file, at }) => ({ from: you, text, file, at }))];
  view.showMessages(messages, you, save, stay);
}

async function choose(place) {
  current = place;
  memory.mark("current", place);
  shownCount = 100;
  $("side").classList.remove("open");
  $("menu").ariaExpanded = "false";
  view.showFound(null);
  view.clearMessages();
  view.showPlace(place.startsWith("room/") ? `# ${place.slice(5)}` : place.slice(5), place.startsWith("room/"));
  view.showOlder("Older messages");
  await showMessages();
  $("scroll").scrollTop = $("scroll").scrollHeight;
  showTyping();
  read();
  $("text").focus();
}

async function older() {
  const first = messages.find((message) => message.id !== undefined);
  const before = first?.id ?? Number.MAX_SAFE_INTEGER;
  try {
    const answer = await client.ask({ do: "history", of: to(current), before });
    await memory.keep(answer.list);
    shownCount += answer.list.length;
    await showMessages(true);
    if (answer.before === null) view.showOlder("");
  } catch (error) {
    view.showState(error.message, true);
  }
}

async function search(words) {
  try {
    const answer = await client.ask({ do: "search", of: to(current), words, before: Number.MAX_SAFE_INTEGER });
    view.showFound(answer.list, you, save);
  } catch (error) {
    view.showState(error.message, true);
  }
}

async function save(message, progress) {
  try {
    view.saveAs(await download(client, to(current), message, progress), message.file.name);
  } catch (error) {
    view.showState(error.message, true);
  }
}

async function cancel(entry) {
  await memory.drop(entry.order);
  uploads.cancel(entry);
  await showMessages();
}

async function say() {
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  $("text").style.height = "";
  try {
    await client.say(to(current), text);
  } catch {
    $("text").value = text;
    view.showState("It could not be kept, so it was not sent.", true);
  }
  await showMessages();
  $("scroll").scrollTop = $("scroll").scrollHeight;
}

// Keys and clicks.

function on(id, type, listener) {
  $(id).addEventListener(type, listener);
}

function submits(id, listener) {
  on(id, "submit", (event) => {
    event.preventDefault();
    listener();
  });
}

submits("login", () => login($("token").value ? { token: $("token").value.trim() } : { name: $("name").value.trim() }));
submits("compose", say);
submits("search", () => ($("words").value.trim() ? search($("words").value) : view.showFound(null)));
submits("join", async () => {
  const room = $("room").value.trim();
  if (!room) return;
  try {
    await client.ask({ do: "join", room });
    $("room").value = "";
    await choose(`room/${room}`);
  } catch (error) {
    view.showState(error.message, true);
  }
});
on("room", "focus", async () => {
  // Without an answer there are no suggestions, and a name can be written all the same.
  const answer = await client.ask({ do: "rooms" }).catch(() => ({ list: [] }));
  view.showRoomNames(answer.list.map(({ name }) => name));
});
on("leave", "click", async () => {
  try {
    await client.ask({ do: "leave", room: current.slice(5) });
    await choose(rooms.size ? `room/${[...rooms.keys()][0]}` : `user/${you}`);
  } catch (error) {
    view.showState(error.message, true);
  }
});
on("logout", "click", leave);
on("older", "click", older);
on("found-close", "click", () => view.showFound(null));
on("menu", "click", () => ($("menu").ariaExpanded = `${$("side").classList.toggle("open")}`));
on("attach", "click", () => $("file").click());
on("file", "change", async () => {
  const [file] = $("file").files;
  $("file").value = "";
  if (!file) return;
  await client.sendFile(to(current), file);
  await showMessages();
});
on("text", "input", () => {
  $("text").style.height = "auto";
  $("text").style.height = `${$("text").scrollHeight}px`;
  if ($("text").value) client.typing(to(current));
});
on("text", "keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    view.showFound(null);
    $("side").classList.remove("open");
  } else if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    $("words").focus();
  } else if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    event.preventDefault();
    const places = [...rooms.keys()].map((name) => `room/${name}`).concat([...people].map((name) => `user/${name}`));
    const step = event.key === "ArrowUp" ? -1 : 1;
    choose(places[(places.indexOf(current) + step + places.length) % places.length]);
  }
});
window.addEventListener("focus", () => memory && read());
view.fillEmoji((emoji) => {
  $("text").setRangeText(emoji, $("text").selectionStart, $("text").selectionEnd, "end");
  $("emoji").open = false;
  $("text").focus();
});

// The page is kept for when the server can't be reached.
if (navigator.serviceWorker) {
  const policy = window.trustedTypes?.createPolicy("chat", { createScriptURL: () => "offline.js" });
  navigator.serviceWorker.register(policy ? policy.createScriptURL("") : "offline.js").catch(() => {});
}

begin();
