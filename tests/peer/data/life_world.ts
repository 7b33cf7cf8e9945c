/**
 * A node on loopback whose data directory outlives it: it can be stopped, worked on, moved and started again.
 *
 * @module
 */
import { LocalCryptoCore } from "../../../crypto/core.ts";
import type { NodeId } from "../../../crypto/encoding.ts";
import type { CryptoCore } from "../../../crypto/interface.ts";
import { type NodeConfig } from "../../../peer/config.ts";
import { NODE_DEFAULTS } from "../../../protocol/node_settings.ts";
import { createNode, type OpenNode } from "../../../peer/node.ts";
import { initNode } from "../../../peer/data/init.ts";
import { type DataPorts, succeedNode } from "../../../peer/data/succeed.ts";
import {
  createOpenDatabase,
  openFiles,
  systemChannelUpgrader,
  systemClock,
  systemHttpClient,
  systemRandom,
  systemResolver,
} from "../../../ports/system.ts";
import type { Clock } from "../../../ports/ports.ts";
import type { InboxView, StatusView } from "../../../protocol/admin_api.ts";
import { NodeListener } from "../../interop/node_listener.ts";

export const CHEAP = { memoryKiB: 64, passes: 1 };
const ADMIN_TOKEN = "life";
const LIMIT_MS = 30_000;

/** Waits for a condition in real time. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!await holds()) {
    if (performance.now() > endMs) throw new Error(`Not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export class LifeNode implements AsyncDisposable {
  readonly data: string;
  readonly logged: string[] = [];
  /** The succession in each message 1 since it was made, oldest first. */
  readonly shown: (string | null)[] = [];
  #listener = new NodeListener();
  #core: LocalCryptoCore | null = null;
  #node: OpenNode | null = null;

  constructor(data: string = Deno.makeTempDirSync()) {
    this.data = data;
  }

  get url(): string {
    return this.#listener.url;
  }

  get node(): OpenNode {
    if (this.#node === null) throw new TypeError("The node does not run");
    return this.#node;
  }

  get id(): NodeId {
    return this.node.id;
  }

  get inside(): OpenNode["inside"] {
    return this.node.inside;
  }

  /** Works on the data while the node does not run. */
  async onData<T>(work: (ports: DataPorts) => Promise<T>): Promise<T> {
    const crypto = await LocalCryptoCore.create();
    try {
      return await work({
        crypto,
        clock: systemClock,
        random: systemRandom,
        files: openFiles(this.data),
        openDatabase: createOpenDatabase(this.data),
      });
    } finally {
      await crypto.stop();
    }
  }

  /** Makes the node with a recovery phrase. @returns The phrase's bytes. */
  async init(): Promise<Uint8Array> {
    let shown = new Uint8Array();
    const show = ({ phrase }: { phrase: Uint8Array }) => {
      shown = phrase.slice();
      return Promise.resolve();
    };
    await this.onData((ports) => initNode(ports, { show, cost: CHEAP }));
    return shown;
  }

  /** @returns The bytes of the new phrase. */
  async succeed(
    phrase: Uint8Array,
    from: NodeId | null = null,
    passphrase?: Uint8Array,
  ): Promise<Uint8Array> {
    let shown = new Uint8Array();
    const show = ({ phrase }: { phrase: Uint8Array }) => {
      shown = phrase.slice();
      return Promise.resolve();
    };
    await this.onData((ports) =>
      succeedNode(ports, { phrase: phrase.slice(), from, passphrase, show, cost: CHEAP })
    );
    return shown;
  }

  async start(config: Partial<NodeConfig> = {}, clock: Clock = systemClock): Promise<this> {
    this.#core = await LocalCryptoCore.create();
    const node = await createNode({
      clock,
      log: {
        log: (_level, event, fields) => void this.logged.push(`${event} ${JSON.stringify(fields)}`),
      },
      random: systemRandom,
      http: systemHttpClient,
      resolver: systemResolver,
      crypto: this.#watched(this.#core),
      files: openFiles(this.data),
      openDatabase: createOpenDatabase(this.data),
      upgrader: systemChannelUpgrader,
    }, {
      ...NODE_DEFAULTS,
      version: "life",
      apiUrl: this.url,
      adminToken: ADMIN_TOKEN,
      allowPrivate: true,
      handshakesPerMinute: 10_000,
      keystoreCost: CHEAP,
      ...config,
    });
    this.#node = node;
    this.#listener.handler = (request, address) => node.handle(request, { address });
    await node.start();
    return this;
  }

  /** Notes what each message 1 says of a succession. */
  #watched(core: CryptoCore): CryptoCore {
    return new Proxy(core, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (key === "startHandshake") {
            this.shown.push((args[0] as { succession?: string }).succession ?? null);
          }
          return Reflect.apply(member, target, args);
        };
      },
    });
  }

  async stop(): Promise<void> {
    this.#listener.handler = () => new Response(null, { status: 503 });
    await this.#node?.stop();
    await this.#core?.stop();
    this.#node = null;
    this.#core = null;
  }

  /** Takes the address of a node that does not run. */
  async takeAddress(of: LifeNode): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
    this.#listener = of.#listener;
    of.#listener = new NodeListener();
  }

  /** Leaves its address for another one. */
  async move(): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
    this.#listener = new NodeListener();
  }

  /** The data as it is now, in another directory. */
  copyData(): string {
    const copy = Deno.makeTempDirSync();
    for (const { name } of Deno.readDirSync(this.data)) {
      Deno.copyFileSync(`${this.data}/${name}`, `${copy}/${name}`);
    }
    return copy;
  }

  async admin(method: string, path: string, body?: unknown): Promise<Response> {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const init = body === undefined ? { method, headers } : {
      method,
      headers,
      body: JSON.stringify(body),
    };
    const request = new Request(`http://admin.invalid/admin/v1${path}`, init);
    return await this.node.handleAdmin(request);
  }

  // deno-lint-ignore no-explicit-any
  async ask(method: string, path: string, body?: unknown): Promise<any> {
    const response = await this.admin(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  status(): Promise<StatusView> {
    return this.ask("GET", "/status");
  }

  async registered(): Promise<void> {
    await until(
      async () => (await this.status()).directories.every(({ state }) => state === "registered"),
      "registered",
    );
  }

  async inbox(): Promise<readonly (readonly [peer: string, text: string])[]> {
    const { messages }: InboxView = await this.ask("GET", "/inbox?limit=1000");
    return messages.map(({ peer, text }) => [peer, text] as const);
  }

  /** Waits until there is a confirmed session with a peer. */
  async confirmed(peer: NodeId): Promise<void> {
    await until(
      async () =>
        (await this.status()).sessions.some((session) =>
          session.peer === peer && session.state === "confirmed"
        ),
      "a confirmed session",
    );
  }

  /** The events of the audit log. */
  async audited(): Promise<string[]> {
    const { entries } = await this.ask("GET", "/audit?limit=1000");
    return entries.map(({ event }: { event: string }) => event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#node !== null) await this.stop();
    await this.#listener[Symbol.asyncDispose]();
    Deno.removeSync(this.data, { recursive: true });
  }
}
