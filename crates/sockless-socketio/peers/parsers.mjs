// Generated and mutated packets, read by this crate's decoders and by the official ones: `parsers.mjs PROGRAM [COUNT [SEED]]`. What the two
// take differently has to be one of the differences that are named here.
import { spawnSync } from "node:child_process";
import { isDeepStrictEqual } from "node:util";
import { Decoder } from "socket.io-parser";
import { decodePayload } from "engine.io-parser";

const [program, count = "6000", seed = "1"] = process.argv.slice(2);

let state = BigInt(seed);
function below(bound) {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return Number((state >> 33n) % BigInt(bound));
}
const pick = (...choices) => choices[below(choices.length)];

function value(depth) {
  const leaf = () => pick(null, true, false, 0, -1, 1.5, 1e21, "", "a", "é\u2028\u{1f600}", "\u0000\"\\/", "_placeholder", below(1e9));
  if (depth === 0 || below(3) === 0) return leaf();
  if (below(2) === 0) return Array.from({ length: below(4) }, () => value(depth - 1));
  return Object.fromEntries(Array.from({ length: below(4) }, () => [pick("a", "b", "", "num", "__proto__x", "é"), value(depth - 1)]));
}

function packet() {
  const type = pick(2, 2, 2, 2, 3, 5, 5, 6, 0, 1, 4);
  const namespace = pick("", "", "/custom,", "/a?b,", "/,");
  const id = type === 3 || type === 6 ? below(1000) : (type === 2 || type === 5) && below(2) ? pick(below(1e6), below(1e6), below(1e6), "90071992547409931") : "";
  const attachments = type > 4 ? 1 + below(3) : 0;
  const data = [value(2), value(2)];
  for (let number = 0; number < attachments; number++) data.push(below(2) ? { _placeholder: true, num: number } : [{ a: { _placeholder: true, num: number } }]);
  if (type === 2 || type === 5) data.unshift(pick("message", "é", "a\"b", 7, "connect", "disconnecting", "newListener"));
  const json = { 0: pick("", '{"token":"a"}'), 1: "", 4: pick('"no"', '{"message":"no"}') }[type] ?? JSON.stringify(data);
  const text = `${type}${attachments ? `${attachments}-` : ""}${namespace}${id}${json}`;
  return [text, ...Array.from({ length: attachments }, () => Array.from({ length: below(4) }, () => below(256)))];
}

const PIECES = ["[", "]", "{", "}", ",", ":", '"', "\\", "-", "/", "0", "1", "9", "é", " ", "\n", "null", "true", "e", ".", "x", "\u0000", '{"_placeholder":true,"num":9}'];

/** A text, of which a little may be changed. */
function mutated(text, pieces) {
  for (let times = pick(0, 1, 1, 2); times > 0; times--) {
    const characters = [...text];
    const at = below(characters.length + 1);
    characters.splice(at, pick(0, 0, 1, 1, 3), ...(below(2) ? [pick(...pieces)] : []));
    text = characters.join("");
  }
  return text;
}

function run(what, cases) {
  const input = cases.map((messages) => JSON.stringify(messages)).join("\n");
  const done = spawnSync(program, [what], { input, maxBuffer: 1 << 28, timeout: 60_000 });
  if (done.status !== 0) throw new Error(`${program} ${what}: ${done.status} ${done.stderr}`);
  const lines = done.stdout.toString().trimEnd().split("\n").map((line) => JSON.parse(line));
  if (lines.length !== cases.length) throw new Error(`${lines.length} answers to ${cases.length} questions`);
  return lines;
}

/** What the reference takes the messages for. */
function socketioReference(messages) {
  const decoder = new Decoder();
  const packets = [];
  decoder.on("decoded", ({ type, nsp, id, data }) => packets.push({ type, nsp, id, data }));
  try {
    for (const message of messages) decoder.add(typeof message === "string" ? message : Buffer.from(message));
  } catch (error) {
    return { packets, refused: error.message };
  }
  return { packets, refused: null };
}

/** The same form for what this crate says. */
function socketioOurs({ packets, refused }) {
  const filled = (data, attachments) => {
    if (data?._placeholder === true && attachments.length > 0) return Buffer.from(attachments[data.num]);
    if (Array.isArray(data)) return data.map((its) => filled(its, attachments));
    if (data !== null && typeof data === "object") return Object.fromEntries(Object.entries(data).map(([key, its]) => [key, filled(its, attachments)]));
    return data;
  };
  const form = ({ type, nsp, id, name, json, attachments = [] }) => {
    let data = json == null ? undefined : filled(JSON.parse(json), attachments);
    return { type, nsp, id: id ?? undefined, name, data };
  };
  return { packets: packets.map(form), refused };
}

