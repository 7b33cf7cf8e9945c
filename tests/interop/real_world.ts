/**
 * The real system on loopback: a directory and nodes from the factories of the binaries, with real
 * ports, each on its own socket.
 *
 * @module
 */
import { LocalCryptoCore } from "../../crypto/core.ts";
import { DEFAULT_LEASE_MS, DEFAULT_LIMITS } from "../../directory/config.ts";
import { createDirectory, type Directory } from "../../directory/service.ts";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import { type NodeConfig } from "../../peer/config.ts";
import { NODE_DEFAULTS } from "../../protocol/node_settings.ts";
import { createNode, type Node } from "../../peer/node.ts";
import type { Clock, Log } from "../../ports/ports.ts";
import {
  createOpenDatabase,
  openFiles,
  systemChannelUpgrader,
  systemClock,
  systemHttpClient,
  systemRandom,
  systemResolver,
} from "../../ports/system.ts";
import type {
  IdView,
  InboxView,
  NodeEvent,
  SentView,
  SessionView,
  StatusView,
} from "../../protocol/admin_api.ts";
import { Inbox } from "./inbox.ts";
import { LoopbackListener } from "./loopback_listener.ts";
import { NodeListener } from "./node_listener.ts";

const KEYSTORE_COST = { memoryKiB: 64, passes: 1 };
const ADMIN_TOKEN = "interop-admin-token";
/** Proofs of the second a directory starts in are refused, so its clock starts earlier than ours. */
const EARLIER_START_MS = 3_000;

/** A clock a test can shift: wall clock and monotonic clock apart; timers run in real time or faster. */
export class ShiftedClock implements Clock {
  wallMs = 0;
  spanMs = 0;
  nowMs = (): number => systemClock.nowMs() + this.wallMs;
  monotonicMs = (): number => systemClock.monotonicMs() + this.spanMs;
  /** What the delay of a timer is multiplied with. */
  timerScale = 1;
  setTimer: Clock["setTimer"] = (delayMs, callback) =>
    systemClock.setTimer(delayMs * this.timerScale, callback);
}

class LineLog implements Log {
  readonly lines: string[] = [];
  log: Log["log"] = (level, event, fields) => {
    this.lines.push(`${level} ${event} ${JSON.stringify(fields ?? {})}`);
  };
}

/** The real directory. */
export class RealDirectory implements AsyncDisposable {
  readonly log = new LineLog();
  readonly clock = new ShiftedClock();
  readonly #listener = new LoopbackListener();
  readonly #data = Deno.makeTempDirSync();
  #core: LocalCryptoCore | null = null;
  #directory: Directory | null = null;

  get url(): string {
    return this.#listener.url;
  }

  get id(): string {
    return this.#directory!.id;
  }

