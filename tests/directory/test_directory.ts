import { DatabaseSync } from "node:sqlite";
import { createHash, randomBytes } from "node:crypto";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { type DirectoryConfig, type DirectoryLimits } from "../../directory/config.ts";
import { createDirectory, type Directory } from "../../directory/service.ts";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import type { DirectoryStore } from "../../directory/stores/store.ts";
import type { Log, Resolver } from "../../ports/ports.ts";
import { createOpenMonitor } from "../../ports/system_monitor.ts";
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";
import { signText } from "../protocol/signer.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { FakeNetwork, FakeNode } from "./fake_nodes.ts";
import { MemoryFiles } from "../world/memory_files.ts";
import { CHEAP_COST } from "../world/cores.ts";

export const DIRECTORY_URL = "https://directory.example";
export const START_MS = 1_790_000_000_000;
export const LEASE_MS = 3_600_000;
export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

export const NO_LIMITS: DirectoryLimits = {
  addressPerMinute: 0,
  identityPerMinute: 0,
  hostInFlight: 0,
  hostPerMinute: 0,
  idsPerHost: 0,
  newIdsPerAddress: 0,
  ids: 0,
  concurrent: 0,
  idsPerRelay: 0,
  relayPerMinute: 0,
};

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

export interface TestOptions {
  readonly limits?: Partial<DirectoryLimits>;
  readonly config?: Partial<DirectoryConfig>;
  readonly files?: MemoryFiles;
  readonly database?: string;
  readonly clock?: FakeClock;
  readonly wrapStore?: (store: DirectoryStore) => DirectoryStore;
}

/** A directory over fakes, and how tests speak to it. */
export class TestDirectory implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly network = new FakeNetwork();
  readonly addresses = new Map<string, string[]>();
  readonly logged: string[] = [];
  readonly directory: Directory;
  #store: DirectoryStore;
  #isStopped = false;

  private constructor(core: LocalCryptoCore, options: TestOptions) {
    this.clock = options.clock ?? new FakeClock(START_MS);
    // The memory of proofs begins a second before anything a test signs.
    this.clock.step(-1_000);
    const store = new SqliteStore(
      () => new DatabaseSync(options.database ?? ":memory:"),
      this.clock,
    );
    this.clock.step(1_000);
    this.#store = options.wrapStore?.(store) ?? store;
    const resolver: Resolver = {
      resolve: (host) => Promise.resolve(this.addresses.get(host) ?? ["93.184.216.34"]),
    };
    const log: Log = { log: (_level, event) => this.logged.push(event) };
    this.directory = createDirectory({
      clock: this.clock,
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      http: this.network,
      resolver,
      crypto: core,
      files: options.files ?? new MemoryFiles(),
      log,
      openMonitor: createOpenMonitor({ clock: this.clock, data: ".", families: () => [] }),
      store: this.#store,
    }, {
      url: DIRECTORY_URL,
      version: "test",
      leaseMs: LEASE_MS,
      rotation: { kind: "hourly" },
      allowPrivate: false,
      trustedProxies: TrustedProxies.NONE,
      relays: [],
      isRelay: false,
      keystoreCost: CHEAP_COST,
      ...options.config,
      limits: { ...NO_LIMITS, ...options.limits },
    });
  }

  static async start(options: TestOptions = {}): Promise<TestDirectory> {
    const test = new TestDirectory(await LocalCryptoCore.create(), options);
    await test.directory.start();
    return test;
  }

  get store(): DirectoryStore {
    return this.#store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isStopped) await this.stop();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.directory.stop();
  }

  node(seedByte: number, options: { noiseKey?: Uint8Array } = {}): FakeNode {
    return new FakeNode(seedByte, { clock: this.clock, network: this.network, ...options });
  }

  async ask(
    method: string,
    path: string,
    options: { body?: BodyInit; headers?: Record<string, string>; address?: string } = {},
  ): Promise<Answered> {
    const { body = null, headers = {}, address = "192.0.2.1" } = options;
    const request = new Request(DIRECTORY_URL + path, { method, body, headers });
    const response = await this.directory.handle(request, { address });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== "" ? JSON.parse(text) : text,
    };
  }

  get(path: string): Promise<Answered> {
    return this.ask("GET", path);
  }

  register(record: string, more: object = {}, address = "192.0.2.1"): Promise<Answered> {
    const body = JSON.stringify({ record, ...more });
    return this.ask("POST", "/api/v3/nodes/register", { body, address });
  }

  /** Lets a second pass and signs a new record, so that each has a `seq` of its own. */
  async registerNew(node: FakeNode, changes: Record<string, unknown> = {}): Promise<Answered> {
    this.clock.advance(1_000);
    return await this.register(node.record(changes));
  }

  proof(node: FakeNode, body: string, changes: Record<string, unknown> = {}): string {
    const payload = {
      iss: node.id,
      htm: "POST",
      htu: `${DIRECTORY_URL}/api/v3/tokens/request-connection`,
      iat: Math.floor(this.clock.nowMs() / 1000),
      jti: encodeBase64Url(randomBytes(16)),
      bh: createHash("sha256").update(body).digest("base64url"),
      ...changes,
    };
    return signText(node.identity, payload, { typ: "openred-proof+jwt" });
  }

  connect(
    node: FakeNode,
    content: unknown,
    options: { proof?: Record<string, unknown>; header?: string; address?: string } = {},
  ): Promise<Answered> {
    const body = typeof content === "string" ? content : JSON.stringify(content);
    const header = options.header ?? this.proof(node, body, options.proof);
    const headers = { "OpenRed-Proof": header };
    const { address = "192.0.2.1" } = options;
    return this.ask("POST", "/api/v3/tokens/request-connection", { body, headers, address });
  }
}
