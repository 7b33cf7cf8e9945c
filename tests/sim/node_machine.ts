/**
 * A node on a virtual machine: the composition of `node.ts` over virtual ports.
 *
 * @module
 */
import { machinePorts } from "../world/node_ports.ts";
import type { RotationPolicy } from "../../crypto/interface.ts";
import type { NodeConfig } from "../../peer/config.ts";
import type { Node } from "../../peer/node.ts";
import { AdminClient } from "../world/admin_client.ts";
import { bootProcess, crashHost, destroyHost, logLine, type MachineParts } from "./machine.ts";
import { createSimulatedCore } from "./simulated_core.ts";
import { openBytesFor } from "./virtual_bytes.ts";
import { upgraderFor } from "./virtual_channel.ts";
import type { VirtualHost, VirtualProcess } from "./virtual_process.ts";
import { ADMIN_TOKEN, composeNode, type NodeSettings } from "../world/compose_node.ts";

const START_LIMIT_MS = 120_000;
const ASK_LIMIT_MS = 60_000;

export interface NodeOptions {
  readonly directories: readonly string[];
  readonly pq: NodeConfig["pq"];
  readonly sessionLifeMs?: number;
  readonly rotation?: RotationPolicy;
  /** The relay behind which it is: nobody can call it itself. */
  readonly relay?: string;
  /** Whether it can be called itself as well, which its record says. */
  readonly isDirect?: boolean;
}

export class NodeMachine {
  readonly host: VirtualHost;
  readonly #parts: MachineParts;
  readonly #options: NodeOptions;
  #node: Node | null = null;
  #process: VirtualProcess | null = null;
  #admin: AdminClient | null = null;
  #nodeId: string | null = null;
  #boots = 0;

  constructor(parts: MachineParts, host: VirtualHost, options: NodeOptions) {
    this.#parts = parts;
    this.host = host;
    this.#options = options;
  }

  get name(): string {
    return this.host.name;
  }

  get isRunning(): boolean {
    return this.#process?.isAlive === true && this.#node !== null;
  }

  get nodeIdOrNull(): string | null {
    return this.#nodeId;
  }

  /** @throws {TypeError} Before its first start. */
  get nodeId(): string {
    if (this.#nodeId === null) throw new TypeError(`${this.name} was never started`);
    return this.#nodeId;
  }

  /** @throws {TypeError} While it is not running. */
  get admin(): AdminClient {
    if (!this.isRunning || this.#admin === null) throw new TypeError(`${this.name} is down`);
    return this.#admin;
  }

  /** Asks the admin API and runs the world until it answers. */
  ask<T>(question: (admin: AdminClient) => Promise<T>): Promise<T> {
    return this.#parts.loop.complete(question(this.admin), ASK_LIMIT_MS);
  }

  /** Asks the admin API with another token; resolves to the status. */
  async askWith(token: string): Promise<number> {
    const node = this.#node;
    if (node === null) throw new TypeError(`${this.name} is down`);
    const other = new AdminClient((request) => node.handleAdmin(request), token);
    const answering = other.request("GET", "/status");
    return (await this.#parts.loop.complete(answering, ASK_LIMIT_MS)).status;
  }

  async ensureStarted(): Promise<void> {
    if (!this.isRunning) await this.start();
  }

  async start(): Promise<void> {
    const { loop, trace } = this.#parts;
    this.#tidy();
    const process = bootProcess(loop, this.host);
    trace.add(this.name, "starts");
    this.#process = process;
    this.#node = null;
    const starting = this.#compose(process);
    const dead = new Promise<null>((resolve) => process.onDeath(() => resolve(null)));
    const node = await loop.complete(Promise.race([starting, dead]), START_LIMIT_MS);
    if (node === null || !process.isAlive) return;
    this.#node = node;
    this.#nodeId = node.id;
    this.#admin = new AdminClient((request) => node.handleAdmin(request), ADMIN_TOKEN);
  }

  /** Stops in good order. */
  async stop(): Promise<void> {
    const node = this.#node;
    if (!this.isRunning || node === null) return;
    this.#parts.trace.add(this.name, "stops");
    const dead = new Promise<void>((resolve) => this.#process?.onDeath(resolve));
    await this.#parts.loop.complete(Promise.race([node.stop(), dead]), START_LIMIT_MS);
    this.#process?.kill();
  }

  /** Dies from one moment to the next. */
  crash(): void {
    if (!this.isRunning) return;
    this.#parts.trace.add(this.name, "crashes");
    crashHost(this.host);
  }

  destroy(): Promise<void> {
    return destroyHost(this.#parts.loop, this.host);
  }

  #tidy(): void {
    crashHost(this.host);
    this.#node = null;
  }

  async #compose(process: VirtualProcess): Promise<Node> {
    const { loop, network, trace } = this.#parts;
    const random = this.#parts.random.fork(`${this.name}/${++this.#boots}`);
    const crypto = await createSimulatedCore({
      loop,
      process,
      random: random.fork("core"),
      trace,
      taps: network.taps,
    });
    const node = await composeNode({
      ports: {
        clock: process.clock,
        random: random.fork("node"),
        http: network.clientFor(process),
        resolver: network.resolver(),
        files: this.host.disk.filesFor(process),
        openDatabase: this.host.disk.openDatabaseFor(process),
        crypto,
        upgrader: upgraderFor(network, process),
        ...machinePorts(),
        disk: this.host.files.filesFor(process),
        openBytes: openBytesFor(network, process),
        log: { log: (level, event, fields) => trace.add(this.name, logLine(level, event, fields)) },
      },
      config: this.#config(),
    });
    const { relay, isDirect = false } = this.#options;
    if (relay === undefined || isDirect) {
      process.handler = (request, source) => node.handle(request, source);
    }
    await node.start();
    return node;
  }

  #config(): NodeSettings {
    const { directories, pq, sessionLifeMs, rotation, relay, isDirect } = this.#options;
    return {
      apiUrl: this.host.origin,
      directories,
      alias: this.name,
      pq,
      ...(relay === undefined ? {} : { relay: { url: relay, id: null } }),
      ...(isDirect ? { directUrls: [this.host.origin] } : {}),
      ...(sessionLifeMs === undefined ? {} : { sessionLifeMs }),
      ...(rotation === undefined ? {} : { rotation }),
    };
  }
}
