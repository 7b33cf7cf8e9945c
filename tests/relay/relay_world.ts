/**
 * A relay over fakes: WebSockets in memory, virtual time, and nodes that a test drives frame by frame.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { decodeUtf8, encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { Channel, ChannelListener } from "../../ports/ports.ts";
import { unverifiedPayload } from "../../protocol/jws.ts";
import {
  decodeRelayFrame,
  encodeRelayClose,
  encodeRelayCredit,
  encodeRelayData,
  encodeRelayOpen,
  encodeRelayWord,
  type RelayFrame,
} from "../../protocol/relay_frames.ts";
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";
import { DEFAULT_RELAY_LIMITS, type RelayConfig, type RelayLimits } from "../../relay/config.ts";
import type { LinkPage } from "../../relay/parts.ts";
import { createRelay, type Relay } from "../../relay/relay.ts";
import { signText, type TestIdentity, testIdentity, verifierOf } from "../protocol/signer.ts";
import { VirtualClock } from "../world/virtual_clock.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { settle } from "../world/settle.ts";
import { until } from "../world/until.ts";

export const RELAY_URL = "https://relay.example";
export const RELAY = testIdentity(100);

/** The relay's end of a WebSocket; the test is the other one. */
export class OtherEnd implements Channel {
  bufferedBytes = 0;
  readonly sent: { readonly data: Uint8Array<ArrayBuffer>; readonly isLast: boolean }[] = [];
  closed: number | null = null;
  #listener: ChannelListener | null = null;
  #flushed = Promise.withResolvers<void>();

  listen(listener: ChannelListener): void {
    this.#listener = listener;
  }

  send(data: Uint8Array<ArrayBuffer>, isLast = true): void {
    if (this.closed === null) this.sent.push({ data, isLast });
  }

  flushed(): Promise<void> {
    return this.bufferedBytes === 0 ? Promise.resolve() : this.#flushed.promise;
  }

  /** What waited has left. */
  flush(): void {
    this.bufferedBytes = 0;
    this.#flushed.resolve();
    this.#flushed = Promise.withResolvers();
  }

  close(code: number): void {
    if (this.closed !== null) return;
    this.closed = code;
    this.#listener?.close(code);
  }

  /** The test sends. */
  say(data: Uint8Array<ArrayBuffer> | null, isLast = true): Promise<void> | void {
    return this.#listener?.message(data, isLast);
  }

  /** The test goes. */
  leave(code = 1001): void {
    this.closed ??= code;
    this.#listener?.close(code);
  }
}

/** The test's end of a link, on either side. */
export class LinkEnd {
  readonly socket: OtherEnd;
  #read = 0;

  constructor(socket: OtherEnd) {
    this.socket = socket;
  }

  /** Frames that came since the last time this was asked. */
  news(): RelayFrame[] {
    const frames = this.socket.sent.slice(this.#read).map(({ data }) => decodeRelayFrame(data)!);
    this.#read = this.socket.sent.length;
    return frames;
  }
}

/** A node's end of a link. */
export class LinkedEnd extends LinkEnd {
  readonly identity: TestIdentity;
  readonly #unread: RelayFrame[] = [];

  constructor(identity: TestIdentity, socket: OtherEnd) {
    super(socket);
    this.identity = identity;
  }

  get id(): NodeId {
    return this.identity.id;
  }

  override news(): RelayFrame[] {
    this.#fetch();
    return this.#unread.splice(0);
  }

  #fetch(): void {
    this.#unread.push(...super.news());
  }

  /** The JSON of the newest word of a kind. */
  // deno-lint-ignore no-explicit-any
  word(kind: "hello" | "ready" | "bye"): any {
    const words = this.socket.sent.map(({ data }) => decodeRelayFrame(data)!)
      .filter((frame) => frame.kind === kind);
    const last = words.at(-1);
    return last === undefined || !("body" in last) ? null : JSON.parse(decodeUtf8(last.body));
  }

  /** The head of the next stream that was opened, or `null`. */
  // deno-lint-ignore no-explicit-any
  opened(): { stream: number; head: any } | null {
    this.#fetch();
    const at = this.#unread.findIndex(({ kind }) => kind === "open");
    if (at < 0) return null;
    const [frame] = this.#unread.splice(at, 1) as Extract<RelayFrame, { kind: "open" }>[];
    return { stream: frame!.stream, head: JSON.parse(decodeUtf8(frame!.head)) };
  }

  prove(changes: Record<string, unknown> = {}, instance = 1): void {
    const payload = {
      v: 3,
      iss: this.id,
      aud: RELAY.id,
      nonce: this.word("hello").nonce,
      url: RELAY_URL,
      instance: encodeBase64Url(new Uint8Array(16).fill(instance)),
      iat: 1_790_000_000,
      ...changes,
    };
    this.proveBy(signText(this.identity, payload, { typ: "openred-relay+jwt" }));
  }