/** A name is text here, whatever it was. */
const named = ({ packets, refused }) => ({
  packets: packets.map(({ type, nsp, id, data, name }) =>
    type !== 2 ? { type, nsp, id, data } : name === undefined ? { type, nsp, id, name: String(data?.[0]), data: data?.slice(1) } : { type, nsp, id, name, data },
  ),
  refused: refused !== null,
});

// Where this crate refuses what the reference takes, or takes it for something else, and why that is meant.
const DIFFERENCES = [
  ["nothing is no packet, and white space no type", (text) => /^(\s|$)/.test(text)],
  ["white space is no number", (text) => /^[0-6]?(\d+-)?(\/[^,]*,)?\d*\s/.test(text)],
  ["an event has a name, an acknowledgement arguments", (text) => /^([23]|[56]\d+-)(\/[^,]*(,|$))?\d*$/.test(text)],
  ["an acknowledgement has a number", (text) => /^(3|6\d+-)(\/[^,]*,)?\s*[^\d\s]/.test(text)],
  ["only events and acknowledgements have a number", (text) => /^[014](\/[^,]*,)?\d/.test(text)],
  ["attachments are counted by digits", (text) => /^[56](?!\d+-)/.test(text)],
  ["a number is one that JavaScript can count to", (text) => /^([23]|[56]\d+-)(\/[^,]*,)?\d{16,}/.test(text)],
  ["a number in an event with attachments is no infinite one", (text) => /^[56][^]*\de\+?\d{3}/i.test(text)],
];

const ENGINE_DIFFERENCES = [
  ["what closes, upgrades or does nothing says nothing", (packet) => /^[156]./su.test(packet)],
  ["base64 is written as the document has it", (packet) => packet[0] === "b" && Buffer.from(packet.slice(1), "base64").toString("base64") !== packet.slice(1)],
];

const seen = new Map();
let failed = 0;
function compare(differences, subject, ours, reference, what) {
  if (isDeepStrictEqual(ours, reference)) return;
  const difference = differences.find(([, applies]) => applies(subject));
  if (difference) return seen.set(difference[0], (seen.get(difference[0]) ?? 0) + 1);
  failed += 1;
  if (failed < 10) console.log(JSON.stringify({ what, ours, reference }));
}

const cases = Array.from({ length: Number(count) }, () => {
  const [text, ...attachments] = packet();
  return [mutated(text, PIECES), ...attachments];
});
let taken = 0;
run("socketio", cases).forEach((line, index) => {
  const reference = socketioReference(cases[index]);
  taken += reference.refused === null;
  compare(DIFFERENCES, cases[index][0], named(socketioOurs(line)), named(reference), cases[index]);
});
console.log(`socket.io-parser: ${cases.length} packets, ${taken} of them taken by it`);

const bodies = Array.from({ length: Number(count) }, () => {
  const one = () => pick("4", "4hello", "4é\u2028", `b${Buffer.from([below(256), below(256), 7].slice(below(3))).toString("base64")}`, "2", "2probe", "3", "3probe", "6", "5", "1", '0{"sid":"a"}');
  return [mutated(Array.from({ length: 1 + below(4) }, one).join("\x1e"), ["\x1e", "4", "b", "=", "A", "9", "x", "é", " "])];
});
const engineForm = (packets) =>
  packets.map(({ type, data, bytes }) =>
    type === "error" ? { type } : bytes || Buffer.isBuffer(data) ? { type, bytes: [...(bytes ?? data)] } : { type, data: data || "" },
  );
let whole = 0;
run("engineio", bodies).forEach(([line], index) => {
  const reference = engineForm(decodePayload(bodies[index][0], "nodebuffer"));
  const ours = engineForm(line);
  whole += reference.every(({ type }) => type !== "error");
  const at = ours.findIndex((packet, at) => !isDeepStrictEqual(packet, reference[at]));
  const different = at < 0 ? "" : bodies[index][0].split("\x1e")[at];
  compare(ENGINE_DIFFERENCES, different, ours, reference, bodies[index]);
});
console.log(`engine.io-parser: ${bodies.length} bodies, ${whole} of them taken by it`);

for (const [name, times] of seen) console.log(`  on purpose, ${times} times: ${name}`);
console.log(`${failed} differences that are not on purpose`);
process.exit(failed === 0 ? 0 : 1);
