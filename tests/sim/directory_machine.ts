/**
 * A directory on a virtual machine: the composition of `central.ts` over virtual ports.
 *
 * @module
 */
import { DEFAULT_LEASE_MS, DEFAULT_LIMITS } from "../../directory/config.ts";
import { createDirectory, type Directory } from "../../directory/service.ts";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import { createOpenMonitor } from "../../ports/system_monitor.ts";
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";
import { bootProcess, crashHost, destroyHost } from "./machine.ts";
import { logLine, type MachineParts } from "./machine.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import { DEFAULT_RELAY_LIMITS } from "../../relay/config.ts";
import { createRelay, type Relay } from "../../relay/relay.ts";
import { upgraderFor } from "./virtual_channel.ts";
import { createSimulatedCore } from "./simulated_core.ts";
import type { VirtualHost, VirtualProcess } from "./virtual_process.ts";
import { CHEAP_COST } from "../world/cores.ts";

const START_LIMIT_MS = 120_000;

export class DirectoryMachine {
  readonly host: VirtualHost;
  readonly #parts: MachineParts;
  readonly #isRelay: boolean;
  #relay: Relay | null = null;
  #directory: Directory | null = null;
  #process: VirtualProcess | null = null;
  #boots = 0;

  /** @param options `isRelay`: whether it is a relay too. */
  constructor(parts: MachineParts, host: VirtualHost, options = { isRelay: false }) {
    this.#parts = parts;
    this.host = host;
    this.#isRelay = options.isRelay;
  }

  get name(): string {
    return this.host.name;
  }

  get isRunning(): boolean {
    return this.#process?.isAlive === true && this.#directory !== null;
  }

  /** @throws {TypeError} Before its first start. */
  get id(): string {
    if (this.#directory === null) throw new TypeError(`${this.name} was never started`);
    return this.#directory.id;
  }

  async ensureStarted(): Promise<void> {
    if (!this.isRunning) await this.start();
  }

  async start(): Promise<void> {
    const { loop, trace } = this.#parts;
    crashHost(this.host);
    trace.add(this.name, "starts");
    const process = bootProcess(loop, this.host);
    this.#process = process;
    this.#directory = await loop.complete(this.#compose(process), START_LIMIT_MS);
  }

  async stop(): Promise<void> {
    if (!this.isRunning || this.#directory === null) return;
    this.#parts.trace.add(this.name, "stops");
    this.#relay?.stop();
    await this.#parts.loop.complete(this.#directory.stop(), START_LIMIT_MS);
    this.#process?.kill();
  }

  crash(): void {
    if (!this.isRunning) return;
    this.#parts.trace.add(this.name, "crashes");
    crashHost(this.host);
  }

  destroy(): Promise<void> {
    return destroyHost(this.#parts.loop, this.host);
  }

  async #compose(process: VirtualProcess): Promise<Directory> {
    const { loop, network, trace } = this.#parts;
    const random = this.#parts.random.fork(`${this.name}/${++this.#boots}`);
    const crypto = await createSimulatedCore({
      loop,
      process,
      random: random.fork("core"),
      trace,
    });
    const openDatabase = this.host.disk.openDatabaseFor(process);
    const directory = await createDirectory({
      clock: process.clock,
      random: random.fork("directory"),
      http: network.clientFor(process),
      resolver: network.resolver(),
      files: this.host.disk.filesFor(process),
      store: new SqliteStore(openDatabase, process.clock),
      crypto,
      openMonitor: createOpenMonitor({ clock: process.clock, data: ".", families: () => [] }),
      log: { log: (level, event, fields) => trace.add(this.name, logLine(level, event, fields)) },
    }, {
      url: this.host.origin,
      version: "simulated",
      leaseMs: DEFAULT_LEASE_MS,
      rotation: { kind: "hourly" },
      allowPrivate: false,
      trustedProxies: TrustedProxies.NONE,
      relays: this.#isRelay ? [this.host.origin] : [],
      isRelay: this.#isRelay,
      limits: DEFAULT_LIMITS,
      keystoreCost: CHEAP_COST,
    });
    await directory.start();
    const relay = this.#isRelay ? await this.#createRelay(process, { crypto, directory }) : null;
    this.#relay = relay;
    process.handler = async (request, source) =>
      await (relay?.handle(request, source) ?? directory.handle(request, source));
    return directory;
  }

  #createRelay(
    process: VirtualProcess,
    { crypto, directory }: { readonly crypto: CryptoCore; readonly directory: Directory },
  ): Promise<Relay> {
    const { network, trace } = this.#parts;
    return createRelay({
      clock: process.clock,
      random: this.#parts.random.fork(`${this.name}/${this.#boots}/relay`),
      crypto,
      upgrader: upgraderFor(network, process),
      log: { log: (level, event, fields) => trace.add(this.name, logLine(level, event, fields)) },
      own: directory.own,
      linkPage: null,
    }, {
      url: this.host.origin,
      allowed: null,
      trustedProxies: TrustedProxies.NONE,
      limits: DEFAULT_RELAY_LIMITS,
    });
  }
}