  proveBy(text: string): void {
    this.socket.say(encodeRelayWord("proof", encodeUtf8(text)));
  }

  answer(
    stream: number,
    { status = 200, length, headers = {} }: {
      status?: number;
      length: number;
      headers?: Record<string, string>;
    },
  ): void {
    const head = JSON.stringify({ status, length, headers });
    this.socket.say(encodeRelayOpen(stream, encodeUtf8(head)));
  }

  data(stream: number, data: Uint8Array, isLast: boolean): void {
    this.socket.say(encodeRelayData(stream, data, isLast));
  }

  credit(stream: number, bytes: number): void {
    this.socket.say(encodeRelayCredit(stream, bytes));
  }

  close(stream: number, code: number): void {
    this.socket.say(encodeRelayClose(stream, code));
  }
}

export interface WorldOptions {
  readonly limits?: Partial<RelayLimits>;
  readonly config?: Partial<RelayConfig>;
  readonly linkPage?: LinkPage | null;
}

export class RelayWorld {
  readonly clock = new VirtualClock(1_790_000_000_000);
  readonly log = new MemoryLog();
  readonly #making: Promise<Relay>;
  #made: Relay | null = null;
  /** @throws {TypeError} Before it is there, which a first request waits for. */
  get relay(): Relay {
    if (this.#made === null) throw new TypeError("The relay is not there yet");
    return this.#made;
  }

  /** What was upgraded, the newest last. */
  readonly upgraded: OtherEnd[] = [];

  constructor({ limits = {}, config = {}, linkPage = null }: WorldOptions = {}) {
    const identities = new Map<string, TestIdentity>();
    for (let seed = 1; seed < 60; seed++) {
      const identity = testIdentity(seed);
      identities.set(identity.id, identity);
    }
    this.#making = createRelay({
      clock: this.clock,
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      crypto: {
        verifyJws: (options) => {
          const { iss } = unverifiedPayload(options.text) as { iss: string };
          return verifierOf(identities.get(iss)!).verifyJws(options);
        },
      },
      upgrader: {
        upgrade: () => {
          const channel = new OtherEnd();
          this.upgraded.push(channel);
          return { response: new Response(null, { status: 101 }), channel };
        },
      },
      log: this.log,
      own: { id: RELAY.id, text: "e30.e30.e30" },
      linkPage,
    }, {
      url: RELAY_URL,
      allowed: null,
      trustedProxies: TrustedProxies.NONE,
      ...config,
      limits: { ...DEFAULT_RELAY_LIMITS, ...limits },
    });
  }

  /** Waits until the relay is there. */
  async ready(): Promise<Relay> {
    return this.#made = await this.#making;
  }

  /** Asks the relay; `path` is written as it stands. */
  async ask(
    path: string,
    options: {
      method?: string;
      body?: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
      headers?: Record<string, string>;
      address?: string;
    } = {},
  ): Promise<Response> {
    const { method = "GET", body, headers = {}, address = "192.0.2.1" } = options;
    const length = body instanceof Uint8Array ? { "content-length": String(body.length) } : {};
    const request = new Request(RELAY_URL, {
      method,
      headers: { ...length, ...headers },
      ...(body === undefined ? {} : { body, duplex: "half" }),
    });
    Object.defineProperty(request, "url", { value: RELAY_URL + path });
    const answer = await (await this.ready()).handle(request, { address });
    if (answer === null) throw new TypeError("The path is none of the relay's");
    return answer;
  }

  /** Opens a link without proving it. */
  async visit(
    seed: number,
    address = "198.51.100.1",
  ): Promise<{ response: Response; end: LinkedEnd }> {
    const response = await this.ask("/relay/v1", { headers: { upgrade: "websocket" }, address });
    return { response, end: new LinkedEnd(testIdentity(seed), this.upgraded.at(-1)!) };
  }

  /** A node with a link. */
  async link(seed: number, options: { instance?: number; address?: string } = {}) {
    const { end } = await this.visit(seed, options.address);
    end.prove({}, options.instance);
    await settle();
    end.news();
    return end;
  }

  /** Asks a node behind the relay for something; the answer is the test's to give. */
  async call(
    node: LinkedEnd,
    target: string,
    options: Parameters<RelayWorld["ask"]>[1] = {},
  ) {
    let isAnswered = false;
    const answer = this.ask(`/r/${node.id}${target}`, options);
    answer.then(() => isAnswered = true, () => isAnswered = true);
    const opened = new Array<NonNullable<ReturnType<LinkedEnd["opened"]>>>();
    await until(() => {
      const next = node.opened();
      if (next !== null) opened.push(next);
      return opened.length > 0 || isAnswered;
    }, "the call to reach its node, or be refused");
    return { answer, stream: opened[0]?.stream ?? 0, head: opened[0]?.head };
  }
}
