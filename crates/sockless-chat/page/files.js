// Files: up in parts that wait for each other, down in parts that are asked for. It knows the client, and tells its progress.

/** What the server stores together; it is asked for in these steps as well. */
const PART = 64 << 10;
/** How many parts may be on their way. */
const AHEAD = 8;

/** Files that go up, one after the other. */
export class Uploads extends EventTarget {
  #client;
  #queue = [];
  #busy = null;

  constructor(client) {
    super();
    this.#client = client;
    client.addEventListener("upload", ({ detail }) => this.#add(detail));
    client.addEventListener("event", ({ detail }) => {
      if ((detail.ev === "said" || detail.ev === "refused") && detail.key) this.#end(detail);
    });
  }

  #add({ entry, session }) {
    // A new session begins it anew.
    if (this.#queue.some((other) => other.entry.key === entry.key && other.session === session)) return;
    this.#queue = this.#queue.filter((other) => other.entry.key !== entry.key);
    this.#queue.push({ entry, session, number: crypto.getRandomValues(new Uint32Array(1))[0] });
    this.#go();
  }

  async #go() {
    if (this.#busy && this.#queue.includes(this.#busy)) return;
    const upload = (this.#busy = this.#queue[0]);
    if (!upload) return;
    try {
      await this.#send(upload);
    } catch {
      // The session is over; the next one is given the file again.
      this.#queue = this.#queue.filter((other) => other !== upload);
    }
  }

  async #send(upload) {
    const { entry, session, number } = upload;
    const { name, kind, size, blob } = entry.file;
    await session.send(JSON.stringify({ do: "offer", key: entry.key, to: entry.to, name, kind, size, upload: number }));
    const onTheWay = [];
    for (let at = 0; at < size; at += PART) {
      const part = new Uint8Array(await blob.slice(at, at + PART).arrayBuffer());
      const message = new Uint8Array(4 + part.length);
      new DataView(message.buffer).setUint32(0, number);
      message.set(part, 4);
      // It may have been refused, or given up, meanwhile.
      if (!this.#queue.includes(upload)) return;
      const { delivered } = await session.send(message);
      onTheWay.push(delivered.then((fate) => fate === "delivered" && this.#progress(upload, Math.min(at + PART, size))));
      if (onTheWay.length >= AHEAD) await onTheWay.shift();
    }
  }

  #progress(upload, done) {
    // The last part may be acknowledged after the file is stored.
    if (!this.#queue.includes(upload)) return;
    const { entry } = upload;
    this.dispatchEvent(new CustomEvent("progress", { detail: { entry, done, size: entry.file.size } }));
  }

  #end({ key, ev, text }) {
    const upload = this.#queue.find(({ entry }) => entry.key === key);
    if (!upload) return;
    this.#queue = this.#queue.filter((other) => other !== upload);
    this.dispatchEvent(new CustomEvent("end", { detail: { entry: upload.entry, error: ev === "refused" ? text : null } }));
    this.#go();
  }

  /** Gives a file up. */
  cancel(entry) {
    const upload = this.#queue.find((other) => other.entry.key === entry.key);
    if (upload) {
      this.#queue = this.#queue.filter((other) => other !== upload);
      upload.session.send(JSON.stringify({ do: "cancel", upload: upload.number })).catch(() => {});
    }
    this.dispatchEvent(new CustomEvent("end", { detail: { entry, error: null } }));
    this.#go();
  }
}

/** A file of a message, as a blob; `progress` is called with what has come. */
export async function download(client, of, { id, file }, progress) {
  const parts = new Array(Math.ceil(file.size / PART));
  let next = 0;
  let done = 0;
  const fetchSome = async () => {
    while (next < parts.length) {
      const at = next++;
      parts[at] = await client.ask({ do: "fetch", of, id, from: at * PART });
      done += parts[at].length;
      progress(done);
    }
  };
  await Promise.all(Array.from({ length: 4 }, fetchSome));
  if (done !== file.size) throw new Error("The file is incomplete.");
  // A type that a browser would run is of no use for a file that is only saved.
  return new Blob(parts, { type: "application/octet-stream" });
}
