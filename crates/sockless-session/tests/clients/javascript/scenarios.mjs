// What the client for browsers has to do, wherever it runs: each scenario gets what it needs and throws if something is wrong. What
// the server does with messages is written in `server/application.rs`.
//
// `make(path, options)` makes a session against the server; `store()` makes a store for it, whose `again()` is what a reloaded page opens.

// For machines that are busy with something else.
const PATIENCE = 240_000;

function assert(condition, ...shown) {
  if (!condition) throw new Error(shown.map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(" "));
}

export function sleep(time) {
  return new Promise((resolve) => setTimeout(resolve, time));
}

/** The next event of a type that fits. */
export function next(session, type, fits = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no "${type}" in ${PATIENCE} ms; the phase is ${session.phase}`)), PATIENCE);
    const listener = (event) => {
      if (!fits(event)) return;
      clearTimeout(timer);
      session.removeEventListener(type, listener);
      resolve(event);
    };
    session.addEventListener(type, listener);
  });
}

/** All events of a type, as they come. */
function all(session, type) {
  const events = [];
  session.addEventListener(type, (event) => events.push(event));
  return events;
}

async function until(condition, what) {
  const limit = performance.now() + PATIENCE;
  while (!condition()) {
    assert(performance.now() < limit, `not in ${PATIENCE} ms:`, what);
    await sleep(5);
  }
}

function text(data) {
  return typeof data === "string" ? data : `octets ${new Uint8Array(data)}`;
}

/** Everything that the protocol can carry. */
export async function conversation({ make, store }) {
  const session = make("/", { store: store() });
  const messages = all(session, "message");
  const [gaps, unnumbered] = [all(session, "gap"), all(session, "unnumbered")];
  const sent = ["one", new Uint8Array([0, 1]), "\x10three", new Uint8Array([16]), "", "fünf 😀", new Uint8Array(200_000).buffer];
  const promises = sent.map((data) => session.send(data));
  const first = await promises[0];
  assert(first.number === 1 && ["pending", "sent", "delivered"].includes(session.status(1)), session.status(1));
  assert((await first.delivered) === "delivered" && session.status(1) === "delivered", "delivered");
  await until(() => messages.length === sent.length, "echoes");
  for (const [at, data] of sent.entries()) {
    const wanted = typeof data === "string" ? data : data.buffer ?? data;
    assert(text(messages[at].data) === text(wanted), "an echo differs:", at);
  }
  assert((await session.request("sum")) === "SUM", "a reply");
  assert((await session.request("\x10dle")) === "\x10DLE", "a reply that begins with DLE");
  const refused = await session.request("fail").catch((error) => error);
  assert(refused.code === "rejected" && refused.data === "no", refused.code);
  const late = await session.request("wait", { timeout: 50 }).catch((error) => error);
  assert(late.code === "timeout", late.code);
  const asked = next(session, "request");
  await session.send("!gap");
  await session.send("!tick");
  await session.send("!again");
  await session.send("!ask");
  (await asked).respond("that");
  await until(() => messages.some(({ data }) => data === "answered: that"), "an answer");
  assert(gaps.length === 1 && gaps[0].count === 3, "a gap");
  assert(unnumbered.length === 1 && unnumbered[0].data === "tick", "an unnumbered message");
  assert(messages.filter(({ data }) => data === "!again").length === 1, "wanted again, and taken once");
  const ended = next(session, "ended");
  await until(() => session.acked === session.assigned, "acks");
  await session.end();
  assert((await ended).reason === "done" && (await ended).failed.length === 0, "the end");
  const after = await session.send("late").catch((error) => error);
  assert(after.code === "closed" || after.code === "ended", after.code);
}

/** The wires are cut at any octet: each message and each echo arrives once, in order. */
export async function cuts({ make, store }) {
  const session = make("/cut/900", { store: store(), window: { messages: 16, bytes: 4096 }, queue: { messages: 30 } });
  const [messages, opens, waits] = [all(session, "message"), all(session, "open"), all(session, "backoff")];
  const total = 200;
  for (let number = 0; number < total; number++) {
    for (;;) {
      const refused = await session.send(`message ${number}${".".repeat(number % 7 ? 0 : 300)}`).then(() => null, (error) => error);
      if (!refused) break;
      assert(refused.code === "full", refused.code);
      await next(session, "room");
    }
  }
  await until(() => messages.length >= total, "echoes");
  const wrong = messages.findIndex(({ data }, at) => data.replace(/\.*$/, "") !== `message ${at}`);
  assert(messages.length === total && wrong === -1, messages.length, wrong);
  assert(opens.length > 8 && opens.slice(1).every((open) => open.resumed), opens.length);
  assert(waits.every(({ delay, failed }) => delay >= 0 && delay <= 20 * 2 ** (failed - 1)), "backoff");
  session.close();
  return `${opens.length} connections`;
}

/** Pages are thrown away at any moment. Nothing whose `send()` was kept is lost, and nothing arrives twice. */
export async function reloads({ make, store }) {
  let kept = store();
  const total = 200;
  const promised = new Set();
  const limit = performance.now() + PATIENCE;
  let [started, lives, session] = [0, 0, null];
  while (promised.size < total || session.acked < session.assigned) {
    lives += 1;
    assert(performance.now() < limit, "no end:", lives, promised.size);
    if (session) kept = kept.again();
    session = make("/cut/4000", { store: kept, window: { messages: 16, bytes: 4096 } });
    const life = { over: false };
    await next(session, "ready");
    // What this page finds stored was taken, whether the page before it learnt of that or not.
    assert(promised.size <= session.assigned, "what was promised is lost:", promised.size, session.assigned);
    started = session.assigned;
    for (let number = 1; number <= started; number++) promised.add(number);
    // It dies after it has come a bit further, or while it tries to.
    const goal = session.acked + Math.random() * 40;
    const until = performance.now() + Math.random() * 2000;
    while (performance.now() < until && session.acked < Math.min(goal, total)) {
      if (started < total && started - session.acked < 20) {
        const number = ++started;
        session.send(`message ${number}`).then(
          (sent) => !life.over && sent.number === number && promised.add(number),
          () => {},
        );
      }
      await sleep(1);
    }
    life.over = true;
    kept.die();
    session.close();
  }
  kept = kept.again();
  session = make("/", { store: kept });
  const counted = next(session, "message", ({ data }) => /^[0-9]+$/.test(data));
  await session.send("!count");
  assert((await counted).data === `${total + 1}`, "the server has taken", (await counted).data);
  session.close();
  return `${lives} pages`;
}

/** The server has forgotten the session: what was sent is unknown, what never was is undelivered. */
export async function forgotten({ make, store }) {
  const session = make("/", { store: store() });
  await (await session.send("one")).delivered;
  const lost = next(session, "lost");
  const ended = next(session, "ended");
  const second = await session.send("!forget");
  await lost;
  const third = await session.send("never sent");
  const { reason, failed } = await ended;
  assert(reason === "unknown", reason);
  assert((await second.delivered) === "unknown" && (await third.delivered) === "undelivered", failed);
  assert(failed[1].data === "never sent" && failed.length === 2, failed);
}

/** The server ends the session, with a connection and without. */
export async function endedByTheServer({ make, store }) {
  let session = make("/", { store: store() });
  let ended = next(session, "ended");
  const last = await session.send("!end");
  assert((await last.delivered) === "delivered" && (await ended).failed.length === 0, "bye");
  session = make("/", { store: store() });
  ended = next(session, "ended");
  const lost = next(session, "lost");
  const asleep = await session.send("!end asleep");
  await lost;
  const late = await session.send("late");
  assert((await ended).reason === "ended", (await ended).reason);
  assert((await asleep.delivered) === "delivered" && (await late.delivered) === "undelivered", "statuses");
}

/** No room is no end; and a server that can't be reached is tried again when the browser is online. */
export async function refusals({ make, store, page }) {
  const kept = store();
  let session = make("/full", { store: kept });
  await session.send("one");
  const { code } = await next(session, "backoff");
  assert(code === 1013, code);
  session.close();
  page.navigator.onLine = false;
  session = make("/", { store: kept.again(), page });
  const trying = all(session, "trying");
  await next(session, "ready");
  await sleep(100);
  assert(trying.length === 0, "tried while offline");
  page.navigator.onLine = true;
  const back = next(session, "message");
  page.dispatchEvent(new Event("online"));
  assert((await back).data === "one", "delivered at last");
  session.close();
}

/** A silent server is probed, and given up. */
export async function silence({ make, store }) {
  const session = make("/silent", { store: store(), probe: { interval: 50, timeout: 100 } });
  assert((await next(session, "lost")).code === 4408, "silent");
  session.close();
}

/** Of two pages with one session the second waits, until the first is gone; one that takes over stops the first. */
export async function tabs({ make, store, locks }) {
  const kept = store();
  const first = make("/", { store: kept, locks });
  await (await first.send("one")).delivered;
  const second = make("/", { store: kept.again(), locks });
  await next(second, "elsewhere");
  const waits = second.send("two");
  assert((await Promise.race([waits, sleep(100).then(() => "waits")])) === "waits", "two pages have one session");
  first.close();
  assert((await waits).number === 2, "the second page goes on");
  const superseded = next(second, "superseded");
  const third = make("/", { store: kept.again(), locks, takeOver: true });
  assert((await third.send("three")).number === 3, "the third page takes over");
  await superseded;
  const refused = await second.send("four").catch((error) => error);
  assert(refused.code === "closed", refused.code);
  third.close();
}

/** Without locks: the page that has loaded the session last goes on, and the other stops. */
export async function tabsWithoutLocks({ make, store }) {
  const kept = store();
  const first = make("/", { store: kept, locks: null });
  await (await first.send("one")).delivered;
  const superseded = next(first, "superseded");
  const second = make("/", { store: kept.again(), locks: null });
  assert((await second.send("two")).number === 2, "the second page goes on");
  first.send("three").catch(() => {});
  await superseded;
  second.close();
}

export const scenarios = { conversation, cuts, reloads, forgotten, endedByTheServer, refusals, silence, tabs, tabsWithoutLocks };
