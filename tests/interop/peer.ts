/**
 * A node written from DESIGN §3–§6 alone, as far as the tests need one. It shares no code with the
 * real one.
 *
 * @module
 */
import {
  base64Url,
  type Bytes,
  enc,
  hex,
  randomBytes,
  sha256,
  unbase64Url,
  utf8,
} from "./bytes.ts";
import { type HeldHalf, makeRecord, openEnvelope } from "./envelope.ts";
import {
  answerHandshake,
  type Bend,
  type Established,
  type Self,
  startHandshake,
} from "./handshake.ts";
import { Identity, type Json, type NoiseKey, noiseKey, open } from "./identity.ts";
import { Inbox } from "./inbox.ts";
import { LoopbackListener } from "../world/loopback_listener.ts";
import { type Answered, postJson, Session } from "./session.ts";
import type { FramePlan, OpenedFrame } from "./session_keys.ts";

const LIFE_MS = 3_600_000;
/** How long the other end of a channel, a real socket, may take to close it. */
const CLOSE_MS = 1_000;

/** A push that came to `/tokens/receive`. */
export interface Push {
  readonly held: HeldHalf;
  readonly envelope: string;
}

/** A handshake request that came. */
export interface Called {
  readonly text: string;
  /** `null` for a repeat. */
  readonly session: Session | null;
}

/** Whether an object has these members and no others. */
export function hasMembers(object: Json, names: readonly string[]): boolean {
  return Object.keys(object).sort().join() === [...names].sort().join();
}

function json(status: number, body: Json): Response {
  return Response.json(body, { status });
}

export class Peer implements AsyncDisposable {
  readonly name: string;
  readonly identity: Identity;
  key: NoiseKey = noiseKey();
  /** Members its records have besides the usual ones. */
  members: Json = {};
  readonly halves = new Map<string, HeldHalf>();
  readonly sessions = new Map<string, Session>();
  readonly pushes: Inbox<Push>;
  readonly called: Inbox<Called>;
  readonly upgrades: Inbox<WebSocket>;
  readonly newSessions: Inbox<Session>;
  /** The newest record of the directory whose pushes are opened. */
  directory = "";
  /** What befalls the answers of the next handshakes, in order. */
  readonly answerFaults: ("lost" | "spoilt" | "refused")[] = [];
  /** Whether new sessions answer nothing by themselves. */
  isSilent = false;
  acceptsChannels = false;
  /** What answers the sealed calls that come to the paths it has, and those paths. */
  answering: ((call: OpenedFrame) => FramePlan) | null = null;
  callPaths: readonly string[] = [];
  /** Replaces members of the payload of its message 2. */
  message2: Json = {};
  /** Answers `/identity` with these members replaced. */
  identityBend: Json = {};
  #record: string | null = null;
  #seq = 0;
  readonly #answers = new Map<string, Json>();
  readonly #channels = new Set<WebSocket>();
  readonly #listener = new LoopbackListener((request) => this.#handle(request));

  constructor(name: string, options: { seed?: Bytes } = {}) {
    this.name = name;
    this.identity = new Identity(options.seed);
    this.pushes = new Inbox(`the pushes of ${name}`);
    this.called = new Inbox(`the handshakes of ${name}`);
    this.upgrades = new Inbox(`the channels of ${name}`);
    this.newSessions = new Inbox(`the sessions of ${name}`);
  }

  get id(): string {
    return this.identity.id;
  }

  get url(): string {
    return this.#listener.url;
  }

  /** The newest record. */
  get record(): string {
    return this.#record ??= this.sign();
  }

  get self(): Self {
    return { id: this.id, key: this.key, record: this.record };
  }

