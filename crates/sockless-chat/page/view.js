// What is shown. Whatever comes from others becomes text, never markup. It knows elements and values, and neither session nor protocol.

export const $ = (id) => document.getElementById(id);

/** An element with these properties, and these in it. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const EMOJI = "😀 😂 🙂 😉 😍 🤔 😢 😡 👍 👎 👏 🙏 🎉 🔥 ❤️ ✅ ❌ ☕ 🍰 🦀".split(" ");

export function fillEmoji(take) {
  for (const emoji of EMOJI) {
    $("emoji-list").append(make("button", { type: "button", textContent: emoji, ariaLabel: emoji, onclick: () => take(emoji) }));
  }
}

export function showDoor(error = "") {
  $("chat").hidden = true;
  $("door").hidden = false;
  $("login-error").textContent = error;
  $("name").focus();
}

export function showChat(you) {
  $("door").hidden = true;
  $("chat").hidden = false;
  $("you").textContent = you;
}

/** The state line; with a button, if something can be done. */
export function showState(text, bad, action, label) {
  const state = $("state");
  state.replaceChildren(text);
  state.classList.toggle("bad", bad);
  if (action) state.append(" ", make("button", { type: "button", textContent: label, onclick: action }));
}

function showItems(list, items, current, choose) {
  list.replaceChildren(
    ...items.map(({ place, name, unread, online }) => {
      const button = make("button", { type: "button", onclick: () => choose(place) }, make("span", { textContent: name }));
      if (online !== undefined) {
        button.append(make("span", { className: online ? "dot on" : "dot", textContent: online ? "● online" : "○ away" }));
      }
      if (unread) button.append(make("span", { className: "count", textContent: unread, ariaLabel: `${unread} unread` }));
      if (place === current) button.setAttribute("aria-current", "true");
      return make("li", {}, button);
    }),
  );
}

export function showSide({ rooms, people, current }, choose) {
  showItems($("rooms"), rooms, current, choose);
  showItems($("people"), people, current, choose);
}

export function showRoomNames(names) {
  $("all-rooms").replaceChildren(...names.map((name) => make("option", { value: name })));
}

export function showPlace(title, isRoom) {
  $("place").textContent = title;
  $("leave").hidden = !isRoom;
}

function timeOf(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  const text = date.toLocaleString([], today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" });
  return make("time", { dateTime: date.toISOString(), textContent: text });
}

function sizeOf(size) {
  return size < 1024 ? `${size} B` : size < 1 << 20 ? `${(size / 1024).toFixed(0)} KB` : `${(size / (1 << 20)).toFixed(1)} MB`;
}

/** One message. `save` is called for its file. */
function item(message, you, save) {
  if (message.gap) return make("li", { className: "gap", textContent: "Messages may be missing here." });
  const own = message.from === you;
  const line = make("div", {}, make("span", { className: "who", textContent: message.from }), timeOf(message.at));
  const found = make("li", { className: own ? "own" : "" }, line);
  if (message.text) found.append(make("div", { className: "text", textContent: message.text }));
  if (message.file) {
    const { name, size } = message.file;
    const button = make("button", { type: "button", textContent: `📄 ${name}, ${sizeOf(size)}` });
    const bar = make("progress", { max: size, value: 0, hidden: true, ariaLabel: `${name} comes` });
    button.onclick = () => {
      bar.hidden = false;
      save(message, (done) => (bar.value = done)).finally(() => (bar.hidden = true));
    };
    if (message.id === undefined) button.disabled = true;
    found.append(button, bar);
  }
  if (message.id === undefined) {
    found.classList.add("waits");
    line.append(make("span", { className: "dot", textContent: " waits" }));
  } else {
    found.dataset.id = message.id;
  }
  return found;
}

/** All messages of the place, those that wait below. It stays where it was read, or at the end. */
export function showMessages(messages, you, save, stay) {
  const scroll = $("scroll");
  const below = scroll.scrollHeight - scroll.scrollTop;
  const atEnd = below - scroll.clientHeight < 80;
  const known = new Map([...$("log").children].filter((li) => li.dataset.id).map((li) => [li.dataset.id, li]));
  // What is there stays, so that only what is new is read out.
  $("log").replaceChildren(...messages.map((message) => known.get(`${message.id}`) ?? item(message, you, save)));
  if (stay) scroll.scrollTop = scroll.scrollHeight - below;
  else if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

export function clearMessages() {
  $("log").replaceChildren();
}

export function showOlder(text) {
  $("older").hidden = !text;
  $("older").textContent = text;
}

export function showFound(list, you, save) {
  $("found").hidden = !list;
  $("scroll").hidden = Boolean(list);
  if (!list) return;
  $("found-list").replaceChildren(...list.map((message) => item(message, you, save)));
  if (!list.length) $("found-list").append(make("li", { textContent: "Nothing was found." }));
  $("found-close").focus();
}

export function showTyping(names) {
  $("typing").textContent = names.length ? `${names.join(", ")} ${names.length > 1 ? "are" : "is"} writing…` : "";
}

export function showUpload({ key, file }, done, cancel) {
  const id = `upload-${key}`;
  let row = $(id);
  if (!row) {
    const bar = make("progress", { max: file.size, value: 0, ariaLabel: `${file.name} goes` });
    row = make("div", { id }, file.name, " ", bar, " ", make("button", { type: "button", textContent: "Cancel", onclick: cancel }));
    $("uploads").append(row);
  }
  row.querySelector("progress").value = done;
}

export function hideUpload(key) {
  $(`upload-${key}`)?.remove();
}

export function showTitle(unread) {
  document.title = unread ? `(${unread}) Sockless chat` : "Sockless chat";
}

/** Saves a blob under a name. */
export function saveAs(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