  async start(): Promise<this> {
    const { clock, log } = this;
    this.#core = await LocalCryptoCore.create();
    clock.wallMs = -EARLIER_START_MS;
    const directory = createDirectory({
      clock,
      log,
      random: systemRandom,
      http: systemHttpClient,
      resolver: systemResolver,
      files: openFiles(this.#data),
      store: new SqliteStore(createOpenDatabase(this.#data), clock),
      crypto: this.#core,
    }, {
      url: this.url,
      version: "interop",
      leaseMs: DEFAULT_LEASE_MS,
      rotation: { kind: "hourly" },
      allowPrivate: true,
      limits: { ...DEFAULT_LIMITS, identityPerMinute: 0 },
      keystoreCost: KEYSTORE_COST,
    });
    this.#directory = directory;
    await directory.start();
    clock.wallMs = 0;
    this.#listener.handler = (request, address) => directory.handle(request, { address });
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
    await this.#directory?.stop();
    await this.#core?.stop();
    Deno.removeSync(this.#data, { recursive: true });
  }
}

/** A real node. */
export class RealNode implements AsyncDisposable {
  readonly log = new LineLog();
  readonly clock = new ShiftedClock();
  readonly events = new Inbox<NodeEvent>("the node's events");
  readonly #listener = new NodeListener();
  readonly #data = Deno.makeTempDirSync();
  #core: LocalCryptoCore | null = null;
  #node: Node | null = null;
  #reading: Promise<void> = Promise.resolve();

  get url(): string {
    return this.#listener.url;
  }

  get id(): string {
    return this.#node!.id;
  }

  async start(config: Partial<NodeConfig> = {}): Promise<this> {
    this.#core = await LocalCryptoCore.create();
    const node = await createNode({
      clock: this.clock,
      log: this.log,
      random: systemRandom,
      http: systemHttpClient,
      resolver: systemResolver,
      crypto: this.#core,
      files: openFiles(this.#data),
      openDatabase: createOpenDatabase(this.#data),
      upgrader: systemChannelUpgrader,
    }, {
      ...NODE_DEFAULTS,
      version: "interop",
      apiUrl: this.url,
      adminToken: ADMIN_TOKEN,
      allowPrivate: true,
      handshakesPerMinute: 10_000,
      keystoreCost: KEYSTORE_COST,
      ...config,
    });
    this.#node = node;
    this.#listener.handler = (request, address) => node.handle(request, { address });
    this.#reading = this.#readEvents(await this.#admin("GET", "/events"));
    await node.start();
    return this;
  }

  /** Ends the node; its data and its socket stay for another `start`. */
  async stop(): Promise<void> {
    this.#listener.handler = () => new Response(null, { status: 503 });
    await this.#node?.stop();
    await this.#reading;
    await this.#core?.stop();
    this.#node = null;
    this.#core = null;
  }

  async registered(directoryUrl: string): Promise<void> {
    await this.events.take((event) =>
      event.type === "registered" && event.directory.startsWith(directoryUrl)
    );
  }

  async identity(): Promise<IdView> {
    return await this.#json("GET", "/id");
  }

  async status(): Promise<StatusView> {
    return await this.#json("GET", "/status");
  }

  async inbox(): Promise<InboxView["messages"]> {
    return (await this.#json<InboxView>("GET", "/inbox?limit=1000")).messages;
  }

  async connect(peer: string, waitMs = 0): Promise<SessionView> {
    return await this.#json("POST", "/connect", { peer, wait_ms: waitMs });
  }

  /** Has the node connect, and waits for nothing. */
  async want(peer: string): Promise<void> {
    await (await this.#admin("POST", "/connect", { peer, wait_ms: 0 })).body?.cancel();
  }

  async send(peer: string, text: string, waitMs = 0): Promise<SentView> {
    return await this.#json("POST", "/messages", { peer, text, wait_ms: waitMs });
  }

  /** The next message that arrives. */
  async message(): Promise<{ id: string; peer: string; text: string }> {
    const event = await this.events.take((event) => event.type === "message");
    if (event.type !== "message") throw new TypeError("Not a message");
    return event.message;
  }

  /** Waits until the status shows something. */
  async until(holds: (status: StatusView) => boolean, what: string): Promise<StatusView> {
    const endMs = performance.now() + 8_000;
    for (;;) {
      const status = await this.status();
      if (holds(status)) return status;
      if (performance.now() > endMs) throw new Error(`Not in time: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#node !== null) await this.stop();
    await this.#listener[Symbol.asyncDispose]();
    Deno.removeSync(this.#data, { recursive: true });
  }

  async #admin(method: string, path: string, body?: unknown): Promise<Response> {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const init = body === undefined ? { method, headers } : {
      method,
      headers,
      body: JSON.stringify(body),
    };
    return await this.#node!.handleAdmin(new Request(`http://admin.invalid/admin/v1${path}`, init));
  }

  async #json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#admin(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  async #readEvents(response: Response): Promise<void> {
    let buffer = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const parts = (buffer + chunk).split("\n\n");
      buffer = parts.pop()!;
      for (const part of parts) {
        const data = part.split("\n").find((line) => line.startsWith("data:"));
        if (data !== undefined) this.events.push(JSON.parse(data.slice("data:".length)));
      }
    }
  }
}
