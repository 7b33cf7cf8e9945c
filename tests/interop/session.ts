/**
 * One session of the independent peer: counters, sending, and what it received.
 *
 * @module
 */
import { base64Url, type Bytes, hex, utf8 } from "./bytes.ts";
import type { Established } from "./handshake.ts";
import type { Json } from "./identity.ts";
import { open } from "./identity.ts";
import { Inbox } from "./inbox.ts";
import { type FramePlan, type OpenedFrame, openFrame, sealFrame } from "./session_keys.ts";

/** A node that answers nothing fails its test, and does not hold up the others. */
const HTTP_TIMEOUT_MS = 30_000;

/** An opened frame and how it came. */
export interface Received extends OpenedFrame {
  readonly via: "post" | "channel";
  /** As it came. */
  readonly bytes: Bytes;
}

/** The status and JSON of an answer. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

async function exchange(url: string, init: RequestInit): Promise<Answered> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), HTTP_TIMEOUT_MS);
  try {
    const response = await fetch(url, { ...init, signal: timeout.signal, redirect: "manual" });
    return { status: response.status, headers: response.headers, body: await response.json() };
  } finally {
    clearTimeout(timer);
  }
}

/** Posts JSON, or text as it is. @throws {DOMException} When no whole answer came in time. */
export async function postJson(url: string, body: unknown, headers = {}): Promise<Answered> {
  return await exchange(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

export async function getJson(url: string): Promise<Answered> {
  return await exchange(url, {});
}

export class Session {
  readonly keys: Established;
  readonly frames: Inbox<Received>;
  /** Every frame that opened, repeats too, as it came. */
  readonly arrivals: Inbox<Bytes>;
  /** Whether it sends no hello and no acknowledgement by itself. */
  isSilent = false;
  #counter = 0;
  #step = 0;
  #seen = new Set<number>();
  #channel: WebSocket | null = null;

  constructor(keys: Established, name: string) {
    this.keys = keys;
    this.frames = new Inbox(name);
    this.arrivals = new Inbox(`what came on ${name}`);
  }

  get idHex(): string {
    return hex(this.keys.sessionId);
  }

  /** Seals a frame under the next counter unless the plan has one. */
  seal(plan: FramePlan): Bytes {
    const direction = {
      chain0: this.keys.sending,
      method: this.keys.method,
      sessionId: this.keys.sessionId,
    };
    return sealFrame(direction, { counter: this.#counter++, step: this.#step, ...plan });
  }

  /** Later frames are sealed at this step. */
  stepTo(step: number): void {
    this.#step = step;
  }

  /** Sends what follows on this channel. */
  useChannel(channel: WebSocket | null): void {
    this.#channel = channel;
  }

  /** Sends a sealed frame by POST. */
  async post(frame: Bytes, sessionId = base64Url(this.keys.sessionId)): Promise<Answered> {
    return await this.#postTo("/p2p/message", { session_id: sessionId, data: base64Url(frame) });
  }

  async #postTo(path: string, body: Json): Promise<Answered> {
    return await postJson(`${open("record", this.keys.peerRecord).api_url}${path}`, body);
  }

  /** Posts a sealed call to a path of its own. */
  async postCall(frame: Bytes, path: string): Promise<Answered> {
    const session_id = base64Url(this.keys.sessionId);
    return await this.#postTo(path, { session_id, data: base64Url(frame) });
  }

  /** Opens a frame that came inside an answer. */
  openFrame(frame: Bytes): OpenedFrame {
    return openFrame({ chain0: this.keys.receiving, method: this.keys.method }, frame);
  }

  async send(plan: FramePlan): Promise<void> {
    const frame = this.seal(plan);
    if (this.#channel !== null) return this.#channel.send(frame);
    await this.post(frame);
  }

  sendText(id: string, text: string): FramePlan {
    return { header: { type: "messaging.text", id, sent_at: Date.now() }, body: utf8(text) };
  }

  /** Opens what came; answers hellos and acknowledges. @throws {Error} When it does not open. */
  receive(frame: Bytes, via: "post" | "channel"): void {
    const direction = { chain0: this.keys.receiving, method: this.keys.method };
    const opened = openFrame(direction, frame);
    this.arrivals.push(frame);
    if (this.#seen.has(opened.counter)) return;
    this.#seen.add(opened.counter);
    for (const message of [opened, ...opened.more]) {
      this.frames.push({ ...opened, ...message, via, bytes: frame });
      if (!this.isSilent) this.#answer(message.header);
    }
  }

  #answer({ type, id }: Json): void {
    if (type === "core.hello" && this.keys.role === "b") {
      this.#later({ header: { type: "core.hello" } });
    }
    if (typeof id === "string") {
      this.#later({ header: { type: "core.ack", ids: [id] } });
    }
  }

  /** The next frame of a type. */
  async next(type: string, waitMs?: number): Promise<Received> {
    return await this.frames.take((frame) => frame.header.type === type, waitMs);
  }

  /** Waits until the very same bytes came so many times in all. */
  async cameTimes(bytes: Bytes, times: number): Promise<void> {
    for (let n = 0; n < times; n++) await this.arrivals.take((other) => hex(other) === hex(bytes));
  }

  /** The next acknowledgement of an id. */
  async acknowledged(id: string): Promise<Received> {
    const { frames } = this;
    return await frames.take(({ header }) =>
      header.type === "core.ack" && (header.ids as string[]).includes(id)
    );
  }

  #later(plan: FramePlan): void {
    this.send(plan).catch(() => {});
  }
}
