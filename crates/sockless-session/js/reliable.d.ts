/** The subprotocol's name. */
export const SUBPROTOCOL: "sockless.reliable.v1";

/** What a message is made of: text, or octets. Octets arrive as an `ArrayBuffer`. */
export type Outgoing = string | ArrayBuffer | ArrayBufferView;
export type Incoming = string | ArrayBuffer;

/**
 * - `waiting`: another page has the session, or it is being loaded
 * - `asleep`: without a connection, until the next try
 * - `connecting`, `opening`: a try is being made
 * - `open`: both sides send
 * - `ending`: `end` was called, and the server hasn't confirmed that
 * - `ended`: for good
 * - `closed`: on this page
 */
export type Phase = "waiting" | "asleep" | "connecting" | "opening" | "open" | "ending" | "ended" | "closed";

/** `pending`: never on a connection; `sent`: perhaps; the last two: after the session's end. */
export type Status = "pending" | "sent" | "delivered" | "undelivered" | "unknown";

export interface Sent {
  number: number;
  /** Kept when the server has accepted the message, or the session has ended without that. Never rejected. */
  delivered: Promise<"delivered" | "undelivered" | "unknown">;
}

export interface Message {
  number: number;
  data: Incoming;
}

/** What has to be done in one step with what a session keeps. */
export interface Saved {
  id: string;
  attempt: number;
  welcomed: boolean;
  accepted: number;
  assigned: number;
  acked: number;
}

export interface Queued {
  number: number;
  wire: string | Uint8Array;
}

/** Where a session is kept. */
export interface Store {
  load(): Promise<(Saved & { queue: Queued[] }) | undefined>;
  /** All of it or nothing: the state, the messages that are new, and what `apply` does; messages up to `state.acked` can go. */
  write(state: Saved, added: Queued[], apply?: (transaction: any) => void): Promise<void>;
  clear(): Promise<void>;
}

export interface Options {
  /** Which session of this origin: each name has one. */
  name?: string;
  /** Where it is kept: IndexedDB by default, and memory where there is none. */
  store?: Store;
  /**
   * What the application does with messages, in the transaction that says that they were taken: so it is done once, whatever happens
   * to the page. They are all that have come since the last transaction, in order. It must not wait for anything but that
   * transaction's requests. `message` then says of each that it is done.
   * Without it, `message` comes first: a page that dies before that is stored gets the message again.
   */
  effects?: (messages: Message[], transaction: any) => void;
  /** What the server may have outstanding. */
  window?: { messages?: number; bytes?: number };
  /** What may wait to be sent or acknowledged; beyond it `send` is rejected with `full`, and `room` says when to go on. */
  queue?: { messages?: number; bytes?: number };
  /** How long an ack may be held back, and how long a connection may take to open, in milliseconds. */
  ackDelay?: number;
  opening?: number;
  /** After how much silence the server is probed, and how long its answer may take; `null`: only when the page wakes up. */
  probe?: { interval?: number; timeout?: number } | null;
  /** Delays between tries: drawn evenly from nothing to a limit that doubles from `first` to `cap`, and begins anew after a connection that was `stable`. */
  backoff?: { first?: number; cap?: number; stable?: number; longestAsked?: number };
  /** Takes the session from the page that has it, rather than wait until that page is gone. */
  takeOver?: boolean;
  /** For tests, or other places than pages. */
  WebSocket?: new (url: string, protocols: string[]) => any;
  locks?: any;
  page?: any;
}

export interface SessionEvents {
  /** The session is loaded: it can be asked for numbers and statuses. */
  ready: { resumed: boolean; queued: number };
  /** Another page has it: this one waits until that page is gone. */
  elsewhere: {};
  trying: { failed: number };
  open: { resumed: boolean; grace: number };
  lost: { code: number; reason: string };
  /** The next try follows after `delay` milliseconds. */
  backoff: { delay: number; failed: number; code: number; reason: string };
  /** There will be no other try unless `retryNow` is called: the close code says that it wouldn't help. */
  gaveup: { code: number; reason: string };
  /** Another page or connection has taken the session. */
  superseded: {};
  message: Message;
  unnumbered: { data: Incoming };
  request: Message & { respond(data: Outgoing): Promise<Sent>; refuse(data: Outgoing): Promise<Sent> };
  /** The server has left messages out here. */
  gap: { number: number; count: number };
  delivered: { upTo: number };
  room: {};
  ended: { reason: string; failed: { number: number; status: "undelivered" | "unknown"; data: Incoming }[] };
  /** The store has failed. What was promised is stored; this page can't go on. */
  broken: { error: unknown };
}

export class SessionEvent extends Event {}

export class SessionError extends Error {
  code: "closed" | "ended" | "full" | "numbers" | "rejected" | "superseded" | "store" | "timeout" | "violation";
  /** What the server says with a rejection. */
  data?: Incoming;
}

export class Session extends EventTarget {
  constructor(url: string | URL, options?: Options);
  readonly phase: Phase;
  readonly acked: number;
  readonly assigned: number;
  status(number: number): Status | undefined;
  /** Kept when the message is stored: then it will be sent, once, even if the page is reloaded. */
  send(data: Outgoing): Promise<Sent>;
  request(data: Outgoing, options?: { timeout?: number }): Promise<Incoming>;
  reply(to: number, data: Outgoing, options?: { rejected?: boolean }): Promise<Sent>;
  end(): Promise<void>;
  close(): void;
  retryNow(): void;
  addEventListener<K extends keyof SessionEvents>(
    type: K,
    listener: (event: SessionEvent & SessionEvents[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof SessionEvents>(type: K, listener: (event: SessionEvent & SessionEvents[K]) => void): void;
}

export class MemoryStore implements Store {
  load: Store["load"];
  write: Store["write"];
  clear: Store["clear"];
}

export class IndexedDbStore implements Store {
  constructor(name: string, options?: { open?: () => Promise<IDBDatabase>; stores?: string[]; durability?: "strict" | "relaxed" });
  static createStores(database: IDBDatabase): void;
  load: Store["load"];
  write: Store["write"];
  clear: Store["clear"];
}