  /** Signs a new record, which is the newest from then on. */
  sign(members: Json = {}): string {
    this.#seq = Math.max(Date.now(), this.#seq + 1);
    this.#record = makeRecord(this.identity, {
      seq: this.#seq,
      api_url: this.url,
      noise_key: base64Url(this.key.public),
      ...this.members,
      ...members,
    });
    return this.#record;
  }

  proof(method: string, url: string, body: string, bend: Json = {}): string {
    return this.identity.sign("proof", {
      htm: method,
      htu: url,
      iat: Math.floor(Date.now() / 1000),
      jti: base64Url(randomBytes(16)),
      bh: base64Url(sha256(utf8(body))),
      ...bend,
    });
  }

  async register(directoryUrl: string, more: Json = {}): Promise<Answered> {
    const answer = await postJson(`${directoryUrl}/api/v3/nodes/register`, {
      record: this.record,
      ...more,
    });
    if (answer.status === 201) this.directory = String(answer.body.directory);
    return answer;
  }

  /** Asks a directory for a pair with somebody. */
  async ask(directoryUrl: string, target: string, options: { proof?: Json; more?: Json } = {}) {
    const url = `${directoryUrl}/api/v3/tokens/request-connection`;
    const body = JSON.stringify({ target, ...options.more });
    const proof = this.proof("POST", url, body, options.proof);
    return await postJson(url, body, { "openred-proof": proof });
  }

  /** Asks for a pair, and opens the answer's envelope. */
  async askForHalf(directoryUrl: string, target: string): Promise<HeldHalf> {
    const answer = await this.ask(directoryUrl, target);
    if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    this.directory = String(answer.body.directory);
    return this.open(answer.body.envelope);
  }

  open(envelope: unknown): HeldHalf {
    const { directory, id: me, key } = this;
    const held = openEnvelope(envelope, { directory, me, key });
    this.halves.set(hex(held.half.pairId), held);
    return held;
  }

  /** Posts one attempt's body. */
  async postHandshake(held: HeldHalf, body: unknown): Promise<Answered> {
    return await postJson(`${open("record", held.peerRecord).api_url}/p2p/handshake`, body);
  }

  /** A handshake that must succeed; the session is not confirmed yet. */
  async call(held: HeldHalf, bend: Bend = {}): Promise<Session> {
    const attempt = startHandshake(held, this.self, bend);
    const answer = await this.postHandshake(held, attempt.body);
    if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    return this.adopt(attempt.finish(answer.body));
  }

  /** A handshake that must succeed, with hellos both ways. */
  async connect(held: HeldHalf, bend: Bend = {}): Promise<Session> {
    const session = await this.call(held, bend);
    await session.send({ header: { type: "core.hello" } });
    await session.next("core.hello");
    return session;
  }

  adopt(keys: Established): Session {
    const session = new Session(keys, `a session of ${this.name}`);
    session.isSilent = this.isSilent;
    this.sessions.set(session.idHex, session);
    for (const held of keys.standby) this.halves.set(hex(held.half.pairId), held);
    this.newSessions.push(session);
    return session;
  }

  /** Opens a channel to a peer whose first message is `first`. */
  async openChannel(url: string, first: Bytes | string | null): Promise<WebSocket> {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/p2p/channel`);
    this.#watch(socket);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error("The channel did not open"));
    });
    if (first !== null) socket.send(first);
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = [...this.#channels].map((socket) =>
      socket.readyState === WebSocket.CLOSED ? null : new Promise((resolve) => {
        socket.addEventListener("close", resolve);
        socket.close();
      })
    );
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS);
    await Promise.race([Promise.all(closed), late]);
    clearTimeout(timer);
    await this.#listener[Symbol.asyncDispose]();
  }

  #watch(socket: WebSocket): void {
    socket.binaryType = "arraybuffer";
    this.#channels.add(socket);
    socket.addEventListener("close", () => this.#channels.delete(socket));
    socket.addEventListener("message", ({ data }) => {
      if (data instanceof ArrayBuffer) this.#take(new Uint8Array(data), "channel");
    });
  }

  #take(frame: Bytes, via: "post" | "channel"): 200 | 403 | 404 {
    const session = this.sessions.get(hex(frame.slice(1, 17)));
    if (session === undefined) return 404;
    try {
      session.receive(frame, via);
      return 200;
    } catch {
      return 403;
    }
  }

  async #handle(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/identity") return this.#identify(searchParams);
    if (pathname === "/p2p/channel") return this.#upgrade(request);
    const text = await request.text();
    const body: Json = JSON.parse(text);
    if (pathname === "/tokens/receive") return this.#receive(body);
    if (pathname === "/p2p/handshake") return this.#answer(text, body);
    if (pathname === "/p2p/message" || this.callPaths.includes(pathname)) {
      const frame = unbase64Url(body.data);
      const isOfForm = hasMembers(body, ["data", "session_id"]) &&
        base64Url(frame.slice(1, 17)) === body.session_id;
      if (!isOfForm) return json(400, { code: "bad_request" });
      const status = this.#take(frame, "post");
      if (status === 200) return json(200, { received: true, ...this.#answerOf(pathname, frame) });
      return json(status, { code: status === 404 ? "session_unknown" : "frame_rejected" });
    }
    return json(404, {});
  }

  /** What the answer to a POST of a sealed call has besides. */
  #answerOf(path: string, frame: Bytes): Json {
    if (path === "/p2p/message" || this.answering === null) return {};
    const session = this.sessions.get(hex(frame.slice(1, 17)))!;
    return { data: base64Url(session.seal(this.answering(session.openFrame(frame)))) };
  }

  #upgrade(request: Request): Response {
    if (!this.acceptsChannels) return json(404, {});
    const { socket, response } = Deno.upgradeWebSocket(request);
    this.#watch(socket);
    this.upgrades.push(socket);
    return response;
  }

  #identify(query: URLSearchParams): Response {
    const isOfForm = /^[A-Za-z0-9_-]{21}[AQgw]$/.test(query.get("nonce") ?? "") &&
      [...query.keys()].sort().join() === "directory,nonce";
    if (!isOfForm) return json(400, { code: "bad_request" });
    const identity = this.identity.sign("identity", {
      v: 3,
      aud: query.get("directory"),
      nonce: query.get("nonce"),
      api_url: this.url,
      noise_key: base64Url(this.key.public),
      iat: Math.floor(Date.now() / 1000),
      ...this.identityBend,
    });
    return json(200, { record: this.record, identity });
  }

  #receive(body: Json): Response {
    try {
      if (!hasMembers(body, ["directory", "envelope"])) throw new Error("Not of the form");
      const held = this.open(body.envelope);
      this.pushes.push({ held, envelope: String(body.envelope) });
      return json(200, { received: true });
    } catch {
      return json(403, { code: "envelope_refused" });
    }
  }

  #answer(text: string, body: Json): Response {
    const key = hex(sha256(enc(
      String(body.suite),
      unbase64Url(body.pair_id),
      unbase64Url(body.noise),
    )));
    let answer = this.#answers.get(key);
    let session: Session | null = null;
    if (answer === undefined) {
      const held = this.halves.get(hex(unbase64Url(body.pair_id)));
      if (held === undefined) return json(403, { code: "handshake_rejected" });
      const made = answerHandshake(held, this.self, {
        body,
        lifeMs: LIFE_MS,
        method: "gamma",
        nowMs: Date.now(),
        payload: this.message2,
      });
      answer = made.answer;
      this.#answers.set(key, answer);
      session = this.adopt(made.established);
    }
    this.called.push({ text, session });
    const fault = this.answerFaults.shift();
    if (fault === "lost") return json(502, {});
    if (fault === "spoilt") return json(200, { ...answer, noise: base64Url(randomBytes(400)) });
    if (fault === "refused") return json(403, { code: "handshake_rejected" });
    return json(200, answer);
  }
}
